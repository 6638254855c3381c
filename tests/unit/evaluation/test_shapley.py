"""Shapley shares: they add up, agree with the definition, and find the feature that decides and its direction."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.evaluation.shapley import (
    check_base,
    choose_background,
    explain,
    explain_classifier,
    shapley_values,
)

WEIGHTS = np.array([2.0, -1.0, 0.5, 0.0])
ROW = np.array([1.0, 2.0, -1.0, 3.0])
BACKGROUND = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.5, 2.0], [-2.0, 1.0, 1.0, 1.0]])


def with_interaction(rows: np.ndarray) -> np.ndarray:
    return rows @ WEIGHTS + 3.0 * rows[:, 0] * rows[:, 1] + 0.7


def test_exact_shares_are_the_mean_gain_over_every_order_and_background_row() -> None:
    gains = np.zeros(4)
    for start in BACKGROUND:
        for order in permutations(range(4)):
            current = start.copy()
            for feature in order:
                before = with_interaction(current[None])[0]
                current[feature] = ROW[feature]
                gains[feature] += with_interaction(current[None])[0] - before
    shares, base = shapley_values(with_interaction, ROW, BACKGROUND, "all", 0)
    np.testing.assert_allclose(shares, gains / (24 * 3), atol=1e-12)
    assert base == pytest.approx(with_interaction(BACKGROUND).mean())
    assert shares[3] == pytest.approx(0, abs=1e-12)  # without effect


@pytest.mark.parametrize("orders", [1, 2, 5])
def test_estimated_shares_add_up_whatever_the_orders(orders: int) -> None:
    shares, base = shapley_values(with_interaction, ROW, BACKGROUND, orders, seed=1)
    assert base + shares.sum() == pytest.approx(with_interaction(ROW[None])[0])
    assert base == pytest.approx(with_interaction(BACKGROUND).mean())


def test_estimated_shares_are_exact_for_two_opposite_orders_of_an_interaction_of_two() -> None:
    exact, _ = shapley_values(with_interaction, ROW, BACKGROUND[:1], "all", 0)
    estimated, _ = shapley_values(with_interaction, ROW, BACKGROUND[:1], 2, seed=4)
    np.testing.assert_allclose(estimated, exact, atol=1e-12)


def _frame(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(values, [f"l{i}" for i in range(len(values))], ["a", "b", "c", "d"])


def _sentences(frame: pd.DataFrame) -> list[str]:
    return [" ".join(f"{value:.3f}" for value in row) for row in frame.to_numpy(float)]


def test_no_sentence_is_asked_about_twice() -> None:
    asked: list[str] = []

    def logits(sentences: list[str]) -> np.ndarray:
        asked.extend(sentences)
        return with_interaction(np.array([[float(word) for word in s.split()] for s in sentences]))

    explained = explain(
        _frame(np.array([ROW, ROW + 1])), _frame(BACKGROUND), _sentences, logits, 2, seed=0, progress=False
    )
    assert len(asked) == len(set(asked)) <= 3 + 2 * (1 + 3 * 2 * 3)
    totals = explained.base + explained.shares.sum(axis=1).to_numpy()
    np.testing.assert_allclose(totals, with_interaction(np.array([ROW, ROW + 1])))


def test_a_label_that_falls_with_one_feature_is_explained_in_that_direction() -> None:
    """A known direction: the logit falls with ``a``, curves with ``b`` and does not know ``c`` and ``d``."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(40, 4)), rng.normal(size=(30, 4))

    def logits(sentences: list[str]) -> np.ndarray:
        rows = np.array([[float(word) for word in s.split()] for s in sentences])
        return -1.5 * rows[:, 0] + 0.3 * rows[:, 1] ** 2

    explained = explain(_frame(test), _frame(train[:20]), _sentences, logits, 1, seed=0, progress=False)
    assert np.corrcoef(test[:, 0], explained.shares["a"])[0, 1] < -0.999
    assert explained.shares[["c", "d"]].abs().to_numpy().max() < 1e-9
    check_base(explained.base, logits(_sentences(_frame(train[20:]))), "test")


def test_a_base_beyond_all_training_logits_is_refused() -> None:
    with pytest.raises(InputError, match=r"count from a logit of 3\.05; training rows have -1\.72 to 1\.87"):
        check_base(np.array([0.1, 3.05]), np.array([-1.72, 0.3, 1.87]), "setting vindr")


def test_exact_shares_of_thirty_features_are_refused_before_anything_is_computed() -> None:
    wide = pd.DataFrame(np.zeros((2, 30)))
    with pytest.raises(InputError, match="2,147,483,648 sentences a lesion"):
        explain(wide, wide, lambda frame: pytest.fail("computed"), lambda s: np.zeros(0), "all", 0, progress=False)


def test_background_has_as_many_of_each_class_and_another_seed_draws_others() -> None:
    train = pd.DataFrame({"lesion_id": [f"l{i:02d}" for i in range(40)], "label": [1] * 10 + [0] * 30})
    drawn = choose_background(train, 12, seed=1)
    assert drawn["label"].value_counts().to_dict() == {0: 6, 1: 6}
    assert set(drawn["lesion_id"]) != set(choose_background(train, 12, seed=2)["lesion_id"])
    assert choose_background(train, 60, seed=1)["label"].sum() == 10


class _Linear:
    """A model of sentences with known logits."""

    seed = 3

    def sentences(self, X: pd.DataFrame) -> list[str]:
        return _sentences(X)

    def decision_function(self, X: list[str]) -> np.ndarray:
        return with_interaction(np.array([[float(word) for word in s.split()] for s in X]))


def test_a_classifier_is_explained_in_one_line() -> None:
    explained = explain_classifier(_Linear(), _frame(ROW[None]), _frame(BACKGROUND), "all", progress=False)
    shares, base = shapley_values(with_interaction, ROW, BACKGROUND, "all", 0)
    np.testing.assert_allclose(explained.shares.iloc[0], shares)
    assert explained.base[0] == pytest.approx(base)
