"""One run of the language model in a setting: train or take a model, let it read the cohort, keep what it said."""

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.outputs import write_csv, write_json
from radprompt.llm.classifier import LanguageModelClassifier, OnEpoch
from radprompt.llm.saved import EMBEDDINGS, LEARNED, SAID, read_probabilities
from radprompt.tables.embeddings import read_embeddings, write_embeddings
from radprompt.tables.left_out import mark_left_out
from radprompt.tables.predictions import write_left_out


class Answers(NamedTuple):
    """What a model says of a cohort's rows: embeddings, shape (rows, hidden size), and probabilities, shape (rows,)."""

    embeddings: NDArray
    probability: NDArray[np.float64]


def train_run(
    classifier: LanguageModelClassifier,
    rows: pd.DataFrame,
    *,
    adapt: bool,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch = None,
) -> Answers:
    """Train on the rows' training split, choose the epoch on its validation split, and read all rows.

    Parameters
    ----------
    classifier
        Fitted, if it is to be adapted.
    rows
        ``lesion_id``, ``split``, ``label`` and ``prompt``.
    adapt
        Whether training continues from the fitted weights.
    checkpoint, on_epoch
        See :meth:`radprompt.llm.classifier.LanguageModelClassifier.fit`.
    """
    train, val = (rows[rows["split"] == split] for split in ("train", "val"))
    learn = classifier.adapt if adapt else classifier.fit
    learn(
        train["prompt"].tolist(),
        train["label"].to_numpy(),
        val["prompt"].tolist(),
        val["label"].to_numpy(),
        on_epoch=on_epoch,
        checkpoint=checkpoint,
    )
    embeddings = classifier.embed(rows["prompt"].tolist())
    probability = np.empty(len(rows))
    for part in (rows["split"] != "train", rows["split"] == "train"):
        probability[part.to_numpy()] = classifier.predict_proba(rows.loc[part, "prompt"].tolist())[:, 1]
    return Answers(embeddings, probability)


def apply_run(classifier: LanguageModelClassifier, rows: pd.DataFrame, source: Path) -> Answers:
    """Let a trained model read the test rows; what it said of the others when it was trained is taken from there.

    Parameters
    ----------
    classifier
        The model in ``source``.
    rows
        ``lesion_id``, ``split`` and ``prompt``; training and validation rows are those of the model.
    source
        Folder that :func:`write_run` filled.
    """
    tested = rows[rows["split"] == "test"]
    ids, prompts = tested["lesion_id"].tolist(), tested["prompt"].tolist()
    embeddings = pd.concat([read_embeddings(source / EMBEDDINGS), pd.DataFrame(classifier.embed(prompts), ids)])
    said = pd.concat([read_probabilities(source), pd.Series(classifier.predict_proba(prompts)[:, 1], ids)])
    wanted = rows["lesion_id"].tolist()
    return Answers(embeddings.loc[wanted].to_numpy(), said[wanted].to_numpy())


def write_run(folder: Path, classifier: LanguageModelClassifier, rows: pd.DataFrame, answers: Answers) -> None:
    """Write a trained model, the lesions it learned from, and what it says of its cohort."""
    classifier.save(folder)
    seen = {split: rows.loc[rows["split"] == split, "lesion_id"].tolist() for split in ("train", "val")}
    write_json(folder / LEARNED, seen)
    _write_answers(folder, rows, answers)


def copy_run(folder: Path, source: Path, rows: pd.DataFrame, answers: Answers) -> None:
    """Write a copy of another setting's model, and what it says of this cohort."""
    shutil.copytree(source, folder)
    _write_answers(folder, rows, answers)


def leave_out(setting: str) -> None:
    """Write a setting's outputs where ``llm.tuning: none`` leaves the language model out: each says so."""
    mark_left_out(f"models/language_model/{setting}")
    mark_left_out(f"plots/training/{setting}")
    write_left_out(f"data/predictions/{setting}/llm.csv")
    write_json(f"metrics/training/{setting}.json", {setting: {}})


def _write_answers(folder: Path, rows: pd.DataFrame, answers: Answers) -> None:
    write_embeddings(folder / EMBEDDINGS, rows["lesion_id"].tolist(), answers.embeddings)
    write_csv(folder / SAID, rows[["lesion_id", "split"]].assign(probability=answers.probability))
