"""Surface, volume and diameters of a region's mesh, without comparing all pairs of its vertices.

A mesh of marching cubes is a sum over cubes of eight neighbouring voxels, and a cube's triangles depend on which of the
eight are inside: 256 codes. What each contributes is asked of PyRadiomics' own C code, one cube at a time, so that the
mesh is PyRadiomics' by construction. A diameter joins two vertices that are far from the middle: only those are
compared.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

_MOST_PAIRED = 300
"""Points above which the convex hull is formed before all pairs are compared."""
_CORNERS = list(product((0, 1), repeat=3))


def surface_and_volume(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> tuple[float, float]:
    """Return area (mm2) and volume (mm3) of the mesh of a three-dimensional mask with a rim of zeros.

    Parameters
    ----------
    mask
        True inside, slowest axis first.
    spacing
        Voxel size in mm, in the order of the axes.
    """
    sides = [slice(0, -1), slice(1, None)]
    code = np.zeros([side - 1 for side in mask.shape], dtype=np.uint8)
    for bit, corner in enumerate(_CORNERS):
        code |= mask[tuple(sides[step] for step in corner)].astype(np.uint8) << bit
    place = np.nonzero((code > 0) & (code < 255))
    codes = code[place]
    count = np.bincount(codes, minlength=256)
    volume, moment = _volumes()
    total = count @ volume + sum(
        np.bincount(codes, weights=where, minlength=256) @ of for where, of in zip(place, moment.T, strict=True)
    )
    return float(count @ _areas(tuple(spacing))), float(total * np.prod(spacing))


def diameters(mask: NDArray[np.bool_], spacing: tuple[float, ...]) -> tuple[float, ...]:
    """Return the largest distances between vertices of the mesh: in a plane across each axis, and in space (mm).

    Parameters
    ----------
    mask
        Three-dimensional with a rim of zeros.
    spacing
        Voxel size in mm, in the order of the axes.
    """
    halves = _vertices(mask)  # in half voxels, so that vertices of one plane have one whole number
    points = halves * (np.array(spacing) / 2)
    planar = [_widest(halves[:, axis], np.delete(points, axis, axis=1)) for axis in range(3)]
    off = np.sqrt(((points - (points.min(0) + points.max(0)) / 2) ** 2).sum(1))
    return (*planar, _farthest(points, off))


def _vertices(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the middles between a voxel inside and its neighbour outside, (vertices, axes), in half voxels."""
    found = []
    for axis in range(mask.ndim):
        crossing = np.argwhere(np.diff(mask, axis=axis)) * 2
        crossing[:, axis] += 1
        found.append(crossing)
    return np.concatenate(found)


def _widest(plane: NDArray[np.int64], points: NDArray[np.float64]) -> float:
    """Return the largest distance between two points of one plane; planes that cannot have it are passed over.

    Parameters
    ----------
    plane
        Number of each point's plane.
    points
        Places in the plane, (points, 2).
    """
    order = np.argsort(plane, kind="stable")
    points = points[order]
    starts = np.flatnonzero(np.diff(plane[order], prepend=-1))
    ends = np.append(starts[1:], len(points))
    middles = (np.minimum.reduceat(points, starts) + np.maximum.reduceat(points, starts)) / 2
    off = np.sqrt(((points - np.repeat(middles, ends - starts, axis=0)) ** 2).sum(1))
    radii = np.maximum.reduceat(off, starts)
    widest = 0.0
    for number in np.argsort(-radii):
        if 2 * radii[number] <= widest:
            break
        part = slice(starts[number], ends[number])
        widest = max(widest, _farthest(points[part], off[part], widest))
    return widest


def _farthest(points: NDArray[np.float64], off: NDArray[np.float64], known: float = 0.0) -> float:
    """Return the largest distance between two points; anything up to ``known`` if it is smaller than that.

    ``off`` is each point's distance from some middle: two points are no farther apart than theirs together.
    """
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist

    start = points[off.argmax()]
    for _ in range(2):  # there and back: a distance that is nearly the largest
        away = ((points - start) ** 2).sum(1)
        start = points[away.argmax()]
        known = max(known, float(np.sqrt(away.max())))
    points = points[off >= (known - off.max()) * (1 - 1e-9)]
    if len(points) > _MOST_PAIRED:
        with suppress(QhullError):  # all on a line or in a plane
            points = points[ConvexHull(points).vertices]
    return max(known, float(pdist(points).max())) if len(points) > 1 else known


def _blocks() -> Iterator[NDArray[np.bool_]]:
    """Yield the eight voxels of each code."""
    for code in range(256):
        yield np.array([bool(code >> bit & 1) for bit in range(8)]).reshape(2, 2, 2)


@cache
def _areas(spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the area of each code's triangles, mm2."""
    from radiomics import cShape

    return np.array([cShape.calculate_coefficients(block, np.array(spacing))[0] for block in _blocks()])


@cache
def _volumes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the volume between the origin and each code's triangles, and what a step along each axis adds to it.

    Voxels have a side of 1. A cube that lies at (z, y, x) gives ``volume + (z, y, x) @ moment``.
    """
    from radiomics import cShape

    def volume(block: NDArray[np.bool_]) -> float:
        return float(cShape.calculate_coefficients(block, np.ones(3))[1])

    here = np.array([volume(block) for block in _blocks()])
    steps = np.zeros((256, 3))
    for code, block in enumerate(_blocks()):
        for axis in range(3):
            # Two cubes: one that has this block's nearer face as its farther one, then the block, one step away.
            face = block.take([0], axis)
            outside = np.zeros_like(face)
            before, both = (volume(np.concatenate([outside, voxels], axis)) for voxels in (face, block))
            steps[code, axis] = both - before - here[code]
    return here, steps
