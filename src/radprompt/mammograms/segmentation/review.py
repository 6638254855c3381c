"""A reader's corrections: contact sheets to look at, and the corrected masks that come back.

The paper's radiologists corrected nnU-Net's contours. Here ``data/review/<dataset>/<lesion_id>.png``, when present,
takes the place of the generated mask; :mod:`radprompt.review` is the page that writes it.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, atomic_write
from radprompt.mammograms.imaging.contours import SMALLEST_MASK, read_mask, sign_of_inversion
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.imaging.roi import Region, crop, region_around, to_grid
from radprompt.tables import reviews
from radprompt.tables.lesions import Box, from_table, read_lesions

TILE, CAPTION = 256, 30
COLUMNS, ROWS = 5, 4
BOX_COLOUR, REFERENCE_COLOUR = "#f5d547", "#e056c9"
PAGES_OWN = (reviews.TABLE, reviews.READERS, reviews.DRAWN)
"""What the reader's page writes beside corrected masks."""
SOURCE_COLOURS = {"nnunet": "#38c6f4", "ellipse": "#ff8c42", "review": "#5fd35f"}


class Tile(NamedTuple):
    """What a contact sheet shows of one lesion: the mammogram (rows, columns), its box, masks of the image's size."""

    lesion_id: str
    pixels: np.ndarray
    box: Box
    mask: np.ndarray
    source: str
    reference: np.ndarray | None


def read_sources(path: str | Path) -> pd.Series:
    """Read who drew each mask (nnunet, ellipse, review), by lesion id; an absent table is an :class:`InputError`."""
    if not Path(path).is_file():
        raise InputError("no such mask table", where=str(path), fix="run `dvc repro masks`, or `dvc pull`")
    return pd.read_csv(path, dtype=str).set_index("lesion_id")["source"]


def read_unusable(path: str | Path) -> dict[str, str]:
    """Read why a reader excludes a lesion, by the ids of unusable ones; errors as in :func:`read_sources`."""
    read_sources(path)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if "unusable" not in table:
        raise InputError("column 'unusable' missing", where=str(path), fix="run `dvc repro masks`")
    pairs = zip(table["lesion_id"].tolist(), table["unusable"].tolist(), strict=True)
    return {lesion_id: f"unusable to {reason}" for lesion_id, reason in pairs if reason}


def find_reviewed(folder: str | Path, lesion_ids: Iterable[str], suffix: str = ".png") -> dict[str, Path]:
    """Return the corrected masks by lesion id.

    Parameters
    ----------
    folder
        Where they lie.
    lesion_ids
        What may have one.
    suffix
        Ending of their files.

    Raises
    ------
    InputError
        A file (hidden ones and the page's own aside) that is no ``<lesion_id><suffix>`` of ``lesion_ids``: it would be
        ignored silently.
    """
    known, masks = set(lesion_ids), "data/masks/<dataset>.csv" if suffix == ".png" else "the study's quality.csv"
    found = {}
    files = Path(folder).iterdir() if Path(folder).is_dir() else []
    for path in sorted(path for path in files if not path.name.startswith(".") and path.name not in PAGES_OWN):
        name = path.name.removesuffix(suffix)
        if not path.name.endswith(suffix) or name not in known:
            raise InputError(
                "no lesion whose mask is drawn here has this name",
                where=str(path),
                fix=f"name it <lesion_id>{suffix} after a row of {masks}, or move it away",
            )
        found[name] = path
    return found


