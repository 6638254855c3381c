"""The section on drift: how far the second site's features lie from the first's."""

from typing import Any

from radprompt.core.params import Drift
from radprompt.gates.drift import COLUMNS, YES
from radprompt.pages.report.figures import drawing
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import NOTHING, count, number, p_value

LARGEST = 8
"""Features that are listed, the largest differences first; those that prompts name follow."""


def drift(reader: Reader, limits: Drift) -> dict[str, Any] | None:
    """Lay ``metrics/drift.csv`` out; None before the stage ran.

    Returns
    -------
    dict
        ``sentence``, ``rows`` (name, mean and standard deviation at either site, difference, ks, p_holm, whether
        shifted and whether selected), ``left_out`` (features not listed) and ``source`` (the drawing, or None).
    """
    table = reader.table("metrics/drift.csv", tuple(COLUMNS))
    if table is None:
        return None
    selected, shifted = table["selected"] == YES, table["shifted"] == YES
    listed = table[selected | (table.index < LARGEST)]
    both = shifted & selected
    return {
        "sentence": f"{int(shifted.sum())} of {count(len(table), 'feature')} are shifted, {int(both.sum())} of the "
        f"{int(selected.sum())} in VinDr's prompts: their means differ by {limits.difference:g} standard deviations or "
        f"more, and a Kolmogorov-Smirnov test tells the sites apart (p < {limits.alpha:g} after Holm's correction).",
        "rows": [
            {
                "name": row["name"],
                "vindr": _spread(row["vindr_mean"], row["vindr_sd"]),
                "inbreast": _spread(row["inbreast_mean"], row["inbreast_sd"]),
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
