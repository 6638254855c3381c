"""Masks that readers corrected, which the next run of a study takes; `radprompt review STUDY --serve` writes them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from radprompt.core.inputs import is_name, shown
from radprompt.images.cases import Case, Excluded
from radprompt.tables.reviews import UNUSABLE, counted_reviews, read_reviews

FOLDER, SUFFIX = "review", ".nrrd"
"""Where a study keeps its readers' decisions, and how a corrected mask's file ends."""


class Corrected(NamedTuple):
    """Cases with their masks replaced by readers' ones, cases that a reader excludes, and remarks."""

    cases: list[Case]
    excluded: list[Excluded]
    notes: list[str]


def review_id(case: str) -> str:
    """Return the name of a case's files in the review: the case's own where it can name one on any system."""
    plain = is_name(case) and case == case.strip(". ")
    return case if plain else f"case-{hashlib.sha256(case.encode()).hexdigest()[:12]}"


def take_corrections(cases: Sequence[Case], out: Path, own_mask: Callable[[Case], str]) -> Corrected:
    """Replace masks that readers corrected; a case that a reader found unusable becomes an exclusion.

    Parameters
    ----------
    cases
        The cases of the table.
    out
        The study's folder.
    own_mask
        Function that returns the digest of a case's own mask, '' where it cannot be read. A decision on another mask
        than the case has now is not taken: the case may be another one of the same name.

    Raises
    ------
    InputError
        Decisions and masks in ``out/review`` contradict each other, or ``reviews.csv`` cannot be read.
    """
    folder = out / FOLDER
    known = {review_id(case.case): case for case in cases}
    masks = {path.name.removesuffix(SUFFIX): path for path in sorted(folder.glob(f"[!.]*{SUFFIX}"))}
    strange = sorted(({review.lesion_id for review in read_reviews(folder)} | masks.keys()) - known.keys())
    notes = []
    if strange:
        names = ", ".join(shown(name, 40) for name in strange[:3])
        notes.append(f"{folder}: {len(strange)} reviewed cases are not in the table ({names}): not used")
    decided = counted_reviews(folder, [*known, *strange], masks, SUFFIX)
    unusable = {name: review for name, review in decided.items() if review.decision == UNUSABLE}
    kept, excluded = [], []
    for name, case in known.items():
        seen = decided[name].contour if name in decided else ""
        if seen and (name in masks or name in unusable) and own_mask(case) not in ("", seen):
            reason = "a reader decided on another mask than this case has now, or on another case of this name"
            excluded.append(Excluded(case.row, case.case, reason, "look at it again with `radprompt review`"))
        elif name in unusable:
            reason = f"unusable to reader {unusable[name].reader}: {unusable[name].reason}"
            excluded.append(Excluded(case.row, case.case, reason, "take the decision back with `radprompt review`"))
        else:
            # The page writes 1 inside, whatever value the case's own mask has.
            kept.append(replace(case, mask=masks[name], mask_label="1") if name in masks else case)
    if taken := sum(case.mask.parent == folder for case in kept):
        notes.append(f"{taken} corrected masks are taken from {folder}")
    return Corrected(kept, excluded, notes)
