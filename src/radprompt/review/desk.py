"""What one reader draws and decides, kept in the worklist's folder; nothing is written anywhere else."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group, require_writable, write_csv
from radprompt.mammograms.imaging.contours import box_of
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.imaging.roi import Region, region_around
from radprompt.mammograms.segmentation.quality import dice
from radprompt.mammograms.segmentation.review import find_reviewed
from radprompt.review.worklist import AnyWorklist
from radprompt.tables.lesions import Box
from radprompt.tables.reviews import (
    ACCEPTED,
    CORRECTED,
    DRAFTS,
    DRAWN,
    READERS,
    TABLE,
    UNUSABLE,
    Review,
    fault_of_reason,
    read_reviews,
    require_reader,
    to_frame,
)

CONTEXT = 0.75
"""Margin shown around box and contours, as a fraction of the longer side; checks allow half of the box's."""
LEAST_CONTEXT, LEAST_SLICES = 24, 3
"""Voxels and slices that are shown around a contour in a volume at least."""
LARGEST_BLOCK = 2**26
"""Voxels that the page can take: a bit each, they fill a request (the server's largest)."""
LOCK_SECONDS = 10.0


class StaleError(Exception):
    """The lesion was changed elsewhere, by another tab or server, since it was opened."""


class Block(NamedTuple):
    """The part of an image that is shown: a region, and of a volume the slices ``first <= z < last``."""

    region: Region
    slices: tuple[int, int] | None = None

    def of(self, array: np.ndarray) -> np.ndarray:
        """Return the part as a view."""
        top, left, bottom, right = self.region
        part = array[..., top:bottom, left:right]
        return part if self.slices is None else part[slice(*self.slices)]

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Tell whether it lies inside an image of that shape, and has slices where the image has."""
        top, left, bottom, right = self.region
        first, last = self.slices or (0, 1)
        depth, rows, columns = shape if len(shape) == 3 else (1, *shape)
        inside = 0 <= top < bottom <= rows and 0 <= left < right <= columns and 0 <= first < last <= depth
        return inside and (self.slices is not None) == (len(shape) == 3)


@dataclass(frozen=True, eq=False)
class State:
    """How a lesion stands for one reader.

    Attributes
    ----------
    drawn
        The contour that nnU-Net, the ellipse or a study's own mask drew, bool of the image's size; None where only a
        correction is left.
    current
        The contour to show: the draft, else the reader's own correction, else a mask put there by hand, else ``drawn``.
    origin
        Which of these it is: draft, own, hand or drawn.
    review
        The reader's decision, or None.
    milliseconds
        Time spent on the lesion, with the draft's.
    revision
        Digest of what is stored. A change must name the revision that it is based on.
    """

    drawn: np.ndarray | None
    current: np.ndarray
    origin: str
    review: Review | None
    milliseconds: int
    revision: str

    def block(self, box: Box) -> Block:
        """Return the part of the image to show: box and contours with a margin.

        Raises
        ------
        InputError
            A volume's contour needs more than :data:`LARGEST_BLOCK` voxels.
        """
        masks = [mask for mask in (self.drawn, self.current) if mask is not None and mask.any()]
        planes = [np.asarray(mask.any(axis=0)) if mask.ndim == 3 else mask for mask in masks]
        boxes = [box, *map(box_of, planes)]
        around = Box(
            min(each.xmin for each in boxes),
            min(each.ymin for each in boxes),
            max(each.xmax for each in boxes),
            max(each.ymax for each in boxes),
        )
        if self.current.ndim == 2:
            return Block(region_around(around, self.current.shape, CONTEXT))
        return _block_of_volume(around, masks, self.current.shape)


class Desk:
    """One reader at one data set's worklist.

    Parameters
    ----------
    worklist
        What there is to review: of a data set or of a study of images.
    reader
        The reader's name (:func:`radprompt.tables.reviews.require_reader`).

    Raises
    ------
    InputError
        The name cannot be used, differs from a known reader's by case only, or the folder cannot be written.
    """

    def __init__(self, worklist: AnyWorklist[Any], reader: str) -> None:
        self.worklist, self.reader = worklist, require_reader(reader)
        self.folder, self._contours = worklist.folder, worklist.contours
        self._lock = threading.RLock()
        self._reviews: list[Review] = []
        self._mark = 0, 0, 0
        require_writable(self.folder)
        find_reviewed(self.folder, worklist, self._contours.suffix)
        known = {review.reader for review in self._all()} - {reader}
        if twin := [name for name in known if name.lower() == reader.lower()]:
            raise InputError(f"a reader called {twin[0]!r} is known", where="--reader", fix=f"use {twin[0]}")

    def reviews(self) -> dict[str, Review]:
        """Return this reader's decisions by lesion id."""
        return {review.lesion_id: review for review in self._all() if review.reader == self.reader}

    def drafts(self) -> set[str]:
        """Return the lesions with unfinished work of this reader."""
        suffix = self._contours.suffix
        found = {path.name.removesuffix(suffix) for path in self._drafts.glob(f"*{suffix}")}
        return found & self.worklist.keys()

    def state(self, lesion_id: str) -> State:
        """Return how a lesion stands; an :class:`InputError` where its masks cannot be read."""
        with self._lock:
            review, revision = self._stand(lesion_id)
            drawn, draft = self._contours.drawn(lesion_id), self._draft(lesion_id)
            if draft.is_file():
                current, origin, spent = self._contours.read(draft), "draft", self._contours.spent(draft)
            else:
                current, origin = self._without_draft(lesion_id, review)
                spent = int(float(review.milliseconds)) if review else 0
            if drawn is not None and drawn.shape != current.shape:
                raise InputError(
                    f"{current.shape} pixels differ from those of the drawn contour, {drawn.shape}",
                    where=str(draft if origin == "draft" else self._taken(lesion_id)),
                    fix="delete the file, and draw the contour again",
                )
            return State(drawn, current, origin, review, spent, revision)

    def save_draft(self, lesion_id: str, mask: np.ndarray, milliseconds: int, revision: str) -> str:
        """Keep an unfinished contour, bool of the image's size, and return the new revision.

        A contour that is the one without a draft drops the draft.
        """
        with self._changing(lesion_id, revision) as review:
            if np.array_equal(mask, self._without_draft(lesion_id, review)[0]):
                self._draft(lesion_id).unlink(missing_ok=True)
            else:
                self._contours.write(self._draft(lesion_id), mask, lesion_id, milliseconds)
            return self._stand(lesion_id)[1]

    def accept(self, lesion_id: str, mask: np.ndarray, milliseconds: int, revision: str) -> Review:
        """Decide for a contour: accepted where it is the drawn one, corrected where it is another.

        Raises
        ------
        InputError
            The contour is no mass: empty, too small, full or inverted.
        StaleError
            The lesion was changed since ``revision``.
        """
        if fault := self._contours.fault(mask):
            raise InputError(
                f"the contour {fault}", fix="draw the lesion alone, restore its contour, or mark it unusable"
            )
        with self._changing(lesion_id, revision):
            drawn = self._contours.drawn(lesion_id)
            same = drawn is not None and np.array_equal(mask, drawn)
            review = self._review(
                lesion_id,
                decision=ACCEPTED if same else CORRECTED,
                dice="" if drawn is None else f"{dice(mask, drawn):.4f}",
                area_px=str(int(np.count_nonzero(mask))),
                milliseconds=str(milliseconds),
            )
            self._conclude(review, None if same else mask)
            return review

    def exclude(self, lesion_id: str, reason: str, milliseconds: int, revision: str) -> Review:
        """Decide that a lesion is unusable; the reason becomes that of its exclusion."""
        if fault := fault_of_reason(reason):
            raise InputError(fault, fix="choose a reason or write one, such as: Motion blur")
        with self._changing(lesion_id, revision):
            review = self._review(lesion_id, decision=UNUSABLE, reason=reason.strip(), milliseconds=str(milliseconds))
            self._conclude(review, None)
            return review

    def withdraw(self, lesion_id: str, revision: str) -> None:
        """Take the decision and the draft back; another reader's earliest decision, if there is one, then counts."""
        with self._changing(lesion_id, revision) as own:
            if own is not None:
                others = [review for review in self._all() if review != own]
                rest = [review for review in others if review.lesion_id == lesion_id]
                heir = min(rest, key=lambda review: review.time) if own.counts == "yes" and rest else None
                if heir is not None:
                    others[others.index(heir)] = replace(heir, counts="yes")
                if heir is not None and heir.decision == CORRECTED:
                    heirs = self._contours.read(self._own(lesion_id, heir.reader))
                    self._contours.write(self._taken(lesion_id), heirs, lesion_id)
                elif own.counts == "yes":
                    self._taken(lesion_id).unlink(missing_ok=True)
                write_csv(self.folder / TABLE, to_frame(others))
                self._own(lesion_id).unlink(missing_ok=True)
            self._draft(lesion_id).unlink(missing_ok=True)

    @property
    def _drafts(self) -> Path:
        return self.folder / DRAFTS / self.reader

    def _own(self, lesion_id: str, reader: str = "") -> Path:
        return self.folder / READERS / (reader or self.reader) / f"{lesion_id}{self._contours.suffix}"

    def _taken(self, lesion_id: str) -> Path:
        """Return the corrected mask that the pipeline, or the study's next run, takes."""
        return self.folder / f"{lesion_id}{self._contours.suffix}"

    def _draft(self, lesion_id: str) -> Path:
        return self._drafts / f"{lesion_id}{self._contours.suffix}"

    def _without_draft(self, lesion_id: str, review: Review | None) -> tuple[np.ndarray, str]:
        own, taken, drawn = self._own(lesion_id), self._taken(lesion_id), self._contours.drawn(lesion_id)
        if review and review.decision == CORRECTED and own.is_file():
            return self._contours.read(own), "own"
        # A mask without any reader's decision was put there by hand; another reader's is not shown.
        if taken.is_file() and not any(other.lesion_id == lesion_id for other in self._all()):
            return self._contours.read(taken), "hand"
        if drawn is not None:
            return drawn, "drawn"
        return self._contours.unreviewed(lesion_id), "hand"

    def _all(self) -> list[Review]:
        """Return every reader's decisions, read again when the file has changed."""
        try:
            found = (self.folder / TABLE).stat()
            mark = found.st_ino, found.st_mtime_ns, found.st_size
        except FileNotFoundError:
            mark = 0, 0, 0
        with self._lock:
            if mark != self._mark:
                self._reviews, self._mark = read_reviews(self.folder), mark
            return list(self._reviews)

    def _stand(self, lesion_id: str) -> tuple[Review | None, str]:
        """Return the reader's decision, and the revision of it and the draft."""
        review, draft = self.reviews().get(lesion_id), self._draft(lesion_id)
        content = draft.read_bytes() if draft.is_file() else b""
        return review, hashlib.sha256(repr(review).encode() + b"\0" + content).hexdigest()[:16]

    @contextmanager
    def _changing(self, lesion_id: str, revision: str) -> Iterator[Review | None]:
        """Hold the folder, also against other servers, and refuse a change that is based on an older state."""
        try:
            with self._lock, FileLock(self.folder / f".{TABLE}.lock", timeout=LOCK_SECONDS):
                review, present = self._stand(lesion_id)
                if present != revision:
                    raise StaleError
                yield review
        except Timeout:
            raise InputError("another reader's server is writing", where=str(self.folder), fix="try again") from None

    def _review(self, lesion_id: str, **decided: str) -> Review:
        drawn = self._contours.drawn(lesion_id)
        taken = any(
            other.counts == "yes" and other.lesion_id == lesion_id and other.reader != self.reader
            for other in self._all()
        )
        empty = {"reason": "", "dice": "", "area_px": ""}
        return Review(
            lesion_id=lesion_id,
            reader=self.reader,
            counts="no" if taken else "yes",
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            contour="" if drawn is None else mask_digest(drawn),
            **{**empty, **decided},
        )

    def _conclude(self, review: Review, mask: np.ndarray | None) -> None:
        """Write a decision with its masks, all or nothing, and drop the draft."""
        counts, lesion_id = review.counts == "yes", review.lesion_id
        drawn = self._contours.drawn(lesion_id) if self._contours.replaced else None
        others = [other for other in self._all() if (other.lesion_id, other.reader) != (lesion_id, self.reader)]
        masks: dict[Path, np.ndarray] = {}
        if mask is not None:
            masks[self._own(lesion_id)] = mask
            if counts:
                masks[self._taken(lesion_id)] = mask
            if drawn is not None:
                masks[self.folder / DRAWN / f"{lesion_id}.png"] = drawn
        # The table takes its place last: masks without a row are a draft's, a row without its mask would be an error.
        with atomic_group(self.folder / TABLE, *masks) as (table, *parts):
            write_csv(table, to_frame([*others, review]))
            for part, content in zip(parts, masks.values(), strict=True):
                self._contours.write(part, content, lesion_id)
        if mask is None:
            self._own(lesion_id).unlink(missing_ok=True)
            if counts:
                self._taken(lesion_id).unlink(missing_ok=True)
        self._draft(lesion_id).unlink(missing_ok=True)


def _block_of_volume(around: Box, masks: list[np.ndarray], shape: tuple[int, ...]) -> Block:
    """Return a box of a volume's plane, and the slices of its masks, with the largest margin that can be shown."""
    depth, rows, columns = shape
    filled = [np.flatnonzero(mask.any(axis=(1, 2))) for mask in masks] or [np.array([depth // 2])]
    lowest, highest = min(int(each[0]) for each in filled), max(int(each[-1]) for each in filled) + 1
    longer = max(around.xmax - around.xmin, around.ymax - around.ymin)
    for context in (CONTEXT, CONTEXT / 3, 0.0):
        beside = max(round(context * longer), LEAST_CONTEXT if context else 0)
        over = max(round(context * (highest - lowest)), LEAST_SLICES if context else 0)
        region = Region(
            max(around.ymin - beside, 0),
            max(around.xmin - beside, 0),
            min(around.ymax + beside, rows),
            min(around.xmax + beside, columns),
        )
        slices = max(lowest - over, 0), min(highest + over, depth)
        voxels = (region.bottom - region.top) * (region.right - region.left) * (slices[1] - slices[0])
        if voxels <= LARGEST_BLOCK:
            return Block(region, slices)
    raise InputError(
        f"the contour spans {voxels:,} voxels, of which the page shows {LARGEST_BLOCK:,} at most",
        fix="correct it in another program, and put the mask into the review folder",
    )
