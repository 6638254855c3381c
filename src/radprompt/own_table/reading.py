"""A user's CSV as cells of text: any common encoding and separator, or a refusal that says what to do."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from radprompt.core.errors import InputError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LEGACY = "cp1252"  # of Windows; agrees with Latin-1 in all letters
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .xls
_AS_CSV = "save it as CSV in UTF-8 (in Excel: Save As, CSV UTF-8)"


class Sheet(NamedTuple):
    """Cells as trimmed text, None where missing, rows numbered from 1; and what a reader should know of the reading."""

    cells: pd.DataFrame
    notes: list[str]


def read_sheet(path: str | Path, missing: Collection[str]) -> Sheet:
    """Read a CSV file.

    Parameters
    ----------
    path
        UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252 (Latin-1); separated by commas, semicolons,
        tabs or bars, whichever gives the header most columns.
    missing
        Cells that mean: no value.

    Raises
    ------
    InputError
        The file is absent, a workbook, no text or no table; a header that is empty or occurs twice; a row with another
        number of cells than the header. It names the row (1 = first after the header) or the columns.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise InputError("no such file", where=str(path), fix="give the path of a CSV file") from None
    text, notes = _decode(content, str(path))
    rows = _rows(text, str(path))
    if len(rows) < 2:
        raise InputError("no row below the header", where=str(path), fix="give one row a case")
    header, body = rows[0], rows[1:]
    cells = [[None if cell in missing else cell for cell in row] for row in body]
    names = [_clean(name) for name in header]
    unnamed = [place for place, name in enumerate(names) if not name]
    for place in unnamed:
        if any(row[place] is not None for row in cells):
            fix = "give it a name, or remove it (pandas: to_csv(..., index=False))"
            raise InputError(f"column {place + 1} has no name", where=f"{path}, header", fix=fix)
    kept = [place for place in range(len(names)) if place not in unnamed]
    _refuse_twins([names[place] for place in kept], str(path))
    kept_cells = [[row[place] for place in kept] for row in cells]
    table = pd.DataFrame(kept_cells, columns=[names[place] for place in kept], dtype=object)
    table.index = pd.RangeIndex(1, len(table) + 1)
    return Sheet(table, notes)


def _decode(content: bytes, where: str) -> tuple[str, list[str]]:
    if content.startswith(_WORKBOOKS):
        raise InputError("a workbook, not a CSV file", where=where, fix=_AS_CSV)
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, where), []
    try:
        return _plain(content.decode("utf-8"), where), []
    except UnicodeDecodeError:
        note = f"{Path(where).name} is no UTF-8: read as Windows-1252 (Latin-1). Check letters with accents."
        return _decoded(content, _LEGACY, where), [note]


def _decoded(content: bytes, encoding: str, where: str) -> str:
    try:
        return _plain(content.decode(encoding), where)
    except UnicodeDecodeError:
        raise InputError("neither UTF-8, UTF-16 nor Windows-1252 text", where=where, fix=_AS_CSV) from None


def _plain(text: str, where: str) -> str:
    if "\0" in text:
        raise InputError("not a text file: it holds null characters", where=where, fix=_AS_CSV)
    return text


def _rows(text: str, where: str) -> list[list[str]]:
    """Return the rows that are not blank, each with as many trimmed cells as the header."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    widths = {separator: len(next(csv.reader([first], delimiter=separator), [])) for separator in SEPARATORS}
    separator = max(widths, key=lambda candidate: widths[candidate])
    if widths[separator] < 2:
        fix = f"separate columns by one of: {', '.join(SEPARATORS.values())}"
        raise InputError(f"one column only: {first[:60]!r}", where=f"{where}, header", fix=fix)
    csv.field_size_limit(1_000_000)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(_fitted(cells, len(rows[0]) if rows else len(cells), len(rows), separator, where))
    except csv.Error as error:
        raise InputError(f"not CSV: {error}", where=f"{where}, row {len(rows)}", fix="mind the quotes") from None
    return rows


def _fitted(cells: list[str], width: int, number: int, separator: str, where: str) -> list[str]:
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    if len(cells) != width:
        raise InputError(
            f"{len(cells)} cells, but the header has {width}",
            where=f"{where}, row {number}",
            fix=f"columns are separated by {SEPARATORS[separator]}: quote cells that hold one",
        )
    return cells


def _clean(name: str) -> str:
    """Return a name in composed letters, inner blanks single, without what cannot be seen."""
    composed = unicodedata.normalize("NFC", " ".join(name.split()))
    return "".join(letter for letter in composed if letter.isprintable()).strip()


def _refuse_twins(names: list[str], where: str) -> None:
    for name in names:
        places = [str(place) for place, other in enumerate(names, start=1) if other == name]
        if len(places) > 1:
            raise InputError(
                f"columns {', '.join(places)} are all called {name!r}",
                where=f"{where}, header",
                fix="rename all but one: the model tells features apart by their names",
            )
