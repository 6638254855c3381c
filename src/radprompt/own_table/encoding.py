"""What training cases say of each column, and from it z-scores, words for the prompt, and numbers for the baselines."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.study.scaling import FeatureScaler
from radprompt.study.sentences import Word

MISSING = Word("missing")
"""What a prompt says of a value that is not there."""


@dataclass(frozen=True)
class Encoder:
    """Of the numbers mean and standard deviation, of the categories their names, over the training cases.

    ``medians`` (raw) take the place of missing numbers for the scaler and the baselines. ``levels`` are the values of
    each category. ``flagged`` columns miss values among the training cases: baselines are told where. A column without
    any training value is none of ``features``.
    """

    features: tuple[str, ...]
    scaler: FeatureScaler
    medians: tuple[float, ...]
    levels: dict[str, list[str]]
    flagged: tuple[str, ...]

    @classmethod
    def fit(cls, train: pd.DataFrame) -> "Encoder":
        """Fit on training cases: one column a feature, floats or text, NaN where missing; the index their ids.

        Raises
        ------
        InputError
            When no column has a value.
        """
        seen = train.loc[:, train.notna().any()]
        if seen.empty:
            raise InputError("no feature has a value in the training cases", fix="see metrics/table.json")
        numbers = seen.select_dtypes("number")
        medians = numbers.median()
        if numbers.empty:
            scaler = FeatureScaler((), (), (), tuple(map(str, train.index)))
        else:
            scaler = FeatureScaler.fit(numbers.fillna(medians))
        levels = {str(name): sorted(seen[name].dropna().unique()) for name in seen if name not in numbers}
        flagged = tuple(str(name) for name in seen if seen[name].isna().any())
        return cls(tuple(map(str, seen)), scaler, tuple(map(float, medians)), levels, flagged)

    @property
    def numbers(self) -> list[str]:
        """The features that are numbers."""
        return list(self.scaler.features)

    def transform(self, raw: pd.DataFrame) -> pd.DataFrame:
        """Return z-scores and category names of :attr:`features`, NaN where missing."""
        missing = [name for name in self.features if name not in raw]
        if missing:
            raise InputError(f"feature column(s) {missing[:5]} missing", fix="run `dvc repro` again")
        values = raw[list(self.features)].copy()
        if self.numbers:
            z = self.scaler.transform(values[self.numbers].fillna(self._medians()))
            values[self.numbers] = z.where(values[self.numbers].notna())
        return values

    def inverse_transform(self, values: pd.DataFrame) -> pd.DataFrame:
        """Return the numbers as measured, from what :meth:`transform` returned."""
        back = values.copy()
        if self.numbers:
            back[self.numbers] = self.scaler.inverse_transform(values)
        return back

    def words(self, values: pd.DataFrame, features: Sequence[str]) -> pd.DataFrame:
        """Return what a prompt prints of these features: numbers, names of categories, or that the value is missing."""
        shown = {}
        for name in features:
            numeric = name not in self.levels
            own = [MISSING if pd.isna(value) else float(value) if numeric else Word(value) for value in values[name]]
            shown[name] = pd.Series(own, index=values.index, dtype=object)
        return pd.DataFrame(shown, columns=list(features))

    def matrix(
        self, values: pd.DataFrame, features: Sequence[str], shown: Mapping[str, str] | None = None
    ) -> pd.DataFrame:
        """Return these features as complete numbers for the baselines.

        A missing number is the training median's z-score; a category has a column of 0 and 1 for each of its values (of
        two, for the second one); a flagged column has one more that says where it was missing.

        Parameters
        ----------
        values
            What :meth:`transform` returned. A value that no training case had is 0 in all of its category's columns.
        features
            Which, and in which order.
        shown
            Names to use instead of the features' own.

        Raises
        ------
        InputError
            When two of the new columns have one name.
        """
        fill: Any = self.scaler.transform(self._medians().to_frame().T).iloc[0] if self.numbers else {}
        columns: list[tuple[str, pd.Series]] = []
        for name in features:
            own, title = values[name], (shown or {}).get(name, name)
            if name in self.levels:
                levels = self.levels[name]
                columns += [
                    (f"{title} {level}", (own == level).astype(float))
                    for level in (levels[1:] if len(levels) == 2 else levels)
                ]
            else:
                columns.append((title, own.astype(float).fillna(fill[name])))
            if name in self.flagged:
                columns.append((f"{title} {MISSING}", own.isna().astype(float)))
        names = [title for title, _ in columns]
        twins = sorted({title for title in names if names.count(title) > 1}) if len(set(names)) < len(names) else []
        if twins:
            raise InputError(
                f"{twins[0]!r} is both a column and a value of a category",
                where="columns for the conventional models",
                fix="rename the column or the value",
            )
        return pd.DataFrame(np.column_stack([own for _, own in columns]), index=values.index, columns=names)

    def save(self, path: str | Path) -> None:
        """Write the encoder as JSON."""
        write_json(path, json.loads(json.dumps(asdict(self))))

    @classmethod
    def load(cls, path: str | Path) -> "Encoder":
        """Read what :meth:`save` wrote; anything else is an :class:`InputError`."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            scaler = FeatureScaler(**{name: tuple(values) for name, values in content["scaler"].items()})
            lists = {name: tuple(content[name]) for name in ("features", "medians", "flagged")}
            return cls(scaler=scaler, levels=content["levels"], **lists)
        except FileNotFoundError:
            raise InputError("no such record", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                f"not a record of columns: {error}", where=str(path), fix="run `dvc repro` again"
            ) from None

    def _medians(self) -> pd.Series:
        return pd.Series(self.medians, index=self.numbers, dtype=float)


def typed(cells: pd.DataFrame, numbers: Collection[str]) -> pd.DataFrame:
    """Return cells of text as floats in the columns that hold numbers, else as text; NaN where missing."""
    found = {}
    for name in map(str, cells):
        own = cells[name].mask(cells[name].isna() | (cells[name] == ""), np.nan)
        found[name] = pd.to_numeric(own).astype(float) if name in numbers else own.astype(object)
    return pd.DataFrame(found, index=cells.index)
