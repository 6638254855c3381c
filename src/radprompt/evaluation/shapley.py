"""How each feature contributes to a logit: Shapley values against a sample of training rows.

A feature is absent when its value is that of a training row. A row's logit minus the mean logit of the training rows is
shared out among its features; Shapley values are the only shares that add up to it, give equal features equal shares
and features without effect none (Shapley 1953; Strumbelj and Kononenko, JMLR 2010; Lundberg and Lee, NeurIPS 2017).

Every sentence that the model is asked about then holds values that real lesions have. A single background row of zeros
does not do: no training sentence reads ``measured at 0`` throughout, and a model's answer to it says nothing.
"""

from collections.abc import Callable, Sequence
from math import comb
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from radprompt.core.errors import InputError

Floats = NDArray[np.float64]
Values = NDArray[Any]
Orders = int | Literal["all"]


class Reader(Protocol):
    """A model that reads sentences."""

    seed: int

    def sentences(self, X: pd.DataFrame) -> list[str]:
        """Return the sentence that the model reads for each row."""
        ...

    def decision_function(self, X: list[str]) -> Floats:
        """Return a logit for each sentence."""
        ...


MOST = 100_000
"""Sentences a row up to which exact shares are computed."""


class Explanation(NamedTuple):
    """Shares of features in logits.

    ``shares`` has a row for each explained row and a column for each feature; ``base`` is the background's mean logit,
    shape (rows,). A row's logit is its ``base`` plus its shares.
    """

    shares: pd.DataFrame
    base: Floats


