"""Readers' decisions on contours: one row for a lesion and reader, in ``data/review/<dataset>/reviews.csv``.

Beside the table lie the corrected masks: ``<lesion_id>.png`` is what the pipeline takes, ``readers/<reader>/`` what
each reader drew, ``drawn/`` the contour that was corrected, ``.drafts/`` unfinished work that neither git nor DVC sees.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked, shown

ACCEPTED, CORRECTED, UNUSABLE = DECISIONS = ("accepted", "corrected", "unusable")
TABLE, READERS, DRAWN, DRAFTS = "reviews.csv", "readers", "drawn", ".drafts"
LONGEST_REASON = 200
LARGEST_TABLE = 2**26

_READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_FIX = "correct the row, or decide again with `radprompt review <dataset> --serve`"


@dataclass(frozen=True)
class Review:
    """One reader's decision on one lesion.

    ``counts`` is "yes" for the reader whose decision the pipeline takes (the first to decide), else "no". ``time`` is
    UTC, ISO 8601. ``dice`` compares the reader's contour with the drawn one; it is '' where the lesion is unusable or
    the drawn contour is not there any more. ``area_px`` is the contour's area, ``milliseconds`` the time spent on it.
    ``contour`` is the drawn contour's ``mask_digest``, so that a later change of it is noticed.
    """

    lesion_id: str
    reader: str
    decision: str
    reason: str
    counts: str
    time: str
    dice: str
    area_px: str
    milliseconds: str
    contour: str


COLUMNS = [field.name for field in fields(Review)]


def require_reader(name: str) -> str:
    """Return a reader's name; an :class:`InputError` if it cannot name a folder on every system."""
    if not _READER.fullmatch(name) or name.endswith("."):
        raise InputError(
            f"{shown(name, 60)!r} cannot be a reader's name",
            where="--reader",
            fix="use up to 40 letters, digits, dots, hyphens and underscores, such as --reader reader1",
        )
    return name


def fault_of_reason(reason: str) -> str:
    """Say why a text cannot be the reason of an unusable lesion; '' where it can.

    A first character that spreadsheets take for a formula is refused.
    """
    if not reason.strip():
        return "no reason is given"
    if len(reason) > LONGEST_REASON or not reason.isprintable():
        return f"the reason is not one line of up to {LONGEST_REASON} characters"
    return "" if reason[0].isalnum() else "the reason does not begin with a letter or digit"


def read_reviews(folder: str | Path) -> list[Review]:
    """Read ``reviews.csv`` of a data set's folder of corrections; none where there is no such file.

    Raises
    ------
    InputError
        With every row that is at fault: an unknown decision, a reason that is missing or superfluous, a number or time
        that cannot be read, a reader who decides twice on a lesion, or two decisions on a lesion that both count.
    """
    path = Path(folder) / TABLE
    if not path.exists():
        return []
    checked(path, LARGEST_TABLE, what="table of reviews")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:  # pandas' parser errors are ValueErrors
        raise InputError(f"cannot be read as CSV ({shown(str(error), 100)})", where=str(path), fix=_FIX) from None
    if missing := [name for name in COLUMNS if name not in table]:
        raise InputError(f"column(s) {missing} missing", where=str(path), fix=_FIX)
    reviews = [Review(*row) for row in table[COLUMNS].itertuples(index=False)]
    faults, seen, counted = [], set[tuple[str, str]](), set[str]()
    for number, review in enumerate(reviews, start=1):
        found = _faults(review)
        key = (review.lesion_id, review.reader.lower())
        if key in seen:
            found.append("the reader has decided on this lesion in an earlier row")
        if review.counts == "yes" and review.lesion_id in counted:
            found.append("an earlier row of this lesion counts already")
        seen.add(key)
        counted |= {review.lesion_id} if review.counts == "yes" else set()
        faults += [f"row {number} ({shown(review.lesion_id, 80)}): {fault}" for fault in found]
    if faults:
        raise InputError("; ".join(faults), where=str(path), fix=_FIX)
    return reviews


def to_frame(reviews: Iterable[Review]) -> pd.DataFrame:
    """Return reviews as the table that is written, sorted by lesion and reader."""
    table = pd.DataFrame([asdict(review) for review in reviews], columns=COLUMNS)
    return table.sort_values(["lesion_id", "reader"], ignore_index=True)


def counted_reviews(
    folder: str | Path, lesion_ids: Iterable[str], corrected: Iterable[str], suffix: str = ".png"
) -> dict[str, Review]:
    """Return the decision that counts, by lesion id.

    Parameters
    ----------
    folder
        ``data/review/<dataset>``.
    lesion_ids
        Lesions whose contours are drawn.
    corrected
        Lesions with a corrected mask in the folder.
    suffix
        Ending of corrected masks, for messages.

    Raises
    ------
    InputError
        With every row on an unknown lesion, every correction without its mask, and every mask beside a decision that
        takes the drawn contour, or none.
    """
    known, masks = set(lesion_ids), set(corrected)
    counted = {review.lesion_id: review for review in read_reviews(folder) if review.counts == "yes"}
    faults = []
    for lesion_id, review in counted.items():
        if lesion_id not in known:
            faults.append(f"{shown(lesion_id, 80)}: no contour is drawn of a lesion of this name")
        elif (review.decision == CORRECTED) != (lesion_id in masks):
            there = "there is a" if lesion_id in masks else "there is no"
            faults.append(f"{lesion_id}: {review.decision} by {review.reader}, but {there} {lesion_id}{suffix}")
    if faults:
        raise InputError(
            "; ".join(faults),
            where=str(Path(folder) / TABLE),
            fix="decide again with `radprompt review <dataset> --serve`, or delete the row or the mask",
        )
    return counted


def _faults(review: Review) -> list[str]:
    found = []
    if not _READER.fullmatch(review.reader):
        found.append(f"reader {shown(review.reader, 60)!r} is not a name")
    if review.decision not in DECISIONS:
        found.append(f"decision {shown(review.decision, 60)!r} is not one of {', '.join(DECISIONS)}")
    elif review.decision == UNUSABLE:
        found += [fault] if (fault := fault_of_reason(review.reason)) else []
    elif review.reason:
        found.append(f"a reason beside {review.decision}")
    if review.counts not in ("yes", "no"):
        found.append(f"counts {shown(review.counts, 60)!r} is not yes or no")
    if not _is_time(review.time):
        found.append(f"time {shown(review.time, 60)!r} is not ISO 8601")
    drawn = review.decision != UNUSABLE
    bounds = (("dice", drawn and review.contour != "", 1.0), ("area_px", drawn, 2.0**26), ("milliseconds", True, 1e12))
    for name, required, largest in bounds:
        text = getattr(review, name)
        if (text or required) and not _is_number(text, largest):
            found.append(f"{name} {shown(text, 60)!r} is not a number from 0 to {largest:g}")
    return found


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str, largest: float) -> bool:
    try:
        return 0 <= float(text) <= largest
    except ValueError:
        return False
