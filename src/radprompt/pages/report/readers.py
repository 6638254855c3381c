"""The part on readers: who decided on how many contours, what corrections changed, how far readers agree."""

from typing import Any

import numpy as np

from radprompt.mammograms.segmentation.agreement import agreements
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import number
from radprompt.study.settings import Settings
from radprompt.tables.reviews import CORRECTED, DECISIONS, TABLE, Review, read_reviews


def readers(reader: Reader, settings: Settings) -> list[dict[str, Any]]:
    """Lay out ``data/review/<dataset>/reviews.csv`` of each data set that a reader has looked at.

    Returns
    -------
    list of dict
        ``name`` of the data set, ``lesions`` with a decision that counts, and of these a count for each decision;
        ``readers`` (name, counts, median Dice of corrections, median seconds) and ``pairs`` (two names, lesions that
        both decided on, agreement on their use, contours compared, median and lowest Dice, ICC of areas), as text.
    """
    found = []
    for dataset in settings.data_sets:
        folder = f"data/review/{dataset}"
        if reader.content(f"{folder}/{TABLE}") is None:  # for its digest
            continue
        reviews = read_reviews(reader.root / folder)
        counted = [review for review in reviews if review.counts == "yes"]
        pairs = agreements(reader.root / folder, reader.root / "data/masks" / dataset, reviews)
        names = sorted({review.reader for review in reviews})
        found.append(
            {
                "name": settings.data_set(dataset),
                "lesions": len(counted),
                **_counts(counted),
                "readers": [_row(name, [review for review in reviews if review.reader == name]) for name in names],
                "pairs": [
                    {
                        "names": f"{pair.first} and {pair.second}",
                        "lesions": pair.lesions,
                        "same_use": pair.same_use,
                        "contours": pair.contours,
                        "dice": number(_median(pair.dice)),
                        "lowest": number(min(pair.dice, default=None)),
                        "icc": number(pair.area_icc),
                    }
                    for pair in pairs
                ],
            }
        )
    return found


def _counts(reviews: list[Review]) -> dict[str, int]:
    return {decision: sum(review.decision == decision for review in reviews) for decision in DECISIONS}


def _row(name: str, reviews: list[Review]) -> dict[str, Any]:
    corrected = [float(review.dice) for review in reviews if review.decision == CORRECTED and review.dice]
    seconds = [float(review.milliseconds) / 1000 for review in reviews]
    return {
        "name": name,
        "lesions": len(reviews),
        **_counts(reviews),
        "dice": number(_median(corrected)),
        "seconds": number(_median(seconds), 0),
    }


def _median(values: list[float] | tuple[float, ...]) -> float | None:
    return float(np.median(values)) if values else None
