"""Is one model better than another on the same lesions? Four tests, and Holm's correction.

DeLong's and its form for correlated lesions, a paired bootstrap, and, where a sample is split several times, a t-test
that knows that the splits overlap.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata, t

from radprompt.evaluation.calibration import Floats


class AucTest(NamedTuple):
    """Difference of two AUCs, its standard error, and the two-sided p-value (NaN where the variance is zero)."""

    difference: float
    standard_error: float
    p: float


def auc_covariance(labels: NDArray, scores: Floats, patients: NDArray | None = None) -> tuple[Floats, Floats]:
    """AUCs of several models on the same lesions and their covariance matrix.

    Parameters
    ----------
    labels
        0 or 1, shape (lesions,); both must occur.
    scores
        Shape (models, lesions); higher is more malignant, ties count half.
    patients
        One name per lesion. With it, lesions of a patient may be correlated (Obuchowski); without, every lesion stands
        for itself (DeLong). One lesion a patient gives the same either way.

    Notes
    -----
    The structural components come from midranks, in O(n log n) a model. Sources: DeLong et al., Biometrics 1988; Sun
    and Xu, IEEE Signal Processing Letters 2014 (midranks); Obuchowski, Biometrics 1997 (clusters).
    """
    labels = np.asarray(labels, dtype=bool)
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    m, n = int(labels.sum()), int((~labels).sum())
    if not m or not n:
        raise ValueError("an AUC needs benign and malignant lesions")
    ranks = rankdata(scores, axis=1)
    above = (ranks[:, labels] - rankdata(scores[:, labels], axis=1)) / n  # benign masses that a malignant one outranks
    below = 1 - (ranks[:, ~labels] - rankdata(scores[:, ~labels], axis=1)) / m
    auc = above.mean(axis=1)
    clusters = np.arange(len(labels)) if patients is None else np.unique(patients, return_inverse=True)[1]
    malignant = _cluster_sums(above - auc[:, None], clusters[labels], clusters.max() + 1)
    benign = _cluster_sums(below - auc[:, None], clusters[~labels], clusters.max() + 1)
    with_malignant, with_benign = len(np.unique(clusters[labels])), len(np.unique(clusters[~labels]))
    total = len(np.unique(clusters))
    with np.errstate(divide="ignore", invalid="ignore"):  # a single patient in a class: no variance can be estimated
        s10 = malignant @ malignant.T * np.divide(with_malignant, (with_malignant - 1) * m**2)
        s01 = benign @ benign.T * np.divide(with_benign, (with_benign - 1) * n**2)
        s11 = malignant @ benign.T * np.divide(total, (total - 1) * m * n)
    return auc, s10 + s01 + s11 + s11.T


def _cluster_sums(components: Floats, clusters: NDArray, count: int) -> Floats:
    return np.stack([np.bincount(clusters, weights=row, minlength=count) for row in components])


def delong_test(labels: NDArray, first: Floats, second: Floats, patients: NDArray | None = None) -> AucTest:
    """Test that two models have the same AUC on the same lesions.

    ``first`` and ``second`` have shape (lesions,), or (seeds, lesions): then mean AUCs over the seeds are compared.
    ``patients`` allows for correlated lesions, as in :func:`auc_covariance`.
    """
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    auc, covariance = auc_covariance(labels, np.vstack([first, second]), patients)
    contrast = np.r_[np.full(len(first), 1 / len(first)), np.full(len(second), -1 / len(second))]
    difference = float(contrast @ auc)
    variance = float(contrast @ covariance @ contrast)
    if not variance > 1e-18:
        # Equal rankings leave nothing to test; any other difference without variance has no test.
        equal = abs(difference) < 1e-12 and variance == variance
        return AucTest(difference, 0.0, 1.0 if equal else np.nan)
    error = float(np.sqrt(variance))
    return AucTest(difference, error, float(2 * norm.sf(abs(difference) / error)))


def bootstrap_p(differences: Floats) -> float:
    """Two-sided p-value of a paired bootstrap: twice the smaller share of draws on either side of zero, at most 1.

    One is added to both counts, so 0 is never claimed: with 2,000 draws the least is 0.001. Undefined draws are
    dropped; NaN when none is left. Source: Davison and Hinkley, Bootstrap Methods, 1997, section 4.4.
    """
    defined = differences[np.isfinite(differences)]
    if not len(defined):
        return float("nan")
    tail = min((defined <= 0).sum(), (defined >= 0).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(defined) + 1)))


def resampled_test(differences: Floats, ratio: float = 1.0) -> float:
    """Two-sided p-value of the corrected resampled t-test that models differ by zero on average.

    Parameters
    ----------
    differences
        Of two models in a metric, one for each random split of the same sample into training and test rows.
    ratio
        Test over training rows. 1 for halves; also where nothing is trained on the other half, since two random halves
        share half of their rows and so their means correlate by 1/2, which is what a ratio of 1 allows for.

    Returns
    -------
    float
        1 when all differences are zero; NaN for a single one, and when they are all the same but not zero.

    Notes
    -----
    ``t = mean / sqrt((1/J + ratio) variance)`` with J - 1 degrees of freedom for J splits: the plain test's 1/J would
    take splits of one sample for independent and shrink to nothing as more are drawn. Few splits have little power: 3
    leave 2 degrees of freedom. Source: Nadeau and Bengio, Machine Learning 2003.
    """
    differences = np.asarray(differences, dtype=float)
    if len(differences) < 2:
        return float("nan")
    mean, variance = differences.mean(), differences.var(ddof=1)
    if not variance > 1e-18:
        return 1.0 if abs(mean) < 1e-12 else float("nan")
    error = np.sqrt((1 / len(differences) + ratio) * variance)
    return float(2 * t.sf(abs(mean) / error, len(differences) - 1))


def resampled_interval(values: Floats, ratio: float, confidence: float) -> tuple[float, float] | None:
    """Interval of the mean over random splits of one sample, which allows for their overlap; None for a single split.

    Parameters
    ----------
    values
        One for each split into training and test rows.
    ratio
        See :func:`resampled_test`.
    confidence
        Confidence level of the interval, such as 0.95.

    Notes
    -----
    ``mean ± t sqrt((1/J + ratio) variance)`` with J - 1 degrees of freedom. Source: Nadeau and Bengio, Machine Learning
    2003.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return None
    half = t.ppf((1 + confidence) / 2, len(values) - 1) * np.sqrt((1 / len(values) + ratio) * values.var(ddof=1))
    return float(values.mean() - half), float(values.mean() + half)


def holm(p: Floats) -> Floats:
    """Holm's step-down adjustment; a NaN stays and does not count as a test. Source: Scand. J. Statistics 1979."""
    p = np.asarray(p, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors)) if len(order) else []
    return adjusted
