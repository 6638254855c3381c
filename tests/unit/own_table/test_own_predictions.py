"""Predictions are checked against the cases, whoever made them."""

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.lessons import Lesson
from radprompt.own_table.predictions import predicted, read_predictions, write_predictions
from radprompt.own_table.rows import ABOUT, Rows
from radprompt.tables.predictions import COLUMNS

ABOUT_CASES = pd.DataFrame(
    {
        "case": [f"c{n}" for n in range(8)],
        "patient": [f"p{n // 2}" for n in range(8)],
        "site": ["A"] * 4 + ["B"] * 4,
        "split": ["val", "test", "test", "train"] * 2,
        "label": [0, 0, 1, 1] * 2,
    }
)
SITES = {"A": "A", "B_10_cases": "B"}


def own(site: str, setting: str) -> pd.DataFrame:
    rows = ABOUT_CASES[(ABOUT_CASES["site"] == site) & (ABOUT_CASES["split"] != "train")]
    lesson = Lesson(setting, site, None, 0)
    return predicted(Rows(rows[ABOUT], rows[[]]), lesson, "mine", 1, np.array([0.25, 0.5, 0.75]))


@pytest.fixture
def path(tmp_path):
    write_predictions(tmp_path / "a.csv", [own("A", "A"), own("B", "B_10_cases")])
    return tmp_path / "a.csv"


def test_they_come_back_with_patients_and_in_order(path):
    write_predictions(path.with_name("none.csv"), [])
    table = read_predictions([path, path.with_name("none.csv")], ABOUT_CASES, SITES)
    assert list(table) == COLUMNS
    assert table["lesion_id"].tolist() == ["c0", "c1", "c2", "c4", "c5", "c6"]
    assert table["patient_id"].tolist() == ["p0", "p0", "p1", "p2", "p2", "p3"]
    assert table["probability"].tolist() == [0.25, 0.5, 0.75] * 2


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (0, "setting", "C", "row 1: setting 'C' is none of A, B_10_cases"),
        (1, "lesion_id", "c9", "row 2: lesion_id 'c9' is no case of the table"),
        (1, "lesion_id", "c5", "row 2: lesion_id 'c5' is a case of another site"),
        (2, "label", "0", "row 3: label"),
        (0, "split", "test", "row 1: split 'test' is not the case's"),
        (0, "probability", "1.5", "row 1: probability"),
        (0, "probability", "nan", "row 1: probability"),
        (0, "probability", "high", "not a table of predictions"),
        (2, "lesion_id", "c1", "lesion_id 'c1' is"),
    ],
)
def test_what_is_not_the_cases_own_is_refused(path, row, column, value, message):
    table = pd.read_csv(path, dtype=str)
    table.loc[row, column] = value
    if message.endswith("'c1' is"):
        table.loc[row, ["split", "label"]] = ["test", "0"]
        message = "row 3: lesion_id 'c1' occurs twice"
    table.to_csv(path, index=False)
    with pytest.raises(InputError) as error:
        read_predictions([path], ABOUT_CASES, SITES)
    assert message in str(error.value)


def test_a_lacking_test_case_a_lacking_column_and_no_file_are_refused(path):
    table = pd.read_csv(path)
    table[table["lesion_id"] != "c2"].to_csv(path, index=False)
    with pytest.raises(InputError, match=r"'mine' \(seed 1, draw 0\) lacks 1 test cases, such as 'c2'"):
        read_predictions([path], ABOUT_CASES, SITES)
    table.drop(columns="seed").to_csv(path, index=False)
    with pytest.raises(InputError, match="seed missing"):
        read_predictions([path], ABOUT_CASES, SITES)
    with pytest.raises(InputError, match="there are no predictions"):
        read_predictions([], ABOUT_CASES, SITES)
