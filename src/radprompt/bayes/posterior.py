"""Laplace's approximation of the posterior over coefficients, in rows or in coefficients, whichever are fewer."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, qr, solve_triangular
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.special import expit

Floats = NDArray[np.float64]

STEPS = 100
"""Most Newton steps; from zero 5 to 10 are usual."""
TOLERANCE = 1e-10
"""Gain in the log posterior, relative to its size, at which Newton's method stops."""
JITTER = 1e-10
"""Added to the diagonal of a prior covariance, relative to its largest entry, before its root is taken."""


@dataclass(frozen=True)
class Observations:
    """What the coefficients are learnt from, a latent value each.

    Attributes
    ----------
    target
        Class, 0 or 1, of a case; for a Gaussian observation its value, with noise of variance 1. Shape (rows,).
    weight
        How often a case counts, shape (rows,).
    gaussian
        Which observations are Gaussian: what is left of an earlier site (see :class:`Summary`). Shape (rows,).
    """

    target: Floats
    weight: Floats
    gaussian: NDArray[np.bool_]

    def log_likelihood(self, latent: Floats) -> float:
        """Return the log likelihood; that of Gaussian observations without its constant."""
        cases = self.weight * (self.target * latent - np.logaddexp(0, latent))
        return float(np.where(self.gaussian, -0.5 * (self.target - latent) ** 2, cases).sum())

    def gradient(self, latent: Floats) -> Floats:
        """Return the log likelihood's first derivative in each latent value."""
        return np.where(self.gaussian, self.target - latent, self.weight * (self.target - expit(latent)))

    def curvature(self, latent: Floats) -> Floats:
        """Return its negative second derivative, ``W``."""
        probability = expit(latent)
        return np.where(self.gaussian, 1.0, self.weight * probability * (1 - probability))


def joined(parts: Sequence[Observations]) -> Observations:
    """Return the observations of several parts, one part after the other."""
    return Observations(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Observations)))


@dataclass(frozen=True)
class Mode:
    """The posterior's mode and the evidence there.

    Attributes
    ----------
    latent
        Latent values at the mode, shape (rows,).
    log_evidence
        Laplace's approximation of the log marginal likelihood.
    """

    latent: Floats
    log_evidence: float


def mode_in_rows(gram: Floats, mean: Floats, observations: Observations) -> Mode:
    """Find the mode by Newton's method over latent values.

    Rasmussen and Williams 2006, algorithm 3.1 with equation 3.32, extended by a prior mean. Steps that overshoot are
    halved.

    Parameters
    ----------
    gram
        Prior covariance of the latent values, shape (rows, rows).
    mean
        Their prior mean, shape (rows,).
    observations
        The likelihood.
    """
    dual = np.zeros(len(mean))  # (latent - mean) = gram @ dual
    latent = mean.copy()
    objective = observations.log_likelihood(latent)
    for _ in range(STEPS):
        curvature = observations.curvature(latent)
        root = np.sqrt(curvature)
        factor = _root_of_b(gram, root)
        wanted = curvature * (latent - mean) + observations.gradient(latent)
        target = wanted - root * dpotrs(factor, root * (gram @ wanted), lower=1)[0]
        step, step_latent = target - dual, mean + gram @ target - latent
        gained = 0.0
        for size in 0.5 ** np.arange(20):
            new_dual, new_latent = dual + size * step, latent + size * step_latent
            new = observations.log_likelihood(new_latent) - 0.5 * float(new_dual @ (new_latent - mean))
            if new >= objective:
                gained = new - objective
                dual, latent, objective = new_dual, new_latent, new
                break
        if gained <= TOLERANCE * (1 + abs(objective)):
            break
    factor = _root_of_b(gram, np.sqrt(observations.curvature(latent)))
    return Mode(latent, objective - float(np.log(np.diag(factor)).sum()))


def mode_in_coefficients(design: Floats, prior_root: Floats, mean: Floats, observations: Observations) -> Mode:
    """Find the mode by Newton's method over coefficients, whitened by the root of their prior covariance.

    The same mode and evidence as :func:`mode_in_rows` (Rasmussen and Williams 2006, section 3.4.1 and equation 3.27).

    Parameters
    ----------
    design
        Values of the coefficients' features, shape (rows, coefficients).
    prior_root
        Lower triangular root of the prior covariance, shape (coefficients, coefficients).
    mean
        Prior mean of the latent values, shape (rows,).
    observations
        The likelihood.
    """
    white = design @ prior_root
    unknown = np.zeros(white.shape[1])
    latent = mean.copy()
    objective = observations.log_likelihood(latent)
    for _ in range(STEPS):
        factor = _root_of_hessian(white, observations.curvature(latent))
        step = dpotrs(factor, white.T @ observations.gradient(latent) - unknown, lower=1)[0]
        step_latent = white @ step
        gained = 0.0
        for size in 0.5 ** np.arange(20):
            new_unknown, new_latent = unknown + size * step, latent + size * step_latent
            new = observations.log_likelihood(new_latent) - 0.5 * float(new_unknown @ new_unknown)
            if new >= objective:
                gained = new - objective
                unknown, latent, objective = new_unknown, new_latent, new
                break
        if gained <= TOLERANCE * (1 + abs(objective)):
            break
    factor = _root_of_hessian(white, observations.curvature(latent))
    return Mode(latent, objective - float(np.log(np.diag(factor)).sum()))


