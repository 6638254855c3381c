"""Drawings of a region for a page: its pixels as a data URI, box and contour as SVG geometry."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image
from skimage.measure import find_contours

from radprompt.mammograms.imaging.roi import Region, crop, to_grid
from radprompt.tables.lesions import Box


def png(view: np.ndarray) -> bytes:
    """Return a grey image (rows, columns) as a PNG.

    Windowed from its 0.5th to its 99.5th percentile: a mass is often a few per cent of the mammogram's range.
    """
    low, high = np.percentile(view, (0.5, 99.5))
    grey = np.clip((view - low) / max(high - low, 1e-6), 0, 1) * 255
    buffer = BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def data_uri(view: np.ndarray) -> str:
    """Return what :func:`png` does in a data URI."""
    return f"data:image/png;base64,{b64encode(png(view)).decode()}"


def shrunk(pixels: np.ndarray, longest: int) -> np.ndarray:
    """Return an image with ``longest`` pixels on its longer side, or as it is where that is smaller."""
    factor = min(1.0, longest / max(pixels.shape))
    size = [max(1, round(length * factor)) for length in reversed(pixels.shape)]
    whole = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    return np.asarray(whole.resize((size[0], size[1]), Image.Resampling.BOX))


def rectangle(box: Box, region: Region, side: int) -> list[float]:
    """Return x, y, width and height of a box in a square drawing of the region, ``side`` units wide."""
    across, down = side / (region.right - region.left), side / (region.bottom - region.top)
    return [
        round(value, 1)
        for value in (
            (box.xmin - region.left) * across,
            (box.ymin - region.top) * down,
            (box.xmax - box.xmin) * across,
            (box.ymax - box.ymin) * down,
        )
    ]


def outline(mask: np.ndarray, region: Region, side: int) -> str:
    """Return a mask's contours as an SVG path in a square drawing of the region, ``side`` units wide."""
    # A rim of background closes contours that reach the region's edge; half a pixel takes centres to coordinates.
    padded = np.pad(to_grid(crop(mask, region), side, nearest=True), 1)
    lines = (" L".join(f"{x - 0.5:.1f} {y - 0.5:.1f}" for y, x in line) for line in find_contours(padded, 0.5))
    return " ".join(f"M{line} Z" for line in lines)
