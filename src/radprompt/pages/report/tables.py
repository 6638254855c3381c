"""Tables 1 and 2 in the paper's layout, filled with what was measured here."""

from typing import Any, NamedTuple

import pandas as pd

from radprompt.baselines.transfer import MODELS as TRANSFERRED
from radprompt.named.variants import ALL, NAMELESS, PERMUTED
from radprompt.named.variants import SELECTED as NAMED
from radprompt.pages.report.results import cell, repeats
from radprompt.pages.wording import listing, metric_name
from radprompt.study.settings import Setting, Settings
from radprompt.tables.model_names import model_name

METRICS = ("auc", "accuracy", "f1", "sensitivity", "balanced_accuracy")
_PAPER = (
    *("random_forest", "xgboost", "gradient_boosting", "svm", "naive_bayes", "logistic_regression", "mlp"),
    *("transtab", "llm"),
)
"""The paper's models, in the order of its tables."""

_PAPERS_PART, _NAMED_PART, _OTHERS_PART = "The paper's models", "Ours beyond the paper", "Not in the paper"
_CONTINUED = {"transtab": "transferred", "llm": "extended", NAMED: "extended", ALL: "extended"}
"""Models that read names, and what continuing from another site is called: by the paper, where it has the model."""
_SECOND_SITE = (PERMUTED, NAMELESS, *TRANSFERRED)
"""Models that exist only where another site's model or rows are used."""

RESTARTED = "from scratch"


class _Line(NamedTuple):
    """A row of a table: what it is called, whose figures it shows, and from which setting in each group of columns."""

    label: str
    model: str
    settings: tuple[str, ...]


def table_1(comparison: pd.DataFrame, settings: Settings, reference: str) -> dict[str, Any] | None:
    """Put the settings of the paper's Table 1 side by side; None where none was evaluated.

    Returns
    -------
    dict
        ``title``, ``groups`` (name and whether its rows are means over halves), ``metrics``, ``width`` (columns of
        figures), and ``parts``: title and rows, each with ``name``, ``reference`` and, for each group, ``repeats``
        and ``cells`` (see :func:`radprompt.pages.report.results.cell`).
    """
    shown = _evaluated("Table 1", comparison, settings)
    if not shown:
        return None
    names = tuple(setting.name for setting in shown)
    lines = [_Line(model_name(model), model, names) for model in _models(names, comparison)]
    return _lay_out(_title("Table 1", shown), comparison, lines, [setting.title for setting in shown], reference)


def table_2(comparison: pd.DataFrame, settings: Settings, reference: str) -> dict[str, Any] | None:
    """Put the settings of the paper's Table 2 below each other, model by model; see :func:`table_1`.

    A model that reads names has a row for each setting, one that needs another site's rows for each that has it. A
    conventional one cannot continue with other features, so it
    has none from the learning curve's continued setting where the restarted one was evaluated.
    """
    shown = _evaluated("Table 2", comparison, settings)
    if not shown:
        return None
    curve = settings.curve
    names = tuple(setting.name for setting in shown)
    restarting = tuple(name for name in names if not (curve and name == curve.continued and curve.restarted in names))
    lines = []
    for model in _models(names, comparison):
        if model in _SECOND_SITE:
            there = set(comparison.loc[comparison["model"] == model, "setting"])
            own = [setting for setting in shown if setting.name in there]
            for setting in own:
                label = model_name(model) + (f", {setting.title}" if len(own) > 1 else "")
                lines.append(_Line(label, model, (setting.name,)))
        elif model in _CONTINUED or model.startswith("embedding_"):
            lines += [
                _Line(f"{model_name(model)}, {_how(model, setting, settings)}", model, (setting.name,))
                for setting in shown
            ]
        else:
            for name in restarting:
                plain = len(restarting) == 1 or (curve is not None and name == curve.restarted)
                label = model_name(model) + ("" if plain else f", {settings.title(name)}")
                lines.append(_Line(label, model, (name,)))
    sites = dict.fromkeys(settings.data_set(setting.test.dataset) for setting in shown)
    group = f"{listing(sites)}, {'its' if len(sites) == 1 else 'each its'} own features"
    return _lay_out(_title("Table 2", shown), comparison, lines, [group], reference)


def _evaluated(table: str, comparison: pd.DataFrame, settings: Settings) -> list[Setting]:
    """Return the evaluated settings that stand for columns or rows of one of the paper's tables."""
    there = set(comparison["setting"])
    return [own for own in settings.values() if (own.paper or "").startswith(table) and own.name in there]


def _title(table: str, shown: list[Setting]) -> str:
    parts = [(setting.paper or "").removeprefix(table).lstrip(", ") for setting in shown]
    return f"{table}: {'; '.join(part for part in dict.fromkeys(parts) if part)}"


def _how(model: str, setting: Setting, settings: Settings) -> str:
    """Say how a model that reads names came to a setting, as the paper calls it; others keep the setting's title."""
    if settings.curve and setting.name == settings.curve.continued:
        return _CONTINUED.get(model, _CONTINUED["llm"])
    if settings.curve and setting.name == settings.curve.restarted:
        return RESTARTED
    return setting.title


def _models(names: tuple[str, ...], comparison: pd.DataFrame) -> list[str]:
    return _in_order(comparison[comparison["setting"].isin(names)]["model"])


def _in_order(models: pd.Series) -> list[str]:
    """Return the paper's models in its order, then the named model, then the others by name."""
    rank = {name: place for place, name in enumerate((*_PAPER, NAMED))}
    return sorted(set(models), key=lambda name: (rank.get(name, len(rank)), name))


def _lay_out(
    title: str, comparison: pd.DataFrame, lines: list[_Line], groups: list[str], reference: str
) -> dict[str, Any]:
    found = {(row["setting"], row["model"], row["metric"]): row for row in comparison.to_dict("records")}
    parts: dict[str, list[dict[str, Any]]] = {name: [] for name in (_PAPERS_PART, _NAMED_PART, _OTHERS_PART)}
    several = [False] * len(groups)
    for label, model, settings in lines:
        own = [[found.get((setting, model, metric)) for metric in METRICS] for setting in settings]
        counts = [max((repeats(row) for row in rows if row), default=0) for rows in own]
        several = [known or count > 1 for known, count in zip(several, counts, strict=True)]
        part = _PAPERS_PART if model in _PAPER else _NAMED_PART if model == NAMED else _OTHERS_PART
        parts[part].append(
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
