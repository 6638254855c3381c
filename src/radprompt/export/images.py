"""One image of a user: DICOM or PNG, its pixel size, and where the mass lies in it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.outputs import DECIMALS
from radprompt.mammograms.datasets.findings import SMALLEST_SIDE
from radprompt.mammograms.datasets.vindr_mammo import clamped
from radprompt.mammograms.imaging.contours import box_of, read_mask, sign_of_inversion
from radprompt.mammograms.imaging.dicom import LARGEST_IMAGE, Mammogram, read_mammogram
from radprompt.tables.lesions import Box

PNG = b"\x89PNG\r\n\x1a\n"
GREY = ("L", "I;16", "I;16B", "I;16L", "I")
"""Pillow's modes of 8-bit and 16-bit grey."""
AGREEMENT = 0.01
"""Relative difference up to which a given spacing and the file's are the same."""

_FIX = "give a single-frame greyscale DICOM file, or a PNG of 8 or 16 bits of grey, as it left the detector"


def read_image(path: Path, spacing_mm: float = math.nan) -> Mammogram:
    """Read a mammogram as the training images were read: from 0 to 1, bright where dense.

    Parameters
    ----------
    path
        DICOM, or an 8-bit or 16-bit greyscale PNG, told apart by content.
    spacing_mm
        Pixel size, mm, of an image that does not say; NaN where unknown. A PNG's print resolution is not looked at.

    Raises
    ------
    ImageError
        The file is absent or cannot be used, or says another pixel size than the given one.
    """
    where = str(path)
    try:
        with path.open("rb") as file:
            is_png = file.read(len(PNG)) == PNG
        image = _read_png(path) if is_png else read_mammogram(path)
    except FileNotFoundError:
        raise ImageError("no such image", where=where, fix="check the path") from None
    except OSError as error:
        raise ImageError(
            f"cannot be read ({error.strerror})", where=where, fix="check the path and its rights"
        ) from None
    except ImageError as error:
        raise ImageError(error.what, where=where, fix=_FIX) from None
    return with_spacing(image, spacing_mm, where)


def with_spacing(image: Mammogram, spacing_mm: float, where: str) -> Mammogram:
    """Return an image with the given pixel size, mm, where it says none itself; NaN: as it is.

    Raises
    ------
    ImageError
        The image says another pixel size.
    """
    if math.isnan(spacing_mm):
        return image
    if not math.isnan(image.spacing_mm) and abs(spacing_mm / image.spacing_mm - 1) > AGREEMENT:
        raise ImageError(
            f"the file says {image.spacing_mm:g} mm a pixel ({image.spacing_source}), not {spacing_mm:g}",
            where=where,
            fix="leave the spacing out for files that have it",
        )
    if math.isnan(image.spacing_mm):
        return replace(image, spacing_mm=spacing_mm, spacing_source="given")
    return image


def spacing_as_written(spacing_mm: float) -> float:
    """Return a spacing as the lesion table keeps it."""
    return spacing_mm if math.isnan(spacing_mm) else float(f"{spacing_mm:.{DECIMALS}g}")


def box_in(corners: Sequence[float], shape: tuple[int, int]) -> Box:
    """Return the whole pixels of a box xmin, ymin, xmax, ymax (px, as in VinDr-Mammo) in an image of ``shape``.

    Raises
    ------
    ImageError
        The box is not finite, reversed, empty, outside the image, or under two pixels on a side there.
    """
    shown = ", ".join(f"{corner:g}" for corner in corners)
    fix = "give the pixels of the left, upper, right and lower edge: xmin,ymin,xmax,ymax"
    if not all(math.isfinite(corner) for corner in corners):
        raise ImageError(f"box {shown}: not four finite numbers", fix=fix)
    xmin, ymin, xmax, ymax = corners
    if xmax <= xmin or ymax <= ymin:
        raise ImageError(f"box {shown}: reversed or empty", fix=fix)
    box = clamped((xmin, ymin, xmax, ymax), shape)
    if min(box.xmax - box.xmin, box.ymax - box.ymin) < SMALLEST_SIDE:
        raise ImageError(
            f"box {shown}: outside the image or too small in it ({shape[1]} x {shape[0]} px, width x height)", fix=fix
        )
    return box


def read_contour(path: Path, shape: tuple[int, int]) -> tuple[np.ndarray, Box]:
    """Read a mask of an image of ``shape`` (rows, columns); return it as bool, and the box around it.

    Raises
    ------
    ImageError
        It is no mask, of another size, empty, or has inside and outside interchanged.
    """
    mask, where = read_mask(path), str(path)
    if mask.shape != shape:
        raise ImageError(
            f"the mask has {mask.shape[1]} x {mask.shape[0]} px, its image {shape[1]} x {shape[0]} (width x height)",
            where=where,
            fix="draw the mask on the image, at its full size",
        )
    if not mask.any():
        raise ImageError("the mask is empty", where=where, fix="draw the mass as 255 on 0")
    if sign := sign_of_inversion(mask):
        raise ImageError(
            f"the mask looks inverted: it {sign}",
            where=where,
            fix="interchange inside and outside, so that the mass is 255 and everything else 0",
        )
    return mask, box_of(mask)


def _read_png(path: Path) -> Mammogram:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode not in GREY:
                raise ImageError(f"a PNG of mode {image.mode!r}, not of 8 or 16 bits of grey")
            if (frames := getattr(image, "n_frames", 1)) != 1:
                raise ImageError(f"{frames} frames, one expected")
            if (size := image.width * image.height) > LARGEST_IMAGE:
                raise ImageError(f"{size:,} pixels, where {LARGEST_IMAGE:,} are allowed")
            stored = np.asarray(image)
    except (UnidentifiedImageError, SyntaxError, ValueError, OSError, Image.DecompressionBombError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"the PNG cannot be decoded ({str(error).splitlines()[0]})") from None
    pixels = stored.astype(np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    if high <= low:
        raise ImageError("no contrast: all pixels have one value")
    return Mammogram((pixels - np.float32(low)) / np.float32(high - low), math.nan, "unknown")
