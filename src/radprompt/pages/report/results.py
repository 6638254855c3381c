"""The section on results: every model beside the reference, setting by setting."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from radprompt.core.params import Evaluation
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.sentences import bar, differences, headline
from radprompt.pages.wording import interval, metric_name, number, p_value, spread, verdict
from radprompt.study.settings import Settings
from radprompt.tables.model_names import model_name

MAIN = ("auc", "accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity")
_COLUMNS = ("setting", "model", "metric", "value", "low", "high", "lesions", "patients", "malignant")
_RULES = {"youden": "Youden's index", "fixed_sensitivity": "fixed sensitivity"}
_TESTS = {
    "p_clustered_holm": "by patient",
    "p_delong_holm": "DeLong",
    "p_resampled_holm": "over halves",
    "p_bootstrap_holm": "bootstrap",
}


def read_comparison(reader: Reader) -> pd.DataFrame | None:
    """Return ``metrics/comparison.csv``, or None before the summary stage."""
    return reader.table("metrics/comparison.csv", _COLUMNS)


def decision_threshold(comparison: pd.DataFrame | None, setting: str, evaluation: Evaluation) -> float | None:
    """Return the reference model's threshold: the given one, or what validation rows chose (None where they cannot)."""
    if isinstance(evaluation.threshold, float):
        return evaluation.threshold
    if comparison is None:
        return None
    chosen = comparison[
        (comparison["setting"] == setting)
        & (comparison["model"] == evaluation.reference)
        & (comparison["metric"] == f"threshold_at_{evaluation.threshold}")
    ]["value"]
    return None if chosen.empty else float(chosen.iloc[0])


def threshold_words(evaluation: Evaluation) -> str:
    """Return the threshold, or how it is chosen."""
    rule = evaluation.threshold
    return f"{rule:g}" if isinstance(rule, float) else f"that validation rows choose ({_RULES.get(rule, rule)})"


def setting_results(
    comparison: pd.DataFrame, setting: str, settings: Settings, reference: str, confidence: float
) -> dict[str, Any]:
    """Lay one setting out.

    Parameters
    ----------
    comparison
        What :func:`radprompt.evaluation.model_comparison.compare` returned.
    setting
        Name of the setting to lay out; one that ``settings`` does not have is called by it.
    settings
        Protocols, for titles.
    reference
        The model that the others are compared with.
    confidence
        Level of every interval, such as 0.95.

    Returns
    -------
    dict
        ``setting``, its ``name``; ``lesions``, ``patients``, ``malignant`` (of repeat 0); ``repeats`` (the most that
        any model has); ``metrics`` and ``rows`` of the main table (models by falling AUC); ``blocks`` of the full one
        (``rule`` of the threshold, ``metrics``, ``rows``); ``differences`` in AUC and ``tests``; ``headline`` and
        ``sentences``.
    """
    own = comparison[comparison["setting"] == setting]
    auc = own[own["metric"] == "auc"].set_index("model")["value"]
    models = sorted(set(own["model"]), key=lambda name: (-auc.get(name, -math.inf), name))
    cells = {(row["model"], row["metric"]): row for row in own.to_dict("records")}
    first = own.iloc[0]
    tests = [column for column in _TESTS if column in own and own.loc[own["metric"] == "auc", column].notna().any()]
    return {
        "setting": setting,
        "name": settings.title(setting),
        "lesions": int(first["lesions"]),
        "patients": int(first["patients"]),
        "malignant": int(first["malignant"]),
        "repeats": max(repeats(row) for row in cells.values()),
        "metrics": [metric_name(name) for name in MAIN],
        "rows": [_row(model, MAIN, cells, reference) for model in models],
        "blocks": _blocks(list(dict.fromkeys(own["metric"])), models, cells, reference),
        "tests": [_TESTS[column] for column in tests],
        "differences": _differences(own, models, tests),
        "headline": headline(own, reference, confidence),
        "sentences": differences(own, reference, confidence),
    }


def repeats(row: Any) -> int:
    """Return how many repeats a row of the comparison is the mean of."""
    value = row.get("repeats", 1)
    return 1 if pd.isna(value) else int(value)


def cell(row: Any) -> dict[str, str] | None:
    """Return ``value``, ``interval`` and, of several repeats, ``spread`` of a row as text; None without a row."""
    if row is None:
        return None
    return {
        "value": number(row["value"]),
        "interval": interval(row["low"], row["high"]),
        "spread": spread(row["repeat_sd"]) if repeats(row) > 1 else "",
    }


def _blocks(
    metrics: list[str], models: list[str], cells: dict[tuple[str, str], Any], reference: str
) -> list[dict[str, Any]]:
    """Lay all metrics out, those at a threshold chosen on validation rows (``<metric>_at_<rule>``) by themselves."""
    by_rule: dict[str, list[str]] = {}
    for metric in metrics:
        by_rule.setdefault(metric.partition("_at_")[2], []).append(metric)
    return [
        {
            "rule": _RULES.get(rule, rule),
            "metrics": [metric_name(metric.partition("_at_")[0]) for metric in own],
            "rows": [_row(model, own, cells, reference) for model in models],
        }
        for rule, own in by_rule.items()
    ]


def _row(model: str, metrics: Sequence[str], cells: dict[tuple[str, str], Any], reference: str) -> dict[str, Any]:
    auc = cells.get((model, "auc"))
    return {
        "name": model_name(model),
        "reference": model == reference,
        "repeats": max(repeats(row) for (name, _), row in cells.items() if name == model),
        "cells": [cell(cells.get((model, metric))) for metric in metrics],
        "bar": bar(auc) if auc else None,
    }


def _differences(own: pd.DataFrame, models: list[str], tests: list[str]) -> list[dict[str, Any]]:
    auc = own[own["metric"] == "auc"].set_index("model")
    if "difference" not in auc:
        return []
    compared = auc.loc[[model for model in models if model in auc.index and pd.notna(auc["difference"][model])]]
    return [
        {
            "name": model_name(str(model)),
            "difference": number(row["difference"]),
            "interval": interval(row["difference_low"], row["difference_high"]),
            "verdict": verdict(row["difference_low"], row["difference_high"]),
            "p": [p_value(row[test]) for test in tests],
        }
        for model, row in compared.iterrows()
    ]
