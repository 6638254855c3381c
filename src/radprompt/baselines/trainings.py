"""Which baselines are trained on which rows of a setting, and what they then say of the others."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.baselines import transfer
from radprompt.baselines.classical import Conventional, features_of
from radprompt.core.errors import InputError
from radprompt.core.params import Params
from radprompt.selection.record import Selection
from radprompt.study.recipe import shown_values
from radprompt.tables.features import feature_columns
from radprompt.tables.predictions import prediction_rows

if TYPE_CHECKING:
    from radprompt.baselines.transtab import TransTabClassifier


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
        For a repeat that the table does not have.
    """
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


def jobs(todo: list[Training], params: Params, origin: Training | None, shares: int) -> list[Job]:
    """Return every model and seed to train, TransTab first, each in so many shares of the trainings.

    TransTab takes longest; and as it imports most, a process that met it late would be taken for a leaking one by
    loky and replaced. ``origin`` is the training of the model that is continued.
    """
    models = sorted(params.baselines.models, key=lambda model: model != "transtab")
    models = [model for model in models if origin or model not in transfer.MODELS]
    return [
        Job(model, seed, todo[share::shares], origin if model in ("transtab", *transfer.MODELS) else None)
        for model in models
        for seed in params.seeds
        for share in range(min(shares, len(todo)))
    ]


def predict(job: Job, *, setting: str, params: Params) -> pd.DataFrame:
    """Train and return the rows of the predictions table."""
    start = train_transtab(job.origin, params, job.seed) if job.origin and job.model == "transtab" else None
    parts = []
    for training in job.trainings:
        new, features = training.new, training.selection.features
        if job.model == "transtab":
            reader = train_transtab(training, params, job.seed, start)
            malignant = reader.predict_proba(_shown(new, training.selection, params))[:, 1]
        elif job.origin and job.model in transfer.MODELS:
            first, second = (_site_rows(each) for each in (job.origin, training))
            malignant = transfer.predict_transferred(job.model, first, second, new, params.baselines, job.seed)
        else:
            columns = features_of(job.model, features, feature_columns(new))
            model = Conventional(job.model, params.baselines, job.seed)
            malignant = model.fit(training.train[columns], _labels(training.train)).predict_proba(new[columns])[:, 1]
        for repeat in new["repeat"].unique():
            rows = (new["repeat"] == repeat).to_numpy()
            parts.append(prediction_rows(new[rows], setting, repeat, job.model, job.seed, malignant[rows]))
    return pd.concat(parts, ignore_index=True)


def train_transtab(
    training: Training, params: Params, seed: int, start: "TransTabClassifier | None" = None
) -> "TransTabClassifier":
    """Train TransTab on the selected features under the names that a prompt shows, from ``start`` if there is one."""
    from radprompt.baselines.transtab import TransTabClassifier

    X, X_val = (_shown(rows, training.selection, params) for rows in (training.train, training.val))
    data = (X, _labels(training.train), X_val, _labels(training.val))
    if start is not None:
        return copy.copy(start).adapt(*data)
    return TransTabClassifier.from_params(params.baselines.transtab, seed).fit(*data)


def _shown(rows: pd.DataFrame, selection: Selection, params: Params) -> pd.DataFrame:
    return shown_values(rows, selection, params.prompt, params.seed)


def _site_rows(training: Training) -> transfer.SiteRows:
    return transfer.SiteRows(training.train, _labels(training.train), list(training.selection.features))


def _labels(rows: pd.DataFrame) -> NDArray[np.int_]:
    return rows["label"].to_numpy()
