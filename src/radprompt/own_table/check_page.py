"""The page of ``radprompt table --check --page``: what a table holds, what would be used, and what is to be settled."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_text
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import feature_name
from radprompt.own_table.faults import TableError
from radprompt.own_table.folder import Prepared
from radprompt.pages.environment import environment
from radprompt.pages.wording import count, number

BINS = 16
"""Bars of a column's small histogram."""
MOST_COLUMNS = 3000
"""Columns that the page spells out; more are counted."""
_PAGE: dict[str, Any] = {"synthetic": False, "faults": [], "command": "", "used": None}


def write_check_page(path: str | Path, name: str, found: Prepared | InputError) -> None:
    """Write the page as one HTML file without links to others.

    Parameters
    ----------
    path
        Where the page is written.
    name
        The table's file, as it was typed.
    found
        The table that can be used, or the refusal.
    """
    templates = environment("radprompt.own_table", "radprompt.pages.report")
    write_text(path, templates.get_template("check.html").render(_content(name, found)))


def _content(name: str, found: Prepared | InputError) -> dict[str, Any]:
    if isinstance(found, InputError):
        faults = found.faults if isinstance(found, TableError) else ()
        listed = [fault._asdict() for fault in faults] or [
            {"place": found.where, "what": found.what, "advice": found.fix}
        ]
        command = found.command if isinstance(found, TableError) else ""
        things = f"{count(len(listed), 'thing is', 'things are')} to be settled"
        return _PAGE | {"title": name, "verdict": things, "faults": listed, "command": command}
    checked = found.checked
    by_class = [checked.about[checked.about["label"] == code] for code in (0, 1)]
    used = {
        "flow": checked.flow,
        "classes": checked.classes,
        "tested": [entry["title"] for entry in found.study.settings["settings"].values()],
        "patients": checked.about["patient"].nunique(),
        "rarer": min(map(len, by_class)),
        "columns": [_column(column, checked.features) for column in checked.columns[:MOST_COLUMNS]],
        "all_columns": len(checked.columns),
        "left_out": checked.left_out,
        "exclusions": checked.exclusions,
        "notes": [*checked.notes, *found.study.notes],
    }
    return _PAGE | {"title": name, "verdict": "the table can be used", "used": used}


def _column(column: Column, features: pd.DataFrame) -> dict[str, Any]:
    """Return a column with its range and histogram; a category has its levels instead."""
    if column.kind == "category":
        return column._asdict() | {"low": "", "median": "", "high": "", "bars": []}
    values = features[feature_name(column)].dropna().to_numpy(float)
    low, median, high = (f"{value:.4g}" for value in np.quantile(values, [0, 0.5, 1]))
    return column._asdict() | {"low": low, "median": median, "high": high, "bars": _bars(values)}


def _bars(values: NDArray[np.float64]) -> list[str]:
    """Return heights of a histogram from 0 to 10."""
    counts, _ = np.histogram(values, BINS)
    return [number(10 * height / max(counts.max(), 1), 1) for height in counts]
