import contextlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.selection.mrmr import MRMRSelector, discretise


def greedy_mrmr(levels: np.ndarray, y: np.ndarray, count: int, scheme: str) -> list[int]:
    """The definition of Peng et al. 2005, equations 4 to 7, written from the paper."""

    def bits(a: np.ndarray, b: np.ndarray) -> float:
        return mutual_info_score(a, b) / np.log(2)

    relevance = np.array([bits(column, y) for column in levels.T])
    picked = [int(relevance.argmax())]
    while len(picked) < count:
        scores = {}
        for j in set(range(levels.shape[1])) - set(picked):
            redundancy = np.mean([bits(levels[:, j], levels[:, i]) for i in picked])
            scores[j] = relevance[j] / (redundancy + 1e-4) if scheme == "MIQ" else relevance[j] - redundancy
        picked.append(max(scores, key=lambda j: scores[j]))
    return picked


def table(seed: int, samples: int = 300, features: int = 15) -> tuple[np.ndarray, np.ndarray]:
    """Some columns that tell the class, noisy copies of them, and noise."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, samples)
    X = random.normal(size=(samples, features))
    third = features // 3
    X[:, :third] += y[:, None] * np.linspace(0.2, 1, third)
    X[:, third : 2 * third] = X[:, :third] + 0.3 * random.normal(size=(samples, third))
    return X, y


@pytest.mark.parametrize("scheme", ["MIQ", "MID"])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_definition(scheme: str, seed: int) -> None:
    X, y = table(seed)
    selector = MRMRSelector(6, scheme, bins=5).fit(X, y)
    assert selector.ranking_.tolist() == greedy_mrmr(discretise(X, 5), y, 6, scheme)


def test_a_copy_is_passed_over_for_something_new() -> None:
    """Three columns: the best, the best again, and a weak one that adds something."""
    X, y = table(0)
    three = np.column_stack([X[:, 4], X[:, 4], X[:, 1]])
    assert MRMRSelector(2, "MID").fit(three, y).ranking_.tolist()[1] == 2


def test_values_are_cut_into_levels_before_they_reach_pymrmr() -> None:
    """pymrmr cuts floats to integers: z-scores would lose what is between -1 and 1."""
    X, y = table(1)
    small, large = (MRMRSelector(5).fit(X * scale, y).ranking_.tolist() for scale in (1e-6, 1e6))
    assert small == large == MRMRSelector(5).fit(X, y).ranking_.tolist()


def test_levels_are_equally_frequent_and_keep_ties_together() -> None:
    levels = discretise(np.random.default_rng(0).normal(size=(1000, 1)), 5)
    assert np.bincount(levels[:, 0]).tolist() == [200] * 5
    tied = discretise(np.array([[0.0]] * 60 + [[1.0]] * 20 + [[2.0]] * 20), 5)[:, 0]
    assert len(set(tied[:60])) == len(set(tied[60:80])) == 1
    assert discretise(np.full((10, 1), 3.0), 5).tolist() == [[0]] * 10


def test_order_is_kept_and_transform_keeps_the_columns_order() -> None:
    X, y = table(2)
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    selector = MRMRSelector(4).fit(frame, y)
    ranked = selector.get_feature_names_ranked().tolist()
    assert ranked == [f"f{i}" for i in selector.ranking_]
    assert selector.get_feature_names_out().tolist() == sorted(ranked, key=lambda name: int(name[1:]))
    assert selector.transform(frame).shape == (300, 4)
    assert MRMRSelector(2).fit(X, y).get_feature_names_ranked()[0].startswith("x")


def test_the_same_every_time() -> None:
    X, y = table(3)
    assert MRMRSelector(15).fit(X, y).ranking_.tolist() == MRMRSelector(15).fit(X.copy(), y.copy()).ranking_.tolist()


def test_constant_columns_come_last() -> None:
    X, y = table(0)
    X[:, [2, 9]] = 1.5
    assert set(MRMRSelector(15).fit(X, y).ranking_[-2:].tolist()) == {2, 9}


def test_c_prints_nothing_and_python_still_does(capfd: pytest.CaptureFixture[str]) -> None:
    X, y = table(0)
    print("before", end=" ")
    MRMRSelector(3).fit(X, y)
    print("after")
    assert capfd.readouterr().out == "before after\n"


def test_no_file_descriptor_is_left_open() -> None:
    X, y = table(0)
    MRMRSelector(3).fit(X, y)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(3):
        with contextlib.suppress(ValueError):
            MRMRSelector(3, scheme="nonsense").fit(X, y)
        MRMRSelector(3).fit(X, y)
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before


def test_more_than_there_are_warns_and_picks_all() -> None:
    X, y = table(0)
    with pytest.warns(UserWarning, match="n_features=20, but X has 15"):
        selector = MRMRSelector(20).fit(X, y)
    assert sorted(selector.ranking_.tolist()) == list(range(15))


def test_one_class_is_refused() -> None:
    X, _ = table(0)
    with pytest.raises(ValueError, match="one class"):
        MRMRSelector(3).fit(X, np.ones(len(X)))


@parametrize_with_checks([MRMRSelector(n_features=1)])
def test_keeps_scikit_learns_contract(estimator: MRMRSelector, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_defaults_are_those_of_params_yaml():
    features = load_params(Path(__file__).parents[3] / "params.yaml").features
    made = MRMRSelector()
    assert (made.n_features, made.scheme, made.bins) == (features.count, features.mrmr.scheme, features.mrmr.bins)


def test_wrong_options_are_named_at_once():
    with pytest.raises(InputError) as refused:
        MRMRSelector(n_features=0, scheme="MIX", bins=1.5).fit(np.eye(4), [0, 1, 0, 1])
    assert refused.value.what.splitlines() == [
        "n_features: a whole number from 1 on is expected; found 0",
        "  scheme: 'MIQ' or 'MID' is expected; found 'MIX'",
        "  bins: a whole number from 2 on is expected; found 1.5",
    ]
