import pytest

from radprompt.core.errors import InputError
from radprompt.mammograms.datasets import birads
from radprompt.mammograms.datasets.lesion_set import count
from radprompt.mammograms.datasets.table import Provenance, read_table, records
from radprompt.tables.lesions import Exclusion

PROVENANCE = Provenance("Some data", "somewhere")


def test_columns_are_found_in_either_spelling_and_cells_are_trimmed(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbfbreast density,Mass ,Path\r\n3 ,N/A,"a/b.dcm\n"\r\n,,\r\n')
    table = read_table(path, ["breast_density", "mass", "path"], PROVENANCE)
    assert list(records(table)) == [
        (1, {"breast_density": "3", "mass": "N/A", "path": "a/b.dcm"}),
        (2, {"breast_density": "", "mass": "", "path": ""}),
    ]


def test_short_rows_are_filled_with_nothing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1\n", encoding="utf-8")
    assert list(records(read_table(path, ["a", "b"], PROVENANCE))) == [(1, {"a": "1", "b": ""})]


def test_blank_lines_do_not_count_and_trailing_separators_hold_nothing(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\n a;B b;\n1;2;\n\n3;4;;\n")
    table = read_table(tmp_path / "t.csv", ["a", "b_b"], PROVENANCE, separator=";")
    assert list(records(table)) == [(1, {"a": "1", "b_b": "2"}), (2, {"a": "3", "b_b": "4"})]


@pytest.mark.parametrize(
    ("rows", "row"),
    [
        (b"1,x\n2,\xe9\n", 2),
        (b'"1\n",x\n"2\n",x\n\xe9,x\n', 3),
        (b"\n\n1,\xe9", 1),
        (b'1,"' + b"x" * 140_000 + b"\xe9", 0),
    ],
)
def test_a_byte_that_is_no_text_is_found_by_its_row(tmp_path, rows, row):
    (tmp_path / "t.csv").write_bytes(b"a,b\n" + rows)
    where = rf"t\.csv, row {row}: " if row else r"t\.csv: "
    with pytest.raises(InputError, match=where + r"not a readable table: no UTF-8 text \(byte 0xe9\)"):
        read_table(tmp_path / "t.csv", ["a"], PROVENANCE)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00a", b'a,b\n"never closed'])
def test_what_is_no_table_names_the_file(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.csv(, row 1)?: not a readable table"):
        read_table(tmp_path / "t.csv", ["a"], PROVENANCE)


@pytest.mark.parametrize(
    ("text", "category", "label"),
    [
        ("BI-RADS 3", "3", 0),
        ("BI-RADS 4", "4", 1),
        ("4A", "4a", 1),
        (" 4c ", "4c", 1),
        ("6", "6", 1),
        ("BI-RADS 2", "2", None),
        ("1", "1", None),
        ("0", "0", None),
        ("", "", None),
        ("7", "", None),
        ("BI-RADS", "", None),
        ("34", "", None),
    ],
)
def test_birads(text, category, label):
    assert birads.category(text) == category
    assert birads.label(category) == label


def test_flow_counts_kinds_not_details():
    reasons = ["no mass: a", "no mass: b", "image missing: x.dcm", "image missing: y.dcm", "annotation missing: z"]
    flow = count([], [Exclusion("t", i, str(i), reason) for i, reason in enumerate(reasons)])
    assert list(flow.items()) == [
        ("rows", 5),
        ("excluded: annotation missing", 1),
        ("excluded: no mass", 2),
        ("mass", 2),
        ("excluded: image missing", 2),
        ("lesions", 0),
    ]
