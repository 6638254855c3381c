"""The evidence of a table under the prior, and the scales that maximise it on a grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from radprompt.bayes.posterior import (
    Influence,
    Mode,
    Observations,
    Summary,
    influence_at,
    joined,
    mode_in_coefficients,
    mode_in_rows,
    root,
)
from radprompt.bayes.prior import (
    INTERCEPT_SD,
    SITE_INTERCEPT_SD,
    Coefficients,
    NamePrior,
    Scales,
)

Floats = NDArray[np.float64]

GRID: dict[str, tuple[float, ...]] = {
    "total": tuple(float(f"{10**power:.3g}") for power in np.arange(-2.5, 0.6, 0.25)),
    "alike": (0.0, 0.25, 0.5, 0.75, 0.9),
    "length": (0.3, 1.0, 3.0),
    "site": (0.0, 0.05, 0.2, 0.5, 0.8),
    "direction": (0.0, 0.05, 0.1, 0.2, 0.4),
}
"""Values tried of each scale; see :class:`radprompt.bayes.prior.Scales`."""
START = Scales(total=0.1, alike=0.0, length=1.0, site=0.2, direction=0.0)
"""Scales where the search starts, and those that the table cannot tell (``site`` with one site)."""
SITE_RATE = 5.0
"""Rate of the exponential prior of ``site``: a few cases alone must not make a site a world of its own."""
SWEEPS = 4
"""Most times that all scales are searched one after the other."""


@dataclass(frozen=True)
class Block:
    """One site's share of what is known: cases or a summary of them.

    Attributes
    ----------
    site
        Position of the site.
    names
        Positions of its names, shape (columns,).
    design
        Standardised values and a last column for the intercept, shape (rows, columns + 1).
    observations
        Likelihood of the rows.
    """

    site: int
    names: NDArray[np.int64]
    design: Floats
    observations: Observations

    @classmethod
    def of_cases(cls, site: int, names: NDArray[np.int64], z: Floats, y: Floats, weight: Floats) -> "Block":
        """Return cases: standardised values, shape (rows, columns), classes 0 and 1, and weights."""
        design = np.column_stack([z, np.ones(len(z))])
        return cls(site, names, design, Observations(y, weight, np.zeros(len(y), dtype=bool)))

    @classmethod
    def of_summary(cls, site: int, names: NDArray[np.int64], summary: Summary) -> "Block":
        """Return a summary's Gaussian observations."""
        size = len(summary.target)
        observations = Observations(summary.target, np.ones(size), np.ones(size, dtype=bool))
        return cls(site, names, summary.design, observations)


