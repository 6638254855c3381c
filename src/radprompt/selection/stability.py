"""How much a selection depends on its lesions: it is repeated on resampled patients."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from radprompt.selection.mrmr import MRMRSelector


def selection_shares(
    X: pd.DataFrame, y: NDArray, patients: NDArray, selector: MRMRSelector, draws: int, seed: int
) -> pd.Series:
    """Share of resamples in which the selector picks each feature.

    Parameters
    ----------
    X
        Training lesions, one column a feature. The scale of a column does not matter: mRMR cuts it into levels of equal
        frequency, anew in each resample.
    y
        0 or 1, one value per lesion; both must occur.
    patients
        One name per lesion. As many patients as there are, drawn with replacement, bring all their lesions along.
    selector
        Cloned for each resample, so it stays as it is.
    draws
        Resamples; one that holds a single class is drawn again.
    seed
        Random seed of the draws, whose patients do not depend on the order of rows.

    Returns
    -------
    pandas.Series
        Fractions in [0, 1] by feature, in the order of the columns; they add up to the number of features picked.
    """
    names, patient = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    lesions = [np.flatnonzero(patient == number) for number in range(len(names))]
    generator = np.random.default_rng(seed)
    picks = np.zeros(X.shape[1], dtype=int)
    done = 0
    while done < draws:
        drawn = np.concatenate([lesions[number] for number in generator.integers(len(names), size=len(names))])
        if len(np.unique(y[drawn])) < 2:
            continue
        fitted = clone(selector).fit(X.iloc[drawn], y[drawn])
        picks[fitted.ranking_] += 1
        done += 1
    return pd.Series(picks / draws, index=X.columns)
