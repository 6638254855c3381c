"""What the page shows of a study's images: slices at full resolution, the whole slice, and a view across the slices."""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from radprompt.mammograms.imaging.contours import box_of
from radprompt.review.desk import Block, State
from radprompt.review.pictures import LEVELS, LONGEST_SIDE, Whole, as_png
from radprompt.review.study import KEPT, CaseEntry, CaseImage, StudyWorklist
from radprompt.tables.lesions import Box


class _Read(NamedTuple):
    """Voxels (slices, rows, columns), their range, and where the case's own mask is: its box, and its largest slice."""

    voxels: np.ndarray
    low: float
    high: float
    box: Box
    centre: tuple[int, int, int]
    spacing: tuple[float, float, float]


class VolumePictures:
    """Pictures of a study's cases; one is read at a time, and few are kept."""

    def __init__(self, worklist: StudyWorklist) -> None:
        self._worklist = worklist
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._volume = lru_cache(maxsize=KEPT)(self._read)

    def prepare(self, entry: CaseEntry) -> None:
        """Begin to read a case; what is wrong with it is said when it is asked for."""
        self._reader.submit(self._volume, entry)

    def pixels(self, entry: CaseEntry) -> np.ndarray:
        """Return a case's voxels, (slices, rows, columns); an ImageError where they cannot be read."""
        return self._of(entry).voxels

    def details(self, entry: CaseEntry, state: State) -> dict[str, Any]:
        """Describe a case; grey values are those of its file."""
        read = self._of(entry)
        depth, rows, columns = read.voxels.shape
        across, planar = _scale(read, columns), depth == 1
        xmin, ymin, xmax, ymax = read.box
        areas = np.count_nonzero(state.current, axis=(1, 2))
        filled = np.flatnonzero(areas) if areas.any() else np.array([read.centre[0]])
        lowest, highest = depth - 1 - int(filled[-1]), depth - int(filled[0])
        sides = read.spacing[:2] if planar else read.spacing
        return {
            "box": (xmin, ymin, xmax, ymax),
            "grid": f"{' x '.join(f'{side:.3g}' for side in sides)} mm a {'pixel' if planar else 'voxel'}",
            "measure": {"unit": "mm²" if planar else "mm³", "factor": float(np.prod(sides))},
            "levels": (read.low, read.high),
            "slice": int(areas.argmax()) if areas.any() else read.centre[0],
            "whole": {
                "view": "whole image" if planar else f"slice {read.centre[0] + 1} of {depth}",
                "shape": (rows, columns),
                "boxes": [(xmin, ymin, xmax, ymax)],
            },
            "other": None
            if planar
            else {
                "view": f"across the slices, row {read.centre[1] + 1}",
                "boxes": [(xmin * across[0], lowest * across[1], xmax * across[0], highest * across[1])],
            },
        }

    def region(self, entry: CaseEntry, block: Block, shape: tuple[int, ...], at: int) -> bytes:
        """Return a slice's region; 0 and 65535 stand for the image's lowest and highest value."""
        read = self._of(entry)
        part = block.of(read.voxels).astype(np.float64)
        scaled = (np.nan_to_num(part, nan=read.low, posinf=read.high, neginf=read.low) - read.low) / _range(read)
        return np.rint(scaled * LEVELS).astype("<u2").tobytes()

    def whole(self, entry: CaseEntry) -> Whole:
        """Return the slice in which the case's own mask is largest, reduced to :data:`LONGEST_SIDE`."""
        read = self._of(entry)
        plane = read.voxels[read.centre[0]]
        step = max(1, -(-max(plane.shape) // LONGEST_SIDE))
        return Whole(as_png(np.nan_to_num(plane[::step, ::step]), *_window(plane)), step)

    def other(self, entry: CaseEntry) -> Whole | None:
        """Return the view across the slices through the mask's middle, in true proportions, the last slice on top."""
        read = self._of(entry)
        if read.voxels.shape[0] == 1:
            return None
        plane = np.nan_to_num(read.voxels[::-1, read.centre[1]].astype(np.float32))
        across = _scale(read, plane.shape[1])
        size = max(1, round(plane.shape[1] * across[0])), max(1, round(plane.shape[0] * across[1]))
        resized = Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR)
        return Whole(as_png(np.asarray(resized), *_window(plane)), 1)

    def _of(self, entry: CaseEntry) -> _Read:
        return self._reader.submit(self._volume, entry).result()

    def _read(self, entry: CaseEntry) -> _Read:
        import SimpleITK

        read: CaseImage = self._worklist.images.read(entry.case)
        voxels = SimpleITK.GetArrayFromImage(read.image)
        finite = voxels[np.isfinite(voxels)] if voxels.dtype.kind == "f" else voxels
        areas, plane = np.count_nonzero(read.mask, axis=(1, 2)), np.asarray(read.mask.any(axis=0))
        box, slice_ = box_of(plane), int(areas.argmax())
        centre = slice_, (box.ymin + box.ymax) // 2, (box.xmin + box.xmax) // 2
        return _Read(voxels, float(finite.min()), float(finite.max()), box, centre, read.image.GetSpacing())


def _range(read: _Read) -> float:
    return max(read.high - read.low, 1e-12)


def _window(plane: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(plane[np.isfinite(plane)], (1, 99.8))
    return float(low), float(high)


def _scale(read: _Read, columns: int) -> tuple[float, float]:
    """Return what a column and a slice are in pixels of the view across the slices."""
    x, _, z = read.spacing
    longest = max(columns * x, read.voxels.shape[0] * z)
    return x * LONGEST_SIDE / longest, z * LONGEST_SIDE / longest
