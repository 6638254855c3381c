"""Patient-cluster bootstrap: patients are drawn with replacement, all their lesions with them.

The resamples are drawn once for a setting and shared by all its models and repeats, so differences between models are
paired. A resample is a row of lesion weights (how often its patient was drawn), and a metric is computed for all rows
at once.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from radprompt.evaluation.calibration import Floats, expected_calibration_error, recalibration
from radprompt.evaluation.scores import DECISIONS, METRICS, decide

_BLOCK = 300_000
"""Weights handled at a time (draws x lesions); keeps the intermediates in the processor's cache."""


def patient_resamples(patients: NDArray, draws: int, seed: int) -> NDArray[np.int16]:
    """How often each lesion's patient was drawn, shape (draws, lesions); the order of lesions does not matter."""
    names, patient = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return counts.astype(np.int16)[:, patient]


def score_draws(
    labels: NDArray, probabilities: Floats, resamples: NDArray[np.int16], threshold: float | None, bins: int
) -> dict[str, Floats]:
    """Every metric of :func:`~radprompt.evaluation.scores.scores` on every resample, each of shape (draws,).

    A metric that a resample leaves undefined (one class only, for one) is NaN there; :func:`interval` drops such draws.
    Without a threshold, there are no :data:`~radprompt.evaluation.scores.DECISIONS`.
    """
    labels, probabilities = np.asarray(labels, dtype=float), np.asarray(probabilities, dtype=float)
    draws = _joined([_probability_block(labels, probabilities, block, bins) for block in _blocks(resamples)])
    if threshold is not None:
        draws |= decision_draws(labels, probabilities, resamples, threshold)
    return {name: draws[name] for name in METRICS if name in draws}


def decision_draws(
    labels: NDArray, probabilities: Floats, resamples: NDArray[np.int16], threshold: float
) -> dict[str, Floats]:
    """Each of :data:`~radprompt.evaluation.scores.DECISIONS` on every resample, as :func:`score_draws` gives them."""
    labels = np.asarray(labels, dtype=float)
    called = decide(probabilities, threshold).astype(float)
    return _joined([_decision_block(labels, called, block) for block in _blocks(resamples)])


def repeat_mean(draws: Sequence[Floats]) -> Floats:
    """Mean over repeats of a metric's draws, each of shape (draws,), where they are defined; NaN where none is."""
    each = np.stack(draws)
    defined = np.isfinite(each)
    with np.errstate(invalid="ignore"):
        return np.where(defined, each, 0.0).sum(axis=0) / defined.sum(axis=0)


def interval(draws: Floats, confidence: float) -> tuple[float, float] | None:
    """Percentile interval over the draws that are defined, if those are more than half."""
    defined = draws[np.isfinite(draws)]
    if 2 * len(defined) <= len(draws):
        return None
    low, high = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _blocks(resamples: NDArray[np.int16]) -> Iterator[Floats]:
    for block in np.array_split(resamples, max(1, round(resamples.size / _BLOCK))):
        yield block.astype(float)


def _joined(parts: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _probability_block(labels: Floats, probabilities: Floats, w: Floats, bins: int) -> dict[str, Floats]:
    auc, average_precision = _ranking(labels, probabilities, w)
    slope, intercept = recalibration(labels, probabilities, w)
    return {
        "auc": auc,
        "average_precision": average_precision,
        "brier": w @ (probabilities - labels) ** 2 / w.sum(axis=1),
        "ece": expected_calibration_error(labels, probabilities, bins, w),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }


def _decision_block(labels: Floats, called: Floats, w: Floats) -> dict[str, Floats]:
    tp, fp = w @ (called * labels), w @ (called * (1 - labels))
    fn, tn = w @ ((1 - called) * labels), w @ ((1 - called) * (1 - labels))
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 is NaN: undefined on that draw
        sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
        values = {
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "f1": 2 * tp / (2 * tp + fp + fn),
            "sensitivity": sensitivity,
            "specificity": specificity,
            "ppv": tp / (tp + fp),
            "npv": tn / (tn + fn),
        }
    return {name: values[name] for name in DECISIONS}


def _ranking(labels: Floats, probabilities: Floats, w: Floats) -> tuple[Floats, Floats]:
    """AUC and average precision from weights summed over each distinct probability, highest first."""
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    w, positive = w[:, order], labels[order]
    malignant = np.add.reduceat(w * positive, starts, axis=1)
    benign = np.add.reduceat(w * (1 - positive), starts, axis=1)
    true, false = malignant.cumsum(axis=1), benign.cumsum(axis=1)
    positives, negatives = true[:, -1], false[:, -1]
    # A malignant mass outranks the benign ones below it, and ties count half.
    wins = (malignant * (negatives[:, None] - false + benign / 2)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(true > 0, true / (true + false), 0.0)
        average_precision = (malignant * precision).sum(axis=1) / positives
        average_precision = np.where(negatives > 0, average_precision, np.nan)
        return wins / (positives * negatives), average_precision
