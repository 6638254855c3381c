"""CSV files as people save them."""

import pytest

from radprompt.errors import InputError
from radprompt.own_table.reading import blank, matching, read_sheet


def read(path):
    sheet = read_sheet(path)
    return sheet._replace(cells=blank(sheet.cells, ["", "NA"]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(write, encoding, separator):
    text = "Größe,Étendue\n1.5,é\n,NA\n".replace(",", separator)
    sheet = read(write(text, encoding))
    assert list(sheet.cells) == ["Größe", "Étendue"]
    assert sheet.cells.to_numpy().tolist() == [["1.5", "é"], [None, None]]
    assert list(sheet.cells.index) == [1, 2]
    guessed = encoding in ("cp1252", "latin-1")
    assert bool(sheet.notes) == guessed
    if guessed:
        assert "read as Windows-1252 (Latin-1)" in sheet.notes[0]


def test_cells_are_trimmed_quotes_may_hold_anything_and_blank_lines_do_not_count(write):
    sheet = read(write('a,b\r\n\r\n 1 ,"x, ""y""\nz"\r\n,\r\nNA,2\r\n'))
    assert sheet.cells.to_numpy().tolist() == [["1", 'x, "y" z'], [None, "2"]]


def test_empty_columns_at_the_end_of_every_row_are_dropped(write):
    assert list(read(write("a;b;;\n1;2;;\n3;4;;\n")).cells) == ["a", "b"]


def test_names_are_composed_and_lose_what_cannot_be_seen(write):
    assert list(read(write("\u200bgro\u0308\u00dfe  in\tmm,腫瘍\n1,2\n".replace("\t", " "))).cells) == [
        "größe in mm",
        "腫瘍",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "no row below the header"),
        ("", "one column only"),
        ("only\n1\n", "one column only: 'only'"),
        ("a,b\n1,2\n1,2,3\n", "row 2: 3 cells, but the header has 2"),
        ("a,b\n1\n", "row 1: 1 cells, but the header has 2"),
        ('a,b\n1,"2\n', "not CSV: unexpected end of data"),
        ("a,,b\n1,0,2\n", "column 2 has no name"),
        ("a,b,a\n1,2,3\n", "columns 1, 3 are all called 'a'"),
        ("gr\u00f6\u00dfe,gro\u0308\u00dfe\n1,2\n", "columns 1, 2 are all called 'größe'"),
    ],
)
def test_what_is_no_table_is_refused(write, text, message):
    with pytest.raises(InputError) as error:
        read(write(text))
    assert message in str(error.value)
    assert "table.csv" in str(error.value)
    assert "Fix: " in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an .xls workbook"),
        (b"a,b\n1,\x00\n", "null characters"),
        (b"a,b\n1,\x81\n", "neither UTF-8, UTF-16 nor Windows-1252"),
        (b"\xff\xfea", "neither UTF-8, UTF-16 nor Windows-1252"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "table.csv")


def test_an_absent_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read(path)
