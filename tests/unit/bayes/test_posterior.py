"""Laplace's approximation: its mode against an optimiser, rows against coefficients, evidence, coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import expit

from radprompt import NamedClassifier
from radprompt.bayes.evidence import Block, Problem
from radprompt.bayes.posterior import Observations, Summary
from radprompt.bayes.prior import INTERCEPT_SD, SITE_INTERCEPT_SD, NamePrior, Scales

SCALES = Scales(total=0.8, alike=0.5, length=1.0, site=0.2, direction=0.3)


def problem(rows: int, columns: int) -> Problem:
    rng = np.random.default_rng(rows + columns)
    prior = NamePrior(
        tuple(f"n{i:03d}" for i in range(columns)), rng.normal(size=(columns, 3)), rng.uniform(-1, 1, columns)
    )
    z, y = rng.normal(size=(rows, columns)), rng.integers(0, 2, rows).astype(float)
    weight = rng.uniform(0.5, 2, rows)
    half = rows // 2
    return Problem(
        prior,
        [
            Block.of_cases(0, np.arange(columns), z[:half], y[:half], weight[:half]),
            Block.of_cases(1, np.arange(columns // 2), z[half:, : columns // 2], y[half:], weight[half:]),
        ],
    )


@pytest.mark.parametrize(("rows", "columns"), [(40, 6), (20, 30)])
def test_the_mode_is_that_of_a_general_optimiser(rows, columns):
    task = problem(rows, columns)
    mean = task.prior.mean(task.coefficients, SCALES)
    precision = np.linalg.inv(task.prior.covariance(task.coefficients, task.coefficients, SCALES))

    def loss(w):
        return 0.5 * (w - mean) @ precision @ (w - mean) - task.observations.log_likelihood(task.design @ w)

    def slope(w):
        return precision @ (w - mean) - task.design.T @ task.observations.gradient(task.design @ w)

    best = minimize(loss, mean, jac=slope, method="BFGS", options={"gtol": 1e-8}).x
    assert task.mode(SCALES).latent == pytest.approx(task.design @ best, abs=1e-5)


def test_rows_and_coefficients_give_one_posterior(monkeypatch):
    task = problem(24, 20)
    found = {}
    for in_rows in (True, False):
        monkeypatch.setattr(Problem, "in_rows", in_rows)
        mode = task.mode(SCALES)
        found[in_rows] = mode, task.influence(SCALES, mode)
    (mode, influence), (other_mode, other) = found[True], found[False]
    assert mode.log_evidence == pytest.approx(other_mode.log_evidence, abs=1e-6)
    assert influence.pull == pytest.approx(other.pull, abs=1e-6)
    assert influence.root.T @ influence.root == pytest.approx(other.root.T @ other.root, abs=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(40, 6), (20, 30)])
def test_the_posterior_covariance_is_the_inverse_of_the_precision(rows, columns):
    """At the mode the precision is the prior's and ``design' W design``; see Rasmussen and Williams, equation 3.20."""
    task = problem(rows, columns)
    prior = task.prior.covariance(task.coefficients, task.coefficients, SCALES)
    mode = task.mode(SCALES)
    found = task.influence(SCALES, mode)
    curvature = task.observations.curvature(mode.latent)
    precision = np.linalg.inv(prior) + task.design.T @ (curvature[:, None] * task.design)
    half = found.root @ prior
    assert prior - half.T @ half == pytest.approx(np.linalg.inv(precision), abs=1e-8)
    mean = task.prior.mean(task.coefficients, SCALES) + prior @ found.pull
    assert task.design @ mean == pytest.approx(mode.latent, abs=1e-5)


def test_evidence_is_near_the_integral_over_a_single_coefficient():
    """Only an intercept: its marginal likelihood is an integral in one dimension."""
    y = np.array([1.0] * 14 + [0.0] * 6)
    task = Problem(NamePrior(("n",)), [Block.of_cases(0, np.array([0]), np.zeros((20, 1)), y, np.ones(20))])
    variance = INTERCEPT_SD**2 + SITE_INTERCEPT_SD**2

    def density(b):
        return expit(b) ** 14 * expit(-b) ** 6 * np.exp(-0.5 * b**2 / variance) / np.sqrt(2 * np.pi * variance)

    exact = np.log(quad(density, -20, 20, epsabs=1e-16)[0])
    assert task.mode(Scales(1.0)).log_evidence == pytest.approx(exact, abs=0.03)


def test_a_summary_holds_the_information_matrix_and_its_maximum():
    rng = np.random.default_rng(3)
    design = rng.normal(size=(30, 4))
    cases = Observations(rng.integers(0, 2, 30).astype(float), np.ones(30), np.zeros(30, dtype=bool))
    latent = design @ rng.normal(size=4)
    summary = Summary.of(design, cases, latent)
    curvature = cases.curvature(latent)
    assert summary.design.shape == (4, 4)
    assert summary.design.T @ summary.design == pytest.approx(design.T @ (curvature[:, None] * design))
    wanted = design.T @ (curvature * latent + cases.gradient(latent))
    assert summary.design.T @ summary.target == pytest.approx(wanted)


def test_intervals_of_90_percent_hold_90_percent_of_the_coefficients():
    """500 draws of coefficients and cases from the prior with known scales; standard error of the share 0.6 points."""
    rng = np.random.default_rng(11)
    total, columns, rows = 0.7, 5, 80
    inside = []
    for _ in range(500):
        coefficients = rng.normal(0, total, columns)
        z = rng.normal(size=(rows, columns))
        y = (rng.uniform(size=rows) < expit(z @ coefficients + rng.normal(0, 1))).astype(int)
        if len(set(y)) < 2:
            continue
        table = pd.DataFrame(z, columns=list("abcde"))
        found = NamedClassifier(scaling="none", scales={"total": total}).fit(table, y).coefficients()
        inside += ((found["low"] < coefficients) & (coefficients < found["high"])).tolist()
    assert len(inside) > 2400
    assert np.mean(inside) == pytest.approx(0.9, abs=0.03)
