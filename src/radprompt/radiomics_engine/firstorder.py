"""First-order features from one sorted array (PyRadiomics 3.0.1, ``firstorder.py``; IBSI 3.3 and 3.4)."""

import math

import numpy as np
from numpy.typing import NDArray

from radprompt.radiomics_engine.region import Region


def first_order(region: Region) -> dict[str, float] | None:
    """Return the 18 features by name; None where values are not finite, which PyRadiomics has rules for."""
    grey = region.grey
    if not np.isfinite(grey).all():
        return None
    ordered = np.sort(grey)
    low, first, median, third, high = _percentiles(ordered, (10, 25, 50, 75, 90))
    mean = grey.mean()
    apart = grey - mean
    squares = apart * apart
    variance = squares.mean()
    third_moment, fourth_moment = (squares * apart).mean(), (squares * squares).mean()
    robust = ordered[np.searchsorted(ordered, low, "left") : np.searchsorted(ordered, high, "right")]
    shifted = grey + region.setting.get("voxelArrayShift", 0)
    energy = float(shifted @ shifted)
    share = region.counts[region.present - 1] / grey.size
    return {
        "10Percentile": low,
        "90Percentile": high,
        "Energy": energy,
        "Entropy": -(share * np.log2(share + np.spacing(1))).sum(),
        "InterquartileRange": third - first,
        "Kurtosis": fourth_moment / variance**2 if variance else 0.0,
        "Maximum": ordered[-1],
        "Mean": mean,
        "MeanAbsoluteDeviation": np.abs(apart).mean(),
        "Median": median,
        "Minimum": ordered[0],
        "Range": ordered[-1] - ordered[0],
        "RobustMeanAbsoluteDeviation": np.abs(robust - robust.mean()).mean(),
        "RootMeanSquared": math.sqrt(energy / grey.size),
        "Skewness": third_moment / variance**1.5 if variance else 0.0,
        "TotalEnergy": energy * math.prod(region.spacing),
        "Uniformity": (share**2).sum(),
        "Variance": variance,
    }


def _percentiles(ordered: NDArray[np.float64], wanted: tuple[int, ...]) -> NDArray[np.float64]:
    """Return what ``np.percentile`` does, digit by digit, of values that are sorted already."""
    place = (len(ordered) - 1) * (np.array(wanted) / 100)
    below = place.astype(np.intp)
    part, first = place - below, ordered[below]
    second = ordered[np.minimum(below + 1, len(ordered) - 1)]
    return np.where(part < 0.5, first + (second - first) * part, second - (second - first) * (1 - part))
