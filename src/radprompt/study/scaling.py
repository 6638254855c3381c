"""z-scores with the training lesions' mean and standard deviation, recorded with the lesions they came from.

Missing values stay missing: means and deviations are those of the values that are there.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.study.sentences import Word

MISSING = Word("missing")
"""What a prompt says of a value that is not there."""


@dataclass(frozen=True)
class FeatureScaler:
    """Mean and standard deviation of each feature over the training lesions (paper, step 3).

    ``sd`` divides by n, as scikit-learn's StandardScaler does. A feature that is constant over the training lesions has
    ``sd`` 0 and becomes z = 0 everywhere: it carries no information, and any other value would be in raw units.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    fitted_on: tuple[str, ...]

    @classmethod
    def fit(cls, raw: pd.DataFrame) -> "FeatureScaler":
        """Measure mean and standard deviation; rows are training lesions, the index their ids.

        A column without any value is left out of :attr:`features`.

        Raises
        ------
        InputError
            For no rows, for columns that are all empty, or for a value that is not a number or infinite.
        """
        from sklearn.preprocessing import StandardScaler

        if raw.empty:
            raise InputError("no training lesion to fit the z-scores on", fix="check the split of the lesion table")
        raw = raw.loc[:, raw.notna().any()]
        if not raw.shape[1]:
            raise InputError("no feature has a value in the training lesions", fix="see which features were measured")
        scaler = StandardScaler().fit(_numbers(raw).to_numpy())
        # StandardScaler replaces a deviation that is zero, or mere rounding, by exactly 1.
        constant = (scaler.scale_ == 1.0) & (abs(scaler.var_ - 1.0) > 1e-9)
        sd = [0.0 if still else float(scale) for still, scale in zip(constant, scaler.scale_, strict=True)]
        return cls(tuple(raw.columns), tuple(map(float, scaler.mean_)), tuple(sd), tuple(map(str, raw.index)))

    @property
    def constant(self) -> tuple[str, ...]:
        """Features that do not vary over the training lesions."""
        return tuple(name for name, sd in zip(self.features, self.sd, strict=True) if sd == 0)

    def transform(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Return the z-scores, same index, columns in the order of :attr:`features`; NaN where a value is missing.

        Raises
        ------
        InputError
            For a column that is absent, or a value that is not a number or infinite.
        """
        missing = [name for name in self.features if name not in raw]
        if missing:
            raise InputError(f"feature column(s) {missing[:5]} missing", fix="measure the same features everywhere")
        sd = pd.Series(self.sd, self.features)
        z = (_numbers(raw[list(self.features)]) - pd.Series(self.mean, self.features)) / sd.where(sd > 0, math.inf)
        return z + 0.0  # no negative zeros

    def inverse_transform(self, z: pd.DataFrame) -> pd.DataFrame:
        """Return raw values from z-scores; a constant feature gets its mean."""
        return z[list(self.features)] * pd.Series(self.sd, self.features) + pd.Series(self.mean, self.features)

    def words(self, values: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
        """Return what a prompt prints of these features: numbers, or that a value is missing."""
        chosen = values[list(features)]
        if not chosen.isna().to_numpy().any():
            return chosen
        return chosen.astype(object).map(lambda value: MISSING if pd.isna(value) else value)

    def save(self, path: str | Path) -> None:
        """Write the scaler as JSON."""
        write_json(path, {name: list(values) for name, values in asdict(self).items()})

    @classmethod
    def load(cls, path: str | Path) -> "FeatureScaler":
        """Read what :meth:`save` wrote; anything else is an :class:`InputError`."""
        path = Path(path)
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            scaler = cls(**{name: tuple(values) for name, values in content.items()})
        except FileNotFoundError:
            raise InputError("no such scaler", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"not a scaler: {error}", where=str(path), fix="run `dvc repro` again") from None
        if not len(scaler.features) == len(scaler.mean) == len(scaler.sd):
            raise InputError("features, mean and sd differ in length", where=str(path), fix="run `dvc repro` again")
        return scaler


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as floats; the first value that is not a finite number is an error that names its place."""
    plain = all(is_numeric_dtype(kind) for kind in table.dtypes)  # a thousand columns, one by one, take seconds
    numbers = (table if plain else table.apply(pd.to_numeric, errors="coerce")).astype(float)
    bad = np.argwhere(~np.isfinite(numbers.to_numpy()) & table.notna().to_numpy())
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"{table.iloc[row, column]!r} is not a finite number",
            where=f"lesion {table.index[row]}, feature {table.columns[column]}",
            fix="exclude this lesion, or measure it again",
        )
    return numbers
