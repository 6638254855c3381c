"""One tile a case: the region's middle slice with its contour, for a person to look through."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from radprompt.core.outputs import atomic_folder

if TYPE_CHECKING:
    import SimpleITK

TILE, CAPTION = 256, 30
COLUMNS, ROWS = 5, 4
CONTOUR, FLAGGED = "#38c6f4", "#ff8c42"
MARGIN = 0.5
"""Surroundings shown, as a fraction of the region's longer side."""
_LEAST = 8
"""Pixels shown beside the region at least."""


def draw_tile(
    image: "SimpleITK.Image", mask: "SimpleITK.Image", case: str, words: str, *, flagged: bool, side: int = TILE
) -> bytes:
    """Return a PNG of the region's middle slice, in true proportions, with its contour.

    Parameters
    ----------
    image, mask
        Three-dimensional, on one grid; 1 inside, not empty.
    case, words
        Two lines below the picture.
    flagged
        Whether the second line is orange.
    side
        Pixels of the picture a side.
    """
    import SimpleITK
    from skimage.measure import find_contours

    inside = SimpleITK.GetArrayViewFromImage(mask) > 0
    filled = np.flatnonzero(inside.any(axis=(1, 2)))
    place = int(filled[len(filled) // 2])
    region, pixels = inside[place], SimpleITK.GetArrayViewFromImage(image)[place]
    view = _view(region, image.GetSpacing())
    shown = np.nan_to_num(pixels[view].astype(np.float64))
    low, high = np.percentile(shown, (0.5, 99.5))
    grey = np.clip((shown - low) / max(high - low, 1e-9), 0, 1) * 255
    across, down = (length * step for length, step in zip(reversed(shown.shape), image.GetSpacing()[:2], strict=True))
    scale = side / max(across, down)
    width, height = max(round(across * scale), 1), max(round(down * scale), 1)
    picture = Image.new("RGB", (side, side + CAPTION), "black")
    left, top = (side - width) // 2, (side - height) // 2
    picture.paste(
        Image.fromarray(grey.astype(np.uint8)).resize((width, height), Image.Resampling.BILINEAR), (left, top)
    )
    pen = ImageDraw.Draw(picture)
    steps = width / shown.shape[1], height / shown.shape[0]
    for line in find_contours(np.pad(region[view], 1).astype(float), 0.5):
        points = [(left + (x - 0.5) * steps[0], top + (y - 0.5) * steps[1]) for y, x in line]
        pen.line(points, fill=CONTOUR, width=1)
    font = ImageFont.load_default(size=11)
    pen.text((4, side + 1), case[-44:], fill="white", font=font)
    pen.text((4, side + 14), f"slice {place + 1}: {words}"[:48], fill=FLAGGED if flagged else CONTOUR, font=font)
    content = BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()


def write_contact_sheets(tiles: Sequence[bytes], folder: Path) -> list[Path]:
    """Write pages of :data:`COLUMNS` x :data:`ROWS` tiles, ``page_01.png`` and on; the folder is replaced whole."""
    names: list[str] = []
    with atomic_folder(folder) as part:
        for start in range(0, len(tiles), COLUMNS * ROWS):
            chosen = tiles[start : start + COLUMNS * ROWS]
            rows = -(-len(chosen) // COLUMNS)
            page = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + CAPTION)), "black")
            for place, tile in enumerate(chosen):
                with Image.open(BytesIO(tile)) as picture:
                    page.paste(picture, (place % COLUMNS * TILE, place // COLUMNS * (TILE + CAPTION)))
            names.append(f"page_{len(names) + 1:02d}.png")
            page.save(part / names[-1], format="PNG")
    return [folder / name for name in names]


def _view(region: np.ndarray, spacing: tuple[float, ...]) -> tuple[slice, slice]:
    sides = []
    for axis, step in ((0, spacing[1]), (1, spacing[0])):
        filled = np.flatnonzero(region.any(axis=1 - axis))
        sides.append((int(filled[0]), int(filled[-1]) + 1, step))
    longest = max((stop - start) * step for start, stop, step in sides)
    views = []
    for (start, stop, step), length in zip(sides, region.shape, strict=True):
        beside = max(round((longest * (1 + 2 * MARGIN) / step - (stop - start)) / 2), _LEAST)
        views.append(slice(max(start - beside, 0), min(stop + beside, length)))
    return views[0], views[1]
