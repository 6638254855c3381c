"""From signal to stored pixel values: three kinds of detector."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from radprompt.mammograms.phantom.texture import Image

KNEE = 0.8
"""Level, as a part of the range, above which contrast falls off."""
BRIGHTEST = 0.92
"""Brightest tissue as a part of full scale; lead markers are brighter."""


@dataclass(frozen=True)
class Detector:
    """A detector or film scanner and its presentation of the image.

    ``bits`` are stored; ``blur_mm`` is the point spread's standard deviation; ``noise`` the standard deviation at
    full signal, falling with its square root; ``grain`` the share of it that neighbouring pixels share (film);
    ``gamma`` the contrast curve's power; ``fog`` the level of air; ``spread`` the variation of exposure between images.
    """

    name: str
    bits: int
    inverted: bool
    blur_mm: float
    noise: float
    grain: float
    gamma: float
    fog: float
    spread: float
    marker: bool


FILM = Detector("Phantom film scanner", 16, False, 0.16, 0.022, 0.7, 1.25, 0.06, 0.08, True)
VINDR = (
    Detector("Phantom A", 12, False, 0.10, 0.016, 0.0, 0.90, 0.0, 0.05, True),
    Detector("Phantom B", 14, True, 0.12, 0.018, 0.0, 0.95, 0.0, 0.05, True),
    Detector("Phantom C", 16, False, 0.10, 0.016, 0.0, 0.85, 0.0, 0.05, True),
)
INBREAST = Detector("Phantom D", 14, False, 0.08, 0.012, 0.0, 1.10, 0.0, 0.06, False)


def expose(signal: Image, detector: Detector, spacing_mm: float, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return stored values, bright = dense, before any inversion.

    Parameters
    ----------
    signal
        Log attenuation, float32 (rows, columns), 0 air.
    detector
        The device.
    spacing_mm
        Pixel size.
    rng
        Source of randomness.

    Returns
    -------
    uint16 (rows, columns) between 0 and :data:`BRIGHTEST` of 2**bits - 1. A digital detector's air is 0 throughout.
    """
    air = signal <= 0
    image = gaussian_filter(signal, detector.blur_mm / spacing_mm)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    if detector.grain:
        coarse = gaussian_filter(noise, 0.8)
        noise = (1 - detector.grain) * noise + detector.grain * coarse / coarse.std()
    image = np.clip(image * rng.normal(1, detector.spread), 0, None)
    image = image + detector.noise * np.sqrt(image + detector.fog) * noise
    image = detector.fog + (1 - detector.fog) * np.clip(image, 0, None) ** detector.gamma
    if detector.fog:
        # The digitised film saturates softly towards both ends.
        image = np.tanh(1.1 * image) / np.tanh(1.1)
    else:
        image[air] = 0
    # A shoulder instead of saturation. It stays below full scale: inverted, that would read as padding.
    image = np.where(image > KNEE, KNEE + (1 - KNEE) * np.tanh((image - KNEE) / (1 - KNEE)), image)
    return np.round(BRIGHTEST * (2**detector.bits - 1) * image).astype(np.uint16)


def add_marker(pixels: NDArray[np.uint16], text: str, value: int, *, at_left: bool) -> None:
    """Write the view's name into an upper corner, as the lead marker does; changes ``pixels``.

    Parameters
    ----------
    pixels
        Stored values, uint16 (rows, columns).
    text
        What the marker reads, ``R-MLO`` for instance.
    value
        Stored value of the letters.
    at_left
        Which upper corner: the one that the breast leaves free.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    rows, columns = pixels.shape
    # The bitmap font is part of Pillow's own code: no system font changes the phantom.
    font = ImageFont.load_default_imagefont()
    label = Pillow.new("L", (6 * len(text) + 2, 12))
    ImageDraw.Draw(label).text((1, 0), text, fill=1, font=font)
    scale = max(1, rows // 350)
    letters = np.kron(np.asarray(label, dtype=bool), np.ones((scale, scale), dtype=bool))
    top, margin = rows // 30, columns // 30
    left = margin if at_left else columns - margin - letters.shape[1]
    pixels[top : top + letters.shape[0], left : left + letters.shape[1]][letters] = value
