"""Surface, volume and diameters of a region's mesh, without comparing all pairs of its vertices.

A mesh of marching cubes is a sum over cubes of eight neighbouring voxels, and a cube's triangles depend on which of the
eight are inside: 256 codes. What each contributes is asked of PyRadiomics' own C code, one cube at a time, so that the
mesh is PyRadiomics' by construction. A diameter joins two vertices that are far from the middle: only those are
compared.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise, product

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
    planar = []
    for axis in range(3):
        order = np.argsort(halves[:, axis], kind="stable")
        starts = np.flatnonzero(np.diff(halves[order, axis], prepend=-1, append=-1))
        others = points[order][:, [k for k in range(3) if k != axis]]
        planar.append(_widest([others[one:end] for one, end in pairwise(starts)]))
    return (*planar, _farthest(points))


def _vertices(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the middles between a voxel inside and its neighbour outside, (vertices, axes), in half voxels."""
    found = []
    for axis in range(mask.ndim):
        crossing = np.argwhere(np.diff(mask, axis=axis)) * 2
        crossing[:, axis] += 1
        found.append(crossing)
    return np.concatenate(found)


def _widest(planes: list[NDArray[np.float64]]) -> float:
    """Return the largest diameter among planes of points; planes that cannot have it are passed over."""
    widest = 0.0
    bound = np.array([np.hypot(*np.ptp(plane, axis=0)) for plane in planes])
    for number in np.argsort(-bound):
        if bound[number] <= widest:
            break
        widest = max(widest, _farthest(planes[number], widest))
    return widest


def _farthest(points: NDArray[np.float64], known: float = 0.0) -> float:
    """Return the largest distance between two points; anything up to ``known`` if it is smaller than that."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist

    middle = (points.min(0) + points.max(0)) / 2
    off = np.sqrt(((points - middle) ** 2).sum(1))
    start = points[off.argmax()]
    for _ in range(2):  # there and back: a distance that is nearly the largest
        away = ((points - start) ** 2).sum(1)
        start = points[away.argmax()]
        known = max(known, float(np.sqrt(away.max())))
    # Two points are no farther apart than their distances from the middle together.
    points = points[off >= (known - off.max()) * (1 - 1e-9)]
    if len(points) > _MOST_PAIRED:
        try:
            points = points[ConvexHull(points).vertices]
        except QhullError:  # all on a line or in a plane
            pass
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
            before = np.flip(block.take([0], axis), axis)
            first = np.concatenate([np.zeros_like(before), before], axis)
            steps[code, axis] = volume(np.concatenate([np.zeros_like(before), block], axis)) - volume(first) - here[code]
    return here, steps
