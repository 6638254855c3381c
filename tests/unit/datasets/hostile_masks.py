"""Mask images as no reader wants them, given to what measures a mass and to what takes a reader's correction back."""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hostile_case import ERROR, EXCLUDED, READ
from PIL import Image
from tiny_sets import SHAPE, mammogram, square, write_dicom

from radprompt.core.errors import InputError
from radprompt.core.params import MaskChoice, Radiomics
from radprompt.mammograms.radiomics.cohort import measure_image
from radprompt.mammograms.segmentation.review import read_reviewed
from radprompt.tables.lesions import Lesion

SETTINGS = Radiomics(
    bin_count=8, resample_mm=None, shape_unit="px", masks=MaskChoice(vindr_mammo="predicted", inbreast="predicted")
)
GOOD = square((5, 10, 15, 25))


class MaskTrap(NamedTuple):
    """A name for people, the file's content, and what measuring it and reviewing it say; '' where it is taken."""

    input: str
    content: bytes
    features: str
    review: str


def _png(values: np.ndarray, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, format=kind)
    return content.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _bomb(side: int) -> bytes:
    header = struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(99)))
        + _chunk(b"IEND", b"")
    )


def _pixels(*places: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    for place in places:
        mask[place] = 255
    return mask


FRAME = np.pad(np.zeros((SHAPE[0] - 2, SHAPE[1] - 2), np.uint8), 1, constant_values=255)
SMOOTH = np.where(GOOD > 0, np.arange(40, dtype=np.uint8), 0).astype(np.uint8)
MASK_TRAPS = [
    MaskTrap("PNG that announces 60,000 x 60,000", _bomb(60_000), "not a readable image", "not a readable image"),
    MaskTrap(
        "PNG that announces 9,000 x 9,000", _bomb(9_000), "9000 x 9000 pixels: no mam", "9000 x 9000 pixels: no mam"
    ),
    MaskTrap("PNG truncated", _png(GOOD)[:60], "not a readable image", "not a readable image"),
    MaskTrap("JPEG under the name of a PNG", _png(GOOD, "JPEG"), "not a readable image", "not a readable image"),
    MaskTrap("empty file", b"", "not a readable image", "not a readable image"),
    MaskTrap("PNG in colour", _png(np.stack([GOOD] * 3, -1)), "not greyscale", "not greyscale"),
    MaskTrap("PNG of eleven values", _png(SMOOTH), "a mask has two values", "a mask has two values"),
    MaskTrap("mask of another size", _png(GOOD[:40]), "the mask has 40 x 40", "the corrected mask has"),
    MaskTrap("mask of 0 pixels", _png(_pixels()), "the mask is empty", "the corrected mask is empty"),
    MaskTrap(
        "mask of 1 pixel", _png(_pixels((9, 9))), "the mask has 1 pixels, fewer than 16", "has 1 pixels, fewer than 16"
    ),
    MaskTrap(
        "mask of 3 pixels",
        _png(_pixels((9, 9), (9, 10), (10, 9))),
        "the mask has 3 pixels, fewer than 16",
        "has 3 pixels, fewer than 16",
    ),
    MaskTrap("mask of every pixel", _png(np.full(SHAPE, 255, np.uint8)), "", "the corrected mask is full"),
    MaskTrap(
        "mask with 0 inside and 255 outside", _png(255 - GOOD), "", "looks inverted: it covers 92.5% of the image"
    ),
    MaskTrap("frame around the image", _png(FRAME), "", "looks inverted: it touches all four borders"),
    MaskTrap("mask that touches three borders", _png(square((0, 0, 40, 9))), "", ""),
]


def observe_features(trap: MaskTrap) -> tuple[str, str]:
    """Measure a mass inside the mask."""
    with tempfile.TemporaryDirectory() as folder:
        image = write_dicom(Path(folder) / "image.dcm", mammogram())
        mask = _written(folder, trap)
        lesion = Lesion(
            "1", "p", "s", "inbreast", str(image), "CC", "L", "5", 1, "test", 5, 10, 15, 25, str(mask), 0.1, "x"
        )
        outcome = measure_image([(lesion, mask)], SETTINGS)["1"]
        if isinstance(outcome, str):
            return EXCLUDED, outcome.replace(f"{folder}/", "")
        assert all(np.isfinite(value) for value in outcome.values())
        return READ, f"{len(outcome)} finite features"


def observe_review(trap: MaskTrap) -> tuple[str, str]:
    """Read the mask as a reader's correction."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            mask = read_reviewed(_written(folder, trap), SHAPE)
        except InputError as error:
            return ERROR, f"{error.where}: {error.what}".replace(f"{folder}/", "")
        return READ, f"{mask.sum()} pixels"


def _written(folder: str, trap: MaskTrap) -> Path:
    path = Path(folder) / "mask.png"
    path.write_bytes(trap.content)
    return path


READERS: dict[str, tuple[Callable[[MaskTrap], tuple[str, str]], str]] = {
    "mask, when measured": (observe_features, "features"),
    "mask, corrected by a reader": (observe_review, "review"),
}
