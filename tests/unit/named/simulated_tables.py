"""Tables whose coefficients follow what their columns' names mean."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

DIMENSIONS = 6


class Simulated(NamedTuple):
    vectors: pd.DataFrame
    X: pd.DataFrame
    y: np.ndarray


def simulate(rows: int, columns: int, seed: int, *, first: int = 0, strength: float = 3.0) -> Simulated:
    """Draw cases whose coefficients are linear in the names' vectors; ``first`` numbers the first name."""
    rng = np.random.default_rng(seed)
    names = [f"feature {i:04d}" for i in range(first, first + columns)]
    vectors = np.random.default_rng(first + 99).normal(size=(columns, DIMENSIONS))
    z = rng.normal(size=(rows, columns))
    coefficients = strength * vectors[:, 0] / np.sqrt(columns)
    y = (rng.uniform(size=rows) < expit(z @ coefficients)).astype(int)
    y[:2] = 0, 1
    raw = 100 + 7 * z
    return Simulated(pd.DataFrame(vectors, names), pd.DataFrame(raw, columns=names), y)
