"""Features of three matrices of grey level and size: runs, zones and dependences (IBSI 3.7, 3.8, 3.12).

PyRadiomics 3.0.1 (``glrlm.py``, ``glszm.py``, ``gldm.py``) has the same sums for each; here they are written once.
"""

import numpy as np
from numpy.typing import NDArray

from radprompt.radiomics_engine.region import Region, averaged

_EPS = np.spacing(1)


def run_lengths(region: Region) -> dict[str, float] | None:
    """Return the 16 features of runs, averaged over directions; None where PyRadiomics weights the directions."""
    from radiomics import cMatrices

    if region.setting.get("weightingNorm") is not None:
        return None
    longest = max(region.levels.shape)
    counted, _ = cMatrices.calculate_glrlm(region.levels, region.mask, region.highest, longest, *region.planes)
    by_direction = counted[0].transpose(2, 0, 1)[:, region.present - 1]
    by_direction = by_direction[by_direction.any((1, 2))]
    lengths = np.flatnonzero(by_direction.any((0, 1)))
    found = _sums(by_direction[:, :, lengths], region.present, lengths + 1)
    names = ("ShortRun", "LongRun", "Run", "RunLength")
    return _averaged(found, names, low="LowGrayLevelRunEmphasis", high="HighGrayLevelRunEmphasis")


def zones(region: Region) -> dict[str, float] | None:
    """Return the 16 features of zones: touching voxels of one level, edges and corners count; None plane by plane."""
    from skimage.measure import label

    if region.planes[0]:
        return None
    labels = label(region.levels, background=0, connectivity=region.levels.ndim)[region.mask]
    sizes = np.bincount(labels)[1:]
    level = np.empty(len(sizes), dtype=np.int64)
    level[labels - 1] = region.inside
    size, column = np.unique(sizes, return_inverse=True)
    row = np.searchsorted(region.present, level)
    counted = np.bincount(row * len(size) + column, minlength=len(region.present) * len(size))
    matrix = counted.reshape(1, len(region.present), len(size)).astype(np.float64)
    found = _sums(matrix, region.present, size)
    names = ("SmallArea", "LargeArea", "Zone", "SizeZone")
    return _averaged(found, names, low="LowGrayLevelZoneEmphasis", high="HighGrayLevelZoneEmphasis")


def dependences(region: Region) -> dict[str, float] | None:
    """Return the 14 features of dependences: neighbours whose level differs by at most ``gldm_a``."""
    from radiomics import cMatrices

    within = region.setting.get("gldm_a", 0)
    counted = cMatrices.calculate_gldm(
        region.levels, region.mask, region.distances, region.highest, within, *region.planes
    )
    matrix = counted[:, region.present - 1]
    numbers = np.flatnonzero(matrix.any((0, 1)))
    found = _sums(matrix[:, :, numbers], region.present, numbers + 1)
    names = ("SmallDependence", "LargeDependence", "Dependence", "Dependence")
    values = _averaged(found, names, low="LowGrayLevelEmphasis", high="HighGrayLevelEmphasis")
    for absent in ("DependencePercentage", "GrayLevelNonUniformityNormalized"):
        del values[absent]
    return values


def _sums(matrix: NDArray[np.float64], levels: NDArray, sizes: NDArray) -> dict[str, NDArray[np.float64]]:
    """Return the sums that the features are made of, one value a direction.

    Parameters
    ----------
    matrix
        Counts, (directions, levels, sizes), none of the directions empty.
    levels, sizes
        Level of each row and size of each column.
    """
    i, j = levels.astype(np.float64), sizes.astype(np.float64)
    of_size, of_level = matrix.sum(1), matrix.sum(2)
    total = of_size.sum(1)
    low, high = np.einsum("aij,i->aj", matrix, i**-2.0), np.einsum("aij,i->aj", matrix, i**2)
    p_level, p_size = of_level / total[:, None], of_size / total[:, None]
    filled = matrix / total[:, None, None]
    logs = np.log2(filled + _EPS, out=np.zeros_like(filled), where=filled > 0)
    return {
        "small": of_size @ j**-2.0 / total,
        "large": of_size @ j**2 / total,
        "low": of_level @ i**-2.0 / total,
        "high": of_level @ i**2 / total,
        "small low": low @ j**-2.0 / total,
        "small high": high @ j**-2.0 / total,
        "large low": low @ j**2 / total,
        "large high": high @ j**2 / total,
        "level": (of_level**2).sum(1) / total,
        "level normalised": (of_level**2).sum(1) / total**2,
        "size": (of_size**2).sum(1) / total,
        "size normalised": (of_size**2).sum(1) / total**2,
        "percentage": total / (of_size @ j),
        "level variance": (p_level * (i - (p_level @ i)[:, None]) ** 2).sum(1),
        "size variance": (p_size * (j - (p_size @ j)[:, None]) ** 2).sum(1),
        "entropy": -(filled * logs).sum((1, 2)),
    }


def _averaged(
    found: dict[str, NDArray[np.float64]], names: tuple[str, str, str, str], low: str, high: str
) -> dict[str, float]:
    """Return the sums averaged over directions under a class's own names."""
    small, large, one, size = names
    called = {
        f"{small}Emphasis": "small",
        f"{large}Emphasis": "large",
        low: "low",
        high: "high",
        f"{small}LowGrayLevelEmphasis": "small low",
        f"{small}HighGrayLevelEmphasis": "small high",
        f"{large}LowGrayLevelEmphasis": "large low",
        f"{large}HighGrayLevelEmphasis": "large high",
        "GrayLevelNonUniformity": "level",
        "GrayLevelNonUniformityNormalized": "level normalised",
        f"{size}NonUniformity": "size",
        f"{size}NonUniformityNormalized": "size normalised",
        f"{one}Percentage": "percentage",
        "GrayLevelVariance": "level variance",
        f"{one}Variance": "size variance",
        f"{one}Entropy": "entropy",
    }
    return averaged({name: found[key] for name, key in called.items()})
