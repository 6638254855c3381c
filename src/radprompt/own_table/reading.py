"""A user's table as cells of text: any common encoding, separator and workbook, or a refusal that says what to do."""

import codecs
import csv
import fnmatch
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.own_table.number_formats import is_number

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
ROW_NAMES = "row name"
"""Name of a first column that has none, such as R's row names."""

_LEGACY = "cp1252"  # of Windows; agrees with Latin-1 in all letters
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ZIP, _XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_AS_CSV = "save it as CSV in UTF-8 (in Excel: Save As, CSV UTF-8)"
_SEP_LINE = re.compile(r'"?sep=(.)"?;*,*\s*', re.IGNORECASE)
_COMMENT = ("#", "%", "//")
_RULE = re.compile(r"[-=+_]{3,}")  # a line of hyphens, as databases draw below the header
_SLICER = ["image type", "feature class", "feature name"]


class Sheet(NamedTuple):
    """Cells as trimmed text, None where empty, rows numbered from 1; and what a reader should know of the reading."""

    cells: pd.DataFrame
    notes: list[str]


def read_sheet(path: str | Path) -> Sheet:
    """Read a CSV file or the first sheet of an .xlsx workbook.

    Comment lines, titles above the header and Excel's ``sep=`` line are left out. R's row names and other first columns
    without a name are called :data:`ROW_NAMES`, or left out where they only count the rows. 3D Slicer's table of one
    feature a row is turned round.

    Parameters
    ----------
    path
        UTF-8 or UTF-16 with or without a byte order mark, else Windows-1252 (Latin-1); separated by commas, semicolons,
        tabs, bars or blanks, whichever gives the header and the rows the same width.

    Raises
    ------
    InputError
        The file is absent, an old workbook, no text or no table; a header that is empty or occurs twice; a row with
        another number of cells than the header. It names the row (1 = first after the header) or the columns.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise InputError("no such file", where=str(path), fix="give the path of a CSV or .xlsx file") from None
    if is_workbook(content):
        rows, notes = _workbook(path)
    else:
        text, notes = _decode(content, str(path))
        rows, more = _rows(text, str(path))
        notes = [*notes, *more]
    if [name.casefold() for name in rows[0][:3]] == _SLICER:
        rows = _turned(rows)
        notes.append("3D Slicer's table was turned round: its columns are the cases, their names are in column 'case'.")
    if len(rows) < 2:
        raise InputError("no row below the header", where=str(path), fix="give one row a case")
    names, body = _one_header(rows[0], rows[1:], notes)
    names = _name_the_first(names, body, notes)
    for place, name in enumerate(names):
        if not name and any(row[place] for row in body):
            fix = "give it a name, or remove it (pandas: to_csv(..., index=False))"
            raise InputError(f"column {place + 1} has no name", where=f"{path}, header", fix=fix)
    kept = [place for place, name in enumerate(names) if name]
    _refuse_twins([names[place] for place in kept], str(path))
    table = pd.DataFrame([[row[place] for place in kept] for row in body], dtype=object)
    table = table.set_axis([names[place] for place in kept], axis=1)
    table.index = pd.RangeIndex(1, len(table) + 1)
    return Sheet(_without_units(table.mask(table == "", None), notes), notes)


def is_workbook(content: bytes) -> bool:
    """Return whether a file's content is an .xlsx workbook."""
    return content.startswith(_ZIP)


