"""Conventional models on the language model's embeddings: the paper's enhanced radiomics."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.baselines.classical import Conventional
from radprompt.core.baseline_params import Baselines

PREFIX = "embedding_"
"""Before a conventional model's name, in the predictions table, where it was fitted on embeddings."""


def fit_predict_embedded(
    name: str, X: NDArray, y: NDArray, X_new: NDArray, params: Baselines, seed: int
) -> NDArray[np.float64]:
    """Fit a conventional model on embeddings and return the probability of malignancy of each new row, shape (rows,).

    Each dimension is standardised by its mean and standard deviation over the training rows; one that is constant
    there is left at 0.

    Parameters
    ----------
    name
        A model of ``baselines.on_embeddings`` in params.yaml.
    X, X_new
        One embedding a row, shape (rows, dimensions).
    y
        0 benign, 1 malignant, one per row of ``X``.

    Raises
    ------
    InputError
        As :meth:`radprompt.baselines.classical.Conventional.fit`.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(X.astype(float))
    train, new = (pd.DataFrame(scaler.transform(rows.astype(float))) for rows in (X, X_new))
    constant = X.min(axis=0) == X.max(axis=0)
    train.loc[:, constant] = new.loc[:, constant] = 0.0
    return Conventional(name, params, seed).fit(train, y).predict_proba(new)[:, 1]
