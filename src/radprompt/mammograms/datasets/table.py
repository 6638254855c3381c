"""Source tables of the data sets: found, read and checked, every cell as text."""

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked, shown

LARGEST_TABLE = 2**27
"""Bytes; VinDr-Mammo's 20,486 findings are 4 MB."""

MOST_COLUMNS = 1_000
LONGEST_CELL = 4_096
"""Letters."""

_INTEGRAL_FLOAT = re.compile(r"^(\d+)[.,]0+$")


@dataclass(frozen=True)
class Provenance:
    """Where a data set comes from, for the error that says it is not there."""

    name: str
    obtain: str

    def require(self, path: Path) -> Path:
        """Return ``path`` when it exists and may be opened; else an :class:`InputError` with where to get the data."""
        try:
            if path.is_dir():
                os.scandir(path).close()
                return path
            if path.exists():
                return path
        except OSError as error:
            raise InputError(
                f"{self.name}: {error.strerror}",
                where=str(path),
                fix="give the user who runs this permission to read it, and to enter the folders above",
            ) from None
        raise InputError(
            f"{self.name} is not here: no such file or folder",
            where=str(path),
            fix=f"get it from {self.obtain} and point data.root in params.yaml at the folder that holds all data sets; "
            "the phantom's are written by `dvc repro`",
        )


def key_of(column: str) -> str:
    """Return a column's name in lower case, inner blanks as underscores: releases differ in both."""
    return "_".join(column.strip().lower().split())


def read_table(
    path: Path, columns: Sequence[str], provenance: Provenance, *, separator: str = ",", ids: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a CSV file with every cell as trimmed text, an absent one as ''.

    Parameters
    ----------
    path
        The file. Line ends of any kind, and at the end of a quoted cell; a byte order mark is skipped, as are rows
        without a cell.
    columns
        The columns that must be there, as :func:`key_of` writes them. Others are kept where they have a name.
    provenance
        Named when the file is absent.
    separator
        Character between cells.
    ids
        Columns of ``columns`` that name things: ``20586908.0``, as spreadsheets write ids of digits, becomes
        ``20586908``.

    Returns
    -------
    pandas.DataFrame
        Columns named by :func:`key_of`, index 1..n: the row after the header.

    Raises
    ------
    InputError
        The file is absent, empty, no UTF-8 text, no CSV, or lacks a column; a column occurs twice; a row has more cells
        than columns; a cell runs over several lines, as after a quote that nothing closes. The message names file and
        row, or the columns found.
    """
    provenance.require(path)
    header, rows = _cells(path, separator)
    keys = [key_of(name) for name in header]
    twice = [key for key, times in Counter(filter(None, keys)).items() if times > 1]
    if twice:
        raise InputError(f"column(s) {twice} occur twice", where=str(path), fix="keep one of them")
    missing = [name for name in columns if name not in keys]
    if missing:
        raise InputError(
            f"column(s) {missing} missing; found {shown(str(list(filter(None, keys))), 1_000)}",
            where=str(path),
            fix=f"use the file as released by {provenance.name}, separated by {separator!r}",
        )
    table = pd.DataFrame(
        {key: pd.Series([row[place] for row in rows], dtype=str) for place, key in enumerate(keys) if key}
    )
    for name in ids:
        table[name] = table[name].str.replace(_INTEGRAL_FLOAT, r"\1", regex=True)
    table.index = pd.RangeIndex(1, len(table) + 1)
    return table


def _cells(path: Path, separator: str) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows, each as long as the header, cells trimmed."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells) and len(cells) < 2:
                continue
            trimmed = [cell.strip() for cell in cells]
            if header is None:
                header = trimmed
                if len(header) > MOST_COLUMNS:
                    raise InputError(f"{len(header):,} columns, more than {MOST_COLUMNS:,}", where=str(path))
            else:
                rows.append(_row(trimmed, header, f"{path}, row {len(rows) + 1}"))
    except csv.Error as error:
        where = str(path) if header is None else f"{path}, row {len(rows) + 1}"
        raise _unreadable(str(error), where) from None
    if header is None:
        raise _unreadable("it is empty", str(path))
    return header, rows


def _row(cells: list[str], header: list[str], where: str) -> list[str]:
    if any(cells[len(header) :]):
        raise InputError(
            f"{len(cells)} cells under {len(header)} columns, so that some stand in the wrong one",
            where=where,
            fix="quote cells that hold the separator",
        )
    for place, cell in enumerate(cells):
        if fault := _fault(cell):
            column = header[place] if place < len(header) else place + 1
            raise InputError(
                f"the cell in column {column!r} {fault}: {shown(cell, 60)!r}",
                where=where,
                fix="close the quote before it, or correct the cell",
            )
    return cells[: len(header)] + [""] * (len(header) - len(cells))


def _fault(cell: str) -> str:
    if "\n" in cell or "\r" in cell:
        return "runs over several lines"
    if "\0" in cell:
        return "holds a null byte"
    return f"has more than {LONGEST_CELL:,} letters" if len(cell) > LONGEST_CELL else ""


def _text(path: Path) -> str:
    content = checked(path, LARGEST_TABLE, what="table").read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = _row_number(content[: error.start])
        raise InputError(
            f"not a readable table: no UTF-8 text (byte 0x{content[error.start]:02x})",
            where=f"{path}, row {row}" if row > 0 else str(path),
            fix="save it as UTF-8: it may be in Latin-1 or UTF-16",
        ) from None


def _row_number(above: bytes) -> int:
    """Return the row (1 = first after the header) in which the byte after these stands; 0 in the header, or unknown."""
    lines = io.StringIO(above.decode("utf-8", "replace") + "?", newline="")
    try:
        return sum(1 for cells in csv.reader(lines) if cells) - 1
    except csv.Error:
        return 0


def _unreadable(reason: str, where: str) -> InputError:
    return InputError(f"not a readable table: {reason}", where=where, fix="fetch the file again")


def records(table: pd.DataFrame) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row's number (1 = first after the header) and its cells by column."""
    for number, row in zip(table.index, table.to_dict("records"), strict=True):
        yield int(number), {str(column): cell for column, cell in row.items()}
