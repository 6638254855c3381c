"""Conventional models and TransTab on a lesson's cases and features."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import pandas as pd

from radprompt.baselines.classical import Conventional, features_of
from radprompt.core.errors import InputError
from radprompt.core.params import Baselines
from radprompt.own_table.encoding import Encoder
from radprompt.own_table.lessons import Lesson
from radprompt.own_table.params import OwnParams
from radprompt.own_table.predictions import predicted
from radprompt.own_table.rows import Rows
from radprompt.selection.record import Selection
from radprompt.study.sentences import shown_names

if TYPE_CHECKING:
    from radprompt.baselines.transtab import TransTabClassifier

TRANSTAB = "transtab"


class Taught(NamedTuple):
    """A lesson, its standardised cases, and what its training cases say of columns and features."""

    lesson: Lesson
    rows: Rows
    encoder: Encoder
    selection: Selection


class Spoken(NamedTuple):
    """Predictions, and models that were left out of a setting with the reason."""

    parts: list[pd.DataFrame]
    left_out: dict[tuple[str, str], str]

    @property
    def predictions(self) -> list[pd.DataFrame]:
        """Predictions without those of models that another draw of the setting had to leave out."""
        return [part for part in self.parts if (part["setting"].iloc[0], part["model"].iloc[0]) not in self.left_out]

    @property
    def notes(self) -> list[str]:
        """A sentence on each model that was left out."""
        return [f"{model} is left out of {setting}: {why}" for (setting, model), why in self.left_out.items()]


def teach(first: Taught, others: list[Taught], params: OwnParams) -> Spoken:
    """Train every baseline on every lesson; without ``others`` on the first site's, else on theirs alone.

    A conventional model begins again at each lesson, since it is bound to its columns: ``<model>``. TransTab reads
    names, so at other sites it goes on from the first site too: ``transtab_extended`` beside ``transtab_scratch``. A
    lesson of no cases asks the models that the first site trained.
    """
    spoken = Spoken([], {})
    for model in params.baselines.models:
        for seed in params.seeds:
            names = _TransTab(first, params, seed) if model == TRANSTAB else None
            for taught in others or [first]:
                try:
                    spoken.parts.extend(
                        names.speak(taught) if names else _conventional(model, taught, first, params, seed)
                    )
                except _LeftOutError as error:
                    spoken.left_out[taught.lesson.setting, error.model] = error.why
    return spoken


class _LeftOutError(Exception):
    def __init__(self, model: str, why: str) -> None:
        super().__init__(why)
        self.model, self.why = model, why


def _conventional(model: str, taught: Taught, first: Taught, params: OwnParams, seed: int) -> Iterator[pd.DataFrame]:
    lesson = taught.lesson
    source = first if lesson.cases == 0 else taught
    train, new = source.rows.of("train"), taught.rows.of("val", "test")
    columns = features_of(model, source.selection.features, source.encoder.features)
    X, X_new = (source.encoder.matrix(rows.values, columns) for rows in (train, new))
    settings = cast("Baselines", params.baselines)  # the same models, without what only images need
    if model == "svm":
        rarest = int(np.bincount(train.labels, minlength=2).min())
        if rarest < 2:
            raise _LeftOutError(model, "it needs two training cases of each class for its probabilities.")
        settings = replace(settings, svm=replace(settings.svm, folds=min(settings.svm.folds, rarest)))
    fitted = Conventional(model, settings, seed).fit(X, train.labels)
    yield predicted(new, lesson, model, seed, fitted.predict_proba(X_new)[:, 1])


class _TransTab:
    """TransTab as the first site taught it, trained when it is first needed."""

    def __init__(self, first: Taught, params: OwnParams, seed: int) -> None:
        self.first, self.params, self.seed = first, params, seed
        self._start: TransTabClassifier | None = None

    def speak(self, taught: Taught) -> Iterator[pd.DataFrame]:
        lesson, new = taught.lesson, taught.rows.of("val", "test")
        try:
            if lesson == self.first.lesson or lesson.cases == 0:
                models = {TRANSTAB: self.start}
            else:
                models = {
                    f"{TRANSTAB}_extended": self._learn(taught, self.start),
                    f"{TRANSTAB}_scratch": self._learn(taught, None),
                }
        except InputError as error:
            if error.where == "columns of X":  # two names of the same words
                raise _LeftOutError(TRANSTAB, f"{error.what}.") from None
            raise
        source = self.first if lesson.cases == 0 else taught
        for name, model in models.items():
            probability = model.predict_proba(self._matrix(new, source))[:, 1]
            yield predicted(new, lesson, name, self.seed, probability)

    @property
    def start(self) -> "TransTabClassifier":
        if self._start is None:
            self._start = self._learn(self.first, None)
        return self._start

    def _learn(self, taught: Taught, start: "TransTabClassifier | None") -> "TransTabClassifier":
        from radprompt.baselines.transtab import TransTabClassifier

        train, val = taught.rows.of("train"), taught.rows.of("val")
        X, X_val = (self._matrix(rows, taught) for rows in (train, val))
        validation = (X_val, val.labels) if len(X_val) else (None, None)
        if start is not None:
            return copy.copy(start).adapt(X, train.labels, *validation)
        return TransTabClassifier.from_params(self.params.baselines.transtab, self.seed).fit(
            X, train.labels, *validation
        )

    def _matrix(self, rows: Rows, taught: Taught) -> pd.DataFrame:
        features = list(taught.selection.features)
        shown = shown_names(features, self.params.prompt.names, self.params.seed)
        return taught.encoder.matrix(rows.values, features, dict(zip(features, shown, strict=True)))
