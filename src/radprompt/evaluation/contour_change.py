"""The AUC before and after contours were corrected, of one quick model on all features."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from radprompt.baselines.classical import Conventional
from radprompt.core.baseline_params import Baselines
from radprompt.evaluation.comparisons import delong_test, resampled_interval
from radprompt.tables.cohort import of_setting
from radprompt.tables.features import feature_columns, with_values

MODEL = "normal_scores_logistic"
"""Logistic regression on normal scores of every feature: fitted in milliseconds, and it selects nothing."""


def auc_change(
    cohort: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    repeats: Iterable[int],
    params: Baselines,
    seed: int,
    confidence: float,
) -> dict[str, Any] | None:
    """Return a setting's AUC with features of both kinds of contours, on the same lesions.

    Parameters
    ----------
    cohort
        The setting's lesions.
    before, after
        Raw features by (dataset, lesion_id), in the drawn and in the corrected contours; the model is trained and
        tested on each of them.
    repeats
        Repeats of the cohort to average over.
    params, seed
        Hyperparameters and random seed of the model, :data:`MODEL`.
    confidence
        Of the difference's interval: DeLong's for lesions clustered by patient; over several repeats the corrected
        resampled t interval.

    Returns
    -------
    dict or None
        None where no repeat tests both classes. ``before``, ``after``, ``difference``, its ``low`` and ``high`` (None
        where there is no interval), ``repeats``, and how many
        ``corrected`` lesions are ``trained`` on and ``tested``, over all repeats.
    """
    rows = of_setting(cohort)
    changed = ((before != after) & ~(before.isna() & after.isna())).any(axis=1)
    touched = rows[changed.reindex(_keys(rows)).to_numpy()].drop_duplicates("lesion_id")
    aucs: list[list[float]] = []
    low: float | None = None
    high: float | None = None
    for repeat in repeats:
        part = rows[rows["repeat"] == repeat]
        train, test = part[part["split"] == "train"], part[part["split"] == "test"]
        labels = test["label"].to_numpy(dtype=int)
        if len(set(labels)) < 2:
            continue
        first, second = (_predict(table, train, test, params, seed) for table in (before, after))
        aucs.append([roc_auc_score(labels, scores) for scores in (first, second)])
        delong = delong_test(labels, second, first, test["patient_id"].to_numpy())
    if not aucs:
        return None
    mean = np.mean(aucs, axis=0)
    differences = np.diff(aucs, axis=1)[:, 0]
    if len(aucs) > 1:
        low, high = resampled_interval(differences, 1.0, confidence) or (None, None)
    elif np.isfinite(delong.standard_error):
        half = float(norm.ppf(0.5 + confidence / 2)) * delong.standard_error
        low, high = delong.difference - half, delong.difference + half
    return {
        "before": float(mean[0]),
        "after": float(mean[1]),
        "difference": float(differences.mean()),
        "low": low,
        "high": high,
        "repeats": len(aucs),
        "corrected": len(touched),
        "trained": _number(rows, changed, "train"),
        "tested": _number(rows, changed, "test"),
    }


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["dataset", "lesion_id"]])


def _number(rows: pd.DataFrame, changed: pd.Series, split: str) -> int:
    part = rows[rows["split"] == split]
    return int(part.loc[changed.reindex(_keys(part)).to_numpy(), "lesion_id"].nunique())


def _predict(table: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, params: Baselines, seed: int) -> np.ndarray:
    known, new = table.loc[_keys(train)], table.loc[_keys(test)]
    names = with_values(known, feature_columns(known))
    model = Conventional(MODEL, params, seed).fit(known[names], train["label"].to_numpy(dtype=int))
    return model.predict_proba(new[names])[:, 1]
