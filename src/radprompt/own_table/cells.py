"""Cells of text with missing values taken out and numbers in one form, alike for every table of a study."""

from collections.abc import Collection, Mapping

import pandas as pd

from radprompt.own_table.number_formats import Numbers, Written, is_number, rewrite

Code = str | int | float


def read_numbers(
    cells: pd.DataFrame,
    missing: Collection[Code],
    names: Collection[str],
    decimal: str | None,
    usual: Mapping[str, Written] | None = None,
) -> Numbers:
    """Blank codes for missing values and rewrite numbers; a code counts in whichever form its cell is written.

    Parameters
    ----------
    cells, missing
        See :func:`blank`.
    names, decimal, usual
        See :func:`radprompt.own_table.number_formats.rewrite`.
    """
    read = rewrite(blank(cells, missing), names, decimal, usual)
    return read._replace(cells=blank(read.cells, missing))


def blank(cells: pd.DataFrame, missing: Collection[Code]) -> pd.DataFrame:
    """Return cells with None where a code says that the value is missing.

    Parameters
    ----------
    cells
        Text.
    missing
        Codes for all columns (``-9999``), or for one (``Sphericity=-9999``). Case does not count, and a number stands
        for its other spellings: ``-9999`` for ``-9999.0``.
    """
    everywhere: set[str | float] = set()
    single: set[tuple[str, str | float]] = set()
    names = set(map(str, cells))
    for code in map(str, missing):
        column, _, own = code.rpartition("=")
        if column in names:
            single.add((column, _same(own)))
        else:
            everywhere.add(_same(code))
    found = {}
    for name in cells:
        codes = everywhere | {""} | {own for column, own in single if column == name}
        found[name] = [None if cell is None or _same(cell) in codes else cell for cell in cells[name]]
    return pd.DataFrame(found, columns=cells.columns, index=cells.index, dtype=object)


def _same(cell: str) -> str | float:
    return float(cell) if is_number(cell) else cell.strip().casefold()
