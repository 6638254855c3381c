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
_STATISTICAL, _ANSWERS = (9, 99, 999), 4  # codes of statistical programs, beside answers from 0 to 4
_REASONS = 5  # codes in a row, such as -997 to -999, each for another reason why a value is missing


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
    for code in found[:]:
        run = _run(rest, code)
        beside = rest[~np.isin(rest, run)]
        if len(beside) and max(beside[0] - code, code - beside[-1]) > _NEAR * (beside[-1] - beside[0]):
            found += [value for value in run if value not in found]
    rest = rest[~np.isin(rest, found)]
    for _ in range(4):
        codes = next((own for end in (0, -1) if (own := _codes_at(rest, end))), []) if len(rest) else []
        if not codes or (found and not any(is_usual(_text(code)) for code in codes)):
            break
        found += codes
        rest = rest[~np.isin(rest, codes)]
    return found


def _codes_at(ordered: np.ndarray, end: int) -> list[float]:
    """Return the code at one end of sorted values, or all of a run of codes such as -999, -998, -997."""
    if _is_code(ordered[end], ordered):
        return [float(ordered[end])]
    run = _run(ordered, ordered[end])
    usual = next((value for value in run if is_usual(_text(value))), None)
    if usual is None or len(run) == 1:
        return []
    return run if _is_code(usual, np.sort(np.where(np.isin(ordered, run), usual, ordered))) else []


def _run(ordered: np.ndarray, code: float) -> list[float]:
    """Return the whole numbers of a code's size that are next to it, itself among them."""
    near = np.unique(ordered[np.abs(ordered - code) < _REASONS])
    return [float(value) for value in near if value.is_integer() and abs(value) >= _LARGE]


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
    common = Counter(code for own in codes.values() for code in own)
    for name in numbers:
        own = codes.get(str(name), [])
        more = [code for code, times in common.items() if times > 1 and code not in own and _apart(numbers[name], code)]
        codes |= {str(name): [*own, *more]} if more else {}
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


def _apart(values: pd.Series, code: float) -> bool:
    """Return whether a column has a code of other columns at its end, if only once, where it cannot be measured."""
    others = values[values != code].dropna()
    if not (values == code).any() or others.nunique() < _OTHERS:
        return False
    gap = max(others.min() - code, code - others.max())
    return bool((code < 0 <= others.min()) or gap > _VERY_FAR * max(others.max() - others.min(), 1))


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
    rare = len(ordered) - len(others) <= len(ordered) / 5
    answers = others[0] >= 0 and others[-1] <= _ANSWERS and (others == np.floor(others)).all()
    if end in _STATISTICAL and answers and rare:
        return True
    if is_usual(_text(end)):
        if end < 0 <= others[0] and repeats and distinct >= 2 * _OTHERS:
            return True
        return abs(end) >= _LARGE and (
            gap > _VERY_FAR * max(spread, 1) or (repeats and gap > _NEAR * spread and distinct >= _OTHERS)
        )
    return repeats and distinct >= _OTHERS and gap > (1 if end == 0 else _FAR) * spread


def _text(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(float(number))
