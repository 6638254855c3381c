"""Numbers as spreadsheets and people write them: recognised a column at a time and written with a decimal point."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import pandas as pd

from radprompt.own_table.faults import Fault

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_GROUPED = (
    r"[+-]?(?:(?:[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+(?![0-9])|[0-9]+)(?:{mark}[0-9]*)?|{mark}[0-9]+)"
    r"(?:[eE][+-]?[0-9]+)?"
)
_FORMS = {
    ".": re.compile(_GROUPED.format(mark=r"\.", group=",")),
    ",": re.compile(_GROUPED.format(mark=",", group=r"\.")),
}
_GROUP_OF = {".": ",", ",": "."}
_GROUP = 3  # digits of a group of thousands
_SIGNS = str.maketrans(
    dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-") | {"\uff0b": "+", "\uff0e": ".", "\uff0c": ","}
)
_POWERS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u207b", "0123456789-")
_TIMES_TEN = re.compile(r"\s*[x\u00d7\u00b7*]\s*10\s*(?:\^|\*\*)?\s*([+-]?[0-9]+)")
_FORTRAN = re.compile(r"(?<=[0-9.,])[dD](?=[+-]?[0-9])")
_GAPS = re.compile(r"(?<=[0-9])[ '\u2019](?=[0-9]{3}(?![0-9]))")
_WRAPPED = re.compile(r'="?([^"]*)"?|\[([^][]*)\]|(?:np\.)?(?:array|tensor|float(?:32|64))\(([^(),]*)(?:,[^()]*)?\)')
_MINUS_LAST = re.compile(r"([0-9.,]+)-")
_UNIT = re.compile(
    r"\s*(%|\u2030|\u00b0|[kmcµ\u03bc]?m(?:\^?[23²³])?|[mcd]?[lL]|cc|HU|GU|SUV|m?s|[mk]?g|Gy|kBq/ml|y|yrs?|years?|px|pixels?|voxels?)"
)
_WORD = re.compile(r"[0-9] [^\W\d_]+\.?$")  # a unit that is not known, where all cells have it
_AGE = re.compile(r"[0-9]{3}([DWMY])")  # as DICOM writes it: 045Y


class Written(NamedTuple):
    """How a column's numbers were written: their decimal mark, '' where whole numbers leave it open, and their unit."""

    decimal: str
    unit: str


class Numbers(NamedTuple):
    """Cells with the numbers rewritten, what a reader should know, what stays open, how each column was written."""

    cells: pd.DataFrame
    notes: list[str]
    faults: list[Fault]
    written: dict[str, Written]


def is_number(cell: str) -> bool:
    """Return whether a cell is a number with a decimal point; ``inf`` and ``1_000`` are not."""
    return _NUMBER.fullmatch(cell) is not None


def unit_of(cell: str) -> str | None:
    """Return the unit after a number, with what stands between; None without a number or for another word."""
    if age := _AGE.fullmatch(cell):
        return age[1]
    for form in _FORMS.values():
        number = form.match(cell)
        if number and number.end() and (unit := _UNIT.fullmatch(cell[number.end() :])):
            return unit[0]
    return None


