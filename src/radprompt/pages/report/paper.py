"""The section that puts the paper's printed figures beside ours."""

from typing import Any

import pandas as pd

from radprompt.evaluation.paper import COLUMNS, PRINTED
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import interval, metric_name, number
from radprompt.study.settings import Settings
from radprompt.tables.model_names import model_name


def paper_blocks(reader: Reader, settings: Settings) -> dict[str, Any] | None:
    """Lay out ``metrics/paper_comparison.csv``; None before the stage ran.

    Returns
    -------
    dict
        ``metrics`` (names), ``blocks`` (one for each of the paper's tables and test sets: ``title``, ``rows``),
        ``notes`` (texts that rows refer to, from 1), and ``matching`` of ``total``: rows whose printed AUC is the
        balanced accuracy of hard labels. A row has ``model``, ``setting`` (the paper's), ``cells`` and ``balanced``
        (balanced accuracy): ours as ``value`` with its ``interval``, and as ``spread`` the printed figure or the one
        recomputed from printed ones; ``matches``, ``comparable`` and ``notes``.
    """
    table = reader.table("metrics/paper_comparison.csv", tuple(COLUMNS))
    if table is None:
        return None
    notes: dict[str, int] = {}
    blocks = [
        {
            "title": f"Table {index}, {settings.data_set(str(test_set))}",
            "rows": [_row(row, notes) for row in part.to_dict("records")],
        }
        for (index, test_set), part in table.groupby(["table", "test_set"], sort=False)
    ]
    return {
        "metrics": [metric_name(metric) for metric in PRINTED],
        "blocks": blocks,
        "notes": list(notes),
        "matching": int(table["matches"].sum()),
        "total": len(table),
    }


def _row(row: dict[Any, Any], notes: dict[str, int]) -> dict[str, Any]:
    own = [] if pd.isna(row["note"]) else str(row["note"]).split("; ")
    return {
        "model": model_name(row["model"]),
        "setting": str(row["paper_setting"]).replace("_", " ").replace("+", ", "),
        "cells": [_cell(row, metric, f"paper {number(row[f'paper_{metric}'])}") for metric in PRINTED],
        "balanced": _cell(row, "balanced_accuracy", f"recomputed {number(row['balanced_accuracy_recomputed'])}"),
        "matches": bool(row["matches"]),
        "comparable": row["comparable"],
        "notes": [notes.setdefault(note, len(notes) + 1) for note in own],
    }


def _cell(row: dict[Any, Any], metric: str, below: str) -> dict[str, str]:
    bounds = interval(row[f"{metric}_low"], row[f"{metric}_high"])
    return {"value": number(row[metric]), "interval": bounds, "spread": below}
