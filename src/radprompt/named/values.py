"""From raw numbers to standardised values, site by site: z-scores or normal scores, missing values allowed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Method = Literal["zscore", "normal", "none"]

LARGEST = 5.0
"""Deviations at which standardised values are cut: a heavy tail must not outvote the other features."""
KNOTS = 64
"""Most points that a normal score is interpolated between; a feature with fewer distinct values has one for each."""


@dataclass(frozen=True)
class Standardiser:
    """Standardisation of one site's columns.

    A column that is constant, or has no value at all, becomes 0 throughout: it carries no information. A missing value
    becomes 0 too.

    Attributes
    ----------
    method
        ``zscore``: mean and deviation (dividing by n). ``normal``: the weighted mid-rank as a quantile of the standard
        normal distribution, linear between the knots, constant beyond them. ``none``: values as they are.
    centre, scale
        Mean and deviation of each column, shape (columns,); a constant column has the deviation 0. Empty for others.
    knots, scores
        Values and normal scores that are interpolated between, one pair of arrays a column. Empty for others.
    """

    method: Method
    centre: Floats
    scale: Floats
    knots: tuple[Floats, ...] = ()
    scores: tuple[Floats, ...] = ()

    @classmethod
    def fit(cls, values: Floats, weights: Floats, method: Method) -> "Standardiser":
        """Measure each column of ``values``, shape (rows, columns); NaN is missing, a row counts ``weights`` times."""
        empty = np.zeros(0)
        if method == "none":
            return cls(method, empty, empty)
        if method == "zscore":
            return cls(method, *_moments(values, weights))
        pairs = [_normal_knots(column, weights) for column in values.T]
        return cls(method, empty, empty, tuple(knots for knots, _ in pairs), tuple(scores for _, scores in pairs))

    def varies(self, columns: int) -> NDArray[np.bool_]:
        """Return which of the given number of columns are not constant, shape (columns,)."""
        if self.method == "normal":
            return np.array([len(knots) > 1 for knots in self.knots], dtype=bool)
        return self.scale > 0 if self.method == "zscore" else np.ones(columns, dtype=bool)

    def transform(self, values: Floats) -> Floats:
        """Return standardised values, same shape, within ±:data:`LARGEST`; missing ones are 0."""
        if self.method == "normal":
            columns = [
                np.interp(column, knots, scores) if len(knots) > 1 else np.zeros(len(column))
                for column, knots, scores in zip(values.T, self.knots, self.scores, strict=True)
            ]
            standard = np.column_stack(columns) if columns else np.zeros(values.shape)
            standard = np.where(np.isnan(values), 0.0, standard)
        elif self.method == "zscore":
            standard = (values - self.centre) / np.where(self.scale > 0, self.scale, np.inf)
        else:
            standard = values
        standard = np.where(np.isnan(standard), 0.0, standard)
        return standard if self.method == "none" else np.clip(standard, -LARGEST, LARGEST)


def _moments(values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    present = ~np.isnan(values)
    shares = present * weights[:, None]
    total = shares.sum(axis=0)
    safe = np.where(total > 0, total, 1.0)
    filled = np.where(present, values, 0.0)
    centre = (shares * filled).sum(axis=0) / safe
    deviations = np.where(present, values - centre, 0.0)
    scale = np.sqrt((shares * deviations**2).sum(axis=0) / safe)
    rounding = 10 * np.finfo(float).eps * np.abs(filled).max(axis=0, initial=0.0)
    return centre, np.where(scale > rounding, scale, 0.0)


def _normal_knots(column: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return distinct values and the normal quantiles of their mid-ranks, thinned to :data:`KNOTS`."""
    present = ~np.isnan(column) & (weights > 0)
    knots, group = np.unique(column[present], return_inverse=True)
    if not len(knots):
        return np.zeros(0), np.zeros(0)
    mass = np.bincount(group, weights=weights[present])
    rank = (np.cumsum(mass) - mass / 2) / mass.sum()
    if len(knots) > KNOTS:
        thinned = np.linspace(rank[0], rank[-1], KNOTS)
        knots, rank = np.interp(thinned, rank, knots), thinned
    return knots, ndtri(rank)
