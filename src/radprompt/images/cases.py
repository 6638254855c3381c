"""The table of cases: which image, which mask, and what else is known of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked
from radprompt.core.rows import require_width

ABOUT = ("patient", "site", "label")
"""Optional columns that go into the features table as they are."""
COLUMNS = ("case", "image", "mask", *ABOUT, "mask_label", "spacing")
_LARGEST_TABLE = 2**28
_FORM = "a CSV file with the columns case, image and mask (optional: patient, site, label, mask_label, spacing)"
_BATCH = {"ID": "case", "Image": "image", "Mask": "mask", "Label": "mask_label"}
"""PyRadiomics' columns of a batch: its ``Label`` is the mask's value, not a diagnosis."""


@dataclass(frozen=True)
class Case:
    """One image with one region: a row of the table.

    Attributes
    ----------
    row
        Row of the table, 1 after the header.
    case
        Unique name.
    image, mask
        Files or folders.
    about
        Patient, site and label, as far as the table has these columns.
    mask_label
        Which of several regions: a value of a label map, number or name of a DICOM segment, name of an RTSTRUCT
        contour; '' where the mask holds one.
    spacing
        mm from pixel to pixel, for images that do not say it: one number, or one for x, y (and z); '' without.
    """

    row: int
    case: str
    image: Path
    mask: Path
    about: tuple[tuple[str, str], ...] = ()
    mask_label: str = ""
    spacing: str = ""


@dataclass(frozen=True)
class Excluded:
    """A case that is not measured: its row, why, and what to do."""

    row: int
    case: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class CaseTable:
    """What a table of cases holds: usable cases, exclusions, and remarks on how it was read."""

    cases: list[Case]
    excluded: list[Excluded]
    notes: list[str]


def read_cases(path: Path) -> CaseTable:
    """Read a table of cases; PyRadiomics' batch CSV (``ID, Image, Mask, Label``) is taken as it is.

    Parameters
    ----------
    path
        CSV in UTF-8 (else Windows-1252), separated by commas, semicolons or tabs. Paths in it are relative to its
        folder. Letter case of the header does not count, unless ``Image`` and ``Mask`` are spelt as PyRadiomics does:
        then ``Label`` is the value of the mask.

    Returns
    -------
    CaseTable
        Rows without image or mask, and all rows of a name that occurs again, are exclusions.

    Raises
    ------
    InputError
        The table is absent, unreadable or empty, or lacks a column.
    """
    rows = _read(path)
    notes = []
    if {"Image", "Mask"} <= set(rows):
        rows = rows.rename(columns=_BATCH)
        if "mask_label" in rows:
            notes.append("column Label is taken for the mask's value, as PyRadiomics does; a diagnosis is 'label'")
    else:
        rows.columns = pd.Index([re.sub(r"[\s-]+", "_", str(name).strip().lower()) for name in rows])
        rows = rows.rename(columns={} if "case" in rows else {"id": "case"})
    _check_columns(rows, str(path))
    if "case" not in rows:
        rows["case"] = [str(number) for number in range(1, len(rows) + 1)]
        notes.append("no column 'case': the rows' numbers are the names of the cases")
    if unused := [str(name) for name in rows if name not in COLUMNS]:
        notes.append(f"columns not used: {', '.join(unused)}")
    again = rows["case"].str.casefold().duplicated(keep=False)
    cases, excluded = [], []
    for number, (repeated, cells) in enumerate(zip(again, rows.to_dict("records"), strict=True), start=1):
        row = {str(name): str(cell) for name, cell in cells.items()}
        fault = _fault(row, repeated=bool(repeated))
        if fault is None:
            about = tuple((name, row[name]) for name in ABOUT if name in row)
            files = (path.parent / _native(row["image"]), path.parent / _native(row["mask"]))
            cases.append(Case(number, row["case"], *files, about, row.get("mask_label", ""), row.get("spacing", "")))
        else:
            excluded.append(Excluded(number, row["case"], *fault))
    return CaseTable(cases, excluded, notes)


def _read(path: Path) -> pd.DataFrame:
    content = checked(path, _LARGEST_TABLE, what="table of cases", absent="check the path").read_bytes()
    where = str(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    try:
        rows = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"not a readable table: {str(error).strip()}", where=where, fix=_FORM) from None
    if rows.empty:
        raise InputError("the table has no rows", where=where, fix="write one row a case")
    require_width(text, separator, len(rows.columns), where)
    rows.columns = pd.Index([str(name).strip() for name in rows])
    return rows.fillna("").apply(lambda column: column.str.strip())


def _check_columns(rows: pd.DataFrame, where: str) -> None:
    if twice := sorted(set(rows.columns[rows.columns.duplicated()])):
        raise InputError(f"column(s) {', '.join(twice)} occur twice", where=where, fix="keep one of them")
    if missing := [name for name in ("image", "mask") if name not in rows]:
        what = f"column(s) {', '.join(missing)} missing; found {', '.join(map(str, rows))}"
        raise InputError(what, where=where, fix=_FORM)


def _fault(row: dict[str, str], *, repeated: bool) -> tuple[str, str] | None:
    if not row["case"]:
        return "the case has no name", "fill in the column 'case'"
    if repeated:
        return f"case {row['case']!r} occurs again", "give each row a name of its own"
    if missing := [name for name in ("image", "mask") if not row[name]]:
        return f"no {' and no '.join(missing)} is named", "give the path of the file or folder"
    return None


def _native(name: str) -> Path:
    return Path(name.replace("\\", "/"))


def spacing_of(text: str, dimensions: int) -> tuple[float, ...]:
    r"""Return the spacing that a table gives (mm; x, y and z), one number standing for all directions.

    DICOM's ``0.5\0.25`` has the rows' distance, y, first.

    Raises
    ------
    InputError
        It is not one number or one for each of ``dimensions``, each above zero.
    """
    parts: Sequence[str] = re.split(r"[\s;x\\]+", text.strip().lower())
    try:
        values = tuple(float(part) for part in parts)
    except ValueError:
        values = ()
    if len(values) not in (1, dimensions) or not all(0 < value < 1e4 for value in values):
        raise InputError(
            f"spacing {text!r} is not {dimensions} pixel sizes in mm", fix="write 0.5, or 0.5 0.5 3 for x, y and z"
        )
    if "\\" in text and len(values) > 1:
        values = (values[1], values[0], *values[2:])
    return values * dimensions if len(values) == 1 else values
