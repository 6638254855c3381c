"""Tables 1 and 2 in the paper's layout, filled with what was measured here."""

from typing import Any, NamedTuple

import pandas as pd

from radprompt.pages.report.results import cell, repeats
from radprompt.pages.wording import metric_name, model_name, setting_name

METRICS = ("auc", "accuracy", "f1", "sensitivity", "balanced_accuracy")
_PAPER = (
    *("random_forest", "xgboost", "gradient_boosting", "svm", "naive_bayes", "logistic_regression", "mlp"),
    *("transtab", "llm"),
)
"""The paper's models, in the order of its tables."""

_GOES_ON = {"transtab": ("transferred", "from scratch"), "llm": ("extended", "from scratch")}
"""Models that read names, and what the paper calls going on from VinDr and beginning again."""

EXTENDED, SCRATCH = "inbreast_extended", "inbreast_scratch"


class _Line(NamedTuple):
    """A row of a table: what it is called, whose figures it shows, and from which setting in each group of columns."""

    label: str
    model: str
    settings: tuple[str, ...]


def table_1(comparison: pd.DataFrame, reference: str) -> dict[str, Any] | None:
    """Put the internal test and the adapted second site side by side; None where neither was evaluated.

    Returns
    -------
    dict
        ``title``, ``groups`` (name and whether its rows are means over halves), ``metrics``, ``width`` (columns of
        figures), and ``parts``: title and rows, each with ``name``, ``reference`` and, for each group, ``repeats``
        and ``cells`` (see :func:`radprompt.pages.report.results.cell`).
    """
    settings = tuple(name for name in ("vindr", "inbreast_adapted") if name in set(comparison["setting"]))
    if not settings:
        return None
    models = _in_order(comparison[comparison["setting"].isin(settings)]["model"])
    lines = [_Line(model_name(model), model, settings) for model in models]
    title = "Table 1: the internal test, and the second site after adapting"
    return _lay_out(title, comparison, lines, [setting_name(name) for name in settings], reference)


def table_2(comparison: pd.DataFrame, reference: str) -> dict[str, Any] | None:
    """Put models that begin again at the second site beside those that go on; see :func:`table_1`.

    A conventional model cannot go on with other features, so it has one row, from the setting ``inbreast_scratch``.
    """
    there = set(comparison["setting"])
    if not there & {EXTENDED, SCRATCH}:
        return None
    lines = []
    for model in _in_order(comparison[comparison["setting"].isin([EXTENDED, SCRATCH])]["model"]):
        if model in _GOES_ON or model.startswith("embedding_"):
            on, again = _GOES_ON.get(model, _GOES_ON["llm"])
            pairs = ((on, EXTENDED), (again, SCRATCH))
            lines += [_Line(f"{model_name(model)}, {how}", model, (name,)) for how, name in pairs if name in there]
        else:
            lines.append(_Line(model_name(model), model, (SCRATCH if SCRATCH in there else EXTENDED,)))
    title = "Table 2: the second site with features of its own"
    return _lay_out(title, comparison, lines, ["INbreast, its own features"], reference)


def _in_order(models: pd.Series) -> list[str]:
    """Return the paper's models in its order, then the others by name."""
    rank = {name: place for place, name in enumerate(_PAPER)}
    return sorted(set(models), key=lambda name: (rank.get(name, len(rank)), name))


def _lay_out(
    title: str, comparison: pd.DataFrame, lines: list[_Line], groups: list[str], reference: str
) -> dict[str, Any]:
    found = {(row["setting"], row["model"], row["metric"]): row for row in comparison.to_dict("records")}
    parts: dict[str, list[dict[str, Any]]] = {"The paper's models": [], "Not in the paper": []}
    several = [False] * len(groups)
    for label, model, settings in lines:
        own = [[found.get((setting, model, metric)) for metric in METRICS] for setting in settings]
        counts = [max((repeats(row) for row in rows if row), default=0) for rows in own]
        several = [known or count > 1 for known, count in zip(several, counts, strict=True)]
        parts["The paper's models" if model in _PAPER else "Not in the paper"].append(
            {
                "name": label,
                "reference": model == reference,
                "groups": [
                    {"repeats": count or "", "cells": [cell(row) for row in rows]}
                    for count, rows in zip(counts, own, strict=True)
                ],
            }
        )
    return {
        "title": title,
        "width": len(groups) * len(METRICS) + sum(several),
        "groups": list(zip(groups, several, strict=True)),
        "metrics": [metric_name(metric) for metric in METRICS],
        "parts": [(name, rows) for name, rows in parts.items() if rows],
    }
