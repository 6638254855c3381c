"""Masks of masses: read, written, drawn from boxes and polygons, cleaned."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.inputs import checked, shown
from radprompt.core.outputs import atomic_write
from radprompt.mammograms.imaging.dicom import LARGEST_IMAGE
from radprompt.tables.lesions import Box

LARGEST_MASK = 2 * LARGEST_IMAGE
"""Bytes of a PNG of that many pixels that its compression made no smaller."""


SMALLEST_MASK = 16
"""Fewest pixels that a mass may have to be measured; a texture over less is a property of the outline alone."""


def read_mask(path: str | Path) -> np.ndarray:
    """Read a mask image as bool (rows, columns): zero is outside, the one other value inside.

    Raises
    ------
    ImageError
        The file is absent, no PNG, larger than a mammogram, in colour, or holds more than two values (a smoothed or
        compressed mask).
    """
    from PIL import Image, UnidentifiedImageError

    where = str(path)
    fix = "save it as a greyscale PNG with 0 outside and 255 inside"
    content = checked(path, LARGEST_MASK, ImageError, what="mask", absent="run `dvc repro`, or `dvc pull`").read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is lower
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                if image.width * image.height > LARGEST_IMAGE:
                    raise ImageError(f"{image.width} x {image.height} pixels: no mammogram has so many")
                # A palette's colours count, not its indices: black is outside, whatever its index.
                values = np.asarray(image) if image.mode != "P" else np.asarray(image.convert("RGB")).max(axis=-1)
    except ImageError as error:
        raise ImageError(error.what, where=where, fix=fix) from None
    except UnidentifiedImageError:
        raise ImageError("not a readable image (no PNG)", where=where, fix=fix) from None
    except Exception as error:  # a damaged chunk may surface as almost any exception
        reason = shown(str(error) or type(error).__name__, 100)
        raise ImageError(f"not a readable image ({reason})", where=where, fix=fix) from None
    if values.ndim != 2:
        raise ImageError(f"a mask of shape {values.shape}, not greyscale", where=where, fix=fix)
    mask = values != 0
    if mask.any() and (inside := values[mask]).min() != inside.max():
        raise ImageError(
            f"a mask has two values, this one {len(np.unique(values))} from {values.min()} to {values.max()}",
            where=where,
            fix=fix,
        )
    return mask


def sign_of_inversion(mask: np.ndarray) -> str:
    """Say why a bool mask (rows, columns) must have inside and outside interchanged; '' where nothing says so.

    No mass covers more than half of a mammogram or reaches all its four borders.
    """
    share = np.count_nonzero(mask) / mask.size
    if share > 0.5:
        return f"covers {share:.1%} of the image"
    borders = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return "touches all four borders of the image" if all(border.any() for border in borders) else ""


def write_mask(path: str | Path, mask: np.ndarray) -> None:
    """Write a bool mask (rows, columns) as an 8-bit PNG of 0 and 255, whole or not at all."""
    from PIL import Image

    with atomic_write(path) as part:
        Image.fromarray(mask.astype(bool).astype(np.uint8) * np.uint8(255)).save(part, format="PNG")


def inscribed_ellipse(box: Box, shape: tuple[int, int]) -> np.ndarray:
    """Return the ellipse that touches the box's four sides, as bool (rows, columns).

    A pixel belongs to it when its centre does. Parts outside the image are left out.
    """
    from skimage.draw import ellipse

    mask = np.zeros(shape, dtype=bool)
    centre = (box.ymin + box.ymax - 1) / 2, (box.xmin + box.xmax - 1) / 2
    mask[ellipse(*centre, (box.ymax - box.ymin) / 2, (box.xmax - box.xmin) / 2, shape=shape)] = True
    return mask


def polygon_mask(points_xy: Sequence[tuple[float, float]] | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the closed polygon as bool (rows, columns); integer coordinates are pixel centres.

    Parameters
    ----------
    points_xy
        (n, 2) corners as (column, row), px. Points beyond the image are moved to its border.
    shape
        (rows, columns) of the image.
    """
    from skimage.draw import polygon

    points = np.asarray(points_xy, dtype=float).reshape(-1, 2)
    columns = np.clip(points[:, 0], 0, shape[1] - 1)
    rows = np.clip(points[:, 1], 0, shape[0] - 1)
    mask = np.zeros(shape, dtype=bool)
    mask[polygon(rows, columns, shape=shape)] = True
    return mask


def resize_mask(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resample a bool mask to another image size (rows, columns) by nearest neighbour."""
    from skimage.transform import resize

    return resize(mask, shape, order=0, anti_aliasing=False, preserve_range=True).astype(bool)


def largest_component(mask: np.ndarray) -> np.ndarray:
    """Return the largest 4-connected part of a bool mask, the first in reading order among equals; empty stays empty.

    Four-connected, so that a chain of corners does not count as one mass.
    """
    from scipy.ndimage import label

    result = np.zeros_like(mask, dtype=bool)
    if not mask.any():
        return result
    box = box_of(mask)
    inner = (slice(box.ymin, box.ymax), slice(box.xmin, box.xmax))
    labels, _ = label(mask[inner])
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    result[inner] = labels == sizes.argmax()
    return result


def box_of(mask: np.ndarray) -> Box:
    """Return the tightest box around a mask's pixels; an empty mask is a ValueError."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        raise ValueError("an empty mask has no box")
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
