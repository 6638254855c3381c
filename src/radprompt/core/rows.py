"""Rows of a CSV text, before a library drops what it has no column for."""

import csv
from io import StringIO

from radprompt.core.errors import InputError


def require_width(text: str, separator: str, width: int, where: str) -> None:
    """Raise an :class:`InputError` for a row of a CSV text with more cells than the header: one would be dropped."""
    for number, cells in enumerate(csv.reader(StringIO(text), delimiter=separator)):
        if any(cell.strip() for cell in cells[width:]):
            raise InputError(
                f"{len(cells)} cells, but the header has {width}",
                where=f"{where}, row {number}",
                fix=f"quote cells that hold {separator!r}, or write decimal points",
            )
