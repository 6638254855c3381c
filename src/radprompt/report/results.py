"""The section on results: every model beside the reference, in a table and in sentences that the numbers write."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from radprompt.params import Evaluation
from radprompt.report.reader import Reader
from radprompt.report.wording import (
    count,
    interval,
    listing,
    metric_name,
    model_name,
    number,
    p_value,
    percent,
    verdict,
)

MAIN = ("auc", "accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity")
CHANCE = 0.5
_COLUMNS = ("setting", "model", "metric", "value", "low", "high", "lesions", "patients", "malignant")
_RULES = {"youden": "Youden's index", "fixed_sensitivity": "fixed sensitivity"}
_TESTS = {"p_clustered_holm": "by patient", "p_delong_holm": "DeLong", "p_bootstrap_holm": "bootstrap"}


def read_comparison(reader: Reader) -> pd.DataFrame | None:
    """Return ``metrics/comparison.csv``, or None before the evaluate stage."""
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


def setting_results(comparison: pd.DataFrame, setting: str, reference: str, confidence: float) -> dict[str, Any]:
    """Lay one setting out.

    Parameters
    ----------
    comparison
        What :func:`radprompt.evaluation.model_comparison.compare` returned.
    setting
        Its setting.
    reference
        The model that the others are compared with.
    confidence
        Of every interval.

    Returns
    -------
    dict
        ``lesions``, ``patients``, ``malignant``; ``metrics`` and ``rows`` of the main table (models by falling AUC);
        ``blocks`` of the full one (``rule`` of the threshold, ``metrics``, ``rows``); ``differences`` in AUC and
        ``tests``; ``sentences``.
    """
    own = comparison[comparison["setting"] == setting]
    auc = own[own["metric"] == "auc"].set_index("model")["value"]
    models = sorted(set(own["model"]), key=lambda name: (-auc.get(name, -math.inf), name))
    cells = {(row["model"], row["metric"]): row for row in own.to_dict("records")}
    first = own.iloc[0]
    tests = [column for column in _TESTS if column in own]
    return {
        "setting": setting,
        "lesions": int(first["lesions"]),
        "patients": int(first["patients"]),
        "malignant": int(first["malignant"]),
        "metrics": [metric_name(name) for name in MAIN],
        "rows": [_row(model, MAIN, cells, reference) for model in models],
        "blocks": _blocks(list(dict.fromkeys(own["metric"])), models, cells, reference),
        "tests": [_TESTS[column] for column in tests],
        "differences": _differences(own, models, tests),
        "sentences": sentences(own, reference, confidence),
    }


def sentences(own: pd.DataFrame, reference: str, confidence: float) -> list[str]:
    """Say in words what the AUCs of one setting allow to be said.

    Parameters
    ----------
    own
        The comparison's rows of one setting.
    reference, confidence
        See :func:`setting_results`.
    """
    auc = own[own["metric"] == "auc"].set_index("model")
    level = percent(confidence)
    if reference not in auc.index:
        return [f"No AUC of the {model_name(reference)} in this setting: there is nothing to compare with."]
    mine: dict[Any, Any] = auc.to_dict("index")[reference]
    rivals = auc.drop(index=reference).sort_values("value", ascending=False)
    name = model_name(reference)
    said = [
        f"On {count(int(mine['lesions']), 'test mass', 'test masses')} of {count(int(mine['patients']), 'patient')}, "
        f"{int(mine['malignant'])} of them malignant, the {name} has an AUC of {number(mine['value'])} "
        f"({level} interval {interval(mine['low'], mine['high']) or 'not defined'})"
        + _CHANCE_WORDS[verdict(mine["low"], mine["high"], CHANCE)]
    ]
    if rivals.empty:
        return [*said, "No other model was evaluated here."]
    better = rivals[rivals["value"] > mine["value"]]
    if better.empty:
        said.append(f"None of the {count(len(rivals), 'other model')} has a higher measured AUC.")
    else:
        best = f"{model_name(str(better.index[0]))} ({number(better['value'].iloc[0])})"
        said.append(f"Of {count(len(rivals), 'other model')}, {len(better)} measured higher, {best} the highest.")
    bounds = zip(rivals["difference_low"], rivals["difference_high"], strict=True)
    verdicts = [verdict(low, high) for low, high in bounds]
    for kind, words in _DIFFERENCE_WORDS.items():
        names = [model_name(str(model)) for model, own in zip(rivals.index, verdicts, strict=True) if own == kind]
        if names:
            said.append(words.format(level=level, name=name, rivals=listing(names)))
    if "p_clustered_holm" in rivals and rivals["p_clustered_holm"].notna().any():
        alpha = 1 - confidence
        clear = rivals[rivals["p_clustered_holm"] < alpha]
        whom = listing(model_name(str(model)) for model in clear.index)
        said.append(
            f"Tested by patient and corrected by Holm for {count(len(rivals), 'comparison')}, "
            f"p stays below {alpha:.2g} against {whom or 'none of them'}."
        )
    return said


_CHANCE_WORDS = {
    "above": ": better than chance.",
    "includes": "; the interval includes 0.5, so chance is not excluded.",
    "below": ": worse than chance, which points to an error.",
    "unknown": ".",
}
_DIFFERENCE_WORDS = {
    "above": "The {level} interval of the difference ({name} minus rival) lies above 0 against {rivals}: there the "
    "{name} is better.",
    "includes": "The {level} interval of the difference ({name} minus rival) includes 0 against {rivals}: on these "
    "masses they cannot be told apart.",
    "below": "The {level} interval of the difference ({name} minus rival) lies below 0 against {rivals}: there the "
    "{name} is worse.",
    "unknown": "There is no interval of the difference against {rivals}.",
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
    shown = [cells.get((model, metric)) for metric in metrics]
    auc = cells.get((model, "auc"))
    return {
        "name": model_name(model),
        "reference": model == reference,
        "cells": [
            {"value": number(cell["value"]), "interval": interval(cell["low"], cell["high"])} if cell else None
            for cell in shown
        ],
        # Percent of the AUC axis from 0 to 1, for the bar of the table.
        "bar": {key: round(100 * float(auc[key]), 1) for key in ("value", "low", "high")}
        if auc and all(math.isfinite(auc[key]) for key in ("value", "low", "high"))
        else None,
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
