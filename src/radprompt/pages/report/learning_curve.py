"""The section on the learning curve: what lesions of another site are worth to each line."""

from typing import Any

import pandas as pd

from radprompt.evaluation.learning_curve import LINES
from radprompt.pages.report.figures import drawing
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import extent, model_name, number, spread
from radprompt.study.settings import Settings

EXTENDED, SCRATCH = LINES


def learning_curve(reader: Reader, settings: Settings) -> dict[str, Any] | None:
    """Lay ``metrics/learning_curve.csv`` out; None before the stage ran, and where no curve is defined.

    Returns
    -------
    dict
        ``title``, ``site`` (its data set) and ``start`` (the setting that the continued model comes from), ``source``
        (the drawing, or None), ``repeats``, ``columns`` (numbers of lesions, the last one all of the half's), ``rows``
        (``name`` and ``cells``: mean AUC over repeats and its spread, None where the line has no such point) and
        ``sentence``.
    """
    curve = settings.curve
    if curve is None:
        return None
    points = reader.table("metrics/learning_curve.csv", ("line", "model", "lesions", "all", "repeat", "auc"))
    if points is None:
        return None
    whole = points["all"].astype(bool)
    # Halves differ by a few training lesions: their ends are one column.
    columns = [*sorted(set(points.loc[~whole, "lesions"])), *(["all"] if whole.any() else [])]
    at = points["lesions"].astype(object).where(~whole, "all")
    means = points.groupby(["line", at], sort=False)["auc"].agg(["mean", "std"])
    lines = list(dict.fromkeys(points.sort_values("line", key=lambda names: ~names.isin(LINES), kind="stable")["line"]))
    none = settings[curve.none]
    return {
        "title": curve.title,
        "site": settings.data_set(none.test.dataset),
        "start": settings.title(none.start or none.name),
        "source": drawing(reader, "plots/learning_curve.svg"),
        "repeats": points["repeat"].nunique(),
        "columns": [
            f"all ({extent(int(n) for n in points.loc[whole, 'lesions'])})" if column == "all" else f"{column}"
            for column in columns
        ],
        "rows": [
            {"name": line_name(line), "cells": [_cell(means, line, column) for column in columns]} for line in lines
        ],
        "sentence": _sentence(means, columns),
    }


def line_name(line: str) -> str:
    """Return a line's name in words; lines that are no language model are called by their model."""
    return LINES.get(line, f"{model_name(line)} that restarts")


def _cell(means: pd.DataFrame, line: str, column: Any) -> dict[str, str] | None:
    if (line, column) not in means.index:
        return None
    mean, deviation = means.loc[(line, column)]
    return {"value": number(mean), "interval": "", "spread": spread(deviation)}


def _sentence(means: pd.DataFrame, columns: list[Any]) -> str:
    """Set continuing beside restarting, at each number of lesions that both have."""
    pairs = [
        f"from {column} lesions {number(means.loc[(EXTENDED, column), 'mean'])} against "
        f"{number(means.loc[(SCRATCH, column), 'mean'])}"
        for column in columns
        if column != 0 and all((line, column) in means.index for line in LINES)
    ]
    return f"Continuing against restarting, the language model's mean AUC: {'; '.join(pairs)}." if pairs else ""
