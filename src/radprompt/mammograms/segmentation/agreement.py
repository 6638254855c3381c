"""How far two readers agree, and what corrections changed: on the use of lesions and on their contours."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.segmentation.quality import dice
from radprompt.tables.reviews import CORRECTED, DRAWN, READERS, UNUSABLE, Review


class TwoContours(NamedTuple):
    """Two contours of one lesion, by the files of their masks."""

    lesion_id: str
    first: Path
    second: Path

    def dice(self) -> float:
        """Return the Dice coefficient of the two."""
        return dice(read_mask(self.first), read_mask(self.second))


class Agreement(NamedTuple):
    """Two readers on the lesions that both decided on.

    ``lesions`` counts them, ``same_use`` those that both, or neither, found usable; ``contours`` are those of which
    both contours are there.
    """

    first: str
    second: str
    lesions: int
    same_use: int
    contours: tuple[TwoContours, ...]


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
        both = [(by_reader[first][name], by_reader[second][name]) for name in shared]
        files = [[contour_of(folder, masks, review) for review in pair] for pair in both]
        contours = [TwoContours(name, a, b) for name, (a, b) in zip(shared, files, strict=True) if a and b]
        same_use = sum((a.decision == UNUSABLE) == (b.decision == UNUSABLE) for a, b in both)
        found.append(Agreement(first, second, len(shared), same_use, tuple(contours)))
    return found


def corrections(folder: str | Path, reviews: Sequence[Review]) -> list[TwoContours]:
    """Return the drawn and the corrected contour of each correction that counts, where both are there."""
    counted = sorted(r.lesion_id for r in reviews if r.counts == "yes" and r.decision == CORRECTED)
    files = [TwoContours(name, Path(folder, DRAWN, f"{name}.png"), Path(folder, f"{name}.png")) for name in counted]
    return [each for each in files if each.first.is_file() and each.second.is_file()]


def contour_of(folder: str | Path, masks: str | Path, review: Review) -> Path | None:
    """Return the mask that a reader decided for; None of an unusable lesion, or where it is not there any more."""
    if review.decision == UNUSABLE:
        return None
    name = f"{review.lesion_id}.png"
    if review.decision == CORRECTED:
        own = Path(folder, READERS, review.reader, name)
        return own if own.is_file() else None
    drawn = (Path(folder, DRAWN, name), Path(masks, name))
    return next((path for path in drawn if path.is_file() and mask_digest(read_mask(path)) == review.contour), None)
