"""Masses in the words of the BI-RADS lexicon: shape, margin and density follow a latent malignancy, each with noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from radprompt.mammograms.phantom.texture import Image, power_law, smooth_step


@dataclass(frozen=True)
class Traits:
    """What one mass looks like, as standard normal scores that correlate with its latent malignancy.

    All six are about 0 on average and higher in suspicious masses; ``roundness`` (0.55 to 1, short over long axis)
    says nothing about malignancy.
    """

    irregularity: float
    spiculation: float
    indistinctness: float
    density: float
    heterogeneity: float
    size: float
    roundness: float

    @property
    def diameter_mm(self) -> float:
        """Diameter of the disc of equal area."""
        return float(np.clip(13 * np.exp(0.26 * self.size), 7, 30))

    @property
    def spicules(self) -> int:
        """Number of spicules."""
        return int(np.clip(np.round(9 * (self.spiculation - 0.1)), 0, 24))

    @property
    def shape_word(self) -> str:
        """Shape in the lexicon's words, as CBIS-DDSM spells them."""
        if self.irregularity > 0.6:
            return "IRREGULAR"
        if self.irregularity > -0.1:
            return "LOBULATED"
        return "ROUND" if self.roundness > 0.85 else "OVAL"

    @property
    def margin_word(self) -> str:
        """Margin in the lexicon's words, as CBIS-DDSM spells them."""
        if self.spicules > 3:
            return "ILL_DEFINED-SPICULATED" if self.indistinctness > 1 else "SPICULATED"
        if self.indistinctness > 0.4:
            return "ILL_DEFINED"
        if self.density < -0.8:
            return "OBSCURED"
        return "MICROLOBULATED" if self.irregularity > 0.5 else "CIRCUMSCRIBED"


@dataclass(frozen=True)
class Patch:
    """A mass on its own small raster, whose middle pixel is the mass's centre.

    ``signal`` is what it adds to the breast's signal, ``outline_mm`` its true contour as (x, y) offsets from the
    centre, which leaves the spicules out as a radiologist's contour does.
    """

    signal: Image
    outline_mm: NDArray[np.float64]


def draw_traits(malignancy: float, separation: float, rng: np.random.Generator) -> Traits:
    """Draw a mass's looks from its latent malignancy.

    Parameters
    ----------
    malignancy
        Standard normal latent score of the lesion.
    separation
        Correlation of each trait with the latent score, 0 (no information) to 1 (no overlap).
    rng
        Source of randomness.
    """
    # Size tells least: screening finds small cancers and large cysts.
    strength = separation * np.array([0.95, 1.0, 0.9, 0.9, 0.85, 0.35])
    scores = strength * malignancy + np.sqrt(1 - strength**2) * rng.standard_normal(strength.size)
    return Traits(*(float(score) for score in (*scores, rng.uniform(0.7, 1.0))))


def draw_mass(traits: Traits, spacing_mm: float, rng: np.random.Generator) -> Patch:
    """Draw one projection of a mass.

    Two calls with the same traits give the two views of one lesion: alike in kind, not in detail.
    """
    angles = np.linspace(-np.pi, np.pi, 361)
    radii = _outline(traits, angles, rng)
    half = int(np.ceil((2.1 * radii.max() + 6) / spacing_mm))
    offset = np.arange(-half, half + 1, dtype=np.float32) * np.float32(spacing_mm)
    distance = np.hypot(offset[:, None], offset[None, :])
    angle = np.arctan2(offset[:, None], offset[None, :])
    rim = np.interp(angle, angles, radii).astype(np.float32)
    # A flattened ellipsoid: compression makes the middle a plateau.
    body = np.minimum(1, 1.35 * np.sqrt(np.clip(1 - np.square(distance / rim), 0, 1)))
    texture = gaussian_filter(power_law(body.shape, 2.4, rng), 0.4 / spacing_mm)
    body *= np.clip(1 + 0.24 * np.exp(0.6 * traits.heterogeneity) * texture, 0.1, 2.5)
    body = gaussian_filter(body, 0.55 * np.exp(0.55 * traits.indistinctness) / spacing_mm)
    if traits.spicules:
        body += 0.45 * _spicules(traits, distance, angle, rim, rng)
    contrast = 0.17 * np.exp(0.33 * traits.density) * np.sqrt(traits.diameter_mm / 13)
    outline = radii[:-1, None] * np.column_stack([np.cos(angles[:-1]), np.sin(angles[:-1])])
    return Patch((contrast * body).astype(np.float32), outline)


def _outline(traits: Traits, angles: NDArray, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the contour's radius (mm) at each angle: an ellipse with lobes, scaled to the mass's area."""
    turned = angles - rng.uniform(0, np.pi)
    # The projection of an ellipsoid is rounder or flatter than its neighbour view.
    ratio = np.clip(traits.roundness * rng.uniform(0.9, 1.1), 0.45, 1)
    radii = 1 / np.sqrt(np.square(np.cos(turned)) + np.square(np.sin(turned) / ratio))
    orders = np.arange(3, 14)
    weights = orders**-0.7 * rng.standard_normal(orders.size)
    phases = rng.uniform(0, 2 * np.pi, orders.size)
    lobes = (weights[:, None] * np.cos(orders[:, None] * angles[None, :] + phases[:, None])).sum(axis=0)
    amplitude = np.clip(0.055 * np.exp(0.6 * traits.irregularity), 0.01, 0.25)
    radii *= np.clip(1 + amplitude * lobes / max(lobes.std(), 1e-9), 0.4, 1.8)
    area = 0.5 * np.square(radii[:-1]).sum() * (angles[1] - angles[0])
    return radii * traits.diameter_mm / 2 * np.sqrt(np.pi / area)


def _spicules(traits: Traits, distance: Image, angle: Image, rim: Image, rng: np.random.Generator) -> Image:
    """Return tapering, slightly bent lines that leave the contour, 0 to 1."""
    lines = np.zeros_like(distance)
    reach = 0.35 + 0.25 * np.clip(traits.spiculation, 0, 2)
    for _ in range(traits.spicules):
        direction, bend = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.02)
        length = traits.diameter_mm / 2 * reach * rng.uniform(0.6, 1.6)
        thickness = rng.uniform(0.25, 0.5)
        beyond = distance - rim
        off = angle - direction - bend * beyond
        off -= 2 * np.pi * np.round(off / (2 * np.pi))
        across = distance * np.sin(np.clip(off, -np.pi / 2, np.pi / 2))
        taper = 1 - smooth_step(beyond, 0, length)
        start = smooth_step(beyond, -0.12 * traits.diameter_mm, 0)
        lines = np.maximum(lines, start * taper * np.exp(-np.square(across / thickness)))
    return lines.astype(np.float32)
