"""The section that puts the paper's printed figures beside ours."""

from typing import Any

import pandas as pd

from radprompt.evaluation.paper import COLUMNS, PRINTED
from radprompt.report.reader import Reader
from radprompt.report.wording import DATASETS, interval, metric_name, model_name, number


def paper_blocks(reader: Reader) -> dict[str, Any] | None:
    """Lay out ``metrics/paper_comparison.csv``; None before the stage ran.

    Returns
    -------
    dict
        ``metrics`` (names), ``blocks`` (one for each of the paper's tables and test sets: ``title``, ``rows``),
        ``notes`` (texts that rows refer to, from 1), and ``matching`` of ``total``: rows whose printed AUC is the
        balanced accuracy of hard labels. A row has ``model``, ``setting`` (the paper's), ``ours`` (our setting, where
        something was measured), ``cells`` (printed, measured, interval), ``recomputed`` (the balanced accuracy behind
        the printed figures), ``matches``, ``balanced`` (ours) with its interval, ``comparable`` and ``notes``.
    """
    table = reader.table("metrics/paper_comparison.csv", tuple(COLUMNS))
    if table is None:
        return None
    notes: dict[str, int] = {}
    blocks = [
        {
            "title": f"Table {index}, {DATASETS.get(str(test_set), test_set)}",
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
    measured = pd.notna(row["accuracy"])
    own = [] if pd.isna(row["note"]) else str(row["note"]).split("; ")
    return {
        "model": model_name(row["model"]),
        "setting": str(row["paper_setting"]).replace("_", " ").replace("+", ", "),
        "ours": row["setting"] if measured else "",
        "cells": [
            {
                "printed": number(row[f"paper_{metric}"]),
                "value": number(row[metric]) if measured else "",
                "interval": interval(row[f"{metric}_low"], row[f"{metric}_high"]) if measured else "",
            }
            for metric in PRINTED
        ],
        "recomputed": number(row["balanced_accuracy_recomputed"]),
        "matches": bool(row["matches"]),
        "balanced": number(row["balanced_accuracy"]) if measured else "",
        "balanced_interval": interval(row["balanced_accuracy_low"], row["balanced_accuracy_high"]) if measured else "",
        "comparable": row["comparable"],
        "notes": [notes.setdefault(note, len(notes) + 1) for note in own],
    }
