"""What a column of text cells holds: numbers or named categories, or something that is not a feature."""

import math
import re
from collections.abc import Callable
from typing import Literal, NamedTuple

import pandas as pd

from radprompt.own_table.faults import Fault, option
from radprompt.own_table.number_formats import is_number, unit_of
from radprompt.own_table.suspicion import DATE, MONTH

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
_MADE_DATE = re.compile(rf"{DATE.pattern}|[0-9]{{1,2}}[-. /]*{MONTH}|{MONTH}[-. /]*[0-9]{{1,2}}", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"\([0-9.,]+\)")
_LIMIT = re.compile(r"[<>\u2264\u2265~\u00b1]\s*[0-9.,]+")


class Column(NamedTuple):
    """A column of features.

    ``name`` is how it is spoken, ``source`` how the table calls it; ``levels`` are the values of a category;
    ``missing`` counts cells without a value; ``sites`` have it; ``clinical``: known of the patient, not measured.
    ``decimal`` and ``unit`` are how its numbers were written (:class:`radprompt.own_table.number_formats.Written`).
    """

    name: str
    source: str
    kind: Kind
    levels: list[str]
    missing: int
    sites: list[str]
    clinical: bool
    decimal: str = ""
    unit: str = ""


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
            return _odd_words(name, seen[~numeric], len(numbers), seen)
        if fault := _units(seen, name):
            return fault
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


def _odd_words(name: str, odd: pd.Series, numbers: int, seen: pd.Series) -> Fault:
    words = list(dict.fromkeys(odd))
    place = f"row {odd.index[0]}, column {name!r}"
    shown = ", ".join(map(repr, words[:4])) + (", ..." if len(words) > 4 else "")
    verb = "are not numbers" if len(words) > 1 else "is not a number"
    what = f"{shown} {verb}, but {numbers} of the column's {len(seen)} values are"
    forms: tuple[tuple[Callable[[str], object], str, str], ...] = (
        (_LIMIT.fullmatch, "a limit", "write a value for it (such as the limit)"),
        (unit_of, "a unit that other cells lack", "write all numbers in one way"),
        (_MADE_DATE.fullmatch, "a date, as spreadsheets make of numbers such as 5.3", "correct it from the source"),
        (_IN_BRACKETS.fullmatch, "in brackets, as accounting has negative numbers", "write a minus sign"),
    )
    fitting = [(it, mend) for form, it, mend in forms if any(map(form, words))]
    if fitting:
        what = f"{what}: {' or '.join(it for it, _ in fitting)}"
    advice = [*(mend for _, mend in fitting)] or (["correct it"] if any(map(_has_digit, words)) else [])
    if sum(map(_has_digit, words)) <= _FEW:
        advice.append(f"if it stands for a missing value: {option('missing', f'{name}={words[0]}')}")
    else:
        advice.append(f"or leave the column out: {option('ignore', name)}")
    if seen.nunique() <= LEVELS:
        advice.append(f"if all are names: {option('category', name)}")
    codes = [f"{name}={word}" for word in words[:20]] if sum(map(_has_digit, words)) <= _FEW else []
    return Fault(place, what, "; ".join(advice), {"missing": codes} if codes else {"ignore": [name]})


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _units(seen: pd.Series, name: str) -> Fault | None:
    units = {cell: unit_of(cell) for cell in dict.fromkeys(seen)}
    if len(set(units.values())) < 2 or None in units.values():
        return None
    first = next(iter(units))
    other = next(cell for cell, unit in units.items() if unit != units[first])
    advice = f"write all numbers in one unit, or leave the column out: {option('ignore', name)}"
    return Fault(f"column {name!r}", f"{first!r} and {other!r} have different units", advice, {"ignore": [name]})


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
