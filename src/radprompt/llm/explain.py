"""How much of a logit is whose: Shapley values of the features that a prompt names.

A feature is absent when its value is replaced by the training mean, which is 0 for z-scores: the sentence stays, its
number says nothing special. Shapley values are the only shares that add up to the logit's distance from that
background, give equal features equal shares and idle ones none (Shapley 1953; Lundberg and Lee, NeurIPS 2017).
Integrated gradients over token embeddings were not taken: half way between two numbers' tokens there is no number.
"""

from collections.abc import Callable, Mapping
from math import comb
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

Floats = NDArray[np.float64]


class Explanation(NamedTuple):
    """``shares``: a frame of the explained rows and features; ``base``: the background's logit, shape (rows,).

    ``base`` plus a row's shares is its logit.
    """

    shares: pd.DataFrame
    base: Floats


def explain_rows(
    logits: Callable[[pd.DataFrame], Floats],
    X: pd.DataFrame,
    background: Mapping[str, float] | None,
    permutations: int | Literal["all"],
    seed: int,
    *,
    progress: bool,
) -> Explanation:
    """Share each row's logit out among its features.

    Parameters
    ----------
    logits
        From a frame with the columns of ``X`` to a logit a row.
    background, permutations
        See :meth:`radprompt.llm.classifier.LanguageModelClassifier.explain`.
    seed
        Of the orders; each row draws its own.
    """
    absent = np.array([0.0 if background is None else background[name] for name in X.columns])
    shares, base = [], []
    for row in tqdm(range(len(X)), desc="explaining", unit="lesion", disable=not progress):
        values, index = X.iloc[row].to_numpy(float), X.index[row]

        def of_coalitions(coalitions: NDArray[np.bool_], values: Floats = values, index: object = index) -> Floats:
            # All coalitions carry the row's index: a random order of features hangs on it.
            return logits(pd.DataFrame(np.where(coalitions, values, absent), [index] * len(coalitions), X.columns))

        shares.append(shapley_values(of_coalitions, X.shape[1], permutations, seed + row))
        base.append(of_coalitions(np.zeros((1, X.shape[1]), dtype=bool))[0])
    return Explanation(pd.DataFrame(shares, X.index, X.columns), np.array(base))


def shapley_values(
    logits: Callable[[NDArray[np.bool_]], Floats], features: int, permutations: int | Literal["all"], seed: int
) -> Floats:
    """Share a logit out, shape (features,); the shares add up to ``logits`` of all features minus that of none.

    Parameters
    ----------
    logits
        From coalitions, shape (coalitions, features), to their logits, shape (coalitions,); called once.
    features
        How many there are.
    permutations
        ``all``: exact, from all ``2**features`` coalitions. A number: that many random orders, each with its reverse
        (Mitchell et al., JMLR 2022); they too add up.
    seed
        Of the orders.
    """
    if permutations == "all":
        return _exact(logits, features)
    generator = np.random.default_rng(seed)
    orders = [generator.permutation(features) for _ in range(permutations)]
    orders += [order[::-1] for order in orders]
    paths = np.zeros((len(orders), features + 1, features), dtype=bool)
    for path, order in zip(paths, orders, strict=True):
        for step, feature in enumerate(order):
            path[step + 1 :, feature] = True
    coalitions, place = np.unique(paths.reshape(-1, features), axis=0, return_inverse=True)
    values = logits(coalitions)[place.reshape(-1)].reshape(len(orders), features + 1)
    shares = np.zeros(features)
    for order, gained in zip(orders, np.diff(values, axis=1), strict=True):
        shares[order] += gained / len(orders)
    return shares


def _exact(logits: Callable[[NDArray[np.bool_]], Floats], features: int) -> Floats:
    numbers = np.arange(2**features)
    coalitions = (numbers[:, None] >> np.arange(features)) & 1 == 1
    values, sizes = logits(coalitions), coalitions.sum(axis=1)
    weights = np.array([1 / (features * comb(features - 1, size)) for size in range(features)])
    shares = np.zeros(features)
    for feature in range(features):
        without = ~coalitions[:, feature]
        gained = values[numbers[without] | (1 << feature)] - values[without]
        shares[feature] = weights[sizes[without]] @ gained
    return shares
