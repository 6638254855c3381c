"""One model on one sample: discrimination, decisions at a threshold, and calibration."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, confusion_matrix, roc_auc_score

from radprompt.evaluation.calibration import Floats, expected_calibration_error, recalibration

DECISIONS = ("accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity", "ppv", "npv")
"""Metrics of calls, benign or malignant: they need a threshold."""

METRICS = (
    "auc",
    "average_precision",
    *DECISIONS,
    "brier",
    "ece",
    "calibration_slope",
    "calibration_intercept",
)


def decide(probabilities: Floats, threshold: float) -> NDArray[np.bool_]:
    """Call a mass malignant from ``threshold`` on."""
    return np.asarray(probabilities) >= threshold


def scores(labels: NDArray, probabilities: Floats, threshold: float | None, bins: int) -> dict[str, float]:
    """Every metric of :data:`METRICS` that is defined.

    Parameters
    ----------
    labels, probabilities
        One value per lesion: 0 or 1, and the probability of malignancy in [0, 1].
    threshold
        Probability from which a mass counts as malignant; None leaves :data:`DECISIONS` out.
    bins
        Bins of the expected calibration error.

    Returns
    -------
    dict
        Finite values only; what is not defined is left out: with one class only AUC, average precision, balanced
        accuracy, slope and intercept, and the one of sensitivity and specificity that has no cases; PPV (NPV) when no
        mass is called malignant (benign); F1 when none is malignant and none is called so; the slope when all
        probabilities are equal. All are fractions in [0, 1], save slope and intercept (in logits).
    """
    labels = np.asarray(labels, dtype=int)
    both = 0 < labels.sum() < len(labels)
    slope, intercept = recalibration(labels, probabilities)
    values = {
        "auc": roc_auc_score(labels, probabilities) if both else np.nan,
        "average_precision": average_precision_score(labels, probabilities) if both else np.nan,
        "brier": brier_score_loss(labels, probabilities, pos_label=1),
        "ece": expected_calibration_error(labels, probabilities, bins)[0],
        "calibration_slope": slope[0],
        "calibration_intercept": intercept[0],
    }
    finite = {name: float(value) for name, value in values.items() if np.isfinite(value)}
    if threshold is not None:
        finite |= decision_scores(labels, probabilities, threshold)
    return {name: finite[name] for name in METRICS if name in finite}


def decision_scores(labels: NDArray, probabilities: Floats, threshold: float) -> dict[str, float]:
    """Those of :data:`DECISIONS` that are defined; parameters and what is left out as in :func:`scores`."""
    (tn, fp), (fn, tp) = confusion_matrix(labels, decide(probabilities, threshold), labels=[0, 1])
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    values = {
        "accuracy": _ratio(tp + tn, len(labels)),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": _ratio(tp, tp + fp),
        "npv": _ratio(tn, tn + fn),
    }
    return {name: float(values[name]) for name in DECISIONS if np.isfinite(values[name])}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
