"""From which probability on a mass counts as malignant: a given number, or a cut chosen on validation rows.

A chosen cut belongs to one trained model (setting, repeat, model and seed) and never sees the test split. Its interval
on the test split takes it as given: the spread from choosing it on few validation rows is not in there.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from radprompt.core.params import Evaluation
from radprompt.evaluation.calibration import Floats
from radprompt.tables.predictions import RUN

RULES = ("youden", "fixed_sensitivity")
"""Cuts chosen on validation rows, shown beside the main one as ``<metric>_at_<rule>``."""

Run = tuple[str, int, str, int]
"""Setting, repeat, model and seed: what names one trained model."""

Cuts = Mapping[Run, Mapping[str, float]]
"""Of each run, the cut of each of :data:`RULES`; a run that cannot choose is not in there."""


def youden_threshold(labels: NDArray, probabilities: Floats) -> float:
    """Cut with the largest sensitivity + specificity; among equal ones the lowest, which misses fewest cancers.

    Parameters
    ----------
    labels, probabilities
        One value per lesion: 0 or 1, both present, and the probability of malignancy.

    Returns
    -------
    float
        One of ``probabilities``: a mass is called malignant from it on.

    Notes
    -----
    Source: Youden, Cancer 1950.
    """
    fpr, tpr, cuts = roc_curve(labels, probabilities, drop_intermediate=False)
    index = np.round(tpr - fpr, 12)  # equal fractions differ in their last bits
    return float(cuts[index == index.max()][-1])


def sensitivity_threshold(labels: NDArray, probabilities: Floats, target: float) -> float:
    """Highest cut that finds at least the fraction ``target`` of malignant masses; see :func:`youden_threshold`."""
    _, tpr, cuts = roc_curve(labels, probabilities, drop_intermediate=False)
    return float(cuts[tpr >= target - 1e-12][0])


def choose_thresholds(predictions: pd.DataFrame, evaluation: Evaluation) -> Cuts:
    """Choose the cuts of :data:`RULES` for every run that has validation rows of both classes.

    Parameters
    ----------
    predictions
        The table of :func:`~radprompt.tables.predictions.read_predictions`; its test rows are not looked at.
    evaluation
        Gives the sensitivity to reach.
    """
    chosen: dict[Any, dict[str, float]] = {}  # pandas promises no more of a group's key
    for run, rows in predictions[predictions["split"] == "val"].groupby(RUN):
        labels, probabilities = rows["label"].to_numpy(), rows["probability"].to_numpy()
        if len(set(labels)) == 2:
            reached = sensitivity_threshold(labels, probabilities, evaluation.fixed_sensitivity)
            chosen[run] = {"youden": youden_threshold(labels, probabilities), "fixed_sensitivity": reached}
    return chosen


def main_threshold(run: Run, cuts: Cuts, evaluation: Evaluation) -> float | None:
    """Return the cut behind the metrics without a suffix; None where it is to be chosen and the run cannot."""
    if isinstance(evaluation.threshold, float):
        return evaluation.threshold
    return cuts.get(run, {}).get(evaluation.threshold)