def rewrite(
    cells: pd.DataFrame, names: Collection[str], decimal: str | None, usual: Mapping[str, Written] | None = None
) -> Numbers:
    """Rewrite the columns that hold numbers in another form than a decimal point's.

    Decimal commas, blanks, apostrophes, commas and points between thousands, typographic minus signs, powers of ten,
    Fortran's exponents, Excel's ``="1.5"`` and a unit that all cells of a column share are read. Whether ``1,234``
    has a decimal comma is seen from the column's other cells and from the table's other columns.

    Parameters
    ----------
    cells
        Text, None where missing.
    names
        Columns to look at.
    decimal
        ``.`` or ``,`` where the user says it; None: as the table shows.
    usual
        How these columns were written in the table that a model learned from: what this one leaves open is read so,
        and another unit is a fault.
    """
    pointed = {name for name in names if _only_points(cells[name].tolist())}
    looked_at = {name: each for name in names if name not in pointed and (each := _tidied(cells[name])) is not None}
    tidied = {name: each.cells for name, each in looked_at.items()}
    written = {name: Written("." if name in pointed else "", "") for name in names}
    read = {name: _readings(own) for name, own in tidied.items()}
    shown = {mark for marks in read.values() if len(marks) == 1 for mark in marks} | ({"."} if pointed else set())
    convention = decimal or (shown.pop() if len(shown) == 1 else None)
    changed: dict[str, pd.Series] = {}
    forms: dict[str, list[tuple[str, str, str]]] = {}
    faults: list[Fault] = []
    for name, own in tidied.items():
        marks, seen, unit, before = read[name], cells[name].dropna(), looked_at[name].unit, (usual or {}).get(name)
        if before and before.unit and unit and unit != before.unit:
            what = f"{seen.iloc[0]!r}: the model learned from values in {before.unit}"
            faults.append(Fault(f"column {name!r}", what, "write the numbers in that unit"))
            continue
        numeric = own[own.map(_looks)]
        if not marks and (single := _each_by_itself(own)) is not None:
            changed[name] = single
            row = single.index[single != seen][0]
            forms.setdefault("Numbers with points and commas", []).append((name, seen[row], single[row]))
            continue
        if not marks:
            comma, point = (seen[numeric.index[~numeric.map(_reads(mark))][0]] for mark in (".", ","))
            what = f"{comma!r} has a decimal comma, {point!r} a decimal point"
            faults.append(Fault(f"column {name!r}", what, "write all numbers of a column in one way"))
            continue
        known = before.decimal if before else ""
        if len(marks) == 2 and not (convention or known) and (not own.map(is_number).all() or _maybe_grouped(numeric)):
            first = numeric[~numeric.map(is_number) | numeric.str.contains(".", regex=False)].iloc[0]
            mark, sign = (",", "comma") if "," in first else (".", "point")
            advice = (
                f"say what the {sign} is: --decimal {mark} (it starts the decimals) or --decimal {_GROUP_OF[mark]} "
                "(it separates thousands)"
            )
            what = f"{first!r} may be {first.replace(',', '.')} or {re.sub('[.,]', '', first)}"
            faults.append(Fault(f"column {name!r}", what, advice, {"decimal": mark}))
            continue
        mark = next(iter(marks)) if len(marks) == 1 else convention or known or "."
        written[name] = Written(mark if own.str.contains("[.,]").any() else "", unit)
        plain = own.where(~own.map(_looks), own.str.replace(_GROUP_OF[mark], "").str.replace(mark, "."))
        different = plain != seen
        if different.any():
            changed[name] = plain
            row = different.index[different][0]
            forms.setdefault(_kind(seen[row], mark), []).append((name, seen[row], plain[row]))
    found = cells.copy()
    for name, plain in changed.items():
        found.loc[plain.index, name] = plain
    notes = [
        f"{kind} in {len(own)} column(s) were rewritten: {own[0][1]!r} in column {own[0][0]!r} is read as {own[0][2]}."
        for kind, own in forms.items()
    ]
    return Numbers(found, notes, faults, written)


def _only_points(cells: list[str | None]) -> bool:
    """Return whether all values are plain numbers and at least one can only have a decimal point."""
    comma, seen = _FORMS[","], [cell for cell in cells if cell is not None]
    return any("." in cell and not comma.fullmatch(cell) for cell in seen) and all(map(is_number, seen))


class _Tidied(NamedTuple):
    cells: pd.Series
    unit: str


def _maybe_grouped(cells: pd.Series) -> bool:
    """Return whether points may stand between thousands: 949, 848, 1.093, 1.368, and nothing with other decimals."""
    dotted = cells.str.contains(".", regex=False)
    small = cells[~dotted].str.lstrip("+-").str.len() <= _GROUP
    return bool(dotted.any() and len(small) >= max(3, len(cells) / 10) and small.all())


