"""How masks are kept: which contour was drawn, how a mask is read and written, and what no contour can be."""

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, PngImagePlugin

from radprompt.core.outputs import atomic_write
from radprompt.mammograms.imaging.contours import read_mask, sign_of_inversion, write_mask
from radprompt.mammograms.segmentation.review import fault_of_size

NOTED = "milliseconds"
"""What a draft's file says beside its pixels: the time spent."""


class Contours(Protocol):
    """Masks of the images of a worklist, bool, shape (rows, columns) or (slices, rows, columns)."""

    suffix: str
    """Ending of a mask's file."""
    replaced: bool
    """Whether the next run overwrites the drawn contour with a corrected one, so that it must be kept elsewhere."""

    def drawn(self, lesion_id: str) -> np.ndarray | None:
        """Return the contour that was drawn; None where only a correction is left."""

    def unreviewed(self, lesion_id: str) -> np.ndarray:
        """Return the contour of a lesion of which nothing else is there."""

    def read(self, path: Path) -> np.ndarray:
        """Return a mask; an ImageError where it cannot be read."""

    def write(self, path: Path, mask: np.ndarray, lesion_id: str, milliseconds: int | None = None) -> None:
        """Write a mask whole or not at all; a draft with the time spent."""

    def spent(self, draft: Path) -> int:
        """Return the milliseconds that a draft's file holds."""

    def fault(self, mask: np.ndarray) -> str:
        """Say why a mask cannot be accepted; '' where it can."""


class PngContours:
    """Masks of mammograms: PNG files, beside them what nnU-Net or the ellipse drew.

    Parameters
    ----------
    masks
        ``data/masks/<dataset>``, which the pipeline writes.
    kept
        Drawn contours of corrected lesions, which the pipeline has replaced.
    corrected
        Lesions whose contour in ``masks`` is a correction.
    """

    suffix = ".png"
    replaced = True

    def __init__(self, masks: Path, kept: Path, corrected: set[str]) -> None:
        self._masks, self._kept, self._corrected = masks, kept, corrected

    def drawn(self, lesion_id: str) -> np.ndarray | None:
        """Return the drawn contour; None of a correction beside which none is kept."""
        path = self._masks / f"{lesion_id}.png"
        if lesion_id in self._corrected and not (path := self._kept / f"{lesion_id}.png").is_file():
            return None
        return _read_again(path, path.stat().st_mtime_ns if path.is_file() else 0)

    def unreviewed(self, lesion_id: str) -> np.ndarray:
        """Return the pipeline's mask."""
        return read_mask(self._masks / f"{lesion_id}.png")

    def read(self, path: Path) -> np.ndarray:
        """Return a mask; an ImageError where it cannot be read."""
        return read_mask(path)

    def write(self, path: Path, mask: np.ndarray, lesion_id: str, milliseconds: int | None = None) -> None:
        """Write a mask of 0 and 255; a draft as bits, with the time spent."""
        if milliseconds is None:
            return write_mask(path, mask)
        noted = PngImagePlugin.PngInfo()
        noted.add_text(NOTED, str(milliseconds))
        with atomic_write(path) as part:
            Image.fromarray(mask.astype(bool)).save(part, format="PNG", pnginfo=noted, compress_level=1)

    def spent(self, draft: Path) -> int:
        """Return the milliseconds that a draft's file holds, 0 where it says none."""
        with Image.open(draft, formats=["PNG"]) as image:
            return as_milliseconds(str(image.info.get(NOTED, "")))

    def fault(self, mask: np.ndarray) -> str:
        """Say why a mask is no mass: empty, too small, full or inverted."""
        return fault_of_size(mask) or sign_of_inversion(mask)


def as_milliseconds(text: str) -> int:
    """Return a number that a file holds; 0 for anything else."""
    return int(text) if text.isdecimal() and len(text) < 13 else 0


@lru_cache(maxsize=4)
def _read_again(path: Path, changed: int) -> np.ndarray:
    """Read a mask once until its time of change is another one."""
    return read_mask(path)
