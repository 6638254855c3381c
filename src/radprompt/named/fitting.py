"""The named model's variants in the repeats of a setting."""

from typing import NamedTuple

import pandas as pd

from radprompt.core.params import StudyParams
from radprompt.named.classifier import NamedClassifier
from radprompt.named.variants import build, columns_of, continued, fit_start, variants
from radprompt.selection.record import Selection
from radprompt.tables.predictions import prediction_rows


class Job(NamedTuple):
    """Repeats with the same training rows: z-scores with :data:`radprompt.tables.cohort.ROWS`, and their selection."""

    repeats: list[int]
    rows: pd.DataFrame
    selection: Selection


class Fitted(NamedTuple):
    """Classifiers by model, and rows of the predictions table for validation and test."""

    classifiers: dict[str, NamedClassifier]
    predictions: pd.DataFrame


def fit_starts(
    start: pd.DataFrame,
    selection: Selection,
    *,
    vectors: pd.DataFrame,
    directions: dict[str, float] | None,
    params: StudyParams,
) -> dict[str, NamedClassifier]:
    """Fit every variant, by its name, on the training rows of the setting whose model is continued.

    Parameters
    ----------
    start, selection
        z-scores of that setting, and its selection.
    vectors, directions, params
        As for :func:`fit_repeat`.
    """
    train = start[start["split"] == "train"]
    fitted = {}
    for variant in variants(vectors, second_site=True, seed=params.seed):
        columns = columns_of(train, None if variant.every_feature else selection, params.prompt, params.seed)
        fitted[variant.model] = fit_start(build(variant, params.named, directions, params.seed), train, columns)
    return fitted


def fit_repeat(
    job: Job,
    *,
    vectors: pd.DataFrame,
    directions: dict[str, float] | None,
    params: StudyParams,
    setting: str,
    starts: dict[str, NamedClassifier] | None = None,
    labelled: bool = True,
) -> Fitted:
    """Fit every variant on the training rows and predict the validation and test rows of all repeats.

    Parameters
    ----------
    job
        The repeats.
    vectors
        Vectors of names, the index the names.
    directions
        Elicited directions by name, for ``named.elicit: used``; None: none were asked for.
    params, setting
        All parameters, and the setting's name.
    starts
        Of :func:`fit_starts`, where the setting continues a model.
    labelled
        If False, the training rows only measure the site's means and deviations.
    """
    classifiers, parts = {}, []
    new = job.rows[job.rows["split"] != "train"]
    train = job.rows[(job.rows["split"] == "train") & (job.rows["repeat"] == job.repeats[0])]
    train = train if labelled else train.drop(columns="label")
    for variant in variants(vectors, second_site=starts is not None, seed=params.seed):
        columns = columns_of(train, None if variant.every_feature else job.selection, params.prompt, params.seed)
        if starts is None:
            classifier = build(variant, params.named, directions, params.seed)
            classifier.fit(columns.of(train), train["label"].to_numpy())
        else:
            classifier = continued(starts[variant.model], train, columns)
        probability = classifier.predict_proba(columns.of(new))[:, 1]
        parts += [
            prediction_rows(new[own], setting, repeat, variant.model, params.seed, probability[own])
            for repeat in job.repeats
            for own in [(new["repeat"] == repeat).to_numpy()]
        ]
        classifier.model_ = classifier.model_.light()  # all repeats' are held until they are saved
        classifiers[variant.model] = classifier
    return Fitted(classifiers, pd.concat(parts, ignore_index=True))


def summary(classifier: NamedClassifier, draws: int) -> dict[str, float | str]:
    """Return what a fitted classifier says of itself: evidence, scales, and the test of its names."""
    tested = classifier.name_test(draws)
    return {
        "names_p": round(tested.p_value, 6),
        "names_gain": round(tested.gain, 6),
        "names_draws": draws,
        "log_evidence": round(classifier.log_evidence_, 6),
        "scaling": classifier.scaling_,
        **{f"scale_{key}": round(float(value), 6) for key, value in vars(classifier.scales_).items()},
    }
