"""The section on segmentation: overlap with reference contours, beside the ellipse in the box."""

import math
from typing import Any

from radprompt.mammograms.wording import CONTOURS
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import interval, number, verdict
from radprompt.study.settings import Settings

_CONTOURS = {"nnunet": "nnU-Net", "ellipse": "ellipse in the box"}
_DECIMALS = {"dice": 3, "dice_median": 3, "hd95_px": 2, "hd95_mm": 2}
_WORDS = {
    "above": "nnU-Net follows the reference better than the ellipse does.",
    "includes": "the interval includes 0, so these lesions do not tell nnU-Net from the ellipse.",
    "below": "the ellipse follows the reference better.",
    "unknown": "too few patients to say more.",
}


def segmentation_quality(reader: Reader, settings: Settings) -> list[dict[str, Any]]:
    """Lay out ``metrics/segmentation.json``; empty before the stage ran.

    Returns
    -------
    list of dict
        For each cohort ``cohort``, ``lesions`` (scored), ``fallbacks``, ``reviewed``, ``contours`` (name, ``dice``,
        ``dice_median``, ``hd95_px``, ``hd95_mm`` as text) and ``sentence`` on the difference in Dice.
    """
    return [
        {
            "cohort": contours_of(cohort, settings),
            **{key: scores[key] for key in ("lesions", "fallbacks", "reviewed")},
            "contours": [
                {"name": name, **{key: number(scores[contour].get(key), n) for key, n in _DECIMALS.items()}}
                for contour, name in _CONTOURS.items()
                if contour in scores
            ],
            "sentence": _sentence(scores.get("difference")),
        }
        for cohort, scores in (reader.json("metrics/segmentation.json") or {}).items()
    ]


def contours_of(cohort: str, settings: Settings) -> str:
    """Return the name of an entry of ``metrics/segmentation.json``: its data set's, and the split where it has one."""
    dataset, *split = CONTOURS.get(cohort, (cohort,))
    return " ".join([settings.data_set(dataset), *split])


def _sentence(difference: dict[str, float] | None) -> str:
    if difference is None:
        return "No lesion was scored."
    low, high = difference.get("dice_low", math.nan), difference.get("dice_high", math.nan)
    return (
        f"Mean Dice of nnU-Net minus that of the ellipse: {number(difference['dice'])} "
        f"({interval(low, high, 3) or 'no interval'}); {_WORDS[verdict(low, high)]}"
    )
