"""The section on results: every model beside the reference, in a table and in sentences that the numbers write."""

import math
from typing import Any

import pandas as pd

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
_TESTS = {"p_clustered_holm": "by patient", "p_delong_holm": "DeLong", "p_bootstrap_holm": "bootstrap"}


def read_comparison(reader: Reader) -> pd.DataFrame | None:
    """Return ``metrics/comparison.csv``, or None before the evaluate stage."""
    return reader.table("metrics/comparison.csv", _COLUMNS)


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
        ``all_metrics`` and ``all_rows`` of the full one; ``differences`` in AUC and ``tests``; ``sentences``.
    """
    own = comparison[comparison["setting"] == setting]
    auc = own[own["metric"] == "auc"].set_index("model")["value"]
    models = sorted(set(own["model"]), key=lambda name: (-auc.get(name, -math.inf), name))
    every = list(dict.fromkeys(own["metric"]))
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
        "all_metrics": [metric_name(name) for name in every],
        "all_rows": [_row(model, every, cells, reference) for model in models],
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
    mine, rivals = auc.loc[reference], auc.drop(index=reference).sort_values("value", ascending=False)
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
    verdicts = [verdict(low, high) for low, high in zip(rivals["difference_low"], rivals["difference_high"], strict=True)]
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


def segmentation_quality(reader: Reader) -> list[dict[str, Any]]:
    """Lay out ``metrics/segmentation.json``: a cohort each, with rivals as rows and a sentence; empty before it is."""
    found = []
    for cohort, scores in (reader.json("metrics/segmentation.json") or {}).items():
        gap = scores.get("difference", {})
        low, high = gap.get("dice_low", math.nan), gap.get("dice_high", math.nan)
        found.append(
            {
                "cohort": cohort,
                "lesions": scores["lesions"],
                "fallbacks": scores["fallbacks"],
                "reviewed": scores["reviewed"],
                "rivals": [
                    {"name": label, **{key: number(scores[rival].get(key), 3 if "dice" in key else 2) for key in _KEYS}}
                    for rival, label in (("nnunet", "nnU-Net"), ("ellipse", "ellipse in the box"))
                    if rival in scores
                ],
                "sentence": f"Mean Dice of nnU-Net minus that of the ellipse: {number(gap['dice'])} "
                f"({interval(low, high, 3) or 'no interval'}): {_DICE_WORDS[verdict(low, high)]}"
                if gap
                else "",
            }
        )
    return found


_KEYS = ("dice", "dice_median", "hd95_px", "hd95_mm")
_DICE_WORDS = {
    "above": "nnU-Net follows the reference better than the box alone would.",
    "includes": "the interval includes 0, the box alone does as well.",
    "below": "the box alone does better.",
    "unknown": "too few patients to say more.",
}


def paper_comparison(reader: Reader) -> dict[str, Any] | None:
    """Return ``metrics/paper_comparison.csv`` as column names and blocks of rows a table of the paper, or None."""
    table = reader.table("metrics/paper_comparison.csv")
    if table is None:
        return None
    keys = [name for name in ("table", "test_set") if name in table]
    columns = [name for name in table.columns if name not in keys]
    blocks = table.groupby(keys, sort=True, dropna=False) if keys else [((), table)]
    return {
        "columns": [metric_name(name) for name in columns],
        "blocks": [
            {
                "title": ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in zip(keys, values, strict=True)),
                "rows": [[_plain(value) for value in row] for row in part[columns].itertuples(index=False)],
            }
            for values, part in blocks
        ],
    }


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return "" if value is None or value is pd.NA else str(value).replace("_", " ")


def _row(model: str, metrics: Any, cells: dict[tuple[str, str], Any], reference: str) -> dict[str, Any]:
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
