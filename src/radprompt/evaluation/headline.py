"""The few numbers that ``dvc metrics show`` and ``dvc metrics diff`` print; every other one is in files beside them."""

from collections.abc import Mapping
from typing import Any

from radprompt.evaluation.against_best import BEST

MOST = 24
"""Numbers in all. Each setting is a file, and so a row of DVC's table, which is then 80 characters wide."""

MODELS = ("llm", "named")
_DECIMALS = 4


def headline(
    metrics: Mapping[str, Mapping[str, Mapping[str, float]]], best: Mapping[str, str], segmentation: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    """Return AUCs by setting, and the segmenter's Dice by test set: at most :data:`MOST` numbers.

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
        ``{setting: {"llm": ..., "named": ..., "best": ...}}`` and ``{"dice_<test set>": {"dice": ...}}``, without
        models that a setting does not have. Settings that would exceed :data:`MOST`, the last ones, are left out.
    """
    dice = {
        f"dice_{name}": {"dice": round(float(part["nnunet"]["dice"]), _DECIMALS)}
        for name, part in segmentation.items()
        if isinstance(part, Mapping) and "dice" in part.get("nnunet", {})
    }
    room = MOST - len(dice)
    shown: dict[str, dict[str, float]] = {}
    for setting, models in metrics.items():
        named = {**{model: model for model in MODELS}, BEST: best.get(setting, "")}
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
    return shown | dice
