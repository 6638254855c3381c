"""The cohort on disk: it comes back as written, and what contradicts itself is refused by row."""

from pathlib import Path

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.tables.cohort import COLUMNS, of_setting, of_start, read_cohort, write_cohort

ROWS = [
    (0, "u", "pu", "su", "u.dcm", "inbreast", "train", 0),
    (0, "v", "pv", "sv", "v.dcm", "inbreast", "val", 1),
    (0, "w", "pw", "sw", "w.dcm", "inbreast", "test", 1),
    (1, "w", "pw", "sw", "w.dcm", "inbreast", "train", 1),
    (1, "v", "pv", "sv", "v.dcm", "inbreast", "test", 1),
    (1, "u", "pu", "su", "u.dcm", "inbreast", "test", 0),
    (0, "007", "NA", "", "a.dcm", "vindr_mammo", "start", 0),
    (0, "w", "pw", "sb", "b.dcm", "vindr_mammo", "start_val", 1),
]


@pytest.fixture
def table() -> pd.DataFrame:
    """Two repeats, and the lesions of the model that is continued: names there are not those of the other data set."""
    return pd.DataFrame(ROWS, columns=COLUMNS)


def test_it_comes_back_as_written(table: pd.DataFrame, tmp_path: Path) -> None:
    write_cohort(tmp_path / "a.csv", table.assign(x=1.5))
    pd.testing.assert_frame_equal(read_cohort(tmp_path / "a.csv"), table)


@pytest.mark.parametrize("patient", ["nan", "None", "NULL", "-"])
def test_a_patient_may_be_called_anything_but_nothing(patient: str, table: pd.DataFrame, tmp_path: Path) -> None:
    write_cohort(tmp_path / "a.csv", table.assign(patient_id=[patient, *table["patient_id"][1:]]))
    assert read_cohort(tmp_path / "a.csv")["patient_id"][0] == patient
    write_cohort(tmp_path / "a.csv", table.assign(patient_id=["", *table["patient_id"][1:]]))
    with pytest.raises(InputError, match=r"row 1: patient_id '' is empty"):
        read_cohort(tmp_path / "a.csv")


def test_rows_of_the_setting_and_of_the_model_it_continues(table: pd.DataFrame) -> None:
    assert of_setting(table).index.tolist() == [0, 1, 2, 3, 4, 5]
    start = of_start(table)
    assert start.index.tolist() == [6, 7]
    assert start["split"].tolist() == ["train", "val"]
    assert table["split"].tolist()[6:] == ["start", "start_val"]


REFUSED = {
    "repeat that is no number": (3, {"repeat": "one"}, 4, "repeat 'one' is not a number"),
    "unknown split": (1, {"split": "valid"}, 2, "split 'valid' is not one of train, val, test, start, start_val"),
    "unknown label": (2, {"label": 2}, 3, "label '2' is not 0 (benign) or 1 (malignant)"),
    "label that is text": (2, {"label": "benign"}, 3, "label 'benign' is not 0 (benign) or 1 (malignant)"),
    "lesion twice": (5, {"lesion_id": "v", "patient_id": "pv"}, 6, "lesion_id 'v' occurs twice in its repeat"),
    "tested and trained on": (3, {"patient_id": "pv"}, 5, "patient_id 'pv' is tested and has a lesion in another"),
    "tested and validated on": (2, {"patient_id": "pv"}, 3, "patient_id 'pv' is tested and has a lesion in another"),
    "tested and started on": (6, {"dataset": "inbreast", "patient_id": "pw"}, 3, "patient_id 'pw' is tested"),
    "tested later and started on": (6, {"dataset": "inbreast", "patient_id": "pu"}, 7, "patient_id 'pu' is tested"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_its_row(name: str, table: pd.DataFrame, tmp_path: Path) -> None:
    row, changes, place, words = REFUSED[name]
    path = tmp_path / "a.csv"
    changed = table.astype({"label": object, "repeat": object})
    changed.loc[row, list(changes)] = list(changes.values())
    write_cohort(path, changed)
    with pytest.raises(InputError) as caught:
        read_cohort(path)
    assert caught.value.where == f"{path}, row {place}"
    assert words in caught.value.what
    assert "dvc repro" in caught.value.fix


def test_an_absent_file_and_a_missing_column_are_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(InputError, match="no such cohort"):
        read_cohort(path)
    table.drop(columns=["patient_id", "label"]).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"column\(s\) patient_id, label missing"):
        read_cohort(path)
