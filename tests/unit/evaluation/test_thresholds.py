from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, recall_score

from radprompt.core.errors import InputError
from radprompt.core.params import Evaluation, check_params, load_params
from radprompt.evaluation.thresholds import (
    choose_thresholds,
    main_threshold,
    sensitivity_threshold,
    youden_threshold,
)

PARAMS = Path(__file__).parents[3] / "params.yaml"
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 0, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.5, 0.7, 0.5, 0.8, 0.9, 0.3, 0.4, 0.6])
RUN = ("vindr", 0, "llm", 1)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return load_params(PARAMS).evaluation


def noisy(seed: int, lesions: int = 60) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, lesions)
    return labels, np.round(np.clip(generator.normal(0.4 + 0.2 * labels, 0.25, lesions), 0, 1), 2)


def predictions(
    splits: dict[str, tuple[np.ndarray, np.ndarray]], model: str = "llm", seed: int = 1, repeat: int = 0
) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"label": labels, "probability": probabilities}).assign(split=split)
        for split, (labels, probabilities) in splits.items()
    ]
    return pd.concat(parts, ignore_index=True).assign(setting="vindr", repeat=repeat, model=model, seed=seed)


def test_youden_by_hand() -> None:
    # From 0.4 on: all 5 malignant, and 0.5 and 0.7 of the 5 benign: 1 + 3/5. From 0.8 on: 2/5 + 1. From 0.6: 3/5 + 4/5.
    assert youden_threshold(LABELS, PROBABILITIES) == 0.4


@pytest.mark.parametrize("seed", range(5))
def test_youden_has_the_largest_balanced_accuracy(seed: int) -> None:
    labels, probabilities = noisy(seed)
    each = {cut: balanced_accuracy_score(labels, probabilities >= cut) for cut in np.unique(probabilities)}
    best = max(each.values())
    assert youden_threshold(labels, probabilities) == min(cut for cut, at in each.items() if at > best - 1e-9)


def test_of_equal_cuts_youden_takes_the_one_that_misses_fewest() -> None:
    # 1/2 + 1 at 0.8 and 1 + 1/2 at 0.2.
    assert youden_threshold(np.array([1, 0, 1, 0]), np.array([0.8, 0.6, 0.2, 0.1])) == 0.2
    assert youden_threshold(np.array([1, 0, 1]), np.full(3, 0.4)) == 0.4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("target", [0.5, 0.9, 0.999])
def test_the_highest_cut_that_reaches_a_sensitivity(seed: int, target: float) -> None:
    labels, probabilities = noisy(seed)
    cut = sensitivity_threshold(labels, probabilities, target)
    assert recall_score(labels, probabilities >= cut) >= target
    higher = probabilities[probabilities > cut].min()
    assert recall_score(labels, probabilities >= higher) < target


def test_a_sensitivity_that_is_met_exactly_is_met() -> None:
    labels, probabilities = np.ones(10, dtype=int), np.arange(10) / 10
    labels[0] = 0  # 9 malignant masses
    assert sensitivity_threshold(labels, probabilities, 1 / 3) == 0.7


def test_test_rows_are_not_looked_at(evaluation: Evaluation) -> None:
    val, test = noisy(0), noisy(1)
    chosen = choose_thresholds(predictions({"val": val, "test": test}), evaluation)
    assert chosen == choose_thresholds(predictions({"val": val, "test": (1 - test[0], test[1])}), evaluation)
    assert chosen == {
        RUN: {"youden": youden_threshold(*val), "fixed_sensitivity": sensitivity_threshold(*val, 0.9)},
    }


def test_runs_that_cannot_choose_are_left_out(evaluation: Evaluation) -> None:
    val, test = noisy(0), noisy(1)
    one_class = (np.zeros(60, dtype=int), val[1])
    table = pd.concat(
        [
            predictions({"val": val, "test": test}),
            predictions({"val": noisy(3), "test": test}, seed=2),
            predictions({"test": test}, model="theirs"),
            predictions({"val": one_class, "test": test}, model="svm"),
        ]
    )
    assert set(choose_thresholds(table, evaluation)) == {RUN, ("vindr", 0, "llm", 2)}


def test_each_repeat_chooses_for_itself(evaluation: Evaluation) -> None:
    table = pd.concat([predictions({"val": noisy(repeat)}, repeat=repeat) for repeat in (0, 1)])
    chosen = choose_thresholds(table, evaluation)
    assert [chosen["vindr", repeat, "llm", 1]["youden"] for repeat in (0, 1)] == [
        youden_threshold(*noisy(repeat)) for repeat in (0, 1)
    ]


def test_the_main_threshold_is_a_number_or_a_rule(evaluation: Evaluation) -> None:
    cuts = {RUN: {"youden": 0.3, "fixed_sensitivity": 0.2}}
    assert main_threshold(RUN, cuts, evaluation) == 0.5
    assert main_threshold(RUN, {}, evaluation) == 0.5
    assert main_threshold(RUN, cuts, replace(evaluation, threshold="youden")) == 0.3
    assert main_threshold(RUN, cuts, replace(evaluation, threshold="fixed_sensitivity")) == 0.2
    assert main_threshold(RUN, {}, replace(evaluation, threshold="youden")) is None


def test_an_unknown_rule_is_refused_by_name() -> None:
    from ruamel.yaml import YAML

    content = YAML(typ="safe").load(PARAMS)
    content["evaluation"]["threshold"] = "yuden"
    with pytest.raises(InputError, match=r"evaluation\.threshold: .*'youden' or 'fixed_sensitivity'; found 'yuden'"):
        check_params(content)
