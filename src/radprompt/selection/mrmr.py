"""Minimum redundancy, maximum relevance: which features a prompt names, and in which order.

pymrmr carries the original program (Peng, Long and Ding, IEEE PAMI 27(8):1226-1238, 2005). Two of its habits need care:
it cuts floats to integers, so z-scores would shrink to -1, 0 and 1, and it prints dozens of lines from C.
"""

import ctypes
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.preprocessing import KBinsDiscretizer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from radprompt.core.errors import InputError

CANDIDATES = 300
"""Columns that mRMR chooses from; its program slows down with the square of their number."""


class MRMRSelector(SelectorMixin, BaseEstimator):
    """Pick features one by one: each tells most about the class and least of what the picked ones tell.

    Parameters
    ----------
    n_features : int, default=8
        How many to pick (paper: 8). More than there are: all are picked, with a warning. Of more than 300 columns, the
        300 that alone tell most about the class are candidates.
    scheme : {"MIQ", "MID"}, default="MIQ"
        ``MIQ``: relevance divided by redundancy (plus 0.0001); ``MID``: relevance minus redundancy. Relevance is the
        mutual information with the class in bits, redundancy its mean over the features already picked.
    bins : int, default=5
        Equal-frequency levels that each feature is cut into first. Ties stay in one level, so there can be fewer.

    Attributes
    ----------
    ranking_ : ndarray of int, shape (n_features,)
        Column indices in the order in which they were picked, the best first. ``transform`` keeps the columns' own
        order, as every scikit-learn selector does.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    A feature that ties with another for the next place is taken in the order of Peng's program, the same in each run.
    Standard output of the whole process is muted during the fit, so other threads' lines are lost meanwhile.

    Examples
    --------
    >>> X = pd.DataFrame({"Sphericity": [0.9, 0.8, 0.4, 0.3], "Entropy": [2.0, 3.0, 2.5, 2.5]})
    >>> MRMRSelector(n_features=1, bins=2).fit(X, [0, 0, 1, 1]).get_feature_names_ranked().tolist()
    ['Sphericity']
    """

    def __init__(self, n_features: int = 8, scheme: Literal["MIQ", "MID"] = "MIQ", bins: int = 5) -> None:
        self.n_features = n_features
        self.scheme = scheme
        self.bins = bins

    def fit(self, X: ArrayLike, y: ArrayLike) -> "MRMRSelector":
        """Rank the features of ``X``, shape (n_samples, n_features_in), by class labels ``y``; NaN is missing.

        Raises
        ------
        ValueError
            For labels that are no classes, or of one class only; infinite values; fewer than two samples.
        InputError
            For a wrong option.
        """
        self._check_options()
        values, labels = validate_data(
            self, X, y, dtype=np.float64, ensure_min_samples=2, ensure_all_finite="allow-nan"
        )
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"mRMR needs two classes to tell apart, found one class: {classes[0]!r}")
        count = min(self.n_features, values.shape[1])
        if count < self.n_features:
            warnings.warn(f"n_features={self.n_features}, but X has {count} features: all are picked", stacklevel=2)
        levels = to_levels(values, self.bins)
        kept = strongest(levels, codes, CANDIDATES)
        self.ranking_ = kept[rank_levels(levels[:, kept], codes, self.scheme, min(count, len(kept)))]
        return self

    def get_feature_names_ranked(self) -> NDArray[np.object_]:
        """Return the picked features' names, the best first; ``x0``, ``x1``, ... where ``X`` had no names."""
        check_is_fitted(self, "ranking_")
        default = [f"x{i}" for i in range(self.n_features_in_)]
        return np.asarray(getattr(self, "feature_names_in_", default), dtype=object)[self.ranking_]

    def _check_options(self) -> None:
        whole = "a whole number from {} on is expected; found {!r}"
        faults = []
        if not isinstance(self.n_features, Integral) or self.n_features < 1:
            faults.append(f"n_features: {whole.format(1, self.n_features)}")
        if self.scheme not in ("MIQ", "MID"):
            faults.append(f"scheme: 'MIQ' or 'MID' is expected; found {self.scheme!r}")
        if not isinstance(self.bins, Integral) or self.bins < 2:
            faults.append(f"bins: {whole.format(2, self.bins)}")
        if faults:
            raise InputError("\n  ".join(faults), where="options of MRMRSelector", fix="correct them")

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self, "ranking_")
        mask = np.zeros(self.n_features_in_, dtype=bool)
        mask[self.ranking_] = True
        return mask

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.allow_nan = True
        return tags


def rank_levels(
    levels: NDArray[np.int64], classes: NDArray, scheme: Literal["MIQ", "MID"], count: int
) -> NDArray[np.int64]:
    """Return the ``count`` columns that mRMR picks, the best first, where they hold levels already: 0, 1, ..."""
    import pymrmr

    table = pd.DataFrame(np.column_stack([classes, levels]), dtype=np.int64)
    table.columns = ["class", *map(str, range(levels.shape[1]))]
    with _muted_stdout():
        picked = pymrmr.mRMR(table, scheme, count)
    return np.array([int(name) for name in picked])


def discretise(X: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Cut each column into ``bins`` levels of equal frequency: 0, 1, ...; a constant column is 0 throughout."""
    cutter = KBinsDiscretizer(
        bins, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf", subsample=None
    )
    with warnings.catch_warnings():
        # Ties merge levels and constants have one: both are what we want.
        warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
        return cutter.fit_transform(X).astype(np.int64)


def to_levels(values: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Return each column as levels 0, 1, ...; a missing value is a level of its own.

    A column of at most ``bins`` different values keeps them as levels: equal-frequency bins would merge what is rare,
    such as the ones of a column of 0 and 1.
    """
    missing = np.isnan(values)
    levels = np.zeros(values.shape, dtype=np.int64)
    whole = np.flatnonzero(~missing.any(axis=0))
    few = [column for column in whole if len(np.unique(values[:, column])) <= bins]
    many = np.setdiff1d(whole, few)
    for column in few:
        levels[:, column] = np.unique(values[:, column], return_inverse=True)[1]
    if len(many):
        levels[:, many] = discretise(values[:, many], bins)
    for column in np.flatnonzero(missing.any(axis=0)):
        there = ~missing[:, column]
        if there.any():
            own = to_levels(values[there, column][:, None], bins)[:, 0]
            levels[there, column], levels[~there, column] = own, own.max() + 1
    return levels


def strongest(levels: NDArray[np.int64], classes: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Return the ``count`` columns with the largest mutual information with the class, in the table's order."""
    if levels.shape[1] <= count:
        return np.arange(levels.shape[1])
    best = np.argsort(-np.round(mutual_information(levels, classes), 12), kind="stable")[:count]
    return np.sort(best)


def mutual_information(levels: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mutual information in bits of each column of levels with the class, shape (columns,)."""
    members = np.stack([classes == code for code in np.unique(classes)]).astype(float)
    shares = members.mean(axis=1)
    information = np.zeros(levels.shape[1])
    for level in range(levels.max() + 1):
        joint = members @ (levels == level) / len(levels)  # shape (classes, columns)
        expected = shares[:, None] * joint.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 log 0 is 0
            information += np.where(joint > 0, joint * np.log2(joint / expected), 0.0).sum(axis=0)
    return information


@contextmanager
def _muted_stdout() -> Iterator[None]:
    """Send what C code prints to the null device; Python's own pending lines go out first."""
    libc = ctypes.CDLL(None)
    sys.stdout.flush()
    libc.fflush(None)
    kept = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 1)
        yield
    finally:
        libc.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)