def _tidied(cells: pd.Series) -> _Tidied | None:
    """Return the cells with signs, exponents and units made plain; None where none is a number or all are plain."""
    seen, unit = cells.dropna(), ""
    plain = seen.map(is_number).astype(bool)
    if seen.empty or (plain.all() and not seen.str.contains(".", regex=False).any()):
        return None
    own = seen.mask(~plain, seen[~plain].map(_made_plain))
    bare = own.map(_looks).astype(bool)
    units = own[~bare].map(unit_of)
    if not bare.any() and len(units) and len(set(units)) == 1 and units.notna().all():
        unit = str(units.iloc[0]).strip()
        own = own.map(lambda cell: _made_plain(cell[: -len(unit_of(cell) or "")].strip()))
        bare = own.map(_looks).astype(bool)
    elif not bare.any() and len({cell.rpartition(" ")[2] for cell in own}) == 1 and _WORD.search(own.iloc[0]):
        shorter = own.map(lambda cell: _made_plain(cell.rpartition(" ")[0].strip()))  # 34 ans, 51 ans
        if shorter.map(_looks).all():
            own, bare, unit = shorter, shorter.map(_looks).astype(bool), own.iloc[0].rpartition(" ")[2]
    return _Tidied(own, unit) if bare.any() else None


def _made_plain(cell: str) -> str:
    text = cell.removeprefix("'")
    if wrapped := _WRAPPED.fullmatch(text):
        text = next(inner for inner in wrapped.groups() if inner is not None)
    if last := _MINUS_LAST.fullmatch(text):
        text = f"-{last[1]}"
    text = "".join(_plain_letter(letter) for letter in text)
    text = text.translate(_SIGNS).replace("\u066b", ".")
    times = _TIMES_TEN.search(text.translate(_POWERS))
    if times:
        text = f"{text.translate(_POWERS)[: times.start()]}e{times[1]}"
    text = _GAPS.sub("", _FORTRAN.sub("e", text)).replace("- ", "-")
    return text if _looks(text) or unit_of(text) else cell


def _plain_letter(letter: str) -> str:
    """Return a decimal digit of any script as ours, and a unit in one letter, as Japanese text has it, spelt out."""
    if letter.isdecimal():
        return str(int(letter))
    return unicodedata.normalize("NFKC", letter) if "\u3371" <= letter <= "\u33df" else letter


def _looks(cell: str) -> bool:
    return any(form.fullmatch(cell) is not None for form in _FORMS.values()) and any(map(str.isdigit, cell))


def _reads(mark: str) -> Callable[[str], bool]:
    return lambda cell: _FORMS[mark].fullmatch(cell) is not None


def _each_by_itself(cells: pd.Series) -> pd.Series | None:
    """Return a column's numbers, some with a decimal comma, others with a point; None where a cell may have either."""
    plain = []
    for cell in cells:
        marks = [mark for mark, form in _FORMS.items() if form.fullmatch(cell)]
        if not _looks(cell) or (len(marks) > 1 and not cell.lstrip("+-").isdigit()):
            return None
        plain.append(cell.replace(_GROUP_OF[marks[0]], "").replace(marks[0], "."))
    return pd.Series(plain, cells.index)


def _readings(cells: pd.Series) -> set[str]:
    """Return the decimal marks under which all of a column's numbers can be read."""
    numeric = cells[cells.map(_looks)]
    return {mark for mark in _FORMS if numeric.map(_reads(mark)).all()}


def _kind(cell: str, mark: str) -> str:
    if unit_of(_made_plain(cell)):
        return "Numbers with a unit"
    if "," in cell:
        return "Numbers with a decimal comma" if mark == "," else "Numbers with commas between thousands"
    return "Numbers in another form"