def root(covariance: Floats) -> Floats:
    """Return the lower triangular root of a covariance; a singular one is given :data:`JITTER`."""
    shifted = covariance + JITTER * float(np.diag(covariance).max()) * np.eye(len(covariance))
    return lower_root(shifted)


def lower_root(matrix: Floats) -> Floats:
    """Return the lower triangular root of a positive definite matrix, as ``scipy.linalg.cholesky`` does.

    That one's checks take several times as long as LAPACK does with the small matrices here, thousands a fit.

    Raises
    ------
    scipy.linalg.LinAlgError
        If the matrix is not positive definite.
    """
    factor, info = dpotrf(matrix, lower=1, clean=1)
    if info:
        raise LinAlgError("the matrix is not positive definite")
    return factor


def add_one(matrix: Floats) -> Floats:
    """Add the identity to a square matrix, in place."""
    matrix.flat[:: len(matrix) + 1] += 1.0
    return matrix


@dataclass(frozen=True)
class Influence:
    """The posterior as a change of any prior that the coefficients share.

    Coefficients ``u`` with the prior mean ``m(u)`` and covariance ``P(u, w)`` to those observed, ``w``, have the
    posterior mean ``m(u) + P(u, w) pull`` and covariance ``P(u, u) - P(u, w) root' root P(w, u)``: Rasmussen and
    Williams 2006, equations 3.21 and 3.24 (algorithm 3.2) in terms of coefficients. Names never seen are served alike.

    Attributes
    ----------
    pull
        Shape (coefficients,).
    root
        Shape (rank, coefficients), the rank being at most that of the rows or coefficients, whichever are fewer. Its
        rows are rotated: none is a case.
    """

    pull: Floats
    root: Floats


def influence_at(design: Floats, prior_covariance: Floats, observations: Observations, mode: Mode) -> Influence:
    """Return the posterior over coefficients at the mode.

    Parameters
    ----------
    design
        Values of the coefficients' features, shape (rows, coefficients).
    prior_covariance
        Shape (coefficients, coefficients).
    observations, mode
        Likelihood, and the mode found with it.
    """
    weighted = np.sqrt(observations.curvature(mode.latent))[:, None] * design
    if weighted.shape[0] > weighted.shape[1]:
        weighted = qr(weighted, mode="r", check_finite=False)[0][: weighted.shape[1]]
    factor = lower_root(add_one(weighted @ prior_covariance @ weighted.T))
    half = solve_triangular(factor, weighted, lower=True, check_finite=False)
    size, right, _ = _rotated(half)
    return Influence(design.T @ observations.gradient(mode.latent), size[:, None] * right)


@dataclass(frozen=True)
class Summary:
    """What one site's cases say of its coefficients, without the cases: Gaussian observations of combinations of them.

    Laplace's approximation replaces the cases' likelihood by a Gaussian one in the coefficients, with the information
    matrix ``design' W design`` and a maximum. Both, and nothing else of the cases, are in at most as many observations
    as there are coefficients.

    Attributes
    ----------
    design
        Combinations, shape (observations, coefficients).
    target
        Observed values with noise of variance 1, shape (observations,).
    """

    design: Floats
    target: Floats

    @classmethod
    def of(cls, design: Floats, observations: Observations, latent: Floats) -> "Summary":
        """Sum up a site's observations at the mode's latent values.

        Parameters
        ----------
        design
            Values of the coefficients' features, shape (rows, coefficients).
        observations, latent
            Likelihood and latent values of the same rows.
        """
        curvature_root = np.sqrt(observations.curvature(latent))
        counted = curvature_root > 0
        curvature_root = curvature_root[counted]
        wanted = curvature_root * latent[counted] + observations.gradient(latent)[counted] / curvature_root
        size, right, left = _rotated(curvature_root[:, None] * design[counted])
        return cls(size[:, None] * right, left.T @ wanted)


def _rotated(rows: Floats) -> tuple[Floats, Floats, Floats]:
    """Return singular values above rounding, right and left singular vectors, with signs that do not vary."""
    left, size, right = np.linalg.svd(rows, full_matrices=False)
    kept = size > 1e-10 * size.max(initial=0.0)
    left, size, right = left[:, kept], size[kept], right[kept]
    sign = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    return size, sign[:, None] * right, sign * left


def _root_of_b(gram: Floats, curvature_root: Floats) -> Floats:
    """Return the lower root of ``B = I + W^(1/2) K W^(1/2)``, whose eigenvalues are at least 1."""
    return lower_root(add_one(curvature_root[:, None] * gram * curvature_root))


def _root_of_hessian(white: Floats, curvature: Floats) -> Floats:
    return lower_root(add_one(white.T @ (curvature[:, None] * white)))
