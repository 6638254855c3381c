"""Which features a prompt names: mRMR on levels, after a filter where there are thousands of columns."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.own_table.encoding import Encoder
from radprompt.own_table.params import Features
from radprompt.selection.mrmr import discretise, rank_levels
from radprompt.selection.record import Selection

if TYPE_CHECKING:
    Levels = NDArray[np.int64]


def choose(values: pd.DataFrame, labels: NDArray, encoder: Encoder, options: Features) -> Selection:
    """Choose among the encoder's features on training cases.

    Parameters
    ----------
    values
        What :meth:`~radprompt.own_table.encoding.Encoder.transform` returned, the index the cases' ids.
    labels
        0 or 1, both present.
    encoder
        Fitted on these cases.
    options
        ``all``, or so many by mRMR from the ``candidates`` that alone tell most about the class.
    """
    names = list(encoder.features)
    if options.selection == "mrmr":
        levels = to_levels(values, encoder, options.mrmr.bins)
        kept = strongest(levels, labels, options.candidates)
        ranked = rank_levels(levels[:, kept], labels, options.mrmr.scheme, min(options.count, len(kept)))
        names = [names[column] for column in kept[ranked]]
    ids = tuple(map(str, values.index))
    return Selection(tuple(names), tuple(names), options.selection, options.mrmr.scheme, options.mrmr.bins, ids)


def to_levels(values: pd.DataFrame, encoder: Encoder, bins: int) -> "Levels":
    """Return each column as levels 0, 1, ...; a missing value is a level of its own.

    Categories and numbers of at most ``bins`` values keep their values as levels: equal-frequency bins would merge what
    is rare, such as the ones of a column of 0 and 1. Other numbers are cut into ``bins`` levels of equal frequency.
    """
    levels = np.zeros(values.shape, dtype=np.int64)
    whole = []
    for place, name in enumerate(values):
        own = values[name]
        codes, distinct = pd.factorize(own, sort=True)
        if name in encoder.levels or len(distinct) <= bins:
            levels[:, place] = codes
        elif own.notna().all():
            whole.append(place)
            continue
        else:
            there = own.notna().to_numpy()
            levels[there, place] = discretise(own[there].to_numpy(dtype=float)[:, None], bins)[:, 0]
        levels[own.isna().to_numpy(), place] = levels[:, place].max() + 1
    if whole:
        levels[:, whole] = discretise(values.iloc[:, whole].to_numpy(dtype=float), bins)
    return levels


def strongest(levels: "Levels", labels: NDArray, count: int) -> NDArray[np.intp]:
    """Return the ``count`` columns with the largest mutual information with the class, in the table's order."""
    information = mutual_information(levels, labels)
    best = np.argsort(-np.round(information, 12), kind="stable")[:count]
    return np.sort(best)


def mutual_information(levels: "Levels", labels: NDArray) -> NDArray[np.float64]:
    """Mutual information in bits of each column of levels with a class of 0 and 1."""
    rows = len(levels)
    classes = np.stack([np.asarray(labels) == 0, np.asarray(labels) == 1]).astype(float)
    shares = classes.mean(axis=1)
    information = np.zeros(levels.shape[1])
    for level in range(levels.max() + 1):
        joint = classes @ (levels == level) / rows  # shape (2, columns)
        expected = shares[:, None] * joint.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 log 0 is 0
            information += np.where(joint > 0, joint * np.log2(joint / expected), 0.0).sum(axis=0)
    return information
