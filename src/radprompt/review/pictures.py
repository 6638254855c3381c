"""What the page shows of a mammogram: the region at full resolution, and the whole of it and of the other view."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from PIL import Image

from radprompt.core.errors import ImageError
from radprompt.mammograms.imaging.dicom import Mammogram, read_mammogram
from radprompt.review.desk import Block, State
from radprompt.review.worklist import Entry, LesionEntry, Worklist
from radprompt.tables.lesions import Lesion

LEVELS = 65535
LONGEST_SIDE = 1000
"""Pixels of the whole mammogram's longer side on the page."""
KEPT = 2
"""Decoded mammograms in memory: the lesion's own and the other view's."""
MOST_SIBLINGS = 16
"""Files beside an image up to which another view is looked for in their headers."""


@dataclass(frozen=True)
class OtherView:
    """Another view of the same breast: its file, its name, and the lesions of the table in it."""

    path: str
    view: str
    lesions: tuple[Lesion, ...]


@dataclass(frozen=True)
class Whole:
    """A whole mammogram as an 8-bit PNG; one of its pixels stands for ``step`` x ``step`` of the image's."""

    content: bytes
    step: int


E_contra = TypeVar("E_contra", bound=Entry, contravariant=True)


class AnyPictures(Protocol[E_contra]):
    """What the page shows of a worklist's images."""

    def prepare(self, entry: E_contra) -> None:
        """Begin to read a lesion's image; what is wrong with it is said when it is asked for."""

    def pixels(self, entry: E_contra) -> np.ndarray:
        """Return a lesion's image; an ImageError where it cannot be read."""

    def details(self, entry: E_contra, state: State) -> dict[str, Any]:
        """Describe a lesion's image.

        Returns
        -------
        dict
            ``box``; ``grid``, the size of a pixel in words; ``measure``, what one is in mm² or mm³; ``levels``, the
            values that 0 and 65535 stand for; ``slice``, where a volume is opened; ``whole`` and ``other``, name and
            boxes of the pictures beside it.
        """

    def region(self, entry: E_contra, block: Block, shape: tuple[int, ...], at: int) -> bytes:
        """Return the pixels of a block, of a volume in slice ``at``, as little-endian uint16, row by row.

        Raises
        ------
        ImageError
            The image cannot be read, or has another size than its mask (``shape``).
        """

    def whole(self, entry: E_contra) -> Whole:
        """Return the whole image, of a volume one slice."""

    def other(self, entry: E_contra) -> Whole | None:
        """Return another view; None where there is none."""


class Pictures:
    """Pictures of a worklist's mammograms; one is decoded at a time, and few are kept."""

    def __init__(self, worklist: Worklist) -> None:
        self._worklist = worklist
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        self._read = lru_cache(maxsize=KEPT)(read_mammogram)
        self._whole = lru_cache(maxsize=4 * KEPT)(self._draw_whole)

    def prepare(self, entry: LesionEntry) -> None:
        """Begin to decode a lesion's mammogram; what is wrong with it is said when it is asked for."""
        self._decoder.submit(self._read, self._worklist.root / entry.lesion.image_path)

    def pixels(self, entry: LesionEntry) -> np.ndarray:
        """Return a lesion's mammogram, float32 (rows, columns) from 0 to 1; an ImageError where it cannot be read."""
        return self._mammogram(entry.lesion.image_path).pixels

    def details(self, entry: LesionEntry, state: State) -> dict[str, Any]:
        """Describe a lesion's mammogram and the other view of the breast; nothing is decoded."""
        lesion, other = entry.lesion, self.other_view(entry.lesion)
        spacing = lesion.spacing_mm if np.isfinite(lesion.spacing_mm) else None
        return {
            "box": lesion.box,
            "grid": f"{spacing:.3g} mm a pixel" if spacing else "pixel size unknown",
            "measure": {"unit": "mm²", "factor": spacing**2} if spacing else None,
            "levels": None,
            "slice": None,
            "whole": {"view": lesion.view, "shape": state.current.shape, "boxes": [lesion.box]},
            "other": None if other is None else {"view": other.view, "boxes": [one.box for one in other.lesions]},
        }

    def region(self, entry: LesionEntry, block: Block, shape: tuple[int, ...], at: int) -> bytes:
        """Return a region's pixels; 65535 stands for the mammogram's brightest."""
        pixels = self.pixels(entry)
        if pixels.shape != shape:
            raise ImageError(
                f"the image has (rows, columns) {pixels.shape}, its mask {shape}",
                where=entry.lesion.image_path,
                fix="run `dvc repro masks` again",
            )
        return np.rint(block.of(pixels) * LEVELS).astype("<u2").tobytes()

    def whole(self, entry: LesionEntry) -> Whole:
        """Return a mammogram as an 8-bit PNG whose longer side is :data:`LONGEST_SIDE` at most."""
        return self._whole(entry.lesion.image_path)

    def other(self, entry: LesionEntry) -> Whole | None:
        """Return the other view of the breast in the same form; None where none is known."""
        view = self.other_view(entry.lesion)
        return None if view is None else self._whole(view.path)

    def other_view(self, lesion: Lesion) -> OtherView | None:
        """Return the other view of a lesion's breast: of the lesion table, else by the headers of files beside it."""
        others = self._worklist.other_views(lesion)
        if others:
            path = others[0].image_path
            return OtherView(path, others[0].view, tuple(other for other in others if other.image_path == path))
        return self._sibling(lesion)

    def _mammogram(self, image_path: str) -> Mammogram:
        return self._decoder.submit(self._read, self._worklist.root / image_path).result()

    def _draw_whole(self, image_path: str) -> Whole:
        pixels = self._mammogram(image_path).pixels
        step = max(1, -(-max(pixels.shape) // LONGEST_SIDE))
        rows, columns = (length // step * step for length in pixels.shape)
        small = pixels[:rows, :columns].reshape(rows // step, step, columns // step, step).mean(axis=(1, 3))
        breast = small[small > 0]
        low, high = np.percentile(breast, (1, 99.8)) if breast.size else (0, 1)
        return Whole(as_png(small, low, high), step)

    def _sibling(self, lesion: Lesion) -> OtherView | None:
        folder = (self._worklist.root / lesion.image_path).parent
        files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
        if len(files) > MOST_SIBLINGS:
            return None
        for path in files:
            laterality, view = _header(path)
            if laterality == lesion.laterality and view not in ("", lesion.view):
                return OtherView(path.relative_to(self._worklist.root).as_posix(), view, ())
        return None


def as_png(pixels: np.ndarray, low: float, high: float) -> bytes:
    """Return pixels (rows, columns) as an 8-bit PNG, ``low`` black and ``high`` white."""
    grey = np.clip((pixels - low) / max(high - low, 1e-6), 0, 1) * 255
    buffer = io.BytesIO()
    Image.fromarray(np.rint(grey).astype(np.uint8)).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _header(path: Path) -> tuple[str, str]:
    """Return laterality and view that a DICOM header gives; '' where it does not say or cannot be read."""
    from pydicom import dcmread

    tags = ["ImageLaterality", "Laterality", "ViewPosition"]
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=tags)
        return str(header.get("ImageLaterality") or header.get("Laterality") or ""), str(header.get("ViewPosition", ""))
    except Exception:  # a damaged header surfaces as almost any exception; here it is no other view
        return "", ""
