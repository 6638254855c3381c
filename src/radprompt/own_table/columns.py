"""What a column of text cells holds: numbers or named categories, or something that is not a feature."""

import math
import re
from typing import Literal, NamedTuple

import pandas as pd

from radprompt.own_table.faults import Fault, option
from radprompt.own_table.number_formats import is_number

Kind = Literal["number", "category"]
LEVELS = 30
"""Different values that a category may have; more are free text or identifiers."""

LENGTH = 80
"""Characters that a category's name may have."""

LARGEST = 1e30
"""Magnitude that no measurement reaches; its square is still finite."""

_MOSTLY = 0.5  # share of numbers from which a column is meant to hold numbers
_FEW = 3  # different odd words that may be codes for missing values
_LEAST = 6  # different numbers beside which a word is odd, however often it occurs
_GRADE = re.compile(r"[0-9]{1,2} ?[A-Za-z]")
_DECIMALS = re.compile(r"[0-9][.,][0-9]")
_LIMIT = re.compile(r"[<>\u2264\u2265~\u00b1]\s*[0-9.,]+")


class Column(NamedTuple):
    """A column of features.

    ``name`` is how it is spoken, ``source`` how the table calls it; ``levels`` are the values of a category;
    ``missing`` counts cells without a value; ``sites`` have it; ``clinical``: known of the patient, not measured.
    """

    name: str
    source: str
    kind: Kind
    levels: list[str]
    missing: int
    sites: list[str]
    clinical: bool


def judge(cells: pd.Series, *, category: bool = False) -> Kind | Fault:
    """Return what a column holds, or what is wrong with it.

    Parameters
    ----------
    cells
        Text, None where missing; the index numbers the rows. At least one has a value.
    category
        True if the user says that its values are names, even if they look like numbers.
    """
    name, seen = str(cells.name), cells.dropna()
    if not category:
        numeric = seen.map(is_number).astype(bool)
        numbers = seen[numeric]
        if numeric.all():
            return _not_finite(seen) or "number"
        if (numeric.mean() >= _MOSTLY and not _graded(seen, numeric)) or numbers.nunique() >= _LEAST:
            return _odd_words(name, seen[~numeric], len(numbers), len(seen))
    return _not_levels(seen, name) or "category"


def _not_finite(seen: pd.Series) -> Fault | None:
    large = seen[seen.map(lambda cell: not math.isfinite(float(cell)) or abs(float(cell)) >= LARGEST)]
    if large.empty:
        return None
    codes = list(dict.fromkeys(large))
    place = f"row {large.index[0]}, column {seen.name!r}"
    what = f"{codes[0]} is too large for a measurement ({len(large)} of {len(seen)} values are)"
    return Fault(
        place, what, f"if it stands for a missing value: {option('missing', codes[0])}", {"missing": codes[:5]}
    )


def _graded(seen: pd.Series, numeric: pd.Series) -> bool:
    """Return whether the words are grades among others, such as 4a and 4b of BI-RADS."""
    grades = all(_GRADE.fullmatch(cell) is not None for cell in seen[~numeric])
    return grades and len(seen) >= 3 * seen.nunique()


def _odd_words(name: str, odd: pd.Series, numbers: int, seen: int) -> Fault:
    words = list(dict.fromkeys(odd))
    place = f"row {odd.index[0]}, column {name!r}"
    what = f"{words[0]!r} is not a number, but {numbers} of the column's {seen} values are"
    if _LIMIT.fullmatch(words[0]):
        return Fault(
            place, f"{what}: it is a limit", "write a value for it (such as the limit), or leave the cell empty"
        )
    if any(map(str.isdigit, words[0])):
        advice = f"correct it, leave the cell empty, or, if all are names: {option('category', name)}"
        return Fault(
            place, what, advice, {} if len(words) > _FEW else {"missing": [f"{name}={word}" for word in words]}
        )
    code = option("missing", f"{name}={words[0]}")
    advice = f"if it stands for a missing value: {code}; if all are names: {option('category', name)}"
    return Fault(place, what, advice, {"missing": [f"{name}={word}" for word in words[:20]]})


def _not_levels(seen: pd.Series, name: str) -> Fault | None:
    levels = seen.drop_duplicates()
    longest = levels[levels.str.len() > LENGTH]
    many = len(levels) > LEVELS or (len(seen) >= 10 and len(levels) > len(seen) / 2)
    if not many and longest.empty:
        return None
    shown = longest.iloc[0][:40] + "..." if len(longest) else levels.iloc[0]
    what = f"{len(levels)} different texts in {len(seen)} cells, such as {shown!r}: free text, dates or identifiers"
    if any(map(str.isdigit, shown)) and sum(_DECIMALS.search(level) is not None for level in levels) > len(levels) / 2:
        what = f"numbers in a form that is not read, such as {shown!r}"
        advice = f"write them as numbers and nothing else, or leave the column out: {option('ignore', name)}"
        return Fault(f"column {name!r}", what, advice, {"ignore": [name]})
    limit = f"a category has at most {LEVELS}, each in several rows"
    advice = f"leave it out: {option('ignore', name)}; or group its values: {limit}"
    return Fault(f"column {name!r}", what, advice, {"ignore": [name]})
