"""Features of the grey-level co-occurrence matrix (PyRadiomics 3.0.1, ``glcm.py``; IBSI 3.6).

Most formulas read the sums along a diagonal, ``i + j`` or ``i - j``, which are formed once, instead of the matrix.
"""

import numpy as np
from numpy.typing import NDArray

from radprompt.radiomics_engine.region import Region, averaged

_EPS = np.spacing(1)
_NEARLY = 1e-5
"""Below it a difference under a square root is rounding noise to within 1e-10 of itself, and only the same operations
in the same order give the same digits."""


def co_occurrence(region: Region) -> dict[str, float] | None:
    """Return the 24 features by name, averaged over the directions.

    None where digits depend on the order of operations, or the settings are rare ones: weighted directions, no two
    neighbours in the region, grey levels that are independent of their neighbours'.
    """
    if region.setting.get("weightingNorm") is not None:
        return None
    p = _matrices(region)
    if len(p) == 0:
        return None
    level = region.present.astype(np.float64)
    px, py = p.sum(2), p.sum(1)
    ux, uy = px @ level, py @ level
    sums, sum_of = _diagonals(p, level[:, None] + level)
    gaps, gap_of = _diagonals(p, np.abs(level[:, None] - level))
    around = sum_of - (ux + uy)[:, None]
    around_squared = around * around
    from_mean_x, from_mean_y = level - ux[:, None], level - uy[:, None]
    variance_x, variance_y = (px * from_mean_x**2).sum(1), (py * from_mean_y**2).sum(1)
    covariance = np.einsum("aij,ai,aj->a", p, from_mean_x, from_mean_y, optimize=True)
    deviations = np.sqrt(variance_x) * np.sqrt(variance_y)
    independent = px[:, :, None] * py[:, None, :]
    log_independent = np.log2(independent + _EPS)
    joint = -(p * np.log2(p + _EPS)).sum((1, 2))
    marginal_x, marginal_y = (-(one * np.log2(one + _EPS)).sum(1) for one in (px, py))
    cross, product = -(p * log_independent).sum((1, 2)), -(independent * log_independent).sum((1, 2))
    correlated = _maximal_correlation(p, independent)
    if correlated is None or (len(level) > 1 and (product - joint).min() < _NEARLY):
        return None
    most = np.fmax(marginal_x, marginal_y)
    gap_mean = gaps @ gap_of
    highest = region.highest
    return averaged(
        {
            "Autocorrelation": np.einsum("aij,i,j->a", p, level, level, optimize=True),
            "ClusterProminence": (sums * around_squared**2).sum(1),
            "ClusterShade": (sums * around_squared * around).sum(1),
            "ClusterTendency": (sums * around_squared).sum(1),
            "Contrast": gaps @ gap_of**2,
            "Correlation": np.where(deviations == 0, 1.0, covariance / (deviations + _EPS)),
            "DifferenceAverage": gap_mean,
            "DifferenceEntropy": -(gaps * np.log2(gaps + _EPS)).sum(1),
            "DifferenceVariance": (gaps * (gap_of - gap_mean[:, None]) ** 2).sum(1),
            "Id": gaps @ (1 / (1 + gap_of)),
            "Idm": gaps @ (1 / (1 + gap_of**2)),
            "Idmn": gaps @ (1 / (1 + gap_of**2 / highest**2)),
            "Idn": gaps @ (1 / (1 + gap_of / highest)),
            "Imc1": np.divide(joint - cross, most, out=np.zeros_like(most), where=most != 0),
            "Imc2": np.sqrt(1 - np.exp(-2 * (product - joint))) if len(level) > 1 else np.zeros(len(p)),
            "InverseVariance": gaps[:, 1:] @ (1 / gap_of[1:] ** 2),
            "JointAverage": ux,
            "JointEnergy": (p * p).sum((1, 2)),
            "JointEntropy": joint,
            "MCC": correlated,
            "MaximumProbability": p.max((1, 2)),
            "SumAverage": sums @ sum_of,
            "SumEntropy": -(sums * np.log2(sums + _EPS)).sum(1),
            "SumSquares": variance_x,
        }
    )


def _matrices(region: Region) -> NDArray[np.float64]:
    """Return the matrices of probabilities, (directions, levels present, levels present), without empty directions."""
    from radiomics import cMatrices

    counted, _ = cMatrices.calculate_glcm(region.levels, region.mask, region.distances, region.highest, *region.planes)
    rows = region.present - 1
    p = np.ascontiguousarray(counted[0].transpose(2, 0, 1)[:, rows[:, None], rows])
    if region.setting.get("symmetricalGLCM", True):
        p = p + p.transpose(0, 2, 1)
    total = p.sum((1, 2))
    return p[total > 0] / total[total > 0, None, None]


def _diagonals(p: NDArray[np.float64], of: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of ``p`` over entries of one value of ``of``, (directions, values), and the values from 0."""
    place = of.astype(np.intp).ravel()
    count = int(place.max()) + 1
    whole = (place + count * np.arange(len(p))[:, None]).ravel()
    added = np.asarray(np.bincount(whole, p.ravel(), count * len(p)), dtype=np.float64)
    return added.reshape(len(p), count), np.arange(count, dtype=np.float64)


def _maximal_correlation(p: NDArray[np.float64], independent: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the maximal correlation coefficient of each direction; None where it is rounding noise."""
    if p.shape[1] < 2:
        return np.ones(len(p))
    eigenvalues = np.linalg.eigvals((p / (independent + _EPS)) @ p.transpose(0, 2, 1))
    eigenvalues.sort()
    second = eigenvalues[:, -2]
    if np.iscomplexobj(second) or second.min() < _NEARLY:
        return None
    return np.sqrt(second)
