"""nnU-Net asked again, with another box."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.tables.lesions import Box

if TYPE_CHECKING:
    from radprompt.mammograms.segmentation.segmenter import Drawing, Segmenter

SMALLEST_SIDE = 8
"""Pixels of a box's side; a smaller one is a click that slipped."""


class Redrawing:
    """The pipeline's segmenter, loaded when it is first asked and kept.

    Parameters
    ----------
    root
        The repository, with ``models/segmenter`` and ``params.yaml``.
    """

    def __init__(self, root: str | Path) -> None:
        self._root, self._lock = Path(root), threading.Lock()
        self._segmenter: Segmenter | None = None

    @property
    def available(self) -> bool:
        """Whether there is a segmenter."""
        return (self._root / "models/segmenter").is_dir()

    def draw(self, pixels: np.ndarray, box: Box) -> "Drawing":
        """Draw the mass that a box encloses; pixels (rows, columns) in [0, 1]. One is drawn at a time.

        Raises
        ------
        InputError
            The box is not inside the image, is too small, or there is no segmenter.
        """
        rows, columns = pixels.shape
        inside = min(box.xmin, box.ymin) >= 0 and box.xmax <= columns and box.ymax <= rows
        if not inside or min(box.xmax - box.xmin, box.ymax - box.ymin) < SMALLEST_SIDE:
            raise InputError(f"the box is not one of {SMALLEST_SIDE} pixels a side at least inside the image")
        if not self.available:
            raise InputError("there is no segmenter", where="models/segmenter", fix="run `dvc pull`")
        with self._lock:
            if self._segmenter is None:
                from radprompt.mammograms.segmentation.segmenter import Segmenter

                self._segmenter = Segmenter.load(self._root / "models/segmenter")
            return self._segmenter.draw(pixels, box, load_params(self._root / "params.yaml").segmentation.threshold)
