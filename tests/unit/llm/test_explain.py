"""Shapley shares: they add up, agree with the definition, and find the feature that decides."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.explain import shapley_values

WEIGHTS = np.array([2.0, -1.0, 0.5, 0.0])


def with_interaction(coalitions: np.ndarray) -> np.ndarray:
    return coalitions @ WEIGHTS + 3.0 * coalitions[:, 0] * coalitions[:, 1] + 0.7


def test_exact_shares_are_the_mean_gain_over_every_order() -> None:
    gains = np.zeros(4)
    for order in permutations(range(4)):
        present = np.zeros(4, dtype=bool)
        for feature in order:
            before = with_interaction(present[None])[0]
            present[feature] = True
            gains[feature] += with_interaction(present[None])[0] - before
    np.testing.assert_allclose(shapley_values(with_interaction, 4, "all", 0), gains / 24, atol=1e-12)
    # By hand: the interaction is shared by halves; the idle feature has nothing.
    np.testing.assert_allclose(gains / 24, [3.5, 0.5, 0.5, 0.0], atol=1e-12)


@pytest.mark.parametrize("pairs", [1, 3])
def test_estimated_shares_add_up_and_are_exact_for_pairs_of_opposite_orders_of_two_features(pairs: int) -> None:
    shares = shapley_values(with_interaction, 4, pairs, seed=1)
    assert shares.sum() == pytest.approx(with_interaction(np.ones((1, 4)))[0] - 0.7)
    # An interaction of two features is halved by any order and its reverse.
    np.testing.assert_allclose(shares, [3.5, 0.5, 0.5, 0.0], atol=1e-12)


def test_the_model_is_asked_for_no_coalition_twice() -> None:
    asked: list[np.ndarray] = []
    shapley_values(lambda coalitions: asked.append(coalitions) or with_interaction(coalitions), 4, 3, seed=1)
    assert len(asked) == 1
    assert len(np.unique(asked[0], axis=0)) == len(asked[0]) <= 2 + 6 * 3


@pytest.mark.parametrize("permutations", ["all", 2])
def test_shares_of_a_classifier_add_up_to_its_logits(
    backbone: Path, table: tuple[pd.DataFrame, np.ndarray], permutations: int | str
) -> None:
    X, y = table
    model = LanguageModelClassifier(
        backbone,
        layers=2,
        rank=4,
        epochs=2,
        batch_size=8,
        learning_rate=5e-2,
        precision="fp32",
        device="cpu",
        seed=7,
    ).fit(X, y)
    explained = model.explain(X[:3], permutations=permutations, progress=False)
    assert explained.shares.shape == (3, 3)
    assert list(explained.shares.columns) == list(X.columns)
    base = model.decision_function(pd.DataFrame(0.0, X.index[:3], X.columns))
    np.testing.assert_allclose(explained.base, base, atol=1e-5)
    np.testing.assert_allclose(
        explained.base + explained.shares.sum(axis=1), model.decision_function(X[:3]), rtol=1e-4, atol=1e-4
    )
    moved = model.explain(X[:3], dict.fromkeys(X.columns, 2.0), permutations=permutations, progress=False)
    assert np.abs(moved.base - explained.base).max() > 1e-4
