"""Whether a model's names tell anything about its coefficients: a permutation test of the evidence."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dtrtrs
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from radprompt.bayes.evidence import START, Block, Problem, free_scales, maximise
from radprompt.bayes.posterior import lower_root
from radprompt.bayes.prior import INTERCEPT_SD, SITE_INTERCEPT_SD, NamePrior, Scales, positions
from radprompt.core.errors import InputError
from radprompt.named.model import Model

Floats = NDArray[np.float64]

ALIKE = (0.0, 0.25, 0.5, 0.75, 1.0)
TOTAL_FACTORS = (0.3, 0.55, 1.0, 1.8)
"""Values of ``total`` on the grid, as multiples of the best one without names."""
LENGTHS = (0.3, 1.0, 3.0)


class NameTest(NamedTuple):
    """Result of the test.

    ``p_value``: share of permutations with at least this evidence, counting the names as they are as one of them.
    ``gain``: log evidence of the names over none. ``permuted_gains``: the same with permuted names, shape (draws,).
    """

    p_value: float
    gain: float
    permuted_gains: Floats


def permute_names(model: Model, draws: int, seed: int) -> NameTest:
    """Compare the evidence with that of names dealt out at random.

    The cases enter through summaries made without names, so that no order of the names is favoured; each order is
    given the largest evidence on the same grid of scales. Observations being Gaussian, the evidence is exact
    (Rasmussen and Williams 2006, equation 2.30).

    Parameters
    ----------
    model
        A model with vectors of names.
    draws
        Number of permutations.
    seed
        Random seed of the permutations.

    Raises
    ------
    InputError
        If the model's names have no vectors, there are fewer than three names, or no draw is asked for.
    """
    if model.prior.states is None:
        raise InputError("the names have no vectors to test", where="names", fix="fit with a backbone or a frame")
    if len(model.prior.names) < 3 or draws < 1:
        raise InputError(
            f"{len(model.prior.names)} names and {draws} draws",
            where="name_test",
            fix="3 names and 1 draw are the least",
        )
    blocks = [
        Block.of_summary(i, positions(model.prior, site.columns), site.name_free)
        for i, site in enumerate(model.sites)
        if site.name_free is not None
    ]
    nameless = Problem(NamePrior(model.prior.names), blocks)
    best, _ = maximise(nameless, free_scales(nameless), START)
    evidence = _Evidence(model.prior, nameless, best)
    names_as_they_are = np.arange(len(model.prior.names))
    gain = evidence.of(names_as_they_are)
    generator = np.random.default_rng(seed)
    with threadpool_limits(limits=1):  # small factors: threads only wait for each other
        permuted = np.array([evidence.of(generator.permutation(names_as_they_are)) for _ in range(draws)])
    p_value = float((1 + (permuted >= gain - 1e-9).sum()) / (1 + draws))
    return NameTest(p_value, gain, permuted)


class _Evidence:
    """Log evidence of an order of the names over none, at its best scales on the grid."""

    def __init__(self, prior: NamePrior, nameless: Problem, best: Scales) -> None:
        self.prior, self.best = prior, best
        self.roots: dict[float, Floats | None] = {}
        rows = np.repeat([block.site for block in nameless.blocks], [len(block.design) for block in nameless.blocks])
        same_site = rows[:, None] == rows
        self.values, intercept = nameless.by_name[:, :-1], nameless.by_name[:, -1]
        self.target = nameless.observations.target
        self.everywhere = self.values @ self.values.T
        self.at_site = self.everywhere * same_site
        intercepts = np.outer(intercept, intercept)
        self.rest = intercepts * (INTERCEPT_SD**2 + SITE_INTERCEPT_SD**2 * same_site) + np.eye(len(rows))
        self.without = max(self._log_evidence(self._gram(0.0, factor, self.everywhere)) for factor in TOTAL_FACTORS)

    def of(self, order: NDArray[np.int64]) -> float:
        """Return the gain when name ``i`` is given the vector of name ``order[i]``."""
        values = np.empty_like(self.values)
        values[:, order] = self.values
        found = [self.without]
        for length in LENGTHS:
            like = self._like(values, length)
            found += [
                self._log_evidence(self._gram(alike, factor, like)) for alike in ALIKE[1:] for factor in TOTAL_FACTORS
            ]
        return max(found) - self.without

    def _like(self, values: Floats, length: float) -> Floats:
        """Return ``values k values'``: by the triangular root of ``k``, half the products, unless rounding has none."""
        if length not in self.roots:
            try:
                self.roots[length] = lower_root(self.prior.similarity(length))
            except LinAlgError:
                self.roots[length] = None
        root = self.roots[length]
        if root is None:
            return values @ self.prior.similarity(length) @ values.T
        white = dtrmm(1.0, root, values.T, lower=1, trans_a=1)
        return white.T @ white

    def _gram(self, alike: float, factor: float, like: Floats) -> Floats:
        scales = Scales(self.best.total * factor, alike, 1.0, self.best.site)
        gram = scales.own_variance * self.everywhere + scales.site_variance * self.at_site + self.rest
        return gram + scales.like_variance * like

    def _log_evidence(self, gram: Floats) -> float:
        factor = lower_root(gram)
        white = dtrtrs(factor, self.target, lower=1)[0]
        return float(-0.5 * white @ white - np.log(np.diag(factor)).sum())
