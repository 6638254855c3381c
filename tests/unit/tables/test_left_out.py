"""A language model that was left out is told from one that is missing, and from a user's broken file."""

import json
from pathlib import Path

import pandas as pd
import pytest
from prediction_rows import SETTINGS, rows

from radprompt.core.errors import InputError
from radprompt.gates.predictions import read_files
from radprompt.tables.left_out import MARK, has_head_alone, is_left_out, mark_left_out, write_head
from radprompt.tables.predictions import COLUMNS, read_predictions, write_left_out, write_predictions


def test_a_folder_with_the_mark_is_left_out_and_an_absent_one_is_not(tmp_path: Path) -> None:
    mark_left_out(tmp_path / "vindr")
    assert is_left_out(tmp_path / "vindr")
    assert json.loads((tmp_path / "vindr" / MARK).read_text()) == {"left_out": "llm.tuning: none"}
    assert not is_left_out(tmp_path / "absent")
    assert not is_left_out(tmp_path)


@pytest.mark.parametrize(
    ("text", "alone"), [("a,b\n", True), ("a,b\n1,2\n", False), ("b,a\n", False), ("a,b", False), ("", False)]
)
def test_a_head_alone_is_exactly_that(text: str, alone: bool, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert has_head_alone(tmp_path / "table.csv", ["a", "b"]) is alone
    write_head(tmp_path / "table.csv", ["a", "b"])
    assert has_head_alone(tmp_path / "table.csv", ["a", "b"])
    assert not has_head_alone(tmp_path / "absent.csv", ["a", "b"])


def test_predictions_that_were_left_out_are_passed_over(tmp_path: Path) -> None:
    for name in ("llm", "embedded"):
        write_left_out(tmp_path / f"{name}.csv")
    write_predictions(tmp_path / "baselines.csv", rows("svm"))
    files = list(tmp_path.glob("*.csv"))
    assert set(read_predictions(files, SETTINGS)["model"]) == {"svm"}
    assert set(read_files(files)["file"]) == {"baselines.csv"}


def test_a_users_empty_file_is_an_error_all_the_same(tmp_path: Path) -> None:
    write_left_out(tmp_path / "mine.csv")
    write_predictions(tmp_path / "baselines.csv", rows("svm"))
    with pytest.raises(InputError, match="the table has no rows") as caught:
        read_predictions(tmp_path.glob("*.csv"), SETTINGS)
    assert caught.value.where.endswith("mine.csv")


def test_where_all_was_left_out_there_are_no_predictions(tmp_path: Path) -> None:
    write_left_out(tmp_path / "llm.csv")
    for read in (lambda files: read_predictions(files, SETTINGS), read_files):
        with pytest.raises(InputError, match="there are no predictions"):
            read([tmp_path / "llm.csv"])
    assert list(pd.read_csv(tmp_path / "llm.csv")) == COLUMNS
