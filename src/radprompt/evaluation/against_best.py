"""The named model and the language model beside the best baseline, which test rows do not choose.

The best baseline of a setting is the one with the highest AUC on its validation rows. A choice by test values would
flatter the baseline, and a choice among weak ones would flatter the models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

import pandas as pd

from radprompt.core.baseline_params import Baseline
from radprompt.core.params import StudyParams
from radprompt.evaluation.learning_curve import best_baseline
from radprompt.evaluation.model_comparison import compare

MODELS = ("named", "llm")
BEST = "best"
"""Role of the best baseline, whichever model that is."""

CONVENTIONAL = frozenset(get_args(Baseline)) - {"transtab", "majority"}
"""Models that read no names and learn from their rows."""

COLUMNS = [
    *("setting", "role", "model", "value", "low", "high", "repeats", "repeat_sd"),
    *("difference", "difference_low", "difference_high", "paired_repeats", "lesions", "patients", "malignant"),
]


def best_by_validation(predictions: pd.DataFrame, candidates: Sequence[str]) -> dict[str, str]:
    """Return each setting's conventional model with the highest validation AUC; test rows are not looked at.

    TransTab is no candidate: validation rows choose its epoch, so its AUC on them is too high. A setting in which no
    candidate has validation rows of both classes is left out.

    Parameters
    ----------
    predictions
        Table of predictions with validation rows, of any settings and models.
    candidates
        Models to choose from, such as ``baselines.models``; those that are not :data:`CONVENTIONAL` are passed over.
    """
    allowed = [model for model in candidates if model in CONVENTIONAL]
    rows = predictions[(predictions["split"] == "val") & predictions["model"].isin(allowed)]
    runs = rows.groupby(["setting", "repeat", "model", "seed"])["label"].nunique()
    judged = runs[runs == 2].reset_index()
    found = {}
    for setting, own in judged.groupby("setting", sort=False):
        present = [model for model in allowed if model in set(own["model"])]
        found[str(setting)] = best_baseline(rows[rows["setting"] == setting], present)
    return found


def against_best(predictions: pd.DataFrame, best: Mapping[str, str], params: StudyParams) -> pd.DataFrame:
    """Put the AUC of :data:`MODELS` beside that of each setting's best baseline.

    Parameters
    ----------
    predictions
        Table of predictions with test rows; other models than these are passed over.
    best
        From :func:`best_by_validation`. In a setting that it lacks, no difference is known.
    params
        Seed, number of resamples and confidence.

    Returns
    -------
    pandas.DataFrame
        A row for each setting and model, columns :data:`COLUMNS`: the AUC on the test rows with its interval, and
        ``difference``, the model's AUC minus the best baseline's on the ``paired_repeats`` that both have, with the
        interval of the paired bootstrap over patients; empty for the baseline itself. Values are those of
        :func:`radprompt.evaluation.model_comparison.compare`.
    """
    parts = [
        _setting(own, str(setting), best.get(str(setting), ""), params)
        for setting, own in predictions.groupby("setting", sort=False)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _setting(predictions: pd.DataFrame, setting: str, best: str, params: StudyParams) -> pd.DataFrame:
    roles = {model: model for model in MODELS} | ({best: BEST} if best else {})
    rows = predictions[predictions["model"].isin(roles)]
    if rows[rows["split"] == "test"].empty:
        return pd.DataFrame(columns=COLUMNS)
    compared = compare(rows, replace(params, evaluation=replace(params.evaluation, reference=best)))
    auc = compared[compared["metric"] == "auc"].set_index("model")
    auc = auc.loc[[model for model in roles if model in auc.index]].reset_index()
    low, high = -auc["difference_high"], -auc["difference_low"]  # there: the baseline's minus the model's
    auc = auc.assign(difference=-auc["difference"], difference_low=low, difference_high=high)
    return auc.assign(setting=setting, role=auc["model"].map(roles))[COLUMNS]
