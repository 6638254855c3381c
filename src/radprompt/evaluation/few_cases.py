"""The named model and baselines after few labelled lesions of a second site."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from radprompt.baselines.classical import Conventional
from radprompt.baselines.transfer import POOLED, SiteRows, predict_transferred
from radprompt.core.params import StudyParams
from radprompt.evaluation.learning_curve import few_lesions, nested_order
from radprompt.named.classifier import NamedClassifier
from radprompt.named.variants import SELECTED, Columns, Variant, build, columns_of, continued, fit_start
from radprompt.selection.choose import measured_here
from radprompt.selection.record import Selection

RESTARTED = "named_restarted"
"""The named model on the second site's lesions alone."""
LOGISTIC = "logistic_regression"


class SecondSite(NamedTuple):
    """One repeat: raw features with ``lesion_id`` and ``label``."""

    repeat: int
    train: pd.DataFrame
    test: pd.DataFrame


class FirstSite(NamedTuple):
    """Training rows of the model that is continued: z-scores and ``label``, its selection, and the fitted model."""

    train: pd.DataFrame
    selection: Selection
    model: NamedClassifier


def first_site(
    train: pd.DataFrame,
    selection: Selection,
    *,
    vectors: pd.DataFrame,
    directions: dict[str, float] | None,
    params: StudyParams,
) -> FirstSite:
    """Fit the named model on the selected features of z-scores with ``label``; vectors and directions by name."""
    columns = columns_of(train, selection, params.prompt, params.seed)
    model = build(Variant(SELECTED, False, vectors), params.named, directions, params.seed)
    return FirstSite(train, selection, fit_start(model, train, columns))


def points_of(
    site: SecondSite,
    *,
    first: FirstSite,
    vectors: pd.DataFrame,
    directions: dict[str, float] | None,
    params: StudyParams,
) -> list[tuple[str, int, int, float]]:
    """Return points of the curve: model, lesions, repeat and AUC on the test lesions.

    Without lesions, the named model is asked about those of the first site's features that this site measured, or
    where it measured none of them, about all of its own; the lesions' values, without their labels, give the site's
    means and deviations. With some, everything is fitted on these alone: means and deviations, the selection, the
    models.
    """
    named = Variant(SELECTED, False, vectors)

    def restarted(train: pd.DataFrame, columns: Columns) -> NamedClassifier:
        return build(named, params.named, directions, params.seed).fit(columns.of(train), train["label"].to_numpy())

    lesions = site.train.drop(columns="label")
    own = columns_of(lesions, measured_here(first.selection, lesions), params.prompt, params.seed)
    unlabelled = continued(first.model, lesions, own)
    scores: list[tuple[str, int, np.ndarray]] = [(SELECTED, 0, unlabelled.predict_proba(own.of(site.test))[:, 1])]
    order = nested_order(site.train["label"].to_numpy(), [params.seed, site.repeat])
    for count in (count for count in params.adaptation.curve if count < len(site.train)):
        few = few_lesions(site.train.iloc[np.sort(order[:count])], site.test, params.features)
        columns = columns_of(few.train, few.selection, params.prompt, params.seed)
        used, labels = list(few.selection.features), few.train["label"].to_numpy()
        sites = (
            SiteRows(first.train, first.train["label"].to_numpy(), list(first.selection.features)),
            SiteRows(few.train, labels, used),
        )
        logistic = Conventional(LOGISTIC, params.baselines, params.seed).fit(few.train[used], labels)
        scores += [
            *(
                (model, count, fitted.predict_proba(columns.of(few.test))[:, 1])
                for model, fitted in (
                    (SELECTED, continued(first.model, few.train, columns)),
                    (RESTARTED, restarted(few.train, columns)),
                )
            ),
            (LOGISTIC, count, logistic.predict_proba(few.test[used])[:, 1]),
            (POOLED, count, predict_transferred(POOLED, *sites, few.test, params.baselines, params.seed)),
        ]
    truth = site.test["label"].to_numpy()
    return [(model, count, site.repeat, float(roc_auc_score(truth, score))) for model, count, score in scores]
