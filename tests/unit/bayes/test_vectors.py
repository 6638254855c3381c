"""Weight vectors by name: against the dense Gaussian process, against the scalar model, from site to site."""

import numpy as np
import pytest

from radprompt.bayes.evidence import Block, Problem
from radprompt.bayes.posterior import Observations, mode_in_rows
from radprompt.bayes.prior import INTERCEPT_SD, SITE_INTERCEPT_SD, NamePrior, Scales
from radprompt.bayes.vectors import VectorProblem, VectorStandardiser, learn_site

NAMES = ("a", "b", "c")
DIMENSIONS = 4
SCALES = Scales(total=0.9, alike=0.6, length=1.0, site=0.3)


def cases(rows: int, columns: int, seed: int, dimensions: int = DIMENSIONS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns, dimensions))
    y = (values[:, 0, 0] + 0.5 * rng.normal(size=rows) > 0).astype(float)
    y[:2] = 0, 1
    return values, y


@pytest.fixture
def states() -> dict[str, np.ndarray]:
    return dict(zip(NAMES, np.random.default_rng(5).normal(size=(3, 6)), strict=True))


def test_one_dimension_is_the_scalar_model(states):
    prior = NamePrior(NAMES, np.stack(list(states.values())))
    blocks = []
    for site, columns in ((0, 3), (1, 2)):
        values, y = cases(12, columns, site, dimensions=1)
        blocks.append(Block.of_cases(site, np.arange(columns), values[:, :, 0], y, np.ones(12)))
    vectors, scalars = VectorProblem(prior, blocks).mode(SCALES), Problem(prior, blocks).mode(SCALES)
    np.testing.assert_allclose(vectors.latent, scalars.latent, atol=1e-6)
    assert vectors.log_evidence == pytest.approx(scalars.log_evidence, abs=1e-8)


def test_predictions_are_those_of_the_dense_process(states):
    values, y = cases(30, 3, 0)
    model = learn_site(states, NAMES, values, y)
    new, _ = cases(5, 3, 1)
    scales, prior = model.scales, NamePrior(NAMES, np.stack(list(states.values())))
    names = (scales.own_variance + scales.site_variance) * np.eye(3)
    names += scales.like_variance * prior.similarity(scales.length)
    weights = np.kron(names, np.eye(DIMENSIONS))
    standardiser = VectorStandardiser.fit(values)
    old, fresh = (standardiser.transform(part).reshape(len(part), -1) for part in (values, new))
    intercept = INTERCEPT_SD**2 + SITE_INTERCEPT_SD**2
    gram, cross, own = (
        one @ weights @ other.T + intercept for one, other in ((old, old), (fresh, old), (fresh, fresh))
    )
    observations = Observations(y, np.ones(30), np.zeros(30, dtype=bool))
    latent = mode_in_rows(gram, np.zeros(30), observations).latent
    noise = np.diag(1 / observations.curvature(latent))
    mean, variance = model.logits(new)
    np.testing.assert_allclose(mean, cross @ observations.gradient(latent), atol=1e-4)
    np.testing.assert_allclose(
        variance, np.diag(own - cross @ np.linalg.solve(gram + noise, cross.T)), rtol=1e-4, atol=1e-5
    )


def test_a_second_site_is_learned_from_what_is_kept_of_the_first_and_changes_nothing_there(states):
    (first, y), (second, labels) = cases(60, 2, 0), cases(20, 3, 2)
    before = learn_site(states, NAMES[:2], first, y)
    after = learn_site(states, NAMES, second, labels, before)
    assert [site.columns for site in after.sites] == [NAMES[:2], NAMES]
    assert after.sites[0] is before.sites[0]
    alone = learn_site(states, NAMES, second, labels)
    new, truth = cases(400, 3, 3)
    error = [np.mean((model.logits(new)[0] > 0) != truth) for model in (after, alone)]
    assert error[0] < error[1]


def test_vectors_are_centred_and_scaled_as_a_whole_and_constant_or_missing_ones_say_nothing():
    values, _ = cases(50, 3, 0)
    values[:, 1] = 7.0
    values[3, 2] = np.nan
    z = VectorStandardiser.fit(values).transform(values)
    np.testing.assert_allclose((z[:, 0] ** 2).sum(axis=1).mean(), 1)
    np.testing.assert_allclose(z[:, 0].mean(axis=0), 0, atol=1e-12)
    assert not z[:, 1].any()
    assert not z[3, 2].any()
