"""The section on drift: how far the features of another data set lie from those of a setting's training lesions."""

from typing import Any

from radprompt.core.params import Drift
from radprompt.gates.drift import COLUMNS, YES
from radprompt.pages.report.figures import drawing
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import NOTHING, count, number, p_value
from radprompt.study.settings import Settings

_MEANS = COLUMNS[2:6]
"""Mean and standard deviation of the reference, and of the other data set."""

LARGEST = 8
"""Features that are listed, the largest differences first; those that prompts name follow."""


def drift(reader: Reader, settings: Settings, limits: Drift) -> dict[str, Any] | None:
    """Lay ``metrics/drift.csv`` out; None before the stage ran, and where no data sets are compared.

    Returns
    -------
    dict
        ``reference`` and ``other`` (names of the data sets), ``halved`` (whether the other one's patients are halved),
        ``sentence``, ``rows`` (name, mean and standard deviation in either data set, difference, ks, p_holm, whether
        shifted and whether selected), ``left_out`` (features not listed) and ``source`` (the drawing, or None).
    """
    pair = settings.drift
    table = None if pair is None else reader.table("metrics/drift.csv", tuple(COLUMNS))
    if pair is None or table is None:
        return None
    reference = settings.data_set(settings[pair.reference].train.dataset)
    mean, deviation, other_mean, other_deviation = _MEANS
    selected, shifted = table["selected"] == YES, table["shifted"] == YES
    listed = table[selected | (table.index < LARGEST)]
    both = shifted & selected
    return {
        "reference": reference,
        "other": settings.data_set(pair.other),
        "halved": pair.other in settings.halved,
        "sentence": f"{int(shifted.sum())} of {count(len(table), 'feature')} are shifted, {int(both.sum())} of the "
        f"{int(selected.sum())} in the prompts of {reference}: their means differ by {limits.difference:g} "
        "standard deviations or more, and a Kolmogorov-Smirnov test tells the sites apart "
        f"(p < {limits.alpha:g} after Holm's correction).",
        "rows": [
            {
                "name": row["name"],
                "reference": _spread(row[mean], row[deviation]),
                "other": _spread(row[other_mean], row[other_deviation]),
                "difference": number(row["difference"], 2),
                "ks": number(row["ks"], 2),
                "p_holm": p_value(row["p_holm"]),
                "shifted": row["shifted"],
                "selected": row["selected"] == YES,
            }
            for row in listed.to_dict("records")
        ],
        "left_out": len(table) - len(listed),
        "source": drawing(reader, "plots/drift.svg"),
    }


def _spread(mean: float, deviation: float) -> str:
    """Return ``mean (SD)`` with four significant digits."""
    return f"{_significant(mean)} ({_significant(deviation)})"


def _significant(value: float) -> str:
    return NOTHING if value != value else f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
