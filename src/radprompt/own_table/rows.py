"""A lesson's cases: who they are, what they are used for, and their values; in memory and on disk."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.outputs import write_csv
from radprompt.own_table.checking import Checked
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import Encoder, typed
from radprompt.own_table.lessons import Lesson, members
from radprompt.own_table.params import OwnParams
from radprompt.own_table.store import read_text_table
from radprompt.selection.record import Selection
from radprompt.study.recipe import Recipe

ABOUT = ["case", "patient", "split", "label"]


class Rows(NamedTuple):
    """``about`` (columns :data:`ABOUT`) and ``values`` (one column a feature), one row a case, indexed by case."""

    about: pd.DataFrame
    values: pd.DataFrame

    def of(self, *splits: str) -> "Rows":
        """Return the cases of these splits."""
        there = self.about["split"].isin(splits).to_numpy()
        return Rows(self.about[there], self.values[there])

    @property
    def labels(self) -> NDArray[np.int_]:
        """0 or 1 of each case."""
        return self.about["label"].to_numpy()


def raw_rows(checked: Checked, lesson: Lesson, seed: int) -> Rows:
    """Return a lesson's cases with their values as measured."""
    own = members(lesson, checked.about, seed)
    values = typed(checked.features.loc[own.index], numbers(checked.columns))
    index = pd.Index(own["case"], name=None)
    return Rows(own[ABOUT].set_axis(index), values.set_axis(index))


def numbers(columns: list[Column]) -> set[str]:
    """Return the names of the columns that hold numbers."""
    return {column.name for column in columns if column.kind == "number"}


def write_rows(path: str | Path, rows: Rows) -> None:
    """Write who the cases are, then their values; a feature may be called like one of the first columns."""
    write_csv(path, pd.concat([rows.about, rows.values], axis=1))


def read_rows(path: str | Path, encoder: Encoder) -> Rows:
    """Read what :func:`write_rows` wrote of values that the encoder standardised."""
    table = read_text_table(Path(path))
    index = pd.Index(table.iloc[:, 0], name=None)
    about, values = table.iloc[:, : len(ABOUT)], table.iloc[:, len(ABOUT) :]
    return Rows(about.set_axis(index).astype({"label": int}), typed(values, set(encoder.numbers)).set_axis(index))


def prompt_table(rows: Rows, encoder: Encoder, selection: Selection, params: OwnParams) -> pd.DataFrame:
    """Return a prompt for each case, in the columns of :data:`radprompt.study.sentences.COLUMNS`."""
    prompts = Recipe(params.prompt, params.seed, selection, encoder).prompts(rows.values)
    about = rows.about
    return pd.DataFrame(
        {
            "repeat": 0,
            "lesion_id": about["case"],
            "split": about["split"],
            "prompt": prompts,
            "label": about["label"],
        }
    )
