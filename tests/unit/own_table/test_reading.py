"""CSV files as people save them."""

import csv
import io
import sys

import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.cells import blank
from radprompt.own_table.reading import matching, read_sheet


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


TABLE = [["case", "Contrast (GLCM, 2D, averaged)", "Shape"], ["c1", "1.5", "oval"], ["c2", "-2.25", "round, smooth"]]


def written(separator=",", rows=TABLE):
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def r_written(separator):
    header, *body = TABLE
    quoted = [['"' + cell + '"' for cell in header]]
    quoted += [
        [f'"{n}"', *(cell if cell[-1].isdigit() else f'"{cell}"' for cell in row)] for n, row in enumerate(body, 1)
    ]
    return "\n".join(separator.join(row) for row in quoted) + "\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((f"sep={separator}\n" + written(separator), "utf-8") for separator in ",;\t|"),
        ("sep=;\r\n" + written(";").replace("\n", "\r\n"), "utf-8-sig"),
        ('"sep=;"\n' + written(";"), "utf-8"),
        ("SEP=;\n" + written(";"), "utf-16"),
        ("sep=;\n" + written(","), "utf-8"),  # the line may be wrong
        (written(), "utf-16-le"),
        (written(), "utf-16-be"),
        ("# made by hand, in 2024\n# twice\n" + written(), "utf-8"),
        ("% made by hand\n" + written(), "utf-8"),
        ("// made by hand\n" + written(), "utf-8"),
        ("#" + written(), "utf-8"),
        (written().replace("\nc2", "\n# the second\nc2"), "utf-8"),
        (written() + "# the end\n", "utf-8"),
        ("Masses of 2024\n\n" + written(), "utf-8"),
        ("Masses of 2024;;\n;;\n" + written(";"), "utf-8"),
        *((r_written(separator), "utf-8") for separator in (" ", ",", ";", "\t")),
        (written(rows=[["", *TABLE[0]], ["0", *TABLE[1]], ["1", *TABLE[2]]]), "utf-8"),
        (written(";").replace("\n", ";\n"), "utf-8"),
        ("\n\n" + written("\t").replace("\n", "\r"), "utf-8"),
        (written(";").replace(";", " ; "), "utf-8"),
    ],
)
def test_what_stands_around_a_table_is_left_out(write, text, encoding):
    sheet = read_sheet(write(text, encoding))
    assert [list(sheet.cells), *sheet.cells.to_numpy().tolist()] == TABLE


def test_what_was_left_out_is_said(write):
    notes = read_sheet(write("# binWidth 25\n" + written() + "# the end\n")).notes
    assert "1 line(s) above the header were left out, such as '# binWidth 25'." in notes
    assert "1 comment line(s) were left out, such as '# the end'." in notes


def test_row_names_that_say_something_are_a_column(write):
    sheet = read_sheet(write("area,tone\nm1,1,2\nm7,3,4\n"))
    assert list(sheet.cells) == ["row name", "area", "tone"]
    assert sheet.cells["row name"].tolist() == ["m1", "m7"]
    assert read_sheet(write(",area\nm1,1\nm7,3\n")).cells["row name"].tolist() == ["m1", "m7"]


def test_a_row_of_units_is_left_out_and_the_rows_keep_their_numbers(write):
    sheet = read_sheet(write("case,area,tone\n,mm²,HU\na,1,2\nb,3,4\n"))
    assert list(sheet.cells.index) == [2, 3]
    assert "Row 1 holds no numbers, as if units ('mm²' in 'area')" in sheet.notes[0]


@pytest.mark.parametrize("inner", ["\n", "\r\n", "\n\n", "\t", "\x0b", "\x0c", "\u2028", "\u0085", "\u00a0", "\u200b "])
def test_cells_and_names_are_on_one_line(write, inner):
    sheet = read_sheet(write(f'case,"The{inner}margin"\n1,"irregular,{inner}spiculated"\n2,oval\n'))
    assert list(sheet.cells)[1] == "The margin"
    assert sheet.cells["The margin"].tolist() == ["irregular, spiculated", "oval"]


def test_a_code_stands_for_its_other_spellings_and_may_be_meant_for_one_column(write):
    cells = read_sheet(write("a,b\n-9999.0,-1\n-9999,na\n1,-1.0\n")).cells
    assert blank(cells, ["-9999", "NA", "b=-1"]).to_numpy().tolist() == [[None, None], [None, None], ["1", None]]


def test_patterns_select_names_and_a_name_with_brackets_is_one():
    names = ["diagnostics_Hash", "diagnostics_Size", "Volume [mm]", "x"]
    assert matching(["diagnostics_*", "Volume [mm]", "y*"], names) == [*names[:3], "y*"]


def test_slicers_table_is_turned_round(write):
    text = "Image type,Feature Class,Feature Name,s1,s2\noriginal,glcm,Contrast,1.5,2.5\noriginal,shape,Flatness,3,4\n"
    sheet = read_sheet(write(text))
    assert list(sheet.cells) == ["case", "original_glcm_Contrast", "original_shape_Flatness"]
    assert sheet.cells.to_numpy().tolist() == [["s1", "1.5", "3"], ["s2", "2.5", "4"]]


