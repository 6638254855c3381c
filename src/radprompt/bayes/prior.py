"""The prior over coefficients: a kernel over names, deviations of sites, a direction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances

Floats = NDArray[np.float64]

INTERCEPT = -1
"""Stands for the intercept where a coefficient's name is a position among the names."""
INTERCEPT_SD = 3.0
"""Prior deviation of the intercept that all sites share, in logits."""
SITE_INTERCEPT_SD = 1.0
"""Prior deviation of a site's own intercept from the shared one, in logits."""


@dataclass(frozen=True)
class Scales:
    """Hyper-parameters of the prior.

    Attributes
    ----------
    total
        Prior deviation of one coefficient at one site, in logits a standard deviation of the feature.
    alike
        Share of the variance common to all sites that names of similar states have in common, from 0 to 1.
    length
        Squared length scale of the kernel, in medians of the squared distances between names.
    site
        Share of the total variance that belongs to a single site, from 0 to 1.
    direction
        Prior mean of a coefficient whose name asserts a direction of 1.
    """

    total: float
    alike: float = 0.0
    length: float = 1.0
    site: float = 0.2
    direction: float = 0.0

    @property
    def like_variance(self) -> float:
        """Variance that similar names share, ``t_like^2``."""
        return self.total**2 * (1 - self.site) * self.alike

    @property
    def own_variance(self) -> float:
        """Variance of a name alone, common to all sites, ``t_own^2``."""
        return self.total**2 * (1 - self.site) * (1 - self.alike)

    @property
    def site_variance(self) -> float:
        """Variance of a name at one site alone, ``t_site^2``."""
        return self.total**2 * self.site


@dataclass(frozen=True)
class Coefficients:
    """Which coefficients a vector holds, in order.

    Attributes
    ----------
    site
        Position of the site, shape (coefficients,).
    name
        Position of the name, or :data:`INTERCEPT`, shape (coefficients,).
    """

    site: NDArray[np.int64]
    name: NDArray[np.int64]

    @classmethod
    def of_site(cls, site: int, names: NDArray[np.int64]) -> "Coefficients":
        """Return a site's coefficients: those of ``names``, then its intercept."""
        return cls(np.full(len(names) + 1, site), np.append(names, INTERCEPT))

    @classmethod
    def joined(cls, parts: list["Coefficients"]) -> "Coefficients":
        """Return several vectors of coefficients as one."""
        return cls(np.concatenate([part.site for part in parts]), np.concatenate([part.name for part in parts]))


@dataclass(frozen=True)
class NamePrior:
    """What is believed of the coefficients of named features before any case is seen.

    ``c_s(n) = c(n) + d_s(n)``, ``c ~ GP(direction * e(n), own [n = n'] + like k(n, n'))`` and
    ``d_s ~ GP(0, site [n = n'])``, with ``k = exp(-|h(n) - h(n')|^2 / (length * median))`` (Rasmussen and Williams
    2006, section 4.2.1), ``h`` standardised over the names and the median taken over their pairs.

    Attributes
    ----------
    names
        The features' names in order.
    states
        Vectors of the names, shape (names, dimensions), not standardised; None: names say nothing.
    directions
        ``e(n)`` in [-1, 1], shape (names,); None: no direction.
    reference
        Number of leading names over which ``h`` is standardised and the median taken; None: all.
    """

    names: tuple[str, ...]
    states: Floats | None = None
    directions: Floats | None = None
    reference: int | None = None
    _similarities: dict[float, Floats] = field(default_factory=dict, repr=False, compare=False)

    def mean(self, of: Coefficients, scales: Scales) -> Floats:
        """Return the prior mean of coefficients."""
        if self.directions is None:
            return np.zeros(len(of.name))
        return scales.direction * np.append(self.directions, 0.0)[of.name]

    def covariance(self, left: Coefficients, right: Coefficients, scales: Scales) -> Floats:
        """Return the prior covariance of two vectors of coefficients, shape (left, right)."""
        same_name = left.name[:, None] == right.name
        same_site = left.site[:, None] == right.site
        covariance = same_name * (scales.own_variance + scales.site_variance * same_site)
        if scales.like_variance:
            # The position of the intercept, -1, takes the last row and column: zeros.
            similarity = np.pad(self.similarity(scales.length), ((0, 1), (0, 1)))
            covariance += scales.like_variance * similarity[np.ix_(left.name, right.name)]
        intercepts = same_name & (left.name == INTERCEPT)[:, None]
        return np.where(intercepts, INTERCEPT_SD**2 + SITE_INTERCEPT_SD**2 * same_site, covariance)

    def similarity(self, length: float) -> Floats:
        """Return ``k(n, n')``, shape (names, names)."""
        if length not in self._similarities:
            assert self.states is not None
            self._similarities[length] = np.exp(-self._distances / length)
        return self._similarities[length]

    @cached_property
    def _distances(self) -> Floats:
        """Squared distances between standardised states, in their median."""
        assert self.states is not None
        known = self.states[: self.reference]
        scale = known.std(axis=0)
        moving = scale > 1e-6 * np.abs(known).max(axis=0, initial=0.0)  # the rest is rounding
        if not moving.any():
            return np.zeros((len(self.states), len(self.states)))
        distances = euclidean_distances((self.states - known.mean(axis=0))[:, moving] / scale[moving], squared=True)
        pairs = distances[: len(known), : len(known)][np.triu_indices(len(known), k=1)]
        return distances / (float(np.median(pairs)) or 1.0)


def positions(prior: NamePrior, names: Sequence[str]) -> NDArray[np.int64]:
    """Return where names stand among the prior's."""
    place = {name: i for i, name in enumerate(prior.names)}
    return np.array([place[name] for name in names], dtype=np.int64)