def choose_background(train: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Draw training rows, as many of each class; fewer where a class has fewer.

    Parameters
    ----------
    train
        One row a lesion, with ``lesion_id`` and ``label``.
    count
        Number of rows.
    seed
        Random seed.
    """
    generator = np.random.default_rng([seed, 1])
    drawn: list[str] = []
    for label, wanted in ((1, count // 2), (0, count - count // 2)):
        ids = sorted(train.loc[train["label"] == label, "lesion_id"])
        drawn += list(generator.permutation(ids)[:wanted])
    return train[train["lesion_id"].isin(drawn)]


def explain(
    X: pd.DataFrame,
    background: pd.DataFrame,
    sentences: Callable[[pd.DataFrame], list[str]],
    logits: Callable[[list[str]], Floats],
    orders: Orders,
    seed: int,
    *,
    progress: bool,
) -> Explanation:
    """Share each row's logit out among its features.

    Parameters
    ----------
    X
        Rows to explain: what their sentences say, a column a feature.
    background
        Training rows with the same columns.
    sentences
        Function that makes a sentence of each row of such a frame.
    logits
        Function that returns the logits of sentences; never asked for a sentence twice.
    orders
        Orders in which a row's values take the place of each background row's; two background rows in turn have
        opposite ones. ``all``: exact, ``2**features`` sentences for each background row.
    seed
        Random seed of the orders.
    progress
        Whether to show a progress bar on a terminal.

    Raises
    ------
    InputError
        No background row, or exact shares that would take more than :data:`MOST` sentences a row.
    """
    check_size(X.shape[1], len(background), orders)
    known: dict[str, float] = {}
    others = background[list(X.columns)].to_numpy()
    shares, base = [], []
    for row in tqdm(range(len(X)), desc="explaining", unit="lesion", disable=None if progress else True):
        index = X.index[row]

        def of_values(values: Values, index: object = index) -> Floats:
            # All rows carry the explained one's index: a random order of features depends on it.
            asked = sentences(pd.DataFrame(values, [index] * len(values), X.columns))
            unseen = sorted(set(asked) - known.keys(), key=asked.index)
            if unseen:
                known.update(zip(unseen, map(float, logits(unseen)), strict=True))
            return np.array([known[sentence] for sentence in asked])

        found, mean = shapley_values(of_values, X.iloc[row].to_numpy(), others, orders, [seed, row])
        shares.append(found)
        base.append(mean)
    return Explanation(pd.DataFrame(shares, X.index, X.columns), np.array(base))


def explain_classifier(
    classifier: "Reader", X: pd.DataFrame, background: pd.DataFrame, orders: Orders = 1, *, progress: bool = True
) -> Explanation:
    """Share the logits of a fitted :class:`radprompt.LanguageModelClassifier` out among the features that it reads.

    Parameters
    ----------
    classifier
        The fitted model.
    X
        Rows to explain, as for ``predict_proba``.
    background
        Some 20 to 50 training rows with the same columns, of both classes: what an absent feature's value is.
    orders
        See :func:`explain`.
    progress
        Whether to show a progress bar on a terminal.

    Examples
    --------
    >>> explained = explain_classifier(model, X_test, X_train.sample(20, random_state=0))  # doctest: +SKIP
    >>> explained.shares.sum(axis=1) + explained.base  # the logits  # doctest: +SKIP
    """
    sentences, logits = classifier.sentences, classifier.decision_function
    return explain(X, background, sentences, logits, orders, classifier.seed, progress=progress)


def shapley_values(
    logits: Callable[[Values], Floats], row: Values, background: Values, orders: Orders, seed: int | Sequence[int]
) -> tuple[Floats, float]:
    """Share a row's logit out, and return the shares, shape (features,), and the background's mean logit.

    Parameters
    ----------
    logits
        From rows, shape (rows, features), to their logits, shape (rows,); called once.
    row
        Values of the row, shape (features,).
    background
        Values of the background rows, shape (background rows, features).
    orders, seed
        See :func:`explain`.
    """
    features = len(row)
    if orders == "all":
        coalitions = (np.arange(2**features)[:, None] >> np.arange(features)) & 1 == 1
        hybrids = np.where(coalitions, row, background[:, None, :]).reshape(-1, features)
        worth = logits(hybrids).reshape(len(background), -1).mean(axis=0)
        return _exact(worth, coalitions), float(worth[0])
    generator = np.random.default_rng(seed)
    taken: list[NDArray[np.int_]] = []
    for number in range(len(background) * orders):
        taken.append(taken[-1][::-1] if number % 2 else generator.permutation(features))
    # Step k of a path: the first k features of its order have the row's values.
    place = np.argsort(np.stack(taken), axis=1)
    present = place[:, None, :] < np.arange(features + 1)[None, :, None]
    hybrids = np.where(present, row, np.repeat(background, orders, axis=0)[:, None, :])
    worth = logits(hybrids.reshape(-1, features)).reshape(len(taken), features + 1)
    gains = np.take_along_axis(np.diff(worth, axis=1), place, axis=1)
    return gains.mean(axis=0), float(worth[:, 0].mean())


def check_size(features: int, background: int, orders: Orders) -> None:
    """Refuse exact shares of too many features; see :func:`explain`."""
    if background == 0:
        raise InputError("no training row to explain against", where="explain.background", fix="at least 1 row")
    if orders == "all" and background * 2**features > MOST:
        raise InputError(
            f"exact shares of {features} features against {background} rows take {background * 2**features:,} "
            f"sentences a lesion, more than {MOST:,}",
            where="explain.orders",
            fix="a number of orders, such as 1, instead of all",
        )


def check_base(base: Floats, training: Floats, where: str) -> None:
    """Refuse shares that count from a logit that training rows do not have.

    Parameters
    ----------
    base
        Mean logits of the background, shape (rows,).
    training
        Logits of training rows, shape (training rows,).
    where
        What was explained, for the message.

    Raises
    ------
    InputError
        A base lies outside the range of the training logits.
    """
    low, high = float(np.min(training)), float(np.max(training))
    wrong = base[(base < low) | (base > high)]
    if len(wrong):
        raise InputError(
            f"the shares count from a logit of {wrong[0]:.2f}; training rows have {low:.2f} to {high:.2f}",
            where=where,
            fix="raise explain.background: the sample does not stand for the training rows",
        )


def _exact(worth: Floats, coalitions: NDArray[np.bool_]) -> Floats:
    features = coalitions.shape[1]
    numbers, sizes = np.arange(len(coalitions)), coalitions.sum(axis=1)
    weights = np.array([1 / (features * comb(features - 1, size)) for size in range(features)])
    shares = np.zeros(features)
    for feature in range(features):
        without = ~coalitions[:, feature]
        shares[feature] = weights[sizes[without]] @ (worth[numbers[without] | (1 << feature)] - worth[without])
    return shares
