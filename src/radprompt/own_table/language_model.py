"""The language model on the first site's prompts, and at other sites: going on from there, or beginning again."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from radprompt.own_table.lessons import Lesson
from radprompt.own_table.params import OwnParams
from radprompt.own_table.predictions import predicted
from radprompt.own_table.rows import Rows

if TYPE_CHECKING:
    from radprompt.llm.classifier import LanguageModelClassifier

BACKBONE = Path("models/backbone")
MODEL, EXTENDED, SCRATCH = "llm", "llm_extended", "llm_scratch"
"""As predictions name it: at the first site, going on at another one, and beginning again there."""


class Told(NamedTuple):
    """A lesson and its prompts, with the columns of a prompt file and ``patient``."""

    lesson: Lesson
    prompts: pd.DataFrame

    def of(self, *splits: str) -> pd.DataFrame:
        """Return the prompts of these splits."""
        return self.prompts[self.prompts["split"].isin(splits)]


def with_patients(prompts: pd.DataFrame, about: pd.DataFrame) -> pd.DataFrame:
    """Add ``patient`` to prompts."""
    return prompts.assign(patient=prompts["lesion_id"].map(about.set_index("case")["patient"]))


def build(params: OwnParams, seed: int) -> "LanguageModelClassifier":
    """Return the classifier that ``params.yaml`` describes."""
    from radprompt.llm.classifier import LanguageModelClassifier

    return LanguageModelClassifier.from_params(params.llm, params.prompt, BACKBONE.as_posix(), seed)


def learn(
    classifier: "LanguageModelClassifier",
    told: Told,
    *,
    adapt: bool = False,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    checkpoint: Path | None = None,
) -> "LanguageModelClassifier":
    """Train on a lesson's training prompts; validation prompts, where there are any, choose the epoch."""
    train, val = told.of("train"), told.of("val")
    validation = (val["prompt"].tolist(), val["label"].to_numpy()) if len(val) else (None, None)
    method = classifier.adapt if adapt else classifier.fit
    return method(
        train["prompt"].tolist(), train["label"].to_numpy(), *validation, on_epoch=on_epoch, checkpoint=checkpoint
    )


def speak(classifier: "LanguageModelClassifier", told: Told, model: str, seed: int) -> pd.DataFrame:
    """Return what the classifier says of the lesson's validation and test cases."""
    new = told.of("val", "test")
    about = new.rename(columns={"lesion_id": "case"})[["case", "patient", "split", "label"]]
    probability = classifier.predict_proba(new["prompt"].tolist())[:, 1]
    return predicted(Rows(about, about[[]]), told.lesson, model, seed, probability)


def at_other_sites(told: list[Told], params: OwnParams, saved: Mapping[int, Path], keep: Path) -> list[pd.DataFrame]:
    """Train on every lesson of the other sites and return the predictions.

    Parameters
    ----------
    told
        The lessons. One of no cases asks the first site's model; every other is learned twice, going on and anew.
    params
        Of the folder.
    saved
        The first site's model, by seed.
    keep
        Folder for the models of the lessons that take all cases.
    """
    from radprompt.llm.classifier import LanguageModelClassifier

    parts = []
    fresh = build(params, params.seed)
    for seed, start in saved.items():
        fresh.set_params(seed=seed)
        for each in told:
            if each.lesson.cases == 0:
                trained = LanguageModelClassifier.load(start, trunk=fresh.trunk_)
                fresh.trunk_ = trained.trunk_
                parts.append(speak(trained, each, MODEL, seed))
                continue
            learn(fresh, each)
            going_on = learn(LanguageModelClassifier.load(start, trunk=fresh.trunk_), each, adapt=True)
            for name, classifier in ((EXTENDED, going_on), (SCRATCH, fresh)):
                parts.append(speak(classifier, each, name, seed))
                if each.lesson.cases is None:
                    classifier.save(keep / each.lesson.setting / f"{name}_seed_{seed}")
    return parts
