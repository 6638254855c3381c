"""Features of the differences between neighbouring grey tones (PyRadiomics 3.0.1, ``ngtdm.py``; IBSI 3.11)."""

import numpy as np

from radprompt.radiomics_engine.region import Region


def grey_tones(region: Region) -> dict[str, float] | None:
    """Return the five features by name; None where no voxel of the region has a neighbour in it."""
    from radiomics import cMatrices

    counted = cMatrices.calculate_ngtdm(region.levels, region.mask, region.distances, region.highest, *region.planes)[0]
    number, difference, level = counted[counted[:, 0] > 0].T
    voxels, levels = number.sum(), len(number)
    if levels == 0:
        return None
    share = number / voxels
    weighted = share * difference
    coarse, differences = weighted.sum(), difference.sum()
    between = np.abs(level[:, None] - level)
    both = share[:, None] + share
    busy = np.abs((level * share)[:, None] - level * share).sum()
    contrast = share @ (between**2) @ share * differences / voxels
    return {
        "Busyness": coarse / busy if busy else 0.0,
        "Coarseness": 1 / coarse if coarse else 1e6,
        "Complexity": (between * (weighted[:, None] + weighted) / both).sum() / voxels,
        "Contrast": contrast / (levels * (levels - 1)) if levels > 1 else 0.0,
        "Strength": (both * between**2).sum() / differences if differences else 0.0,
    }
