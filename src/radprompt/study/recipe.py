"""The recipe: how standardised features become the values, names and sentences that a language model reads.

There is one, used wherever a sentence is written: training, explanations, the learning curve, export and prediction,
own tables. What a model was trained on is then what it is asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from radprompt.core.outputs import as_written
from radprompt.core.params import Prompt
from radprompt.selection.record import Selection
from radprompt.study.sentences import render_frame, shown_names


class Scaler(Protocol):
    """What knows how the standardised values were made."""

    def transform(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Return the standardised values of features as measured."""
        ...

    def inverse_transform(self, z: pd.DataFrame) -> pd.DataFrame:
        """Return the values as measured."""
        ...

    def words(self, values: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
        """Return what a prompt prints of these features."""
        ...


@dataclass(frozen=True)
class Recipe:
    """From z-scores to sentences.

    Parameters
    ----------
    prompt
        How a sentence is written: instruction, which values, decimals, names, order.
    seed
        Random seed of shuffled names and random orders.
    selection
        The features that a sentence names, and their names.
    scaler
        What made the z-scores; turns them back where ``prompt.values`` is ``raw``.
    """

    prompt: Prompt
    seed: int
    selection: Selection
    scaler: Scaler

    def standardise(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Return the z-scores of features as measured, rounded as the tables of the pipeline are."""
        return as_written(self.scaler.transform(as_written(raw)))

    def values(self, z: pd.DataFrame) -> pd.DataFrame:
        """Return what the sentences say of z-scores: a column a selected feature, called by its real name.

        Parameters
        ----------
        z
            One row a lesion, the index their ids; at least the features that the scaler was fitted on.
        """
        table = self.scaler.inverse_transform(z) if self.prompt.values == "raw" else z
        return self.scaler.words(table, self.selection.features).set_axis(list(self.selection.names), axis=1)

    def sentences(self, values: pd.DataFrame) -> list[str]:
        """Return one prompt a row of :meth:`values`."""
        return render_frame(values, self.prompt, self.seed)

    def prompts(self, z: pd.DataFrame) -> list[str]:
        """Return one prompt a row of z-scores."""
        return self.sentences(self.values(z))

    @property
    def shown(self) -> list[str]:
        """The name that sentences print for each selected feature; another one where names are censored or shuffled."""
        return shown_names(self.selection.names, self.prompt.names, self.seed)


def shown_values(z: pd.DataFrame, selection: Selection, prompt: Prompt, seed: int) -> pd.DataFrame:
    """Return z-scores of the selected features under the names that sentences print, for models that read names."""
    names = shown_names(selection.names, prompt.names, seed)
    return z[list(selection.features)].set_axis(names, axis=1)
