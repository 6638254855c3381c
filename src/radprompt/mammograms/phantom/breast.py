"""A breast without lesions, as one compressed view: outline, skin, fat, fibroglandular tissue, pectoral muscle."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import expit

from radprompt.mammograms.phantom.texture import Image, filaments, power_law, smooth_step

GLANDULAR_AREA = {1: 0.10, 2: 0.26, 3: 0.48, 4: 0.70}
"""Part of the projected breast that is dense, for each ACR density (BI-RADS 4th edition quartiles, middle of each)."""


class Grid(NamedTuple):
    """The image's raster: rows, columns, and the side of a pixel in mm."""

    rows: int
    columns: int
    spacing_mm: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns


@dataclass(frozen=True)
class Tissue:
    """A left breast, chest wall at column 0.

    ``signal`` is the log attenuation as a radiologist sees it (0 air, about 0.3 fat, 0.6 and more dense tissue).
    ``depth_mm`` is the distance from the skin, negative outside. ``muscle`` and ``gland`` run from 0 to 1.
    ``reach_mm`` is how far the nipple stands from the chest wall.
    """

    signal: Image
    depth_mm: Image
    muscle: Image
    gland: Image
    reach_mm: float


def draw_breast(grid: Grid, view: str, density: int, rng: np.random.Generator) -> Tissue:
    """Draw one view of a left breast.

    Parameters
    ----------
    grid
        Raster of the image.
    view
        ``CC`` or ``MLO``; only an MLO shows the pectoral muscle.
    density
        ACR density, 1 (fatty) to 4 (extremely dense).
    rng
        Source of randomness.
    """
    height, width = grid.rows * grid.spacing_mm, grid.columns * grid.spacing_mm
    x = ((np.arange(grid.columns) + 0.5) * grid.spacing_mm).astype(np.float32)[None, :]
    y = ((np.arange(grid.rows) + 0.5) * grid.spacing_mm).astype(np.float32)[:, None]
    reach = width * rng.uniform(0.48, 0.78)
    nipple = height * (rng.uniform(0.46, 0.54) if view == "CC" else rng.uniform(0.54, 0.63))
    edge = _outline(y[:, 0], view, reach, nipple, height, rng).astype(np.float32)[:, None]
    depth = (edge - x) / np.hypot(1, np.gradient(edge[:, 0], grid.spacing_mm))[:, None].astype(np.float32)
    # The nipple is round: it adds depth near its own place only.
    tip = np.square((x - reach) / rng.uniform(3.5, 5.0)) + np.square((y - nipple) / rng.uniform(3.5, 5.0))
    depth = np.maximum(depth, 4 * (1 - np.sqrt(tip))).astype(np.float32)

    muscle = _pectoral(x, y, edge[0, 0], height, rng) if view == "MLO" else np.zeros(grid.shape, np.float32)
    gland = _gland(x, y, depth, muscle, (reach, nipple), density, rng)
    texture = power_law(grid.shape, 3.0, rng)
    # Presentation processing flattens the breast's thickness except in the last 16 mm below the skin.
    thickness = np.sqrt(1 - np.square(1 - np.clip((depth + 0.4) / 16, 0, 1)))
    signal = thickness * (0.26 + gland * (0.24 + 0.05 * power_law(grid.shape, 2.6, rng)) + 0.05 * texture)
    signal += 0.05 * filaments(grid.shape, 0.025, rng) * smooth_step(depth, 2, 15) * (1 - muscle) * (0.5 + gland)
    signal += muscle * (0.19 + 0.03 * texture)
    signal += 0.07 * np.exp(-np.square((depth - 0.9) / 0.6))
    signal = np.clip(signal, 0.02, None) * smooth_step(depth, -0.4, 0.4)
    return Tissue(signal.astype(np.float32), depth, muscle, gland, float(reach))


def _outline(
    y: NDArray, view: str, reach: float, nipple: float, height: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the skin's distance from the chest wall for each row, mm."""
    if view == "CC":
        half = np.clip(reach * rng.uniform(0.78, 0.98), 0.25 * height, 0.47 * height)
        u = np.clip(np.abs(y - nipple) / half, 0, 1)
        edge = reach * (1 - u ** rng.uniform(2.1, 2.5)) ** rng.uniform(0.50, 0.62)
    else:
        fold = min(nipple + reach * rng.uniform(0.52, 0.66), 0.97 * height)
        rows = [
            -0.02 * height,
            0.3 * nipple,
            0.72 * nipple,
            nipple,
            nipple + 0.55 * (fold - nipple),
            fold,
            1.05 * height,
        ]
        reaches = [rng.uniform(0.50, 0.66), rng.uniform(0.72, 0.8), 0.95, 1.0, 0.86, rng.uniform(0.12, 0.3), 0.05]
        edge = PchipInterpolator(rows, np.array(reaches) * reach)(y)
    return edge


def _pectoral(x: NDArray, y: NDArray, top: float, height: float, rng: np.random.Generator) -> Image:
    """Return the muscle's share of each pixel: a triangle at the chest wall, slightly convex, fading at its foot."""
    across, down = top * rng.uniform(0.55, 0.8), height * rng.uniform(0.42, 0.68)
    rest = 1 - y / down
    front = across * (rest + rng.uniform(-0.05, 0.35) * rest * (1 - rest))
    return (smooth_step(front - x, -1.0, 1.5) * smooth_step(rest, 0.0, 0.25)).astype(np.float32)


def _gland(
    x: NDArray,
    y: NDArray,
    depth: NDArray,
    muscle: NDArray,
    nipple: tuple[float, float],
    density: int,
    rng: np.random.Generator,
) -> Image:
    """Return the dense tissue's share of each pixel: a cone behind the nipple, torn by power-law noise."""
    reach, height = nipple
    shape = depth.shape
    centre = reach * rng.uniform(0.5, 0.62)
    cone = -np.square((x - centre) / (0.5 * reach)) - np.square((y - height) / (0.62 * reach))
    field = cone + 0.55 * power_law(shape, 3.2, rng) + 0.12 * power_law(shape, 2.2, rng)
    inside = depth > 0
    area = np.clip(GLANDULAR_AREA[density] * rng.uniform(0.8, 1.2), 0.05, 0.85)
    threshold = np.quantile(field[inside][::7], 1 - area)
    fat_layer = smooth_step(depth, 3, 14)
    return (expit((field - threshold) / 0.24) * fat_layer * (1 - muscle)).astype(np.float32)
