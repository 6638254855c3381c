"""The named model as a scikit-learn estimator: frames of named features in, probabilities with intervals out."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from radprompt.bayes.prior import NamePrior, Scales
from radprompt.core.errors import InputError
from radprompt.core.hub import FromPretrained
from radprompt.named.model import Cases, Estimate, Model, Site, learn, name_free_evidence
from radprompt.named.name_test import NameTest, permute_names
from radprompt.named.names import check_parameters, name_prior
from radprompt.named.reading import (
    Table,
    array_names,
    read_frame,
    read_labels,
    read_sites,
    read_two_classes,
    select_rows,
    sort_columns,
)
from radprompt.named.rows import add_rows, align
from radprompt.named.values import Method

Floats = NDArray[np.float64]

FIRST_SITE = "site 1"
LEAST_SHARE = 0.05
"""Least share of a coefficient's mean that another name must carry to be listed as leant on."""
MOST_LEANT_ON = 3


class NamedExplanation(NamedTuple):
    """Exact shares of the logits: ``base`` plus a row's ``shares`` is its logit.

    ``shares`` and their posterior ``deviations`` are frames of the explained rows and features; ``base`` is the site's
    intercept with the deviation ``base_deviation``.
    """

    shares: pd.DataFrame
    deviations: pd.DataFrame
    base: float
    base_deviation: float


