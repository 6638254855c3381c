"""Source tables of the data sets: found, read and checked, every cell as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radprompt.errors import InputError


@dataclass(frozen=True)
class Provenance:
    """Where a data set comes from, for the error that says it is not there."""

    name: str
    obtain: str

    def require(self, path: Path) -> Path:
        """Return ``path`` when it exists; otherwise an :class:`InputError` that says where to get the data."""
        if path.exists():
            return path
        raise InputError(
            f"{self.name} is not here: no such file or folder",
            where=str(path),
            fix=f"get it from {self.obtain} and point data.root in params.yaml at the folder that holds all data sets; "
            "the phantom's are written by `dvc repro`",
        )


def key_of(column: str) -> str:
    """Return a column's name in lower case, inner blanks as underscores: releases differ in both."""
    return "_".join(column.strip().lower().split())


def read_table(path: Path, columns: Sequence[str], provenance: Provenance, *, separator: str = ",") -> pd.DataFrame:
    """Read a CSV file with every cell as trimmed text, an absent one as ''.

    Parameters
    ----------
    path
        The file. Line ends of any kind, and within quotes; a byte order mark is skipped.
    columns
        The columns that must be there, as :func:`key_of` writes them. Others are kept.
    provenance
        Named when the file is absent.
    separator
        Between cells.

    Returns
    -------
    pandas.DataFrame
        Columns named by :func:`key_of`, index 1..n: the row after the header.

    Raises
    ------
    InputError
        The file is absent, empty, no UTF-8 text, no CSV, or lacks a column; the message names the columns found.
    """
    provenance.require(path)
    try:
        table = pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(
            f"not a readable table: {str(error).strip()}", where=str(path), fix="fetch the file again"
        ) from None
    table.columns = pd.Index([key_of(str(name)) for name in table.columns])
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(
            f"column(s) {missing} missing; found {list(table.columns)}",
            where=str(path),
            fix=f"use the file as released by {provenance.name}, separated by {separator!r}",
        )
    table = table.fillna("").apply(lambda column: column.str.strip())
    table.index = pd.RangeIndex(1, len(table) + 1)
    return table


def records(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's number (1 = first after the header) and its cells by column."""
    for number, row in zip(table.index, table.to_dict("records"), strict=True):
        yield int(number), {str(column): cell for column, cell in row.items()}
