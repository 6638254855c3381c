"""The sections on learning curves: what lesions of another site are worth to each line."""

from typing import Any

import pandas as pd

from radprompt.evaluation.learning_curve import LINES, line_name
from radprompt.pages.report.figures import drawing
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import extent, number, spread
from radprompt.study.settings import Settings

_COLUMNS = ("line", "model", "lesions", "all", "repeat", "auc")
LANGUAGE_MODEL, NAMED = ("extended", "scratch"), ("named", "named_restarted")
"""Lines that continue and restart."""


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
    return _curve(reader, settings, "learning_curve", LANGUAGE_MODEL, "language model")


def named_curve(reader: Reader, settings: Settings) -> dict[str, Any] | None:
    """Lay ``metrics/named_curve.csv`` out; see :func:`learning_curve`."""
    return _curve(reader, settings, "named_curve", NAMED, "named model")


def _curve(reader: Reader, settings: Settings, name: str, pair: tuple[str, str], model: str) -> dict[str, Any] | None:
    curve = settings.curve
    if curve is None:
        return None
    points = reader.table(f"metrics/{name}.csv", _COLUMNS)
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
        "source": drawing(reader, f"plots/{name}.svg"),
        "repeats": points["repeat"].nunique(),
        "columns": [
            f"all ({extent(int(n) for n in points.loc[whole, 'lesions'])})" if column == "all" else f"{column}"
            for column in columns
        ],
        "rows": [
            {"name": line_name(line), "cells": [_cell(means, line, column) for column in columns]} for line in lines
        ],
        "sentence": _sentence(means, columns, pair, model),
    }


def _cell(means: pd.DataFrame, line: str, column: Any) -> dict[str, str] | None:
    if (line, column) not in means.index:
        return None
    mean, deviation = means.loc[(line, column)]
    return {"value": number(mean), "interval": "", "spread": spread(deviation)}


def _sentence(means: pd.DataFrame, columns: list[Any], pair: tuple[str, str], model: str) -> str:
    """Put continuing beside restarting, at each number of lesions that both have."""
    continued, restarted = pair
    pairs = [
        f"from {column} lesions {number(means.loc[(continued, column), 'mean'])} against "
        f"{number(means.loc[(restarted, column), 'mean'])}"
        for column in columns
        if column != 0 and all((line, column) in means.index for line in pair)
    ]
    return f"Continuing against restarting, the {model}'s mean AUC: {'; '.join(pairs)}." if pairs else ""
