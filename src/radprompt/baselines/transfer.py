"""Conventional ways to use a first site's lesions at a second one: what pooling gives without reading names."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.baselines.classical import Conventional
from radprompt.core.baseline_params import Baselines

POOLED, SOURCE_LOGIT, SOURCE = "pooled_logistic", "source_logit", "source_logistic"
MODELS = (POOLED, SOURCE_LOGIT, SOURCE)
"""Models that need a setting whose model is continued."""

_SITE, _LOGIT = "(which site)", "(logit of the first site's model)"  # as no feature is called
_LEARNER = "logistic_regression"


class SiteRows(NamedTuple):
    """Standardised features, labels (0 or 1), and the features that were selected at the site."""

    X: pd.DataFrame
    y: NDArray[np.int_]
    selected: list[str]


def predict_transferred(
    model: str, first: SiteRows, second: SiteRows, new: pd.DataFrame, params: Baselines, seed: int
) -> NDArray[np.float64]:
    """Train on both sites and return the probability of malignancy of the second site's new rows, shape (rows,).

    ``pooled_logistic``: logistic regression on both sites' rows, on the features that either site selected, with an
    intercept a site. ``source_logit``: logistic regression on the second site's rows, on its features and the logit
    that the first site's logistic regression gives. ``source_logistic``: the first site's logistic regression as it is.

    Parameters
    ----------
    model
        One of :data:`MODELS`.
    first, second
        Training rows of the sites.
    new
        Standardised features of the rows to predict.
    params, seed
        See :class:`radprompt.baselines.classical.Conventional`.
    """
    if model == POOLED:
        columns = list(dict.fromkeys([*first.selected, *second.selected]))
        parts = [rows.X[columns].assign(**{_SITE: site}) for site, rows in enumerate((first, second))]
        y = np.concatenate([first.y, second.y])
        fitted = Conventional(_LEARNER, params, seed).fit(pd.concat(parts, ignore_index=True), y)
        return fitted.predict_proba(new[columns].assign(**{_SITE: 1}))[:, 1]
    source = Conventional(_LEARNER, params, seed).fit(first.X[first.selected], first.y)
    if model == SOURCE:
        return source.predict_proba(new[first.selected])[:, 1]

    def extended(rows: pd.DataFrame) -> pd.DataFrame:
        probability = source.predict_proba(rows[first.selected])[:, 1].clip(1e-9, 1 - 1e-9)
        return rows[second.selected].assign(**{_LOGIT: np.log(probability / (1 - probability))})

    fitted = Conventional(_LEARNER, params, seed).fit(extended(second.X), second.y)
    return fitted.predict_proba(extended(new))[:, 1]
