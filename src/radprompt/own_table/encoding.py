"""From a table's cells to numbers: a category becomes a column of 0 and 1 for each of its values."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.own_table.columns import Column
from radprompt.tables.cohort import ROWS
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.features import CLINICAL

COLUMNS = "data/columns.json"


def encode(cells: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the features as numbers, NaN where missing; the same rows.

    Parameters
    ----------
    cells
        Text, None where missing; a column is called as in the user's table (:attr:`Column.source`).
    columns
        What each column holds. A value that a category did not have when it was judged is missing.

    Raises
    ------
    InputError
        Two columns would be features of one name.
    """
    found: dict[str, pd.Series] = {}
    sources: dict[str, str] = {}
    for column in columns:
        own = cells[column.source]
        for name, level in features_of(column).items():
            if name in sources:
                raise InputError(
                    f"columns {sources[name]!r} and {column.source!r} would both be the feature {name!r}",
                    where="header",
                    fix="rename one of them",
                )
            sources[name] = column.source
            if level is None:
                found[name] = pd.to_numeric(own).astype(float)
            else:
                found[name] = (own == level).astype(float).where(own.isin(column.levels), np.nan)
    return pd.DataFrame(found, index=cells.index)


def features_of(column: Column) -> dict[str, str | None]:
    """Return the features that a column becomes, each with its value of a category, None for a number."""
    if column.kind == "number":
        return {feature_name(column): None}
    return {feature_name(column, level): level for level in shown_levels(column)}


def shown_levels(column: Column) -> list[str]:
    """Return the values of a category that have a column: all, or of two the second."""
    return column.levels[1:] if len(column.levels) == 2 else column.levels


def feature_name(column: Column, level: str | None = None) -> str:
    """Return what a feature is called in every later table; it never meets the name of a column that is ours."""
    name = column.name if level is None else f"{column.name}: {level}"
    if name in ROWS or name in FEATURES:
        name = name.replace("_", " ") if "_" in name else f"{name} (measured)"
    return f"{CLINICAL}{name}" if column.clinical else name


def read_columns(path: str | Path) -> list[Column]:
    """Read what the check wrote of the columns; another file is an :class:`InputError`."""
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        return [Column(**each) for each in content["columns"]]
    except FileNotFoundError:
        raise InputError("no such record", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"not a record of columns: {error}", where=str(path), fix="run `dvc repro` again") from None
