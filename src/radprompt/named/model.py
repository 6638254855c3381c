"""What is known after some sites: a posterior over the coefficients of named features, and none of the cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompt.bayes.evidence import START, Block, Problem, free_scales, maximise
from radprompt.bayes.posterior import Influence, Summary
from radprompt.bayes.prior import Coefficients, NamePrior, Scales, positions
from radprompt.named.values import Standardiser

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    """What is kept of a site.

    Attributes
    ----------
    name
        The site's name.
    columns
        Its features' names, sorted.
    standardiser
        Its means and deviations, or normal scores.
    summary
        What its cases say under the prior; None before any labelled case.
    name_free
        The same under a prior to which names say nothing, for the test of names; None where there is no other prior.
    cases
        Total weight of its labelled cases.
    """

    name: str
    columns: tuple[str, ...]
    standardiser: Standardiser
    summary: Summary | None = None
    name_free: Summary | None = None
    cases: float = 0.0


class Cases(NamedTuple):
    """Labelled cases of one site: standardised values, shape (rows, columns), classes 0 and 1, weights."""

    z: Floats
    y: Floats
    weight: Floats


class Estimate(NamedTuple):
    """Posterior of one site's coefficients, the intercept's last: mean and covariance."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True)
class Model:
    """Prior, sites and the posterior.

    Attributes
    ----------
    prior
        Prior over the coefficients of all names, those of ``sites`` first and sorted.
    sites
        Sites in the order in which they came.
    scales
        Scales that maximise the evidence, or those that were set.
    log_evidence
        Evidence under them.
    influence
        Posterior in terms of ``observed``.
    """

    prior: NamePrior
    sites: tuple[Site, ...]
    scales: Scales
    log_evidence: float
    influence: Influence

    @cached_property
    def observed(self) -> Coefficients:
        """The coefficients of the sites with labelled cases."""
        parts = [
            Coefficients.of_site(i, self.positions(site.columns))
            for i, site in enumerate(self.sites)
            if site.summary is not None
        ]
        return Coefficients.joined(parts)

    def light(self) -> "Model":
        """Return the same without similarities of names that were kept, 180 MB for 2,400; they are computed again."""
        prior = self.prior
        return replace(self, prior=NamePrior(prior.names, prior.states, prior.directions, prior.reference))

    def summarised(self) -> str:
        """Return one line: sites with their cases (total weight) and names, scales of the prior, log evidence."""
        sites = ", ".join(f"{site.name!r} {site.cases:g} cases, {len(site.columns)} names" for site in self.sites)
        scales = ", ".join(f"{name} {value:.3g}" for name, value in vars(self.scales).items())
        return f"{sites}; scales {scales}; log evidence {self.log_evidence:.2f}"

    def positions(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return where names stand among the prior's."""
        return positions(self.prior, names)

    def at(self, site: int, names: Sequence[str]) -> Estimate:
        """Return the posterior of coefficients at a site; ``len(sites)`` is one that was never seen."""
        wanted = Coefficients.of_site(site, self.positions(names))
        cross = self.prior.covariance(wanted, self.observed, self.scales)
        mean = self.prior.mean(wanted, self.scales) + cross @ self.influence.pull
        own = self.prior.covariance(wanted, wanted, self.scales)
        known = self.influence.root @ cross.T
        return Estimate(mean, own - known.T @ known)

    def contributions(self, site: int, names: Sequence[str]) -> Floats:
        """Return what each name's observations add to each coefficient's mean, shape (``names``, prior's names)."""
        wanted = Coefficients.of_site(site, self.positions(names))
        cross = self.prior.covariance(wanted, self.observed, self.scales)[:-1]
        added = np.zeros((len(self.prior.names) + 1, len(names)))  # the intercept, -1, last
        np.add.at(added, self.observed.name, (cross * self.influence.pull).T)
        return added[:-1].T


def learn(
    prior: NamePrior,
    sites: Sequence[Site],
    cases: Mapping[int, Cases],
    fixed: Mapping[str, float],
    before: Scales | None = None,
) -> Model:
    """Return the posterior after the sites' summaries and new cases; the new cases end up in the summaries.

    The summaries are exact near the scales at which they were made. So while most cases are in summaries those scales
    stay, but for ``site``, and the earlier posterior is the prior of the new cases; with more new cases than earlier
    ones all scales are searched again.

    Parameters
    ----------
    prior
        Prior over the names of all sites.
    sites
        Every site, with what is known of it so far.
    cases
        New labelled cases by their site's position.
    fixed
        Scales that are set; the others maximise the evidence.
    before
        Scales of the summaries; None: there are none.
    """
    new = {i: float(found.weight.sum()) for i, found in cases.items()}
    staying: dict[str, float] = {}
    if before is not None and sum(new.values()) < sum(site.cases for site in sites):
        staying = {name: getattr(before, name) for name in ("total", "alike", "length", "direction")}
    problem = Problem(prior, _blocks(prior, sites, cases, name_free=False))
    scales, log_evidence = _maximise(problem, staying | dict(fixed))
    mode = problem.mode(scales)
    summaries = problem.summaries(mode)
    free_summaries = {}
    if prior.states is not None or prior.directions is not None:
        free = Problem(NamePrior(prior.names), _blocks(prior, sites, cases, name_free=True))
        free_summaries = free.summaries(free.mode(_maximise(free, _without_names(fixed))[0]))
    kept = [
        replace(site, summary=summaries.get(i), name_free=free_summaries.get(i), cases=site.cases + new.get(i, 0.0))
        for i, site in enumerate(sites)
    ]
    return Model(prior, tuple(kept), scales, log_evidence, problem.influence(scales, mode))


def name_free_evidence(sites: Sequence[Site], cases: Mapping[int, Cases], fixed: Mapping[str, float]) -> float:
    """Return the evidence of cases under a prior to which names say nothing."""
    prior = NamePrior(tuple(sorted({name for site in sites for name in site.columns})))
    problem = Problem(prior, _blocks(prior, sites, cases, name_free=True))
    return _maximise(problem, _without_names(fixed))[1]


def _blocks(prior: NamePrior, sites: Sequence[Site], cases: Mapping[int, Cases], *, name_free: bool) -> list[Block]:
    blocks = []
    for i, site in enumerate(sites):
        names = positions(prior, site.columns)
        summary = site.name_free if name_free else site.summary
        if summary is not None:
            blocks.append(Block.of_summary(i, names, summary))
        if i in cases:
            blocks.append(Block.of_cases(i, names, *cases[i]))
    return blocks


def _maximise(problem: Problem, fixed: Mapping[str, float]) -> tuple[Scales, float]:
    free = [name for name in free_scales(problem) if name not in fixed]
    return maximise(problem, free, replace(START, **fixed))


def _without_names(fixed: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in fixed.items() if name in ("total", "site")}
