"""The lesion table's contract."""

from dataclasses import replace

import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.tables.lesions import COLUMNS, Exclusion, Lesion, from_table, read_lesions, to_table, write_exclusions

LESION = Lesion(
    "b", "007", "s", "vindr_mammo", "data/i.dicom", "CC", "L", "4", 1, "train", 1, 2, 30, 40, "", 0.07, "PixelSpacing"
)


def test_table_survives_the_file_with_ids_and_unknown_spacing(tmp_path):
    lesions = [LESION, replace(LESION, lesion_id="a", spacing_mm=float("nan"), spacing_source="unknown")]
    write_csv(tmp_path / "t.csv", to_table(lesions))
    table = read_lesions(tmp_path / "t.csv")
    assert list(table["lesion_id"]) == ["a", "b"]
    assert table["spacing_mm"].isna().tolist() == [True, False]
    assert list(from_table(table))[1] == LESION
    assert table["patient_id"].tolist() == ["007", "007"]


def test_repeated_id_is_refused_in_memory_and_on_disk(tmp_path):
    with pytest.raises(ValueError, match="not unique"):
        to_table([LESION, LESION])
    table = to_table([LESION, replace(LESION, lesion_id="c")])
    table["lesion_id"] = "x"
    write_csv(tmp_path / "t.csv", table)
    with pytest.raises(InputError, match=r"t.csv, row 2: lesion_id 'x' occurs twice"):
        read_lesions(tmp_path / "t.csv")


def test_missing_column_and_missing_file_are_named(tmp_path):
    write_csv(tmp_path / "t.csv", to_table([LESION]).drop(columns=["label", "split"]))
    with pytest.raises(InputError, match=r"t.csv: column\(s\) label, split missing"):
        read_lesions(tmp_path / "t.csv")
    with pytest.raises(InputError, match="no such lesion table"):
        read_lesions(tmp_path / "none.csv")


def test_exclusions_are_sorted_by_source_and_row(tmp_path):
    rows = [Exclusion("b.csv", 2, "x", "no image"), Exclusion("a.csv", 10, "y", "no box")]
    write_exclusions(tmp_path / "e.csv", rows)
    assert (tmp_path / "e.csv").read_text().splitlines() == [
        "source,row,record,reason",
        "a.csv,10,y,no box",
        "b.csv,2,x,no image",
    ]


def test_columns_are_those_of_the_design():
    assert COLUMNS[:4] == ["lesion_id", "patient_id", "study_id", "dataset"]
    assert len(COLUMNS) == 18
