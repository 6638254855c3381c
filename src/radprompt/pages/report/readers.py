"""The part on readers: who decided on how many contours, how far readers agree, what corrections changed."""

from typing import Any

from radprompt.mammograms.radiomics.contour_effects import DRAWN_AND_CORRECTED, STABLE
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import interval, number
from radprompt.study.settings import Settings

MOVED = 5
"""Features that are listed for each comparison: those with the lowest ICC."""


def readers(reader: Reader, settings: Settings) -> dict[str, Any] | None:
    """Lay out ``metrics/readers.json`` and ``metrics/readers.csv``; None before the stage ran.

    Returns
    -------
    dict
        ``data_sets``: of each that a reader has looked at its ``name``, ``lesions`` with a decision that counts, of
        these a count for each decision, ``readers``, ``pairs`` and ``corrections`` as text. ``auc``: rows of settings
        with corrected lesions. ``stable``: the ICC from which on a feature is called stable.
    """
    found = reader.json("metrics/readers.json")
    if found is None:
        return None
    table = reader.table("metrics/readers.csv", ("dataset", "comparison", "name", "icc", "low", "high"))
    least = {} if table is None else {key: _least(rows) for key, rows in table.groupby(["dataset", "comparison"])}
    data_sets = []
    for dataset, content in found["data_sets"].items():
        pairs = [
            _compared(pair, least.get((dataset, f"{pair['first']} and {pair['second']}"), []))
            | {"names": f"{pair['first']} and {pair['second']}"}
            for pair in content["pairs"]
        ]
        rows = [
            own | {"name": name, "dice": number(own["dice"]), "seconds": number(own["seconds"], 0)}
            for name, own in content["readers"].items()
        ]
        corrections = _compared(content["corrections"], least.get((dataset, DRAWN_AND_CORRECTED), []))
        changed = {"name": settings.data_set(dataset), "readers": rows, "pairs": pairs, "corrections": corrections}
        data_sets.append(content | changed)
    return {
        "data_sets": data_sets,
        "auc": [_change(settings.title(name), change) for name, change in found["auc"].items()],
        "stable": number(STABLE, 2),
    }


def _compared(content: dict[str, Any], least: list[str]) -> dict[str, Any]:
    decimals = {"dice": 3, "lowest_dice": 3, "icc": 3, "shift": 3}
    return content | {name: number(content[name], places) for name, places in decimals.items()} | {"least": least}


def _least(rows: Any) -> list[str]:
    """Word the features with the lowest ICC, with their intervals."""
    lowest = rows.dropna(subset="icc").sort_values(["icc", "name"]).head(MOVED)
    cells = zip(lowest["name"], lowest["icc"], lowest["low"], lowest["high"], strict=True)
    return [f"{name} {number(icc, 2)} ({interval(low, high)})" for name, icc, low, high in cells]


def _change(title: str, change: dict[str, Any]) -> dict[str, Any]:
    return change | {
        "title": title,
        "before": number(change["before"]),
        "after": number(change["after"]),
        "difference": number(change["difference"]),
        "interval": interval(change["low"], change["high"]),
    }
