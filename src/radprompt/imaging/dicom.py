"""A mammogram from its DICOM file: decoded, bright where dense, from 0 to 1, with its pixel size.

What is done, in this order: decode (any transfer syntax that gdcm or openjpeg know), modality rescale, padding taken
out, min-max to [0, 1], MONOCHROME1 inverted, padding blanked to 0. No VOI window or LUT is applied: the paper describes
min-max alone (Data), and a window saturates the brightest pixels, where features such as the first-order maximum live.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from radprompt.errors import ImageError

if TYPE_CHECKING:
    from pydicom import Dataset

ANISOTROPY = 0.01
"""Largest relative difference between the row and the column spacing of a usable image."""

SPACING_ATTRIBUTES = ("PixelSpacing", "ImagerPixelSpacing")
"""Where the pixel size is looked for, in this order."""

_FETCH_AGAIN = "fetch the file again; while it cannot be read, its lesions are left out"


@dataclass(frozen=True, eq=False)
class Mammogram:
    """A mammogram ready for measurement.

    Attributes
    ----------
    pixels
        float32 (rows, columns) from 0 to 1; bright is dense, padding is 0.
    spacing_mm
        Distance between pixel centres, mm; NaN where the file has none. ``ImagerPixelSpacing`` is taken at the
        detector, without the magnification of the breast above it (a few percent in contact views).
    spacing_source
        ``PixelSpacing``, ``ImagerPixelSpacing`` or ``unknown``.
    """

    pixels: np.ndarray
    spacing_mm: float
    spacing_source: str


def read_mammogram(path: str | Path) -> Mammogram:
    """Read a single-frame greyscale mammogram.

    Raises
    ------
    ImageError
        The file is absent, no DICOM, truncated, in colour, of several frames, without pixels or contrast, or its pixels
        are not square (more than 1 % between rows and columns).
    """
    from pydicom.pixels import apply_modality_lut

    dataset = _open(path)
    stored = _decode(dataset, path)
    spacing_mm, source = _spacing(dataset, path)
    padding = _padding(dataset, stored)
    pixels = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    del stored
    breast = True if padding is None else ~padding
    low = float(pixels.min(where=breast, initial=np.inf))
    high = float(pixels.max(where=breast, initial=-np.inf))
    if not (np.isfinite(low) and high > low):
        raise ImageError("no contrast: all pixels have one value, or are padding", where=str(path), fix=_FETCH_AGAIN)
    pixels = (pixels - np.float32(low)) / np.float32(high - low)
    if str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        np.subtract(1.0, pixels, out=pixels)
    if padding is not None:
        pixels[padding] = 0.0
    return Mammogram(pixels, spacing_mm, source)


def read_pixels(path: str | Path) -> np.ndarray:
    """Return the integers of a single-frame greyscale image as stored, (rows, columns).

    For masks: no rescale, inversion or scaling. Errors as in :func:`read_mammogram`, spacing and contrast aside.
    """
    return _decode(_open(path), path)


def _open(path: str | Path) -> "Dataset":
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        with warnings.catch_warnings():
            # A file that ends early is a warning to pydicom; here its missing pixels are the error.
            warnings.simplefilter("ignore", UserWarning)
            return dcmread(path)
    except FileNotFoundError:
        raise ImageError("no such image", where=str(path), fix="complete the download") from None
    except InvalidDicomError:
        raise ImageError("not a DICOM file", where=str(path), fix=_FETCH_AGAIN) from None
    except Exception as error:  # a damaged header surfaces as almost any exception
        raise ImageError(f"DICOM header cannot be read ({_brief(error)})", where=str(path), fix=_FETCH_AGAIN) from None


def _decode(dataset: "Dataset", path: str | Path) -> np.ndarray:
    where = str(path)
    if "PixelData" not in dataset:
        raise ImageError("no complete pixel data: truncated, or not an image", where=where, fix=_FETCH_AGAIN)
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise ImageError("a colour image, not a greyscale one", where=where, fix="use the original mammogram")
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if frames != 1:
        raise ImageError(f"{frames} frames, one expected", where=where, fix="tomosynthesis is not supported")
    try:
        pixels = dataset.pixel_array
    except Exception as error:  # each decoder has exceptions of its own
        raise ImageError(f"pixels cannot be decoded ({_brief(error)})", where=where, fix=_FETCH_AGAIN) from None
    if pixels.ndim != 2:
        raise ImageError(f"pixels of shape {pixels.shape}, two dimensions expected", where=where, fix=_FETCH_AGAIN)
    return pixels


def _padding(dataset: "Dataset", stored: np.ndarray) -> np.ndarray | None:
    """Mask of padding pixels (PS3.3 C.7.5.1.1.2: a value, or all from the value to the range limit); None without."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    padding = (stored >= low) & (stored <= high)
    return padding if padding.any() else None


def _spacing(dataset: "Dataset", path: str | Path) -> tuple[float, str]:
    for name in SPACING_ATTRIBUTES:
        pair = _pair(dataset.get(name))
        if pair is None:
            continue
        row, column = pair
        if abs(row - column) > ANISOTROPY * min(row, column):
            raise ImageError(
                f"{name} {row:g} x {column:g} mm: pixels are not square", where=str(path), fix="resample the image"
            )
        return (row + column) / 2, name
    return float("nan"), "unknown"


def _pair(value: Any) -> tuple[float, float] | None:
    """Two positive finite numbers, or None: some files carry the attribute empty or as zeros."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return None
    row, column = float(value[0]), float(value[1])
    return (row, column) if np.isfinite([row, column]).all() and min(row, column) > 0 else None


def _brief(error: Exception) -> str:
    """First line of an exception's text; decoders list every plugin below it."""
    lines = str(error).strip().splitlines()
    return shorten(lines[0], 100, placeholder=" ...") if lines else type(error).__name__
