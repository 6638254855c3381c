"""Numbers that stand for missing values: far outside the others, or one of the usual codes."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from radprompt.own_table.faults import Fault, option
from radprompt.own_table.number_formats import is_number

_USUAL = re.compile(r"-?(?:9{2,}|8{3,}|7{3,})|-1|-9")
_FAR = 5  # spreads of the other values between them and a value that repeats
_VERY_FAR = 10  # ... and a usual code that occurs once
_NEAR = 0.25  # ... and a usual code that repeats
_OFTEN = 3  # times that a usual code occurs among values that occur once, wherever it lies
_LARGE = 99  # magnitude from which a usual code is not taken for a measurement
_ZEROS, _OF_ALL = 5, 0.8  # columns, and their share of all, that are 0 in a row without a lesion
_OTHERS = 5  # different other values below which a column is one of codes anyway


def find_codes(values: pd.Series) -> list[float]:
    """Return the values of a column that look like codes for missing, the most extreme first.

    Parameters
    ----------
    values
        Finite numbers, NaN where missing. Without the codes that are returned, the column holds none: who follows
        the advice once need not come back.
    """
    found: list[float] = []
    while len(more := _outermost(values[~values.isin(found)])):
        found += more
    return found


def _outermost(values: pd.Series) -> list[float]:
    known = values.dropna()
    rest = np.sort(known.to_numpy(float))
    times = known.value_counts()
    others = int((times == 1).sum())
    found = [
        float(value)
        for value in times.index[times >= _OFTEN]
        if abs(value) >= _LARGE and is_usual(_text(float(value))) and others >= 0.9 * (len(known) - times[value])
    ]
    rest = rest[~np.isin(rest, found)]
    for _ in range(4):
        code = next((end for end in (rest[0], rest[-1]) if _is_code(end, rest)), None) if len(rest) else None
        if code is None or (len(found) and not is_usual(_text(float(code)))):
            break
        found.append(float(code))
        rest = rest[rest != code]
    return found


def code_faults(numbers: pd.DataFrame, cells: pd.DataFrame) -> list[Fault]:
    """Return a fault for each column with such codes.

    Parameters
    ----------
    numbers
        The columns that hold numbers.
    cells
        All of the table's cells as text: a code that another column holds as a value is named with its column.
    """
    codes = {str(name): own for name in numbers if (own := find_codes(numbers[name]))}
    faults = []
    for name, own in codes.items():
        shown = [_text(code) for code in own]
        others = numbers[[other for other in numbers if other != name]]
        single = [
            any(code in others[other].to_numpy() and code not in codes.get(str(other), []) for other in others)
            or cells[[other for other in cells if other not in numbers]].isin([text]).any(axis=None)
            for code, text in zip(own, shown, strict=True)
        ]
        options = [f"{name}={text}" if alone else text for text, alone in zip(shown, single, strict=True)]
        others_seen = numbers[name][~numbers[name].isin(own)].dropna()
        count = int(numbers[name].isin(own).sum())
        extent = f"all other values from {others_seen.min():g} to {others_seen.max():g}"
        what = f"{' and '.join(shown)} in {count} rows, {extent}"
        mended, insist = option("missing", options[0]), option("keep", name)
        advice = f"if it stands for a missing value: {mended}; if it is measured: {insist}"
        faults.append(Fault(f"column {name!r}", what, advice, {"missing": options}))
    return faults


def failed_rows(numbers: pd.DataFrame) -> list[int]:
    """Return the rows (their index) that are 0 throughout, as where a program found no lesion to measure.

    They are 0 in at least five columns, and four fifths of all, in which no other row is. Fewer zeros are measured: the
    texture of a region of one grey value is 0 in half of a table's columns, its shape and intensity are not.

    Parameters
    ----------
    numbers
        The columns that hold numbers; NaN where missing or of another form.
    """
    if numbers.empty:
        return []
    zeros = numbers.to_numpy(float) == 0
    zeros = zeros & (zeros.mean(axis=0) <= 1 / 3)  # else 0 is a usual value of the column
    least = max(_ZEROS, _OF_ALL * numbers.shape[1])
    rows = zeros.sum(axis=1) >= least
    telling = zeros.any(axis=0) & ~zeros[~rows].any(axis=0)
    if telling.sum() < least:
        return []
    rows &= zeros[:, telling].mean(axis=1) >= 0.8
    return [int(row) for row in numbers.index[rows]]


def in_all_columns(faults: Sequence[Fault], cells: pd.DataFrame) -> list[Fault]:
    """Return faults whose commands name a code once where three columns or more have it and it means nothing else."""
    codes = [(code, *code.rpartition("=")[::2]) for fault in faults for code in fault.options.get("missing", [])]
    times = Counter(word for _, name, word in codes if name and not is_number(word))
    short: dict[str, str] = {}
    for word in (word for word, number in times.items() if number >= _OFTEN):
        faulty = {name for _, name, own in codes if own == word}
        if not cells[[name for name in cells if name not in faulty]].isin([word]).any(axis=None):
            short |= {code: word for code, _, own in codes if own == word}
    changed = ({"missing": [short.get(code, code) for code in fault.options.get("missing", [])]} for fault in faults)
    return [
        fault._replace(options={**fault.options, **options}) if options["missing"] else fault
        for fault, options in zip(faults, changed, strict=True)
    ]


def is_usual(text: str) -> bool:
    """Return whether a cell is one of the usual codes, such as -9999 or 999."""
    return _USUAL.fullmatch(text.removesuffix(".0")) is not None


def _is_code(end: float, ordered: np.ndarray) -> bool:
    others = ordered[ordered != end]
    if len(others) < 2:
        return False
    repeats = len(ordered) - len(others) >= 2
    spread = others[-1] - others[0]
    gap = others[0] - end if end < others[0] else end - others[-1]
    distinct = len(np.unique(others))
    if is_usual(_text(end)):
        if end < 0 <= others[0] and repeats and distinct >= 2 * _OTHERS:
            return True
        return abs(end) >= _LARGE and (
            gap > _VERY_FAR * max(spread, 1) or (repeats and gap > _NEAR * spread and distinct >= _OTHERS)
        )
    return repeats and distinct >= _OTHERS and gap > (1 if end == 0 else _FAR) * spread


def _text(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(float(number))
