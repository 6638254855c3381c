"""Shape features of a mask (PyRadiomics 3.0.1, ``shape.py`` and ``shape2D.py``; IBSI 3.1)."""

import math

import numpy as np
from numpy.typing import NDArray

from radprompt.radiomics_engine.mesh import diameters, surface_and_volume

_SMALL = 500
"""Voxels up to which comparing all pairs of vertices takes PyRadiomics' C code less time than choosing among them."""


def shape(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> dict[str, float]:
    """Return the 14 features of a three-dimensional mask.

    Parameters
    ----------
    mask
        True inside.
    spacing
        Voxel size in mm, in the order of the axes.
    """
    from radiomics import cShape

    padded = np.pad(mask, 1)
    count = int(np.count_nonzero(mask))
    if count <= _SMALL:
        area, volume, across = cShape.calculate_coefficients(padded, np.array(spacing))
    else:
        area, volume = surface_and_volume(padded, spacing)
        across = diameters(padded, spacing)
    least, minor, major = _axes(padded, spacing)
    return {
        "Elongation": _root(minor / major if major else math.nan),
        "Flatness": _root(least / major if major else math.nan),
        "LeastAxisLength": _root(least) * 4,
        "MajorAxisLength": _root(major) * 4,
        "Maximum2DDiameterColumn": across[1],
        "Maximum2DDiameterRow": across[2],
        "Maximum2DDiameterSlice": across[0],
        "Maximum3DDiameter": across[3],
        "MeshVolume": volume,
        "MinorAxisLength": _root(minor) * 4,
        "Sphericity": (36 * math.pi * volume**2) ** (1 / 3) / area,
        "SurfaceArea": area,
        "SurfaceVolumeRatio": area / volume,
        "VoxelVolume": count * math.prod(spacing),
    }


def planar_shape(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> dict[str, float]:
    """Return the nine features of a two-dimensional mask; parameters as for :func:`shape`."""
    from radiomics import cShape

    padded = np.pad(mask, 1)
    perimeter, surface, diameter = cShape.calculate_coefficients2D(padded, np.array(spacing))
    minor, major = _axes(padded, spacing)
    return {
        "Elongation": _root(minor / major if major else math.nan),
        "MajorAxisLength": _root(major) * 4,
        "MaximumDiameter": diameter,
        "MeshSurface": surface,
        "MinorAxisLength": _root(minor) * 4,
        "Perimeter": perimeter,
        "PerimeterSurfaceRatio": perimeter / surface,
        "PixelSurface": int(np.count_nonzero(mask)) * math.prod(spacing),
        "Sphericity": 2 * math.sqrt(math.pi * surface) / perimeter,
    }


def _axes(padded: NDArray[np.bool_], spacing: tuple[float, ...]) -> list[float]:
    """Return the eigenvalues of the positions' covariance, ascending.

    The same operations in the same order as PyRadiomics: an axis without extent leaves rounding noise, whose root is
    far larger than any tolerance.
    """
    positions = np.array(np.nonzero(padded), dtype="int").transpose((1, 0)) * np.array(spacing)[None, :]
    positions -= np.mean(positions, axis=0)
    positions /= np.sqrt(len(positions))
    eigenvalues = np.linalg.eigvals(np.dot(positions.T.copy(), positions))
    eigenvalues[(eigenvalues < 0) & (eigenvalues > -1e-10)] = 0
    eigenvalues.sort()
    return [float(one) for one in eigenvalues]


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan
