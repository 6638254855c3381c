"""How far two readers agree: on which lesions can be used, and on their contours."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.segmentation.quality import dice
from radprompt.tables.reviews import CORRECTED, DRAWN, READERS, UNUSABLE, Review


class Agreement(NamedTuple):
    """Two readers on the lesions that both decided on.

    ``lesions`` counts them, ``same_use`` those that both, or neither, found usable, ``contours`` those of which both
    contours are there. ``dice`` are the contours' Dice, one each; ``area_icc`` is the areas' :func:`icc`, NaN of fewer
    than three contours.
    """

    first: str
    second: str
    lesions: int
    same_use: int
    contours: int
    dice: tuple[float, ...]
    area_icc: float


def agreements(folder: str | Path, masks: str | Path, reviews: Sequence[Review]) -> list[Agreement]:
    """Compare each pair of readers that share a lesion.

    Parameters
    ----------
    folder
        ``data/review/<dataset>``.
    masks
        ``data/masks/<dataset>``, for contours that were accepted as drawn.
    reviews
        Decisions of all readers.
    """
    by_reader: dict[str, dict[str, Review]] = {}
    for review in reviews:
        by_reader.setdefault(review.reader, {})[review.lesion_id] = review
    found = []
    for first, second in combinations(sorted(by_reader), 2):
        shared = sorted(by_reader[first].keys() & by_reader[second].keys())
        if not shared:
            continue
        pairs = [(by_reader[first][name], by_reader[second][name]) for name in shared]
        drawn = [(contour_of(folder, masks, a), contour_of(folder, masks, b)) for a, b in pairs]
        both = [(a, b) for a, b in drawn if a is not None and b is not None]
        areas = np.array([(np.count_nonzero(a), np.count_nonzero(b)) for a, b in both], dtype=float).reshape(-1, 2)
        found.append(
            Agreement(
                first,
                second,
                len(shared),
                sum((a.decision == UNUSABLE) == (b.decision == UNUSABLE) for a, b in pairs),
                len(both),
                tuple(dice(a, b) for a, b in both),
                icc(areas) if len(both) > 2 else float("nan"),
            )
        )
    return found


def contour_of(folder: str | Path, masks: str | Path, review: Review) -> np.ndarray | None:
    """Return the contour that a reader decided for; None of an unusable lesion, or where it is not there any more."""
    if review.decision == UNUSABLE:
        return None
    name = f"{review.lesion_id}.png"
    if review.decision == CORRECTED:
        own = Path(folder, READERS, review.reader, name)
        return read_mask(own) if own.is_file() else None
    for path in (Path(folder, DRAWN, name), Path(masks, name)):
        if path.is_file() and mask_digest(mask := read_mask(path)) == review.contour:
            return mask
    return None


def icc(values: np.ndarray) -> float:
    """Return the intraclass correlation for absolute agreement of single measurements by random readers.

    ICC(2,1) of Shrout and Fleiss, Psychological Bulletin 86 (1979), 420; ``values`` is (lesions, readers), two lesions
    at least. NaN where nothing varies.
    """
    lesions, readers = values.shape
    mean, by_lesion, by_reader = values.mean(), values.mean(axis=1), values.mean(axis=0)
    between = readers * ((by_lesion - mean) ** 2).sum() / (lesions - 1)
    among = lesions * ((by_reader - mean) ** 2).sum() / (readers - 1)
    rest = values - by_lesion[:, None] - by_reader[None, :] + mean
    error = (rest**2).sum() / ((lesions - 1) * (readers - 1))
    total = between + (readers - 1) * error + readers * (among - error) / lesions
    return float((between - error) / total) if total else float("nan")
