"""Tables of named columns as the named model reads them: columns sorted by name, numbers or missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from radprompt.core.errors import InputError

Floats = NDArray[np.float64]
MOST_SHOWN = 5
"""Faults of one kind that an error names."""


@dataclass(frozen=True)
class Table:
    """Names in alphabetical order, values of the same order (NaN is missing), shape (rows, names), and the index."""

    names: tuple[str, ...]
    values: Floats
    index: pd.Index


def read_frame(frame: pd.DataFrame) -> Table:
    """Read a frame of named columns.

    Raises
    ------
    InputError
        For no columns, a name that occurs twice, values that are neither numbers nor missing, or infinite ones; it
        names columns and rows.
    """
    names = [str(name) for name in frame.columns]
    faults = []
    if not names:
        faults.append("no columns")
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        faults.append(f"column names that occur twice: {_listed(twice)}")
    values = plain_numbers(frame)
    if values is not None and not faults and not np.isinf(values).any():
        return sort_columns(names, values, frame.index)
    columns = []
    for position, name in enumerate(names):
        given = frame.iloc[:, position]
        numbers = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = (np.isnan(numbers) & given.notna().to_numpy()) | np.isinf(numbers)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            faults.append(f"column {name!r}, row {frame.index[row]!r}: {given.iloc[row]!r} is not a finite number")
        columns.append(numbers)
    if faults:
        raise InputError(
            "; ".join(faults[:MOST_SHOWN])
            + (f"; and {len(faults) - MOST_SHOWN} more" if len(faults) > MOST_SHOWN else ""),
            where="X",
            fix="give each column a name of its own and only numbers; leave a cell empty where a value is missing",
        )
    return sort_columns(names, np.column_stack(columns), frame.index)


def plain_numbers(frame: pd.DataFrame) -> Floats | None:
    """Return the values of a frame of numpy's numbers, at once; None where a column has to be looked at by itself."""
    plain = all(isinstance(kind, np.dtype) and kind.kind in "fiu" for kind in frame.dtypes)
    return frame.to_numpy(dtype=float) if plain else None


def sort_columns(names: Sequence[str], values: Floats, index: pd.Index) -> Table:
    """Return the columns in alphabetical order, so that the order in which they came changes no bit of a result."""
    order = sorted(range(len(names)), key=names.__getitem__)
    return Table(tuple(names[i] for i in order), np.ascontiguousarray(values[:, order], dtype=float), index)


def select_rows(table: Table, chosen: NDArray[np.bool_]) -> Table:
    """Return the chosen rows of a table."""
    return Table(table.names, table.values[chosen], table.index[chosen])


def array_names(feature_names: Sequence[str] | None, columns: int) -> list[str]:
    """Return the names of an array's columns: those given, or ``x0``, ``x1``, ...

    Raises
    ------
    InputError
        If the number of names differs from that of columns, or one occurs twice.
    """
    if feature_names is None:
        return [f"x{i}" for i in range(columns)]
    names = [str(name) for name in feature_names]
    if len(names) != columns or len(set(names)) < len(names):
        raise InputError(
            f"{len(set(names))} different names for {columns} columns",
            where="feature_names",
            fix="give each column a name of its own, or hand in a pandas frame",
        )
    return names


def read_labels(y: ArrayLike | None, rows: int) -> NDArray[Any]:
    """Return a label for each row, shape (rows,).

    Raises
    ------
    InputError
        For no labels, or another number of them than rows.
    ValueError
        For labels that are not classes; scikit-learn's own.
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None", where="y", fix="give the labels")
    labels = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    if len(labels) != rows:
        raise InputError(f"{len(labels)} labels for {rows} rows", where="y", fix="give one label for each row")
    return labels


def read_two_classes(y: ArrayLike | None, rows: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a label for each row, shape (rows,), and the two labels that there are, sorted.

    Raises
    ------
    InputError
        As :func:`read_labels`, and for fewer or more than two different labels.
    """
    labels = read_labels(y, rows)
    classes = np.unique(labels)
    if len(classes) > 2:
        found = type_of_target(labels, input_name="y")
        raise InputError(
            f"Only binary classification is supported. The type of the target is {found}.",
            where="y",
            fix="keep the cases of two classes, or join classes",
        )
    if len(classes) < 2:
        raise InputError(
            f"y holds only one class: {classes.tolist()[0]!r}", where="y", fix="add cases of the other class"
        )
    return labels, classes


def read_sites(site: ArrayLike | str | None, rows: int, default: str) -> NDArray[Any]:
    """Return each row's site, shape (rows,); one name stands for all rows, None for ``default``.

    Raises
    ------
    InputError
        For another number of sites than rows, or a missing one.
    """
    given = np.asarray(default if site is None else site, dtype=object)
    if given.ndim == 0:
        return np.full(rows, str(given), dtype=object)
    if given.shape != (rows,):
        raise InputError(f"{given.size} sites for {rows} rows", where="site", fix="give one name, or one for each row")
    missing = np.flatnonzero(pd.isna(given))
    if len(missing):
        raise InputError(
            f"no site for row(s) {_listed([str(i) for i in missing])}", where="site", fix="name the site of every row"
        )
    return np.array([str(name) for name in given], dtype=object)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_SHOWN])
    return shown if len(names) <= MOST_SHOWN else f"{shown} and {len(names) - MOST_SHOWN} more"
