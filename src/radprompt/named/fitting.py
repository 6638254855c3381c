"""The named model's variants in the repeats of a setting."""

from typing import NamedTuple

import pandas as pd

from radprompt.core.params import StudyParams
from radprompt.named.classifier import NamedClassifier
from radprompt.named.variants import build, columns_of, fit, variants
from radprompt.selection.record import Selection
from radprompt.tables.predictions import prediction_rows


class Job(NamedTuple):
    """Repeats with the same training rows: their rows and selection, and those of the setting whose model is continued.

    ``rows`` and ``start`` hold z-scores with :data:`radprompt.tables.cohort.ROWS`; ``start`` is None where no model is
    continued.
    """

    repeats: list[int]
    rows: pd.DataFrame
    selection: Selection
    start: pd.DataFrame | None
    start_selection: Selection | None


class Fitted(NamedTuple):
    """Classifiers by model, and rows of the predictions table for validation and test."""

    classifiers: dict[str, NamedClassifier]
    predictions: pd.DataFrame


def fit_repeat(
    job: Job,
    *,
    vectors: pd.DataFrame,
    directions: dict[str, float] | None,
    params: StudyParams,
    setting: str,
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
    labelled
        If False, the training rows only measure the site's means and deviations.
    """
    classifiers, parts = {}, []
    new = job.rows[job.rows["split"] != "train"]
    train = job.rows[(job.rows["split"] == "train") & (job.rows["repeat"] == job.repeats[0])]
    train = train if labelled else train.drop(columns="label")
    start = None if job.start is None else job.start[job.start["split"] == "train"]
    for variant in variants(vectors, second_site=start is not None, seed=params.seed):
        chosen, before = (None, None) if variant.every_feature else (job.selection, job.start_selection)
        columns = columns_of(train, chosen, params.prompt, params.seed)
        first = None if start is None else columns_of(start, before, params.prompt, params.seed)
        classifier = fit(build(variant, params.named, directions, params.seed), train, columns, start, first)
        probability = classifier.predict_proba(columns.of(new))[:, 1]
        parts += [
            prediction_rows(new[own], setting, repeat, variant.model, params.seed, probability[own])
            for repeat in job.repeats
            for own in [(new["repeat"] == repeat).to_numpy()]
        ]
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
