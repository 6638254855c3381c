"""The same model for features whose values are vectors: a weight vector a name, similar for names that are alike.

``logit = b + b_s + sum over names n of <c_s(n), h_n>`` with ``c_s(n) = c(n) + d_s(n)``; each dimension of ``c`` and
``d_s`` has the prior of :class:`radprompt.bayes.prior.NamePrior`. The logits' covariance is then
``sum over n, n' of K(n, n') <h_in, h_jn'>`` (a linear model of coregionalisation), so that everything is solved in as
many unknowns as there are rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular

from radprompt.bayes.evidence import START, Block, free_scales, maximise
from radprompt.bayes.posterior import Mode, Observations, Summary, add_one, joined, lower_root, mode_in_rows
from radprompt.bayes.prior import INTERCEPT_SD, SITE_INTERCEPT_SD, NamePrior, Scales, positions

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class VectorStandardiser:
    """Centre and scale of one site's vectors: each feature's vectors have mean zero and squared norm 1 on average.

    Attributes
    ----------
    centre
        Mean vector of each feature, shape (columns, dimensions).
    scale
        Root mean squared distance from it, shape (columns,); 0 where all vectors are equal.
    """

    centre: Floats
    scale: Floats

    @classmethod
    def fit(cls, values: Floats) -> Self:
        """Measure vectors, shape (rows, columns, dimensions); NaN is missing."""
        present = ~np.isnan(values[:, :, 0])
        count = np.maximum(present.sum(axis=0), 1)
        centre = np.where(present[:, :, None], values, 0.0).sum(axis=0) / count[:, None]
        square = np.where(present, ((values - centre) ** 2).sum(axis=2), 0.0).sum(axis=0) / count
        scale = np.sqrt(square)
        rounding = 1e-5 * np.sqrt((centre**2).sum(axis=1))  # states are float32
        return cls(centre, np.where(scale > rounding, scale, 0.0))

    def transform(self, values: Floats) -> Floats:
        """Return standardised vectors, same shape; a missing one, and one of a feature that did not vary, is 0."""
        scaled = (values - self.centre) / np.where(self.scale > 0, self.scale, np.inf)[:, None]
        return np.where(np.isnan(scaled), 0.0, scaled)


@dataclass(frozen=True)
class VectorSite:
    """What is kept of a site: its features' names, their standardisation, what its cases say, and how many they were.

    ``summary.design`` has the dimensions of the first name, of the second, ..., then the intercept.
    """

    columns: tuple[str, ...]
    standardiser: VectorStandardiser
    summary: Summary
    cases: int


class Rows(NamedTuple):
    """Rows of one or more sites.

    ``site``: position, shape (rows,). ``values``: by the prior's names, zeros where a row lacks one, shape (rows,
    names, dimensions). ``intercept``: shape (rows,).
    """

    site: NDArray[np.int64]
    values: Floats
    intercept: Floats

    @classmethod
    def of(cls, site: int, names: NDArray[np.int64], design: Floats, count: int) -> Self:
        """Spread one site's design, laid out as that of :class:`VectorSite`, over ``count`` names."""
        spread = np.zeros((len(design), count, (design.shape[1] - 1) // len(names)))
        spread[:, names] = design[:, :-1].reshape(len(design), len(names), -1)
        return cls(np.full(len(design), site), spread, design[:, -1])


@dataclass(frozen=True)
class VectorProblem:
    """Cases and summaries under a prior, in rows; what :func:`radprompt.bayes.evidence.maximise` needs of a problem."""

    prior: NamePrior
    blocks: Sequence[Block]
    _like: dict[float, Floats] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def rows(self) -> Rows:
        """The rows of all blocks."""
        parts = [Rows.of(block.site, block.names, block.design, len(self.prior.names)) for block in self.blocks]
        return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    @cached_property
    def observations(self) -> Observations:
        """The likelihood of all rows."""
        return joined([block.observations for block in self.blocks])

    def mode(self, scales: Scales) -> Mode:
        """Return the posterior's mode and the evidence under these scales."""
        return mode_in_rows(self.gram(scales), np.zeros(len(self.rows.site)), self.observations)

    def gram(self, scales: Scales) -> Floats:
        """Return the prior covariance of the rows' logits."""
        if scales.like_variance and scales.length not in self._like:
            self._like[scales.length] = _alike(self.prior, self.rows, self.rows, scales.length)
        like = self._like[scales.length] if scales.like_variance else None
        return _covariance(scales, self.rows, self.rows, self._own, like)

    @cached_property
    def _own(self) -> Floats:
        return _products(self.rows.values, self.rows.values)


@dataclass(frozen=True)
class VectorModel:
    """Prior, scales and what each site's cases say under them; holds no case.

    Attributes
    ----------
    prior
        Prior over the names of all sites.
    sites
        Sites in the order in which they came.
    scales
        Scales of the prior.
    log_evidence
        Laplace's approximation of the log evidence.
    """

    prior: NamePrior
    sites: tuple[VectorSite, ...]
    scales: Scales
    log_evidence: float

    def logits(self, values: Floats, site: int = -1) -> tuple[Floats, Floats]:
        """Return posterior means and variances of logits, each of shape (rows,).

        Parameters
        ----------
        values
            Vectors as they were read, by the site's columns, shape (rows, columns, dimensions); NaN is missing.
        site
            Position of the site.
        """
        own = self.sites[site]
        z = own.standardiser.transform(values).reshape(len(values), -1)
        place = len(self.sites) + site if site < 0 else site
        names = positions(self.prior, own.columns)
        new = Rows.of(place, names, np.column_stack([z, np.ones(len(z))]), len(self.prior.names))
        known, factor, dual = self._posterior
        like = _alike(self.prior, new, known, self.scales.length) if self.scales.like_variance else None
        cross = _covariance(self.scales, new, known, _products(new.values, known.values), like)
        half = solve_triangular(factor, cross.T, lower=True, check_finite=False)
        variance = self._prior_variance(new) - (half**2).sum(axis=0)
        return cross @ dual, np.maximum(variance, 0.0)

    @cached_property
    def _posterior(self) -> tuple[Rows, Floats, Floats]:
        """Observations of all sites, the root of their covariance and their weights (equations 2.25 and 2.26)."""
        problem = VectorProblem(self.prior, _summaries(self.prior, self.sites))
        covariance = problem.gram(self.scales)
        factor = lower_root(add_one(covariance))
        return problem.rows, factor, cho_solve((factor, True), problem.observations.target, check_finite=False)

    def _prior_variance(self, rows: Rows) -> Floats:
        variance = (self.scales.own_variance + self.scales.site_variance) * (rows.values**2).sum(axis=(1, 2))
        if self.scales.like_variance:
            mixed = np.matmul(self.prior.similarity(self.scales.length), rows.values)
            variance += self.scales.like_variance * (mixed * rows.values).sum(axis=(1, 2))
        return variance + (INTERCEPT_SD**2 + SITE_INTERCEPT_SD**2) * rows.intercept**2


def learn_site(
    states: Mapping[str, Floats],
    columns: Sequence[str],
    values: Floats,
    y: Floats,
    before: VectorModel | None = None,
) -> VectorModel:
    """Return the posterior after the labelled cases of one more site.

    As in :func:`radprompt.named.model.learn`, scales but ``site`` stay while the new cases are fewer than the earlier
    ones, and the earlier sites enter as their summaries.

    Parameters
    ----------
    states
        A vector for each name of every site.
    columns
        The new site's names, sorted.
    values
        Vectors of its cases, shape (cases, columns, dimensions); NaN is missing.
    y
        Classes 0 and 1, shape (cases,).
    before
        What is known of earlier sites.
    """
    sites = () if before is None else before.sites
    names = tuple(sorted(set(columns).union(*(site.columns for site in sites))))
    prior = NamePrior(names, np.stack([states[name] for name in names]))
    standardiser = VectorStandardiser.fit(values)
    z = standardiser.transform(values).reshape(len(values), -1)
    new = Block.of_cases(len(sites), positions(prior, columns), z, y, np.ones(len(y)))
    problem = VectorProblem(prior, [*_summaries(prior, sites), new])
    free, start = free_scales(problem), START
    if before is not None and len(y) < sum(site.cases for site in sites):
        start, free = replace(before.scales, site=START.site), [name for name in free if name == "site"]
    scales, log_evidence = maximise(problem, free, start)
    latent = problem.mode(scales).latent[-len(y) :]
    found = Summary.of(new.design, new.observations, latent)
    kept = Summary(found.design.astype(np.float32).astype(float), found.target)  # as it is saved
    return VectorModel(prior, (*sites, VectorSite(tuple(columns), standardiser, kept, len(y))), scales, log_evidence)


def _summaries(prior: NamePrior, sites: Sequence[VectorSite]) -> list[Block]:
    return [Block.of_summary(i, positions(prior, site.columns), site.summary) for i, site in enumerate(sites)]


def _covariance(scales: Scales, left: Rows, right: Rows, own: Floats, like: Floats | None) -> Floats:
    same_site = left.site[:, None] == right.site
    covariance = (scales.own_variance + scales.site_variance * same_site) * own
    covariance += (INTERCEPT_SD**2 + SITE_INTERCEPT_SD**2 * same_site) * np.outer(left.intercept, right.intercept)
    return covariance if like is None else covariance + scales.like_variance * like


def _alike(prior: NamePrior, left: Rows, right: Rows, length: float) -> Floats:
    return _products(np.matmul(prior.similarity(length), left.values), right.values)


def _products(left: Floats, right: Floats) -> Floats:
    return left.reshape(len(left), -1) @ right.reshape(len(right), -1).T
