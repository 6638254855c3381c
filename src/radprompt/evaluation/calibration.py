"""Do the probabilities mean what they say? Recalibration, expected calibration error, reliability and decision curves.

Where a function takes ``weights``, it is one row of non-negative lesion weights per resample, shape (draws, lesions);
a row of ones is the sample itself.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]

CLIP = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logit is taken: a forest says 0 and 1."""

_STEPS, _TOLERANCE = 50, 1e-8


def recalibration(labels: NDArray, probabilities: Floats, weights: Floats | None = None) -> tuple[Floats, Floats]:
    """Slope and intercept of logistic recalibration, one of each per resample; NaN where there is none.

    The slope is b of ``logit P(malignant) = a + b logit(probability)``: below 1, the probabilities are too extreme. The
    intercept is a with b held at 1 (calibration in the large): below 0, they are too high on average. Both by Newton's
    method; none exists for one class only, and no slope for constant probabilities or perfectly separated classes.

    Source: Cox, Biometrika 1958; Van Calster et al., BMC Medicine 2019 (for the intercept with slope 1).
    """
    labels = np.asarray(labels, dtype=float)
    weights = np.ones((1, len(labels))) if weights is None else np.asarray(weights, dtype=float)
    x = logit(np.clip(np.asarray(probabilities, dtype=float), CLIP, 1 - CLIP))
    return _slope(labels, x, weights), _intercept(labels, x, weights)


def _slope(labels: Floats, x: Floats, weights: Floats) -> Floats:
    scale = x.std()
    if scale < 1e-9:
        return np.full(len(weights), np.nan)
    x = (x - x.mean()) / scale  # centred and scaled, Newton starts well; the slope is scaled back at the end
    a, b = _fit(labels, x, np.ones((1, len(labels))))[0]
    if np.isnan(b):
        return _fit(labels, x, weights)[:, 1] / scale
    # Resamples differ little from the sample: from its line, few steps are left. Those that diverge restart from zero.
    fitted = _fit(labels, x, weights, (a, b))
    lost = np.isnan(fitted[:, 1])
    fitted[lost] = _fit(labels, x, weights[lost])
    return fitted[:, 1] / scale


def _fit(labels: Floats, x: Floats, weights: Floats, start: tuple[float, float] = (0.0, 0.0)) -> Floats:
    """Fit ``logit P = a + b x`` by Newton's method; a row (a, b) a resample, NaN where there is none."""
    fitted = np.full((len(weights), 2), np.nan)
    total = weights.sum(axis=1)
    positive = weights @ labels
    active = np.flatnonzero((positive > 0) & (positive < total))
    a, b = (np.full(len(active), value) for value in start)
    w = weights[active]
    for _ in range(_STEPS):
        mu = expit(a[:, None] + b[:, None] * x)
        residual, curvature = w * (labels - mu), w * mu * (1 - mu)
        g0, g1 = residual.sum(axis=1), residual @ x
        h00, h01, h11 = curvature.sum(axis=1), curvature @ x, curvature @ (x * x)
        determinant = h00 * h11 - h01**2
        # Separated classes send the slope to infinity and the curvature to zero: those draws have no slope.
        alive = (determinant > 1e-12 * total[active] ** 2) & (np.abs(b) < 1e3)
        determinant = np.where(alive, determinant, 1.0)
        step_a, step_b = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        a, b = a + step_a, b + step_b
        done = alive & (np.maximum(np.abs(step_a), np.abs(step_b)) < _TOLERANCE)
        fitted[active[done]] = np.column_stack([a, b])[done]
        keep = alive & ~done
        active, a, b, w = active[keep], a[keep], b[keep], w[keep]
        if not len(active):
            break
    return fitted


def _intercept(labels: Floats, x: Floats, weights: Floats) -> Floats:
    positive, total = weights @ labels, weights.sum(axis=1)
    both = (positive > 0) & (positive < total)
    # The expected count rises with a and meets the observed one once: Newton, halving the bracket where it would leave.
    low, high = np.full(len(weights), -50.0), np.full(len(weights), 50.0)
    a = np.zeros(len(weights))
    for _ in range(_STEPS):
        mu = expit(a[:, None] + x)
        excess = (weights * mu).sum(axis=1) - positive
        low, high = np.where(excess < 0, a, low), np.where(excess > 0, a, high)
        curvature = (weights * mu * (1 - mu)).sum(axis=1)
        newton = a - excess / np.where(curvature > 0, curvature, 1.0)
        inside = (curvature > 0) & (newton > low) & (newton < high)
        following = np.where(excess == 0, a, np.where(inside, newton, (low + high) / 2))
        moved = np.abs(following - a)[both]
        a = following
        if not moved.size or moved.max() < _TOLERANCE:
            break
    return np.where(both, a, np.nan)


def bin_of(probabilities: Floats, bins: int) -> NDArray[np.intp]:
    """Return the number of the equal-width bin of each probability: [0, 1/bins), ..., [1 - 1/bins, 1]."""
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return np.digitize(probabilities, edges)


def expected_calibration_error(
    labels: NDArray, probabilities: Floats, bins: int, weights: Floats | None = None
) -> Floats:
    """Mean distance of observed rate and mean probability over equal-width bins, weighted by lesions; per resample.

    Source: Naeini et al., AAAI 2015, on the probability of malignancy (not the confidence in the winning class).
    """
    weights = np.ones((1, len(labels))) if weights is None else weights
    member = np.eye(bins)[bin_of(probabilities, bins)]
    gap = weights @ (member * (np.asarray(probabilities) - labels)[:, None])
    return np.abs(gap).sum(axis=1) / weights.sum(axis=1)


def reliability_curve(labels: NDArray, probabilities: Floats, bins: int) -> pd.DataFrame:
    """Bins that hold lesions, a row each: ``predicted`` (mean probability), ``observed`` (rate), ``lesions``."""
    table = pd.DataFrame({"bin": bin_of(probabilities, bins), "predicted": probabilities, "observed": labels})
    means = table.groupby("bin")[["predicted", "observed"]].mean()
    return means.assign(lesions=table.groupby("bin").size()).reset_index(drop=True)


def decision_curve(labels: NDArray, probabilities: Floats, thresholds: Floats) -> pd.DataFrame:
    """Net benefit of working up masses from each threshold on: ``threshold``, ``net_benefit``.

    Net benefit is TP/n - FP/n * t/(1 - t). Working up every mass is this curve for constant probability 1; none is 0.

    Source: Vickers and Elkin, Medical Decision Making 2006.
    """
    labels = np.asarray(labels, dtype=float)
    called = np.asarray(probabilities)[None, :] >= thresholds[:, None]
    true, false = (called * labels).mean(axis=1), (called * (1 - labels)).mean(axis=1)
    return pd.DataFrame({"threshold": thresholds, "net_benefit": true - false * thresholds / (1 - thresholds)})
