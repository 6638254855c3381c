"""Tables as no loader wants them: the same traps for the table of every data set."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from radprompt.mammograms.datasets.table import LARGEST_TABLE


class TableTrap(NamedTuple):
    """A name for people; what becomes of the file's bytes, given its separator; what must come of it."""

    input: str
    spoil: Callable[[bytes, bytes], bytes]
    happens: str
    reason: str


def _cells(content: bytes, separator: bytes) -> list[list[str]]:
    text = io.StringIO(content.decode("utf-8"), newline="")
    return [[cell.strip() for cell in row] for row in csv.reader(text, delimiter=separator.decode())]


def _table(rows: list[list[str]], separator: bytes) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator.decode(), lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _with(place: int, row: Callable[[list[str]], list[str]]) -> Callable[[bytes, bytes], bytes]:
    """Change one row; 0 is the header."""

    def spoil(content: bytes, separator: bytes) -> bytes:
        rows = _cells(content, separator)
        rows[place] = row(rows[place])
        return _table(rows, separator)

    return spoil


def _in_place_of(row: int, cell: str) -> Callable[[bytes, bytes], bytes]:
    return _with(row, lambda cells: [cell, *cells[1:]])


def _open_quote(content: bytes, separator: bytes) -> bytes:
    lines = _table(_cells(content, separator), separator).split(b"\n")
    quoted = {
        1: b'"' + lines[1].replace(b'"', b""),
        2: lines[2].replace(b'"', b"").replace(separator, b'"' + separator, 1),
    }
    return b"\n".join(quoted.get(number, line) for number, line in enumerate(lines))


def _unclosed(content: bytes, separator: bytes) -> bytes:
    lines = _table(_cells(content, separator), separator).split(b"\n")
    return b"\n".join(b'"' + line if number == 2 else line.replace(b'"', b"") for number, line in enumerate(lines))


def _blank_lines(content: bytes, separator: bytes) -> bytes:
    rows = _cells(content, separator)
    return b"\n\n".join(_table([row], separator).strip() for row in rows) + b"\n\n\n"


TABLE_TRAPS = [
    TableTrap("UTF-8 with byte order mark", lambda t, s: b"\xef\xbb\xbf" + t, "read", ""),
    TableTrap("line ends of Windows", lambda t, s: _table(_cells(t, s), s).replace(b"\n", b"\r\n"), "read", ""),
    TableTrap("blank lines between rows", _blank_lines, "read", ""),
    TableTrap(
        "names and cells with blanks around", _with(0, lambda cells: [f" {x.upper()} " for x in cells]), "read", ""
    ),
    TableTrap(
        "Latin-1",
        lambda t, s: _in_place_of(2, "r\u00e9sum\u00e9")(t, s).decode("utf-8").encode("latin-1"),
        "error",
        r", row 2: not a readable table: no UTF-8 text \(byte 0xe9\)",
    ),
    TableTrap("UTF-16", lambda t, s: t.decode("utf-8").encode("utf-16"), "error", r"no UTF-8 text \(byte 0xff\)"),
    TableTrap("empty file", lambda t, s: b"", "error", "not a readable table: it is empty"),
    TableTrap(
        "an image under the table's name", lambda t, s: b"\x89PNG\r\n\x1a\n" + bytes(99), "error", "no UTF-8 text"
    ),
    TableTrap("another separator", lambda t, s: t.replace(s, b"\t"), "error", "missing; found|not a readable table"),
    TableTrap(
        "a column missing", _with(0, lambda cells: [*cells[:-1], "other"]), "error", r"column\(s\) \[.*\] missing"
    ),
    TableTrap(
        "a column twice", _with(0, lambda cells: [*cells[:-1], cells[0]]), "error", r"column\(s\) \[.*\] occur twice"
    ),
    TableTrap(
        "a cell too many, not empty",
        _with(2, lambda cells: [*cells, "7"]),
        "error",
        r"row 2: \d+ cells under \d+ columns, so that some stand in the wrong one",
    ),
    TableTrap("quote that nothing closes", _unclosed, "error", "row 2: not a readable table: unexpected end"),
    TableTrap(
        "quote that closes a row later", _open_quote, "error", "row 1: the cell in column .* runs over several lines"
    ),
    TableTrap(
        "null byte in a cell", _in_place_of(2, "a\0b"), "error", "row 2: the cell in column .* holds a null byte"
    ),
    TableTrap("cell of 5,000 letters", _in_place_of(2, "x" * 5_000), "error", "row 2: .* has more than 4,096 letters"),
    TableTrap(
        "cell of 200,000 letters", _in_place_of(2, "x" * 200_000), "error", "row 2: .*field larger than field limit"
    ),
    TableTrap(
        "5,000 columns", _with(0, lambda cells: [*cells, *"x" * 5_000]), "error", "5,0.. columns, more than 1,000"
    ),
]
"""``read``: as if nothing were wrong."""


def folder(path: Path) -> None:
    """Put a folder in the table's place."""
    path.unlink()
    path.mkdir()


def sparse(path: Path) -> None:
    """Make the table larger than any table, on no disk."""
    with path.open("ab") as file:
        file.truncate(LARGEST_TABLE + 2**20)


FILE_TRAPS = [
    ("table absent", Path.unlink, "is not here: no such file or folder", False),
    ("folder under the table's name", folder, "no table: a folder, pipe or device", False),
    ("table of more than 128 MiB", sparse, r"too large: 129\.0 MiB, where 128 are allowed", False),
    ("no permission to read the table", lambda path: path.chmod(0), "no permission to read it", True),
    ("no permission to enter the data set", lambda path: path.parent.chmod(0), "Permission denied", True),
]


def twenty_thousand(content: bytes, separator: bytes) -> bytes:
    """Repeat the last row, of a patient, image or file called 2 or P_00002, with other ids until there are 20,000."""
    header, *rows = _cells(content, separator)
    last = rows[-1]
    name = next(name for name in ("image_id", "patient_id", "File Name") if name in header)
    old = last[header.index(name)]
    more = [[cell.replace(old, f"P_{count}") for cell in last] for count in range(20_000 - len(rows))]
    return _table([header, *rows, *more], separator)
