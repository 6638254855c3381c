"""The few numbers that ``dvc metrics show`` and ``dvc metrics diff`` print; every other one is in files beside them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from radprompt.evaluation.learning_curve import best_baseline

MOST = 24
"""Numbers: with the column of the file's name, 25 columns in DVC's table."""

MODELS = ("llm", "named")
_DECIMALS = 4


def best_by_validation(predictions: pd.DataFrame, candidates: Sequence[str]) -> dict[str, str]:
    """Return each setting's conventional model with the highest validation AUC; test rows are not looked at.

    A setting in which no candidate has validation rows of both classes is left out.
    """
    rows = predictions[(predictions["split"] == "val") & predictions["model"].isin(candidates)]
    runs = rows.groupby(["setting", "repeat", "model", "seed"])["label"].nunique()
    judged = runs[runs == 2].reset_index()
    found = {}
    for setting, own in judged.groupby("setting", sort=False):
        present = [model for model in candidates if model in set(own["model"])]
        found[str(setting)] = best_baseline(rows[rows["setting"] == setting], present)
    return found


def headline(
    metrics: Mapping[str, Mapping[str, Mapping[str, float]]], best: Mapping[str, str], segmentation: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Return AUCs by setting, and the segmenter's Dice by data set: at most :data:`MOST` numbers.

    Parameters
    ----------
    metrics
        By setting and model, as ``metrics/summary.json`` has them, all finite.
    best
        By setting, the model whose AUC is under ``best``; its key is the same whichever model that is, so that DVC
        compares it with the last one.
    segmentation
        ``metrics/segmentation.json``; empty where nothing was segmented.

    Returns
    -------
    dict
        ``{setting: {"llm": ..., "named": ..., "best": ...}}`` and ``{"dice": {test set: ...}}``, without models that a
        setting does not have. Settings that would exceed :data:`MOST`, the last ones, are left out.
    """
    dice = {
        name: round(float(part["nnunet"]["dice"]), _DECIMALS)
        for name, part in segmentation.items()
        if isinstance(part, Mapping) and "dice" in part.get("nnunet", {})
    }
    room = MOST - len(dice)
    shown: dict[str, dict[str, float]] = {}
    for setting, models in metrics.items():
        named = {**{model: model for model in MODELS}, "best": best.get(setting, "")}
        aucs = {
            key: round(float(models[model]["auc"]), _DECIMALS)
            for key, model in named.items()
            if "auc" in models.get(model, {})
        }
        room -= len(aucs)
        if room < 0:
            break
        if aucs:
            shown[setting] = aucs
    return shown | ({"dice": dice} if dice else {})
