"""Which baselines are trained on which rows of a setting, and what they then say of the others."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.baselines import transfer
from radprompt.baselines.classical import INNER_FOLDS, Conventional, features_of
from radprompt.baselines.tabicl import require_weights
from radprompt.core.baseline_params import Baselines
from radprompt.core.errors import InputError
from radprompt.core.params import StudyParams
from radprompt.selection.record import Selection
from radprompt.study.recipe import shown_values
from radprompt.tables.features import clinical_columns, feature_columns, with_values
from radprompt.tables.model_names import model_name
from radprompt.tables.predictions import prediction_rows

if TYPE_CHECKING:
    from radprompt.baselines.transtab import TransTabClassifier


SOURCE_PREVALENCE = "majority"
"""The model that without labels of a site's own says how frequent class 1 was at the first one."""


class Training(NamedTuple):
    """Rows of a standardised table with ``patient_id``: to train on, to choose an epoch by, and to predict.

    ``new`` holds the validation and test rows of every repeat whose training rows these are.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    new: pd.DataFrame
    selection: Selection


class Job(NamedTuple):
    """One model, trained on each of some trainings; ``origin`` is what the model that is continued was trained on."""

    model: str
    seed: int
    trainings: list[Training]
    origin: Training | None


def trainings(table: pd.DataFrame, selections: Mapping[int, Selection], where: str) -> list[Training]:
    """Return the trainings of a setting: one for all repeats that share training rows, validation rows and features.

    Parameters
    ----------
    table
        The setting's z-scores with ``patient_id``.
    selections
        Features of each repeat that is wanted.
    where
        File of the table, for the message.

    Raises
    ------
    InputError
        If the table lacks a repeat.
    """
    table = table.copy()  # of one block: of a thousand columns that each lie apart, taking some takes ten times as long
    alike: dict[tuple, list[int]] = {}
    for repeat, selection in selections.items():
        rows = table[table["repeat"] == repeat]
        if rows.empty:
            raise InputError(f"no rows of repeat {repeat}", where=where, fix="run `dvc repro` again")
        seen = (tuple(rows.loc[rows["split"] == split, "lesion_id"]) for split in ("train", "val"))
        alike.setdefault((*seen, selection.features), []).append(repeat)
    found = []
    for repeats in alike.values():
        rows = table[table["repeat"] == repeats[0]]
        new = table[table["repeat"].isin(repeats) & table["split"].isin(["val", "test"])]
        train, val = (rows[rows["split"] == split] for split in ("train", "val"))
        found.append(Training(train, val, new, selections[repeats[0]]))
    return found


def jobs(
    todo: list[Training], params: StudyParams, origin: Training | None, shares: int, *, labelled: bool = True
) -> list[Job]:
    """Return every model and seed to train, TransTab first, each in so many shares of the trainings.

    TransTab takes longest; and as it imports most, a process that met it late would be taken for a leaking one by
    loky and replaced. ``origin`` is the training of the model that is continued. Without labels of the training rows,
    only what the first site taught can say something: its logistic regression as it is, and its prevalence.

    Raises
    ------
    InputError
        When a model needs a package or weights that are not here.
    """
    if origin and not labelled:
        as_it_is = [SOURCE_PREVALENCE, *(model for model in params.baselines.models if model == transfer.SOURCE)]
        return [Job(model, seed, todo, origin) for model in as_it_is for seed in params.seeds]
    require_weights(params.baselines)
    models = sorted(params.baselines.models, key=lambda model: model != "transtab")
    models = [m for m in models if m != transfer.SOURCE and (origin or m not in transfer.MODELS)]
    return [
        Job(model, seed, todo[share::shares], origin if model in ("transtab", *transfer.MODELS) else None)
        for model in models
        for seed in params.seeds
        for share in range(min(shares, len(todo)))
    ]


class Predicted(NamedTuple):
    """Rows of the predictions table, and why a model has none of some trainings."""

    rows: pd.DataFrame
    left_out: list[str]


def predict(job: Job, *, setting: str, params: StudyParams) -> Predicted:
    """Train and return the rows of the predictions table.

    A model that cannot be trained on one of its trainings, because a column is absent or a class has too few rows, is
    left out of the setting.
    """
    try:
        return Predicted(_predict(job, setting, params), [])
    except _UnusableError as error:
        return Predicted(pd.DataFrame(), [str(error)])


class _UnusableError(Exception):
    """A model has nothing to learn from."""


def _predict(job: Job, setting: str, params: StudyParams) -> pd.DataFrame:
    start = train_transtab(job.origin, params, job.seed) if job.origin and job.model == "transtab" else None
    parts = []
    for training in job.trainings:
        new = training.new
        if job.model == "transtab":
            reader = train_transtab(training, params, job.seed, start)
            malignant = reader.predict_proba(_shown(new, training.selection, params))[:, 1]
        elif job.origin and job.model in transfer.MODELS:
            first, second = (_site_rows(each) for each in (job.origin, training))
            if job.model == transfer.SOURCE and new[first.selected].isna().all().any():
                raise _UnusableError(f"{model_name(job.model)} is left out: the site lacks features that it uses")
            malignant = transfer.predict_transferred(job.model, first, second, new, params.baselines, job.seed)
        else:
            taught = job.origin if job.origin and job.model == SOURCE_PREVALENCE else training
            columns = _columns(job.model, taught, params)
            own = _with_fewer_folds(job.model, params.baselines, taught.train)
            patients = taught.train["patient_id"].to_numpy()
            model = Conventional(job.model, own, job.seed).fit(taught.train[columns], _labels(taught.train), patients)
            malignant = model.predict_proba(new[columns])[:, 1]
        for repeat in new["repeat"].unique():
            rows = (new["repeat"] == repeat).to_numpy()
            parts.append(prediction_rows(new[rows], setting, repeat, job.model, job.seed, malignant[rows]))
    return pd.concat(parts, ignore_index=True)


def _columns(model: str, training: Training, params: StudyParams) -> list[str]:
    """Return the columns that a model sees, of those that have a value among the training rows."""
    train, new = training.train, training.new
    available, clinical = (with_values(train, names(train)) for names in (feature_columns, clinical_columns))
    wanted = features_of(model, training.selection.features, available, clinical, params.baselines.size)
    found = [name for name in wanted if name in train]
    if not found or (model == "combined_logistic" and not clinical):
        missing = f"no column {params.baselines.size!r}" if model == "size_alone" else "no clinical column"
        raise _UnusableError(f"{model_name(model)} is left out: there is {missing}")
    if model != SOURCE_PREVALENCE and new[found].isna().all(axis=None):
        raise _UnusableError(f"{model_name(model)} is left out: the lesions to predict have none of its features")
    return found


def _with_fewer_folds(model: str, params: Baselines, train: pd.DataFrame) -> Baselines:
    """Return the parameters with no more inner folds than the rarer class has rows."""
    rarer = int(np.bincount(_labels(train), minlength=2).min())
    if model not in INNER_FOLDS or rarer >= getattr(params, model).folds:
        return params
    if rarer < 2:
        raise _UnusableError(f"{model_name(model)} is left out: it needs two training lesions of each class")
    return replace(params, **{model: replace(getattr(params, model), folds=rarer)})


def train_transtab(
    training: Training, params: StudyParams, seed: int, start: "TransTabClassifier | None" = None
) -> "TransTabClassifier":
    """Train TransTab on the selected features under the names that a prompt shows, from ``start`` if there is one."""
    from radprompt.baselines.transtab import TransTabClassifier

    X, X_val = (_shown(rows, training.selection, params) for rows in (training.train, training.val))
    data = (X, _labels(training.train), X_val, _labels(training.val))
    if start is not None:
        return copy.copy(start).adapt(*data)
    return TransTabClassifier.from_params(params.baselines.transtab, seed).fit(*data)


def _shown(rows: pd.DataFrame, selection: Selection, params: StudyParams) -> pd.DataFrame:
    shown = shown_values(rows, selection, params.prompt, params.seed)
    return shown.fillna(0.0)  # the training rows' mean: TransTab has no word for a missing value


def _site_rows(training: Training) -> transfer.SiteRows:
    return transfer.SiteRows(training.train, _labels(training.train), list(training.selection.features))


def _labels(rows: pd.DataFrame) -> NDArray[np.int_]:
    return rows["label"].to_numpy()
