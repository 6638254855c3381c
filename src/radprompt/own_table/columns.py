"""What a column of text cells holds: numbers or named categories, or something that is no feature."""

import math
import re
from typing import Literal, NamedTuple

import pandas as pd

from radprompt.core.errors import InputError

Kind = Literal["number", "category"]
LEVELS = 30
"""Different values that a category may have; more are free text or identifiers."""

LENGTH = 80
"""Characters that a category's name may have."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMAS = re.compile(r"[+-]?\d+,\d+|[+-]?\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?")
_MOSTLY = 0.5  # share of numbers from which a column is meant to hold numbers


class Column(NamedTuple):
    """A feature: its name, what it holds, cells without a value, and the sites that have it."""

    name: str
    kind: Kind
    missing: int
    sites: list[str]


def is_number(cell: str) -> bool:
    """Return whether a cell is a number with a decimal point; ``inf`` and ``1_000`` are none."""
    return _NUMBER.fullmatch(cell) is not None


def kind_of(cells: pd.Series, where: str, *, category: bool = False) -> Kind:
    """Judge a column.

    Parameters
    ----------
    cells
        Text, None where missing; the index numbers the rows. At least one has a value.
    where
        File, for the message.
    category
        The user says that its values are names, even if they look like numbers.

    Raises
    ------
    InputError
        For decimal commas, a mixture of numbers and text, numbers too large to hold, or text that names no categories;
        it names column and row.
    """
    name, seen = str(cells.name), cells.dropna()
    if not category:
        numeric = seen.map(is_number).astype(bool)
        if numeric.all():
            _check_size(seen, where)
            return "number"
        odd = seen[~numeric]
        place = f"{where}, row {odd.index[0]}, column {name!r}"
        if odd.map(lambda cell: _COMMAS.fullmatch(cell) is not None).all():
            raise InputError(
                f"{odd.iloc[0]!r} looks like a number with a decimal comma, or with commas between thousands",
                where=place,
                fix="write numbers with a decimal point and nothing between thousands (Excel exports them so with an "
                f"English locale); if it names a category: --category {name!r}",
            )
        if numeric.mean() >= _MOSTLY:
            raise InputError(
                f"{odd.iloc[0]!r} is no number, but {int(numeric.sum())} of the column's {len(seen)} values are",
                where=place,
                fix=f"correct it, leave the cell empty, or say that all are names: --category {name!r} "
                "(table.categories in params.yaml)",
            )
    _check_levels(seen, name, where)
    return "category"


def _check_size(seen: pd.Series, where: str) -> None:
    for row, cell in seen.items():
        if not math.isfinite(float(cell)):
            place = f"{where}, row {row}, column {seen.name!r}"
            raise InputError(f"{cell} is too large for a number", where=place, fix="correct it, or leave it empty")


def _check_levels(seen: pd.Series, name: str, where: str) -> None:
    levels = seen.drop_duplicates()
    longest = levels[levels.str.len() > LENGTH]
    many = len(levels) > LEVELS or (len(seen) >= 10 and len(levels) > len(seen) / 2)
    if many or len(longest):
        shown = longest.iloc[0][:40] + "..." if len(longest) else levels.iloc[0]
        raise InputError(
            f"{len(levels)} different texts in {len(seen)} cells, such as {shown!r}: free text, dates or identifiers",
            where=f"{where}, column {name!r}",
            fix=f"leave it out: --ignore {name!r} (table.ignore in params.yaml); or group its values: a category has "
            f"at most {LEVELS}, each in several rows",
        )