@dataclass(frozen=True)
class Problem:
    """Blocks under a prior. It is solved in rows or in coefficients, whichever are fewer.

    Attributes
    ----------
    prior
        The prior over the coefficients of all names.
    blocks
        One or more blocks; those of one site share their coefficients.
    """

    prior: NamePrior
    blocks: Sequence[Block]
    _like: dict[float, Floats] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def coefficients(self) -> Coefficients:
        """The coefficients of every site that has a block."""
        names: dict[int, NDArray[np.int64]] = {}
        for block in self.blocks:
            names[block.site] = np.union1d(names.get(block.site, block.names), block.names)
        return Coefficients.joined([Coefficients.of_site(site, names[site]) for site in sorted(names)])

    @cached_property
    def design(self) -> Floats:
        """Values of every coefficient's feature, shape (rows, coefficients)."""
        design = np.zeros((len(self.observations.target), len(self.coefficients.name)))
        pairs = zip(self.coefficients.site.tolist(), self.coefficients.name.tolist(), strict=True)
        place = {pair: i for i, pair in enumerate(pairs)}
        for block, rows in zip(self.blocks, self.rows, strict=True):
            columns = [place[block.site, name] for name in Coefficients.of_site(block.site, block.names).name.tolist()]
            design[rows, columns] = block.design
        return design

    @cached_property
    def rows(self) -> list[slice]:
        """Which rows are each block's."""
        ends = np.cumsum([len(block.design) for block in self.blocks]).tolist()
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    @cached_property
    def observations(self) -> Observations:
        """The likelihood of all rows."""
        return joined([block.observations for block in self.blocks])

    @property
    def in_rows(self) -> bool:
        """Whether there are fewer rows than coefficients."""
        return self.design.shape[0] <= self.design.shape[1]

    def mode(self, scales: Scales) -> Mode:
        """Return the posterior's mode and the evidence under these scales."""
        mean = self.design @ self.prior.mean(self.coefficients, scales)
        if self.in_rows:
            return mode_in_rows(self._gram(scales), mean, self.observations)
        return mode_in_coefficients(self.design, self._prior_root(scales), mean, self.observations)

    def influence(self, scales: Scales, mode: Mode) -> Influence:
        """Return the posterior over coefficients at a mode under the same scales."""
        prior = self.prior.covariance(self.coefficients, self.coefficients, scales)
        return influence_at(self.design, prior, self.observations, mode)

    def summaries(self, mode: Mode) -> dict[int, Summary]:
        """Return the summary of each site's blocks at a mode."""
        found = {}
        for site in sorted({block.site for block in self.blocks}):
            rows = np.concatenate(
                [np.arange(r.start, r.stop) for r, b in zip(self.rows, self.blocks, strict=True) if b.site == site]
            )
            own = self.coefficients.site == site
            observations = Observations(*(getattr(self.observations, f.name)[rows] for f in fields(Observations)))
            found[site] = Summary.of(self.design[np.ix_(rows, own)], observations, mode.latent[rows])
        return found

    def _prior_root(self, scales: Scales) -> Floats:
        return root(self.prior.covariance(self.coefficients, self.coefficients, scales))

    def _gram(self, scales: Scales) -> Floats:
        """Return the prior covariance of latent values out of parts that do not depend on the variances."""
        everywhere, at_site, shared_intercept, site_intercept = self._gram_parts
        gram = scales.own_variance * everywhere + scales.site_variance * at_site
        gram += INTERCEPT_SD**2 * shared_intercept + SITE_INTERCEPT_SD**2 * site_intercept
        if scales.like_variance:
            if scales.length not in self._like:
                values = self.by_name[:, :-1]
                self._like[scales.length] = values @ self.prior.similarity(scales.length) @ values.T
            gram += scales.like_variance * self._like[scales.length]
        return gram

    @cached_property
    def by_name(self) -> Floats:
        """Values by name, whatever the site, the intercept last; shape (rows, names + 1)."""
        values = np.zeros((len(self.design), len(self.prior.names) + 1))
        for block, rows in zip(self.blocks, self.rows, strict=True):
            values[rows, np.append(block.names, len(self.prior.names))] = block.design
        return values

    @cached_property
    def _gram_parts(self) -> tuple[Floats, Floats, Floats, Floats]:
        site = np.repeat([block.site for block in self.blocks], [len(block.design) for block in self.blocks])
        same_site = site[:, None] == site
        values, intercept = self.by_name[:, :-1], self.by_name[:, -1]
        everywhere, intercepts = values @ values.T, np.outer(intercept, intercept)
        return everywhere, everywhere * same_site, intercepts, intercepts * same_site


class Scored(Protocol):
    """What a search for scales needs of a problem."""

    @property
    def prior(self) -> NamePrior:
        """The prior over the names."""

    @property
    def blocks(self) -> Sequence[Block]:
        """Cases and summaries."""

    def mode(self, scales: Scales) -> Mode:
        """Return the posterior's mode and the evidence."""


def free_scales(problem: Scored) -> list[str]:
    """Return the scales that a table can tell something of."""
    several = len({block.site for block in problem.blocks}) > 1
    named = problem.prior.states is not None
    tellable = {"alike": named, "length": named, "site": several, "direction": problem.prior.directions is not None}
    return [name for name in GRID if tellable.get(name, True)]


def maximise(problem: Scored, free: Sequence[str], start: Scales) -> tuple[Scales, float]:
    """Return the likeliest scales on :data:`GRID`, searched one after the other, and their log evidence.

    Beforehand the variance ``total^2`` is uniform (so that the largest posterior over its logarithm keeps away from
    zero, where a few cases would make intervals too narrow; Chung et al., Psychometrika 78, 2013), ``site``
    exponential with :data:`SITE_RATE`, and every value of the other scales as likely.

    The search starts without similarity of names and with much of it, since the two can be maxima of their own.

    Parameters
    ----------
    problem
        The table.
    free
        Names of the scales to search; the others stay as in ``start``.
    start
        Scales to start from.
    """
    known: dict[Scales, float] = {}

    def posterior(scales: Scales) -> float:
        if scales not in known:
            known[scales] = problem.mode(scales).log_evidence
        return known[scales] + 2 * float(np.log(scales.total)) - SITE_RATE * scales.site

    posterior(start)
    starts = [start, replace(start, alike=0.75)] if "alike" in free else [start]
    for best in starts:
        for sweep in range(SWEEPS):
            before = best
            for name in free:
                if name == "length" and not best.like_variance:
                    continue
                best = max(_candidates(best, name, everywhere=not sweep), key=posterior)
            if best == before:
                break
    best = max(known, key=posterior)
    return best, known[best]


def _candidates(scales: Scales, name: str, *, everywhere: bool) -> Iterator[Scales]:
    """Yield the scales with another value of one: all on the grid, or the neighbours; the present ones first."""
    yield scales
    value = getattr(scales, name)
    nearest = int(np.argmin(np.abs(np.array(GRID[name]) - value)))
    for i, other in enumerate(GRID[name]):
        if other != value and (everywhere or abs(i - nearest) <= 1):
            yield replace(scales, **{name: other})