def read_reviewed(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a corrected mask as bool (rows, columns).

    Raises
    ------
    InputError
        It has another size than the image, more than two values, under :data:`SMALLEST_MASK` pixels, is full, or has
        inside and outside interchanged (:func:`sign_of_inversion`).
    """
    mask = read_mask(path)
    if mask.shape != shape:
        raise InputError(
            f"the corrected mask has (rows, columns) {mask.shape}, its image {shape}",
            where=str(path),
            fix="start from the mask in data/masks/ and keep its size",
        )
    if fault := fault_of_size(mask):
        raise InputError(
            f"the corrected mask {fault}",
            where=str(path),
            fix="draw the mass as 255 on 0, or delete the file to have nnU-Net's mask back",
        )
    if sign := sign_of_inversion(mask):
        raise InputError(
            f"the corrected mask looks inverted: it {sign}",
            where=str(path),
            fix="interchange inside and outside, so that the mass is 255 and everything else 0",
        )
    return mask


def fault_of_size(mask: np.ndarray) -> str:
    """Say why a bool mask cannot be a mass: full, empty, or under :data:`SMALLEST_MASK`; '' where it can."""
    area = np.count_nonzero(mask)
    if mask.all():
        return "is full"
    if area >= SMALLEST_MASK:
        return ""
    return f"has {area} pixels, fewer than {SMALLEST_MASK}" if area else "is empty"


def contact_sheet(tiles: Sequence[Tile], path: str | Path, context: float) -> None:
    """Write one PNG page, :data:`COLUMNS` tiles wide: region, box (yellow), contour by source, reference (magenta).

    Parameters
    ----------
    tiles
        The lesions of the page, left to right and top to bottom.
    path
        PNG to write.
    context
        Margin around the box as a fraction of its longer side.
    """
    rows = -(-len(tiles) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * TILE, rows * (TILE + CAPTION)), "black")
    for place, tile in enumerate(tiles):
        page.paste(_picture(tile, context), (place % COLUMNS * TILE, place // COLUMNS * (TILE + CAPTION)))
    with atomic_write(path) as part:
        page.save(part, format="PNG")


def write_contact_sheets(
    dataset: str, folder: str | Path = "reports/review", *, context: float = 0.5, root: str | Path = "."
) -> list[Path]:
    """Draw every lesion that has a mask.

    Parameters
    ----------
    dataset
        One of ``data_sets`` in ``settings.yaml``.
    folder
        Pages go to ``<folder>/<dataset>/page_01.png`` and on; the data set's folder is replaced whole.
    context
        Margin around the box as a fraction of its longer side.
    root
        The repository, which the paths in the tables are relative to.

    Returns
    -------
    list of pathlib.Path
        The pages, in the order of the lesion ids.

    Raises
    ------
    InputError
        The lesion or mask table is absent.
    """
    root, folder = Path(root), Path(folder) / dataset
    drawn = read_sources(root / "data" / "masks" / f"{dataset}.csv")
    table = read_lesions(root / "data" / "lesions" / f"{dataset}.csv")
    lesions = list(from_table(table[table["lesion_id"].isin(drawn.index)]))
    read = lru_cache(maxsize=1)(read_mammogram)
    names: list[str] = []
    with atomic_folder(folder) as part:
        for start in range(0, len(lesions), COLUMNS * ROWS):
            tiles = [
                Tile(
                    lesion.lesion_id,
                    read(root / lesion.image_path).pixels,
                    lesion.box,
                    read_mask(root / "data" / "masks" / dataset / f"{lesion.lesion_id}.png"),
                    str(drawn[lesion.lesion_id]),
                    read_mask(root / lesion.mask_path) if lesion.mask_path else None,
                )
                for lesion in lesions[start : start + COLUMNS * ROWS]
            ]
            names.append(f"page_{len(names) + 1:02d}.png")
            contact_sheet(tiles, part / names[-1], context)
    return [folder / name for name in names]


def _picture(tile: Tile, context: float) -> Image.Image:
    region = region_around(tile.box, tile.pixels.shape, context)
    view = to_grid(crop(tile.pixels, region), TILE)
    # A window on the region: a mass is often a few per cent of the mammogram's range.
    low, high = np.percentile(view, (0.5, 99.5))
    grey = np.clip((view - low) / max(high - low, 1e-6), 0, 1) * 255
    picture = Image.new("RGB", (TILE, TILE + CAPTION), "black")
    picture.paste(Image.fromarray(grey.astype(np.uint8)).convert("RGB"))
    pen = ImageDraw.Draw(picture)
    across, down = TILE / (region.right - region.left), TILE / (region.bottom - region.top)
    corners = (
        ((tile.box.xmin - region.left) * across, (tile.box.ymin - region.top) * down),
        ((tile.box.xmax - region.left) * across - 1, (tile.box.ymax - region.top) * down - 1),
    )
    pen.rectangle(corners, outline=BOX_COLOUR)
    if tile.reference is not None:
        _outline(pen, tile.reference, region, REFERENCE_COLOUR)
    _outline(pen, tile.mask, region, SOURCE_COLOURS[tile.source])
    font = ImageFont.load_default(size=11)
    pen.text((4, TILE + 1), tile.lesion_id[-44:], fill="white", font=font)
    pen.text((4, TILE + 14), tile.source, fill=SOURCE_COLOURS[tile.source], font=font)
    return picture


def _outline(pen: ImageDraw.ImageDraw, mask: np.ndarray, region: Region, colour: str) -> None:
    # A rim of background closes contours that reach the region's edge.
    padded = np.pad(to_grid(crop(mask, region), TILE, nearest=True), 1)
    for line in find_contours(padded, 0.5):
        pen.line([(float(x) - 1, float(y) - 1) for y, x in line], fill=colour, width=1)
