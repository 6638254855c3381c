"""First-order features from one sorted array (PyRadiomics 3.0.1, ``firstorder.py``; IBSI 3.3 and 3.4)."""

import math

import numpy as np

from radprompt.radiomics_engine.region import Region


def first_order(region: Region) -> dict[str, float] | None:
    """Return the 18 features by name; None where values are not finite, which PyRadiomics has rules for."""
    grey = region.grey
    if not np.isfinite(grey).all():
        return None
    ordered = np.sort(grey)
    low, first, median, third, high = np.percentile(ordered, [10, 25, 50, 75, 90])
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
