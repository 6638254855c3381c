"""A region cut to its box and binned once: what all feature classes read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Region:
    """Grey values and mask of one region.

    Attributes
    ----------
    image
        Grey values of the region's box, two or three dimensions, slowest axis first.
    mask
        Same shape, true inside.
    spacing
        Voxel size, mm, in the order of the axes.
    setting
        PyRadiomics' settings.
    """

    image: NDArray
    mask: NDArray[np.bool_]
    spacing: tuple[float, ...]
    setting: Mapping[str, Any]

    @cached_property
    def grey(self) -> NDArray[np.float64]:
        """The grey values inside, float64, in the order of the array."""
        return self.image[self.mask].astype(np.float64)

    @cached_property
    def inside(self) -> NDArray[np.int64]:
        """Grey levels inside, from 1, in the order of the array; PyRadiomics' bins, whose edges extremes alone set."""
        from radiomics.imageoperations import getBinEdges

        extremes = np.array([self.grey.min(), self.grey.max()], dtype=self.image.dtype)
        return np.digitize(self.grey, getBinEdges(extremes, **self.setting))

    @cached_property
    def levels(self) -> NDArray[np.int64]:
        """Grey levels counted from 1 inside, 0 outside."""
        levels = np.zeros(self.image.shape, dtype=np.int64)
        levels[self.mask] = self.inside
        return levels

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Voxels by grey level, beginning with level 1."""
        return np.bincount(self.inside)[1:]

    @cached_property
    def present(self) -> NDArray[np.int64]:
        """The grey levels that occur, ascending."""
        return np.flatnonzero(self.counts) + 1

    @property
    def highest(self) -> int:
        """The highest grey level."""
        return len(self.counts)

    @property
    def planes(self) -> tuple[bool, int]:
        """PyRadiomics' ``force2D`` and ``force2Ddimension``."""
        return bool(self.setting.get("force2D", False)), int(self.setting.get("force2Ddimension", 0))

    @property
    def distances(self) -> NDArray[np.int64]:
        """Distances of neighbours, voxels."""
        return np.array(self.setting.get("distances", [1]))


def averaged(found: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return the mean over the directions of each feature, all at once."""
    return dict(zip(found, np.array(list(found.values())).mean(1).tolist(), strict=True))
