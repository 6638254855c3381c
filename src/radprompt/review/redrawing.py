"""nnU-Net asked again, with another box: in a process of its own, which keeps the network loaded."""

import base64
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.loopback.worker import Handlers, Worker
from radprompt.mammograms.imaging.roi import crop, region_around
from radprompt.tables.lesions import Box

START = "radprompt.review.redrawing:start"
"""What the process calls first."""
SMALLEST_SIDE = 8
"""Pixels of a box's side; a smaller one is a click that slipped."""
SECONDS = 60.0
"""Until a drawing is given up; it takes a fraction of a second."""


class Redrawn(NamedTuple):
    """A mask of the image's size, who drew it (nnunet or ellipse), and why not nnU-Net, else ''."""

    mask: np.ndarray
    source: str
    flag: str


class Redrawing:
    """The pipeline's segmenter, loaded when the page first wants it and kept.

    Parameters
    ----------
    root
        The repository, with ``models/segmenter`` and ``params.yaml``.
    """

    def __init__(self, root: str | Path) -> None:
        self._root, self._lock = Path(root), threading.Lock()
        self._worker: Worker | None = None

    @property
    def available(self) -> bool:
        """Whether there is a segmenter."""
        return (self._root / "models/segmenter").is_dir()

    def prepare(self) -> None:
        """Begin to load the segmenter, where there is one; returns at once."""
        if self.available:
            self._process()

    def draw(self, pixels: np.ndarray, box: Box) -> Redrawn:
        """Draw the mass that a box encloses; pixels (rows, columns) in [0, 1]. One is drawn at a time.

        Raises
        ------
        InputError
            The box is not inside the image, is too small, or there is no segmenter.
        UnavailableError
            The process took too long or ended; another one takes its place.
        """
        if pixels.ndim != 2:
            raise InputError("nnU-Net draws masses of mammograms alone")
        rows, columns = pixels.shape
        inside = min(box.xmin, box.ymin) >= 0 and box.xmax <= columns and box.ymax <= rows
        if not inside or min(box.xmax - box.xmin, box.ymax - box.ymin) < SMALLEST_SIDE:
            raise InputError(f"the box is not one of {SMALLEST_SIDE} pixels a side at least inside the image")
        if not self.available:
            raise InputError("there is no segmenter", where="models/segmenter", fix="run `dvc pull`")
        worker = self._process()
        # The network sees this region alone, so that the process need not read the mammogram.
        region = region_around(box, pixels.shape, worker.ask("context", SECONDS))
        part = np.ascontiguousarray(crop(pixels, region), dtype="<f4")
        answer = worker.ask(
            "draw",
            SECONDS,
            pixels=base64.b64encode(part.tobytes()).decode("ascii"),
            shape=part.shape,
            box=[box.xmin - region.left, box.ymin - region.top, box.xmax - region.left, box.ymax - region.top],
            threshold=load_params(self._root / "params.yaml").segmentation.threshold,
        )
        mask = np.zeros(pixels.shape, dtype=bool)
        bits = np.unpackbits(np.frombuffer(base64.b64decode(answer["mask"]), np.uint8), count=part.size)
        crop(mask, region)[...] = bits.reshape(part.shape)
        return Redrawn(mask, answer["source"], answer["flag"])

    def _process(self) -> Worker:
        with self._lock:
            if self._worker is None:
                self._worker = Worker(START, {"folder": str(self._root / "models/segmenter")}, "drawing the contour")
            return self._worker


def start(folder: str) -> Handlers:
    """Load the segmenter; called in its own process.

    One thread: a region of 128 x 128 takes 0.2 s of a core, and a second thread that waits for a busy core makes it ten
    times as long and more.
    """
    import torch

    from radprompt.mammograms.segmentation.segmenter import Segmenter

    torch.set_num_threads(1)
    segmenter = Segmenter.load(folder)

    def draw(pixels: str, shape: list[int], box: list[int], threshold: float) -> dict[str, Any]:
        image = np.frombuffer(base64.b64decode(pixels), "<f4").reshape(shape)
        drawing = segmenter.draw(image, Box(*box), threshold)
        mask = base64.b64encode(np.packbits(drawing.mask).tobytes()).decode("ascii")
        return {"mask": mask, "source": drawing.source, "flag": drawing.flag}

    return {"context": lambda: segmenter.context, "draw": draw}
