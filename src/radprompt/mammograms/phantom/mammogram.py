"""A whole mammogram: a breast with its masses, and where they truly are."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from radprompt.mammograms.phantom.breast import Grid, Tissue, draw_breast
from radprompt.mammograms.phantom.cohort import Breast, Mass
from radprompt.mammograms.phantom.mass import Traits, draw_mass
from radprompt.mammograms.phantom.texture import Image, smooth_step


class Extent(NamedTuple):
    """A box in continuous pixel coordinates (the centre of pixel i is i + 0.5); it may leave the image."""

    xmin: float
    ymin: float
    xmax: float
    ymax: float


@dataclass(frozen=True)
class Truth:
    """One mass where it is in one image.

    ``outline`` holds its contour's (x, y) points in pixels, centre of the first pixel at (0, 0); ``mask`` the same
    as bool (rows, columns).
    """

    mass: Mass
    outline: NDArray[np.float64]
    mask: NDArray[np.bool_]

    @property
    def extent(self) -> Extent:
        """The contour's tight box."""
        (xmin, ymin), (xmax, ymax) = self.outline.min(axis=0) + 0.5, self.outline.max(axis=0) + 0.5
        return Extent(float(xmin), float(ymin), float(xmax), float(ymax))


@dataclass(frozen=True)
class Mammogram:
    """One view: the signal (float32, 0 air, bright = dense), its masses, and the other finding's box."""

    signal: Image
    truths: tuple[Truth, ...]
    finding: Extent | None


def draw_mammogram(breast: Breast, view: str, grid: Grid, rng: np.random.Generator) -> Mammogram:
    """Draw one view of a breast with everything that it shows; right breasts have their chest wall at the right.

    Parameters
    ----------
    breast
        The breast and its lesions.
    view
        ``CC`` or ``MLO``.
    grid
        Raster of the image.
    rng
        Source of randomness; the same state gives the same image.
    """
    tissue = draw_breast(grid, view, breast.density, rng)
    signal = tissue.signal.copy()
    taken = np.zeros(grid.shape, dtype=bool)
    truths = []
    for mass in breast.shows(view):
        row, column = _place(tissue, mass.depth, mass.traits.diameter_mm / 2, taken, grid, rng)
        truths.append(_add_mass(signal, taken, mass, (row, column), grid, rng))
        if mass.calcified:
            _add_calcifications(signal, (row, column), 0.3 * mass.traits.diameter_mm, grid, rng)
    finding = _add_finding(signal, breast.finding, tissue, taken, grid, rng) if breast.finding else None
    # Nothing shines outside the breast.
    signal *= smooth_step(tissue.depth_mm, -0.4, 0.4)
    if breast.laterality == "R":
        signal = np.ascontiguousarray(signal[:, ::-1])
        truths = [Truth(t.mass, t.outline * [-1, 1] + [grid.columns - 1, 0], t.mask[:, ::-1].copy()) for t in truths]
        if finding:
            finding = Extent(grid.columns - finding.xmax, finding.ymin, grid.columns - finding.xmin, finding.ymax)
    return Mammogram(signal, tuple(truths), finding)


def read_box(extent: Extent, rng: np.random.Generator) -> Extent:
    """Return the box that a reader draws: a few percent off on every side, rather too large; it may leave the image."""
    margin = rng.normal(0.05, 0.03, 4)
    width, height = extent.xmax - extent.xmin, extent.ymax - extent.ymin
    return Extent(
        extent.xmin - float(margin[0]) * width,
        extent.ymin - float(margin[1]) * height,
        extent.xmax + float(margin[2]) * width,
        extent.ymax + float(margin[3]) * height,
    )


