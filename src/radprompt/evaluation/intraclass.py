"""Intraclass correlation of repeated measurements, all features at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution


class Intraclass(NamedTuple):
    """Correlation with the limits of its interval, one of each for every feature; NaN where undefined."""

    icc: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def intraclass(values: NDArray[np.floating], confidence: float = 0.95) -> Intraclass:
    """Return ICC(1,1), one-way random effects, single measurement (Shrout & Fleiss 1979, Psychol Bull 86:420).

    Parameters
    ----------
    values
        Shape (cases, measurements, features); the measurements of a case are exchangeable.
    confidence
        Of the interval, which is F's.

    Returns
    -------
    Intraclass
        NaN for features that are constant or not finite somewhere.

    Raises
    ------
    ValueError
        Fewer than two cases or two measurements.
    """
    cases, repeats, _ = values.shape
    if cases < 2 or repeats < 2:
        raise ValueError(f"{cases} cases of {repeats} measurements: two of each are needed")
    means = values.mean(axis=1)
    between = repeats * means.var(axis=0, ddof=1)
    within = ((values - means[:, None]) ** 2).sum(axis=(0, 1)) / (cases * (repeats - 1))
    degrees = cases - 1, cases * (repeats - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = between / within
        quantile = 0.5 + confidence / 2
        limits = (
            ratio / f_distribution.ppf(quantile, *degrees),
            ratio * f_distribution.ppf(quantile, *reversed(degrees)),
        )
        correlations = [_correlation(value, repeats) for value in (ratio, *limits)]
    return Intraclass(*correlations)


def _correlation(ratio: NDArray[np.float64], repeats: int) -> NDArray[np.float64]:
    """Return (F - 1) / (F + k - 1), whose limit without any variation within the cases is 1."""
    return np.where(np.isposinf(ratio), 1.0, (ratio - 1) / (ratio + repeats - 1))
