"""Who is trained on what: repeats that share training rows share the training."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.baselines.trainings import jobs, trainings
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.selection.record import Selection

SPLITS = ["train", "train", "val", "test"]


def selection(*features: str) -> Selection:
    return Selection(features, features, "mrmr", "MIQ", 5, ())


def table(*repeats: str) -> pd.DataFrame:
    """Four lesions a repeat, named by one letter each."""
    ids = [lesion for repeat in repeats for lesion in repeat]
    numbers = np.repeat(range(len(repeats)), 4)
    return pd.DataFrame({"repeat": numbers, "lesion_id": ids, "split": SPLITS * len(repeats)})


def ids(rows: pd.DataFrame) -> str:
    return "".join(rows["lesion_id"])


def test_the_same_training_rows_are_trained_on_once() -> None:
    """As in inbreast_unadapted: VinDr's rows in every repeat, another half to test on."""
    (only,) = trainings(table("abcx", "abcy"), dict.fromkeys(range(2), selection("f")), "t.csv")
    assert (ids(only.train), ids(only.val), ids(only.new)) == ("ab", "c", "cxcy")
    assert only.new["repeat"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("other", ["adcb", "abdx"], ids=["training row", "validation row"])
def test_another_row_is_another_training(other: str) -> None:
    found = trainings(table("abcx", other), dict.fromkeys(range(2), selection("f")), "t.csv")
    assert [ids(each.train) for each in found] == ["ab", other[:2]]
    assert [ids(each.new) for each in found] == ["cx", other[2:]]


def test_other_features_are_another_training() -> None:
    found = trainings(table("abcx", "abcy"), {0: selection("f"), 1: selection("g")}, "t.csv")
    assert [each.selection.features for each in found] == [("f",), ("g",)]


def test_only_the_repeats_asked_for() -> None:
    found = trainings(table("abcx", "dbcy"), {0: selection("f")}, "t.csv")
    assert [ids(each.new) for each in found] == ["cx"]
    with pytest.raises(InputError, match=r"t\.csv: no rows of repeat 2"):
        trainings(table("abcx", "dbcy"), dict.fromkeys(range(3), selection("f")), "t.csv")


@pytest.mark.parametrize("shares", [1, 2, 8])
def test_shares_hold_each_training_once_and_transtab_comes_first(shares: int) -> None:
    todo = trainings(table("abcx", "dbcy", "efgz"), dict.fromkeys(range(3), selection("f")), "t.csv")
    params = load_params(Path(__file__).parents[3] / "params.yaml")
    params = replace(params, baselines=replace(params.baselines, models=["svm", "transtab"]))
    found = jobs(todo, params, todo[0], shares)
    assert [job.model for job in found] == ["transtab"] * min(shares, 3) + ["svm"] * min(shares, 3)
    for model in ("svm", "transtab"):
        trained = [ids(each.train) for job in found if job.model == model for each in job.trainings]
        assert sorted(trained) == ["ab", "db", "ef"]
    assert [job.origin is todo[0] for job in found] == [job.model == "transtab" for job in found]