def test_a_workbooks_first_sheet_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Masses"], ["case", "area"], ["a", 1.5], ["b", 2.0], [None, None]):
        book.active.append(row)
    book.create_sheet("remarks")
    book.save(tmp_path / "table.xlsx")
    sheet = read_sheet(tmp_path / "table.xlsx")
    assert sheet.cells.to_numpy().tolist() == [["a", "1.5"], ["b", "2"]]
    assert sheet.notes == ["Sheet 'Sheet' was read; not 'remarks'."]


def test_without_the_package_a_workbook_says_which_is_needed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "table.xlsx").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(InputError, match="pip install openpyxl"):
        read_sheet(tmp_path / "table.xlsx")


@pytest.mark.parametrize("rule", ["", "---;---;---\n"])
@pytest.mark.parametrize("below", ["(2 rows)\n", "\n2 rows selected.\n", "Printed by:;J. Doe\nPage 1\n"])
def test_lines_of_a_database_around_the_rows_are_left_out_and_said(write, rule, below):
    sheet = read(write(f"a;b;c\n{rule}1;2;3\n4;5;6\n{below}"))
    assert sheet.cells.to_numpy().tolist() == [["1", "2", "3"], ["4", "5", "6"]]
    assert "below the table were left out" in sheet.notes[-1]


def test_a_row_that_was_cut_off_is_refused_in_words(write):
    with pytest.raises(InputError, match=r"complete the row, or remove it if it is none: it begins with 'C7 0\.3'"):
        read(write("case;b;c\nC6;2;3\nC7;0.3\n"))


def test_lines_that_are_quoted_as_a_whole_are_opened(write):
    sheet = read(write('"case,b,c"\n"x,1,""2, 3"""\n"y,4,5"\n'))
    assert sheet.cells.to_numpy().tolist() == [["x", "1", "2, 3"], ["y", "4", "5"]]
    assert "quotes" in sheet.notes[-1]
    assert list(read(write('"a","b"\n"x","1"\n')).cells) == ["a", "b"]


def test_a_header_that_comes_again_is_left_out(write):
    assert len(read(write("case,b,c\nx,1,2\ncase,b,c\ny,3,4\n")).cells) == 2


@pytest.mark.parametrize(
    "text",
    [
        ",,shape,,firstorder\n,label,Sphericity,Volume,Mean\nC1,m,0.5,2,3\nC2,b,0.7,3,4\n",  # merged cells
        "shape,,firstorder,firstorder,firstorder\nrow name,label,Sphericity,Volume,Mean\nC1,m,0.5,2,3\nC2,b,0.7,3,4\n",
        ",about,shape,shape,firstorder\n,label,Sphericity,Volume,Mean\nrow name,,,,\nC1,m,0.5,2,3\nC2,b,0.7,3,4\n",
    ],
)
def test_of_two_lines_of_names_the_second_is_used(write, text):
    sheet = read(write(text))
    assert list(sheet.cells) == ["row name", "label", "Sphericity", "Volume", "Mean"]
    assert sheet.cells.to_numpy().tolist() == [["C1", "m", "0.5", "2", "3"], ["C2", "b", "0.7", "3", "4"]]
    assert any("two lines of names" in note for note in sheet.notes)


def test_a_row_whose_id_looks_like_a_comment_is_a_row(write):
    sheet = read(write("case,a,b,c\n#1,0.5,,\n%2,3,4,5\n//3,7,,\n# made in 2024,,,\n#note,,,\n"))
    assert sheet.cells["case"].tolist() == ["#1", "%2", "//3"]
    assert "2 comment line(s) were left out" in sheet.notes[-1]


def test_names_that_occur_twice_below_classes_of_features_have_these_before_them(write):
    sheet = read(write("case,glcm,glrlm,glcm\ncase,Contrast,Entropy,Entropy\nC1,1,2,3\nC2,2,3,4\n"))
    assert list(sheet.cells) == ["case", "Contrast", "glrlm_Entropy", "glcm_Entropy"]


@pytest.mark.parametrize("rows", ["C1,0,5,1,7\nC2,0,6,1,9\n", "C1,0,5,1,7\nC2,0,6,1,9\nC3,1,2,9\n"])
def test_decimal_commas_between_commas_are_refused_with_the_widths(write, rows):
    with pytest.raises(InputError, match="the header has 3 cells, most rows have 5") as refused:
        read(write(f"case,area,mean\n{rows}"))
    assert "semicolons" in refused.value.fix


@pytest.mark.parametrize(
    ("text", "said"), [("<html><table><tr><td>a</td></tr></table></html>", "HTML"), ('[{"a":1},\n{"a":2}]', "JSON")]
)
def test_other_files_that_are_called_csv_are_named(write, text, said):
    with pytest.raises(InputError, match=said):
        read(write(text))