def matching(patterns: Iterable[str], names: Sequence[str]) -> list[str]:
    """Return the names that patterns such as ``diagnostics_*`` select; a name, or a pattern without any, stays."""
    found: list[str] = []
    for pattern in patterns:
        fitting = [] if pattern in names else [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        found += fitting or [pattern]
    return list(dict.fromkeys(found))


def tidy(text: str) -> str:
    """Return text in composed letters and on one line, inner blanks single, without what cannot be seen."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(letter for letter in composed if letter.isprintable()).strip()


def _decode(content: bytes, where: str) -> tuple[str, list[str]]:
    if content.startswith(_XLS):
        raise InputError("an .xls workbook, not a CSV file", where=where, fix=f"save it as .xlsx, or {_AS_CSV}")
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, where), []
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = content[start:400:2]
        if len(zeros) > 2 and zeros.count(0) > len(zeros) * 0.8:
            return _decoded(content, encoding, where), []
    try:
        return _plain(content.decode("utf-8"), where), []
    except UnicodeDecodeError:
        note = f"{Path(where).name} is not UTF-8: read as Windows-1252 (Latin-1). Check letters with accents."
        return _decoded(content, _LEGACY, where), [note]


def _decoded(content: bytes, encoding: str, where: str) -> str:
    try:
        return _plain(content.decode(encoding), where)
    except UnicodeDecodeError:
        raise InputError("neither UTF-8, UTF-16 nor Windows-1252 text", where=where, fix=_AS_CSV) from None


def _plain(text: str, where: str) -> str:
    if "\0" in text:
        raise InputError("not a text file: it holds null characters", where=where, fix=_AS_CSV)
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith(("<", "[{", "{")):
        what = "HTML or XML" if text.lstrip().startswith("<") else "JSON"
        raise InputError(f"{what}, not a CSV file", where=where, fix=f"open it as a table and {_AS_CSV}")
    return text


def _rows(text: str, where: str) -> tuple[list[list[str]], list[str]]:
    """Return header and rows that are not blank, each with as many tidy cells as the header, and notes."""
    first, _, rest = text.partition("\n")
    if _SEP_LINE.fullmatch(first.rstrip("\r")):
        text = rest
    inner = _inside_quotes(text)
    text = inner or text
    separator = _separator(text, where)
    lines = _parsed(text, separator, where)
    width = Counter(len(_trimmed(line)) for line in lines).most_common(1)[0][0]
    start = next((n for n, line in enumerate(lines) if _is_header(line, lines[n + 1 : n + 2], width)), 0)
    notes = [f"{start} line(s) above the header were left out, such as {' '.join(lines[0])[:60]!r}."] * (start > 0)
    notes += ["Each line stands in quotes as a whole: they were taken away."] * bool(inner)
    _refuse_headless(lines, start, width, separator, where)
    lines = lines[start:]
    header, body = [lines[0][0].lstrip("# "), *lines[0][1:]], lines[1:]
    remarks = [line for line in body if _is_remark(line, len(header))]
    remarks += [line for line in body if all(map(_RULE.fullmatch, filter(None, line))) or line == lines[0]]
    if remarks:
        body = [line for line in body if line not in remarks]
        notes.append(f"{len(remarks)} comment line(s) were left out, such as {' '.join(remarks[0])[:60]!r}.")
    below = []
    while body and len(body[-1]) < min(3, len(header)) and " " in body[-1][0]:
        below.append(body.pop())
    if below:
        notes.append(f"{len(below)} line(s) below the table were left out, such as {' '.join(below[-1])[:60]!r}.")
    if body and all(len(_trimmed(line)) == len(header) + 1 for line in body) and header[-1]:
        header = ["", *header]
    return [header, *(_fitted(line, len(header), n, separator, where) for n, line in enumerate(body, 1))], notes


def _refuse_headless(lines: list[list[str]], start: int, width: int, separator: str, where: str) -> None:
    """Refuse a table whose first line as wide as its rows is one of them: its header has fewer cells."""
    first = [cell for cell in lines[start] if cell]
    if not start or 2 * sum(map(is_number, first)) <= len(first):
        return
    header = max((len(_trimmed(line)) for line in lines[:start]), default=0)
    fix = "give each column a name, and each row a cell a column"
    if separator == "," and header > 2:
        fix = "numbers with a decimal comma? separate columns by semicolons, or quote the numbers; else " + fix
    raise InputError(f"the header has {header} cells, most rows have {width}", where=f"{where}, header", fix=fix)


def _is_remark(line: list[str], width: int) -> bool:
    """Return whether a line is a comment; ``#12,0.5,,`` is a row that lacks its last values."""
    values = any(map(is_number, line[1:])) and not line[0].lstrip("#%/").startswith(" ")
    return line[0].startswith(_COMMENT) and len(_trimmed(line)) < width - 1 and not values


def _inside_quotes(text: str) -> str | None:
    """Return the lines of a file whose lines are one quoted cell each, without these quotes; None for others."""
    lines = [line.rstrip(",;\t ") for line in text.splitlines() if line.strip()]
    if not lines or not all(len(line) > 2 and line[0] == line[-1] == '"' for line in lines):
        return None
    inner = [line[1:-1].replace('""', "\0") for line in lines]
    if any('"' in line for line in inner) or not any(separator in inner[0] for separator in ",;\t|"):
        return None
    return "\n".join(line.replace("\0", '"') for line in inner)


def _is_header(line: list[str], below: list[list[str]], width: int) -> bool:
    filled = len(_trimmed(line))
    if line[0].startswith(_COMMENT):
        return filled == width and any(map(is_number, below[0] if below else []))
    return filled >= max(width - 1, 2)


def _separator(text: str, where: str) -> str:
    """Return the separator under which most rows are as wide as the header, or wider by R's row name."""
    best, broken, rank = "", "", (0.0, 0)
    for separator in SEPARATORS:
        try:
            widths = [len(_trimmed(line)) for line in _parsed(text, separator, where, most=60)]
        except InputError:
            broken = broken or separator * (separator in text.partition("\n")[0])
            continue
        usual = Counter(widths).most_common(1)[0][0] if widths else 0
        heads = [width for width in widths[:20] if width >= 2]
        if usual < 2 or (separator == " " and widths.count(usual) < len(widths) - 1):
            continue
        fits = heads and heads[0] in (usual, usual - 1, usual + 1)
        score = (widths.count(usual) / len(widths) - (0 if fits else 0.5) - (separator == " "), usual)
        if not best or score > rank:
            best, rank = separator, score
    if not best and broken:
        return broken  # parsed once more, it says which row
    if not best:
        line = next((line for line in text.splitlines() if line.strip()), "")
        fix = f"separate columns by one of: {', '.join(SEPARATORS.values())}"
        raise InputError(f"one column only: {line[:60]!r}", where=f"{where}, header", fix=fix)
    return best


def _parsed(text: str, separator: str, where: str, most: int | None = None) -> list[list[str]]:
    csv.field_size_limit(1_000_000)
    lines: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            cells = [tidy(cell) for cell in row]
            if any(cells):
                lines.append(cells)
            if most and len(lines) == most:
                break
    except csv.Error as error:
        raise InputError(
            f"not CSV: {error}", where=f"{where}, row {max(len(lines), 1)}", fix="mind the quotes"
        ) from None
    return lines


def _trimmed(cells: list[str]) -> list[str]:
    """Return cells without empty ones at the end."""
    width = len(cells)
    while width and not cells[width - 1]:
        width -= 1
    return cells[:width]


def _fitted(cells: list[str], width: int, number: int, separator: str, where: str) -> list[str]:
    if len(cells) > width and not any(cells[width:]):
        return cells[:width]
    if len(cells) != width:
        fix = f"columns are separated by {SEPARATORS[separator]}: quote cells that hold one"
        if len(cells) < width:
            fix = f"complete the row, or remove it if it is none: it begins with {' '.join(cells)[:40]!r}"
        raise InputError(f"{len(cells)} cells, but the header has {width}", where=f"{where}, row {number}", fix=fix)
    return cells


def _workbook(path: Path) -> tuple[list[list[str]], list[str]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        fix = f"pip install openpyxl==3.1.5, or {_AS_CSV}"
        raise InputError("an .xlsx workbook, and openpyxl is not installed", where=str(path), fix=fix) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except Exception as error:  # openpyxl lets those of zipfile, XML and its own through
        raise InputError(f"not a workbook that can be read: {error}", where=str(path), fix=_AS_CSV) from None
    more = [other.title for other in book.worksheets[1:]]
    notes = [f"Sheet {sheet.title!r} was read; not {', '.join(map(repr, more))}."] if more else []
    rows = [row for row in rows if any(row)]
    if not rows:
        raise InputError("the first sheet is empty", where=str(path), fix="put the table into the first sheet")
    width = max(len(_trimmed(row)) for row in rows)
    start = next((n for n, row in enumerate(rows) if _is_header(row, rows[n + 1 : n + 2], width)), 0)
    return [(row + [""] * width)[:width] for row in rows[start:]], notes


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else tidy(str(value))


def _turned(rows: list[list[str]]) -> list[list[str]]:
    names = ["case", *("_".join(row[:3]) for row in rows[1:])]
    return [names, *([rows[0][place], *(row[place] for row in rows[1:])] for place in range(3, len(rows[0])))]


def _one_header(names: list[str], body: list[list[str]], notes: list[str]) -> tuple[list[str], list[list[str]]]:
    """Return one line of names where there are two: classes of features, then their names, as pandas writes them."""
    unnamed = sum(not name and any(row[place] for row in body) for place, name in enumerate(names))
    filled = [name for name in names if name]
    if (unnamed < 2 and len(set(filled)) == len(filled)) or len(body) < 3 or not names[-1]:
        return names, body
    below = body[0]
    plain = [name for name in below if name]
    if any(map(is_number, plain)) or len(plain) < max(2, len(filled)) or not any(map(is_number, body[2])):
        return names, body
    upper, joined = "", []
    for name, own in zip(names, below, strict=True):
        upper = name or upper
        joined.append(f"{upper}_{own}" if upper and below.count(own) > 1 and own else own or name)
    body = body[1:]
    if body[0][0] and not any(body[0][1:]):  # the index's name, in a line of its own
        joined[0], body = body[0][0], body[1:]
    notes.append(f"There are two lines of names: the second is used, {joined[-1]!r} under {names[-1]!r} for one.")
    return joined, body


def _name_the_first(names: list[str], body: list[list[str]], notes: list[str]) -> list[str]:
    """Return names with one for a first column that lacks it; none where it only counts the rows."""
    if names[0] or not any(row[0] for row in body):
        return names
    first = [row[0] for row in body]
    if all(cell.isdigit() for cell in first):
        numbers = [int(cell) for cell in first]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            for row in body:
                row[0] = ""
            notes.append("The first column has no name and counts the rows: it was left out.")
            return names
    if ROW_NAMES in names:
        return names
    notes.append(f"The first column has no name: it is called {ROW_NAMES!r} here.")
    return [ROW_NAMES, *names[1:]]


def _without_units(cells: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return cells without a first row that holds the columns' units."""
    first, rest = cells.iloc[0].dropna(), cells.iloc[1:]
    if len(rest) < 2 or first.empty or any(map(is_number, first)):
        return cells
    columns = [name for name in first.index if rest[name].notna().any() and rest[name].dropna().map(is_number).all()]
    if len(columns) < 2 or len(columns) < len(first) / 2:
        return cells
    notes.append(f"Row 1 holds no numbers, as if units ({first[columns[0]]!r} in {columns[0]!r}): it was left out.")
    return rest


def _refuse_twins(names: list[str], where: str) -> None:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names, start=1):
        places.setdefault(name, []).append(place)
    twins = {name: own for name, own in places.items() if len(own) > 1}
    if twins:
        shown = [f"columns {', '.join(map(str, own))} are all called {name!r}" for name, own in twins.items()]
        more = f"; and {len(shown) - 5} more" if len(shown) > 5 else ""
        fix = "rename all but one: the model tells features apart by their names"
        raise InputError("; ".join(shown[:5]) + more, where=f"{where}, header", fix=fix)
