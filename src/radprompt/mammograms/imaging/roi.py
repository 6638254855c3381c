"""Regions of interest: a square around a lesion's box, to a fixed grid and back."""

from typing import NamedTuple

import numpy as np

from radprompt.tables.lesions import Box


class Region(NamedTuple):
    """A part of an image in whole pixels, half open: rows ``top <= y < bottom``, columns ``left <= x < right``."""

    top: int
    left: int
    bottom: int
    right: int


def region_around(box: Box, shape: tuple[int, int], context: float) -> Region:
    """Return the square region around a box, inside the image.

    Parameters
    ----------
    box
        Bounding box inside the image, px.
    shape
        (rows, columns) of the image.
    context
        Margin on each side as a fraction of the box's longer side; the region's side is longer * (1 + 2 * context).

    Returns
    -------
    Region
        Centred on the box. At the image's border it is moved inwards, so that it stays square and the grid undistorted;
        only a region larger than the image is cut.
    """
    side = round(max(box.xmax - box.xmin, box.ymax - box.ymin) * (1 + 2 * context))
    if side <= 0:
        raise ValueError(f"{box} is empty")
    top, bottom = _interval(box.ymin + box.ymax, side, shape[0])
    left, right = _interval(box.xmin + box.xmax, side, shape[1])
    return Region(top, left, bottom, right)


def _interval(twice_the_centre: int, side: int, length: int) -> tuple[int, int]:
    if side >= length:
        return 0, length
    start = min(max((twice_the_centre - side) // 2, 0), length - side)
    return start, start + side


def crop(array: np.ndarray, region: Region) -> np.ndarray:
    """Return the region's part of an image, a view."""
    return array[region.top : region.bottom, region.left : region.right]


def to_grid(array: np.ndarray, size: int, *, nearest: bool = False) -> np.ndarray:
    """Resample a region (rows, columns) to float32 (size, size).

    Linear with a Gaussian against aliasing where it shrinks; ``nearest`` keeps the values, for masks.
    """
    return _resample(array, (size, size), nearest=nearest)


def from_grid(array: np.ndarray, region: Region, shape: tuple[int, int]) -> np.ndarray:
    """Put a grid (size, size) back where it was cut: float32 of the image's ``shape``, zero outside the region."""
    image = np.zeros(shape, dtype=np.float32)
    place = crop(image, region)
    place[...] = _resample(array, place.shape, nearest=False)
    return image


def _resample(array: np.ndarray, shape: tuple[int, ...], *, nearest: bool) -> np.ndarray:
    from skimage.transform import resize

    values = np.asarray(array, dtype=np.float32)
    shrinks = any(new < old for new, old in zip(shape, values.shape, strict=True))
    resampled = resize(
        values, shape, order=0 if nearest else 1, anti_aliasing=shrinks and not nearest, preserve_range=True
    )
    return resampled.astype(np.float32, copy=False)
