"""The named model in a setting: on the selected features and on all, and what it is compared with at a second site."""

from collections.abc import Sequence
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from radprompt.core.params import Named, Prompt
from radprompt.named.classifier import NamedClassifier
from radprompt.selection.record import Selection
from radprompt.study.sentences import shown_names
from radprompt.tables.feature_names import readable
from radprompt.tables.features import feature_columns

SELECTED, ALL = "named", "named_all"
PERMUTED, NAMELESS = "named_permuted", "named_without_names"
"""The model on the selected features with names dealt out at random, and without names: what pooling alone gives."""


class Variant(NamedTuple):
    """One way to use the named model: on which features, and with which vectors for their names."""

    model: str
    every_feature: bool
    vectors: pd.DataFrame | None


class Columns(NamedTuple):
    """Features of one site and the names that the model knows them by, in the same order."""

    features: list[str]
    names: list[str]

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table's values under these names."""
        return table[self.features].set_axis(self.names, axis=1)


def columns_of(table: pd.DataFrame, selection: Selection | None, prompt: Prompt, seed: int) -> Columns:
    """Return the selected features, or without a selection all of a table, under the names that prompts show."""
    features = feature_columns(table) if selection is None else list(selection.features)
    names = [readable(key) for key in features] if selection is None else list(selection.names)
    return Columns(features, shown_names(names, prompt.names, seed))


def variants(vectors: pd.DataFrame, *, second_site: bool, seed: int) -> list[Variant]:
    """Return the variants of a setting; those that show what names add are of use where a model is continued.

    Parameters
    ----------
    vectors
        A row a name, the index the names.
    second_site
        Whether the setting continues another one's model.
    seed
        Random seed of the permuted names.
    """
    found = [Variant(SELECTED, False, vectors), Variant(ALL, True, vectors)]
    if second_site:
        order = np.random.default_rng([seed, 2]).permutation(len(vectors))
        permuted = pd.DataFrame(vectors.to_numpy()[order], vectors.index)
        found += [Variant(PERMUTED, False, permuted), Variant(NAMELESS, False, None)]
    return found


def build(variant: Variant, params: Named, directions: dict[str, float] | None, seed: int) -> NamedClassifier:
    """Return the unfitted classifier of a variant."""
    known = directions if params.elicit == "used" and variant.vectors is not None else None
    return NamedClassifier(variant.vectors, direction=known, scaling=params.scaling, seed=seed)


def fit_start(classifier: NamedClassifier, start: pd.DataFrame, columns: Columns) -> NamedClassifier:
    """Fit on z-scores and ``label`` of the setting whose model is continued: for :func:`continued`, once.

    By one thread, as workers do, so that every digit is the same wherever it is fitted.
    """
    with threadpool_limits(limits=1):
        return classifier.fit(columns.of(start), start["label"].to_numpy(), site="first")


def continued(start: NamedClassifier, train: pd.DataFrame, columns: Columns) -> NamedClassifier:
    """Return what becomes of :func:`fit_start`'s model, which stays as it is, after a second site's training rows.

    Without labels (``label`` absent) the rows only set the site's scale.
    """
    labels = train["label"].to_numpy() if "label" in train else None
    return deepcopy(start).adapt(columns.of(train), labels, site="second")


def wanted_names(
    tables: Sequence[pd.DataFrame], selections: Sequence[Selection], prompt: Prompt, seed: int
) -> list[str]:
    """Return every name that a model of these settings may be asked about, sorted."""
    names: set[str] = set()
    for table in tables:
        names |= set(columns_of(table, None, prompt, seed).names)
    for selection in selections:
        names |= set(shown_names(selection.names, prompt.names, seed))
    return sorted(names)