class NamedClassifier(FromPretrained, ClassifierMixin, BaseEstimator):
    """Bayesian logistic regression over named features, whose prior may know what the names mean.

    The logit of a case at site ``s`` is ``b_s + sum over its features n of c_s(n) z_n``, with exact standardised values
    ``z_n`` and one coefficient a name. The prior lets coefficients of names with similar vectors resemble each other,
    so that what one site taught carries over to other columns at the next (:meth:`adapt`). Inference is Laplace's
    approximation, scales maximise the evidence (Rasmussen and Williams 2006, chapters 3 and 5).

    Within one site it is a well-regularised logistic regression with an interval for every coefficient; names pay
    between sites and with few cases.

    Parameters
    ----------
    names : str, Path, DataFrame or None, default=None
        Where names' vectors come from: ``smollm2``, the packaged backbone, unpacked into the user's cache folder on
        first use (:func:`radprompt.llm.packaged.backbone_folder`); the folder of a backbone
        (:func:`radprompt.llm.backbone.write_backbone`); a frame with the names as index and a vector a row; or None:
        names say nothing.
    layer : int or None, default=None
        Layer of the backbone whose states are read; None: the middle one.
    instruction : str, default="Classify benign or malignant of this mammography based on ..."
        Beginning of the prompt in which the backbone reads a name.
    cache : str, Path or None, default=None
        Folder that keeps the backbone's states of names between processes.
    direction : mapping, "elicited" or None, default=None
        Direction in [-1, 1] that a name asserts (1: larger values speak for ``classes_[1]``), by name; names left out
        have 0. ``elicited``: asked of the backbone with ``outcomes``. How far it is followed is set by the evidence.
    outcomes : tuple of two str or None, default=None
        Words for the two classes in the order of ``classes_``, for ``elicited`` directions; None: the labels.
    scaling : {"auto", "zscore", "normal", "none"}, default="auto"
        Standardisation at each site: z-scores cut at 5 deviations, normal scores (ranks as quantiles of the normal
        distribution), or values as they are. ``auto``: the one of the first two with the larger evidence at fit.
    scales : mapping or None, default=None
        Scales of the prior that are set instead of searched, by name (:class:`radprompt.bayes.prior.Scales`).
    feature_names : sequence of str or None, default=None
        Names of the columns of arrays; None: ``x0``, ``x1``, ... Frames bring their own.
    seed : int, default=0
        Random seed of :meth:`name_test`.
    verbose : bool, default=False
        Whether each fit and adaptation says on standard error what it learned from and which scales it found.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The two labels, sorted.
    model_ : Model
        Prior, sites and posterior; holds no case.
    scaling_ : str
        Standardisation that was used.
    scales_ : Scales
        Scales of the prior that were used.
    log_evidence_ : float
        Laplace's approximation of the log evidence.

    Examples
    --------
    >>> X = pd.DataFrame({"Sphericity": [0.9, 0.8, 0.4, 0.3], "Entropy": [2.0, 3.0, 2.5, 3.5]})
    >>> NamedClassifier().fit(X, ["benign", "benign", "malignant", "malignant"]).predict(X).tolist()
    ['benign', 'benign', 'malignant', 'malignant']
    """

    SAVED = ("named.json", "named")
    model_: Model
    scales_: Scales

    def __init__(
        self,
        names: str | Path | pd.DataFrame | None = None,
        *,
        layer: int | None = None,
        instruction: str = (
            "Classify benign or malignant of this mammography based on given standardized radiomic features."
        ),
        cache: str | Path | None = None,
        direction: Mapping[str, float] | Literal["elicited"] | None = None,
        outcomes: tuple[str, str] | None = None,
        scaling: Literal["auto", "zscore", "normal", "none"] = "auto",
        scales: Mapping[str, float] | None = None,
        feature_names: Sequence[str] | None = None,
        seed: int = 0,
        verbose: bool = False,
    ) -> None:
        self.names = names
        self.layer = layer
        self.instruction = instruction
        self.cache = cache
        self.direction = direction
        self.outcomes = outcomes
        self.scaling = scaling
        self.scales = scales
        self.feature_names = feature_names
        self.seed = seed
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        site: ArrayLike | str | None = None,
    ) -> Self:
        """Learn from labelled cases of one or more sites; a column that is empty at a site is not one of its features.

        Parameters
        ----------
        X
            Numbers of any scale, shape (cases, features); NaN is missing.
        y
            Two labels, shape (cases,).
        sample_weight
            How often each case counts, shape (cases,).
        site
            Name of the site, or of each case's site; None: ``site 1``.
        """
        check_parameters(self)
        table = self._read(X, reset=True)
        labels, self.classes_ = read_two_classes(y, len(table.values))
        weight = _check_sample_weight(sample_weight, table.values, dtype=np.float64, ensure_non_negative=True)
        rows = read_sites(site, len(table.values), FIRST_SITE)
        counted = weight > 0
        if len(np.unique(labels[counted])) < 2:
            raise InputError(
                "only one class has cases with a weight above 0",
                where="sample_weight, y",
                fix="give cases of both classes a weight, or leave sample_weight out",
            )
        table, rows = select_rows(table, counted), rows[counted]
        methods: tuple[Method, ...] = ("zscore", "normal") if self.scaling == "auto" else (self.scaling,)
        tried = {
            method: add_rows((), table, rows, self._codes(labels[counted]), weight[counted], method)
            for method in methods
        }
        self.scaling_ = methods[0]
        if len(methods) > 1:
            fixed = dict(self.scales or {})
            self.scaling_ = max(methods, key=lambda method: name_free_evidence(*tried[method], fixed))
        return self._learn(*tried[self.scaling_], str(rows[-1]), None)

    def adapt(
        self,
        X: ArrayLike | pd.DataFrame,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        site: str | None = None,
        reference: pd.DataFrame | None = None,
    ) -> Self:
        """Learn from cases of a further site, from the posterior alone; columns may differ from earlier ones.

        The result is that of a joint fit to all sites' cases with the same scales, up to Laplace's approximation.
        Scales but ``site`` stay as they are while the new cases are fewer than the earlier ones. Cases of a site that
        is known already are added to it.

        Parameters
        ----------
        X
            Numbers of any scale, shape (cases, features); NaN is missing.
        y
            Labels among ``classes_``, shape (cases,). None: the cases only measure the site's means and deviations.
        sample_weight
            How often each case counts, shape (cases,).
        site
            Name of the site; None: ``site 2``, ``site 3``, ...
        reference
            Rows of the site, labelled or not, that its values are standardised by; None: those of ``X``.
        """
        check_is_fitted(self, "model_")
        if (self.names is None) != (self.model_.prior.states is None):
            raise InputError("names was set after fit", where="names", fix="fit again with the names' vectors")
        table = self._read(X, reset=False)
        weight = _check_sample_weight(sample_weight, table.values, dtype=np.float64, ensure_non_negative=True)
        name = f"site {len(self.model_.sites) + 1}" if site is None else str(site)
        rows = np.full(len(table.values), name, dtype=object)
        labels = None if y is None else read_labels(y, len(table.values))
        if labels is not None and not np.isin(labels, self.classes_).all():
            unknown = sorted({str(label) for label in labels} - {str(label) for label in self.classes_})
            raise InputError(f"unknown labels {unknown}", where="y", fix=f"use the labels of fit: {self.classes_}")
        codes = None if labels is None else self._codes(labels)
        given = None if reference is None else self._read(reference, reset=False)
        sites, cases = add_rows(self.model_.sites, table, rows, codes, weight, self.scaling_, given)
        return self._learn(sites, cases, name, self.model_.prior)

    def decision_function(
        self, X: ArrayLike | pd.DataFrame, return_std: bool = False, *, site: ArrayLike | str | None = None
    ) -> Floats | tuple[Floats, Floats]:
        """Return the posterior mean of each case's logit, shape (cases,), and with ``return_std`` its deviation.

        Parameters
        ----------
        X
            Cases with the columns of their site. A feature without a value adds nothing to the mean, and to the
            variance what a standard normal value of it would.
        return_std
            Whether the deviations are returned too.
        site
            Name of the site, or of each case's site; None: the site of the last fit or adaptation.
        """
        check_is_fitted(self, "model_")
        table = self._read(X, reset=False)
        mean, variance = np.zeros(len(table.values)), np.zeros(len(table.values))
        rows = read_sites(site, len(table.values), self.site_)
        for name in dict.fromkeys(rows.tolist()):
            chosen = rows == name
            z, missing, estimate, _ = self._located(select_rows(table, chosen), name)
            design = np.column_stack([z, np.ones(len(z))])
            square = estimate.mean[:-1] ** 2 + np.diag(estimate.covariance)[:-1]
            mean[chosen] = design @ estimate.mean
            variance[chosen] = np.einsum("ij,ij->i", design @ estimate.covariance, design) + missing @ square
        return (mean, np.sqrt(np.maximum(variance, 0))) if return_std else mean

    def predict_proba(self, X: ArrayLike | pd.DataFrame, *, site: ArrayLike | str | None = None) -> Floats:
        """Return both classes' probabilities, shape (cases, 2), averaged over the posterior of the logit.

        The average is MacKay's: the logit shrunk by ``sqrt(1 + pi variance / 8)`` (Neural Computation 4, 1992;
        Rasmussen and Williams 2006, section 3.4.2).
        """
        mean, deviation = self.decision_function(X, return_std=True, site=site)
        positive = expit(mean / np.sqrt(1 + np.pi * deviation**2 / 8))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike | pd.DataFrame, *, site: ArrayLike | str | None = None) -> NDArray[Any]:
        """Return the likelier class of each case, shape (cases,)."""
        logits = np.asarray(self.decision_function(X, site=site))
        return self.classes_[(logits > 0).astype(int)]

    def explain(self, X: ArrayLike | pd.DataFrame, *, site: str | None = None) -> NamedExplanation:
        """Return each feature's exact share in each logit, coefficient times standardised value, with its deviation."""
        check_is_fitted(self, "model_")
        table = self._read(X, reset=False)
        z, missing, estimate, names = self._located(table, self.site_ if site is None else str(site))
        deviation = np.sqrt(np.maximum(np.diag(estimate.covariance), 0))
        unknown = np.sqrt(estimate.mean[:-1] ** 2 + deviation[:-1] ** 2)  # of a standard normal value
        deviations = np.where(missing, unknown, np.abs(z) * deviation[:-1])
        return NamedExplanation(
            pd.DataFrame(z * estimate.mean[:-1], table.index, list(names)),
            pd.DataFrame(deviations, table.index, list(names)),
            float(estimate.mean[-1]),
            float(deviation[-1]),
        )

    def coefficients(self) -> pd.DataFrame:
        """Return the posterior of every coefficient at every site, a row each.

        Columns: ``name``, ``site``, ``mean`` and ``sd`` (logits a standard deviation of the feature), ``low`` and
        ``high`` (90 % interval), ``own`` (share of the mean, in absolute contributions, that the name's own values
        carry, at whichever site) and ``leans_on`` (other names that carry at least 5 %, the most first).
        """
        check_is_fitted(self, "model_")
        frames = []
        for i, site in enumerate(self.model_.sites):
            estimate = self.model_.at(i, site.columns)
            mean = estimate.mean[:-1]
            sd = np.sqrt(np.maximum(np.diag(estimate.covariance)[:-1], 0))
            half = float(ndtri(0.95)) * sd
            shares = np.abs(self.model_.contributions(i, site.columns))
            shares /= np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(float).tiny)
            own = self.model_.positions(site.columns)
            columns = {"name": site.columns, "site": site.name, "mean": mean, "sd": sd}
            columns |= {"low": mean - half, "high": mean + half, "own": shares[np.arange(len(own)), own]}
            frame = pd.DataFrame(columns)
            shares[np.arange(len(own)), own] = 0
            frame["leans_on"] = [self._leant_on(row) for row in shares]
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def name_test(self, draws: int = 200) -> NameTest:
        """Test whether the names tell anything: evidence with them as they are against names dealt out at random.

        Parameters
        ----------
        draws
            Number of permutations; the smallest p-value is ``1 / (draws + 1)``.
        """
        check_is_fitted(self, "model_")
        return permute_names(self.model_, draws, self.seed)

    def save(self, folder: str | Path) -> None:
        """Write parameters and posterior, and no case: ``named.json`` and ``named.safetensors``."""
        from radprompt.named.storage import write_classifier

        check_is_fitted(self, "model_")
        write_classifier(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what :meth:`save` wrote."""
        from radprompt.named.storage import read_classifier

        return read_classifier(cls, Path(folder))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def _read(self, X: ArrayLike | pd.DataFrame, *, reset: bool) -> Table:
        """Read a table; an array must have the columns of fit, a frame may have others."""
        if isinstance(X, pd.DataFrame):
            table = read_frame(X)
            if reset:
                validate_data(self, X, skip_check_array=True)
            return table
        values = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan")
        names = array_names(self.feature_names, values.shape[1])
        return sort_columns(names, values, pd.RangeIndex(len(values)))

    def _codes(self, labels: NDArray[Any]) -> Floats:
        return (labels == self.classes_[1]).astype(float)

    def _learn(self, sites: Sequence[Site], cases: Mapping[int, Cases], last: str, known: NamePrior | None) -> Self:
        names = sorted({name for site in sites for name in site.columns})
        before = None if known is None else self.scales_
        self.model_ = learn(name_prior(self, names, known), sites, cases, dict(self.scales or {}), before)
        self.scales_, self.log_evidence_, self.site_ = self.model_.scales, self.model_.log_evidence, last
        if self.verbose:
            sys.stderr.write(f"NamedClassifier: {self.model_.summarised()}; values: {self.scaling_}\n")
        return self

    def _located(self, table: Table, site: str) -> tuple[Floats, Floats, Estimate, tuple[str, ...]]:
        """Return standardised values, which are missing, the posterior of their coefficients, and their names."""
        sites = [known.name for known in self.model_.sites]
        if site in sites:
            known = self.model_.sites[sites.index(site)]
            values = align(table, known)
            missing = np.isnan(values) & known.standardiser.varies(values.shape[1])
            z = known.standardiser.transform(values)
            return z, missing.astype(float), self.model_.at(sites.index(site), known.columns), known.columns
        if self.scaling_ != "none":
            raise InputError(
                f"site {site!r} is not known (known: {', '.join(sites)})",
                where="site",
                fix=f"call adapt(X, site={site!r}) first: rows without labels suffice to standardise its values",
            )
        new = [name for name in table.names if name not in self.model_.prior.names]
        prior = name_prior(self, [*self.model_.prior.names, *new], self.model_.prior)
        model = replace(self.model_, prior=replace(prior, reference=len(self.model_.prior.names)))
        missing = np.isnan(table.values)
        z = np.where(missing, 0.0, table.values)
        return z, missing.astype(float), model.at(len(sites), table.names), table.names

    def _leant_on(self, shares: Floats) -> str:
        order = np.argsort(-shares, kind="stable")[:MOST_LEANT_ON]
        return "; ".join(f"{self.model_.prior.names[i]} {shares[i]:.0%}" for i in order if shares[i] >= LEAST_SHARE)