def _place(
    tissue: Tissue, depth: float, radius_mm: float, taken: NDArray[np.bool_], grid: Grid, rng: np.random.Generator
) -> tuple[int, int]:
    """Choose a centre at the lesion's depth, below the skin, off the muscle and off earlier lesions, rather in gland.

    One lesion in ten sits at the chest wall and is cut by the image's border.
    """
    step = max(1, int(2 / grid.spacing_mm))
    rows, columns = np.arange(0, grid.rows, step), np.arange(0, grid.columns, step)
    thin = np.ix_(rows, columns)
    x = columns[None, :] * grid.spacing_mm
    free = (tissue.muscle[thin] < 0.2) & ~taken[thin]
    free &= (tissue.depth_mm[thin] > radius_mm + 3) & (rows[:, None] > radius_mm / grid.spacing_mm)
    if rng.random() < 0.1:
        weight = free * (np.abs(x - 0.85 * radius_mm) < 2)
    else:
        at_depth = np.exp(-np.square((x / tissue.reach_mm - 0.12 - 0.7 * depth) / 0.12)) + 1e-6
        weight = free * (x > 1.2 * radius_mm) * at_depth * (0.35 + tissue.gland[thin])
    if not weight.sum() > 0:
        weight = tissue.depth_mm[thin] == tissue.depth_mm[thin].max()
    chosen = int(rng.choice(weight.size, p=(weight / weight.sum()).ravel()))
    return int(rows[chosen // columns.size]), int(columns[chosen % columns.size])


def _add_mass(
    signal: Image,
    taken: NDArray[np.bool_],
    mass: Mass,
    centre: tuple[int, int],
    grid: Grid,
    rng: np.random.Generator,
) -> Truth:
    patch = draw_mass(mass.traits, grid.spacing_mm, rng)
    half = patch.signal.shape[0] // 2
    (row, column), (rows, columns) = centre, grid.shape
    top, left = max(0, row - half), max(0, column - half)
    bottom, right = min(rows, row + half + 1), min(columns, column + half + 1)
    window = (slice(top, bottom), slice(left, right))
    signal[window] += patch.signal[top - row + half : bottom - row + half, left - column + half : right - column + half]
    taken[window] = True
    outline = patch.outline_mm / grid.spacing_mm + [column, row]
    mask = np.zeros(grid.shape, dtype=bool)
    mask[window] = polygon2mask((bottom - top, right - left), outline[:, ::-1] - [top, left])
    return Truth(mass, outline, mask)


def _add_calcifications(
    signal: Image, centre: tuple[int, int], spread_mm: float, grid: Grid, rng: np.random.Generator
) -> Extent:
    """Add a cluster of specks; return its box."""
    count = int(rng.integers(8, 20))
    y, x = np.array(centre)[:, None] + rng.normal(0, spread_mm / 2 / grid.spacing_mm, (2, count))
    y, x = np.clip(y, 2, grid.rows - 3).astype(int), np.clip(x, 2, grid.columns - 3).astype(int)
    for row, column in zip(y, x, strict=True):
        signal[row, column] += 0.28
        signal[row + 1, column] += rng.uniform(0, 0.2)
        signal[row, column + 1] += rng.uniform(0, 0.2)
    return Extent(float(x.min() - 2), float(y.min() - 2), float(x.max() + 4), float(y.max() + 4))


def _add_finding(
    signal: Image, finding: str, tissue: Tissue, taken: NDArray[np.bool_], grid: Grid, rng: np.random.Generator
) -> Extent:
    """Add something that is no mass; return its box."""
    centre = _place(tissue, float(rng.beta(2, 2)), 9.0, taken, grid, rng)
    if finding == "Suspicious Calcification":
        return _add_calcifications(signal, centre, 8.0, grid, rng)
    y = (np.arange(grid.rows)[:, None] - centre[0]) * grid.spacing_mm
    x = (np.arange(grid.columns)[None, :] - centre[1]) * grid.spacing_mm
    if finding == "Focal Asymmetry":
        signal += 0.10 * np.exp(-(np.square(x / 9) + np.square(y / 7)))
    else:
        # Lines that radiate from a point, without a mass.
        distorted = Traits(0, 2.2, 0, -3, 0, 0, roundness=1.0)
        _add_mass(signal, taken, Mass(0, distorted, 0, 0, ()), centre, grid, rng)
    side = 11 / grid.spacing_mm
    return Extent(centre[1] - side, centre[0] - side, centre[1] + side, centre[0] + side)
