"""What a user asks about: one image with a box or a mask, or a table of them."""

import math
import os.path
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.rows import require_width
from radprompt.tables.lesions import Exclusion

CORNERS = ("xmin", "ymin", "xmax", "ymax")
_ID = re.compile(r"\w[\w.\- ]{0,99}")
_ID_BYTES = 200
"""File systems take names of 255 bytes; an ending and a temporary name are added."""
PREDICTIONS, EXCLUDED = "predictions.csv", "excluded.csv"
"""Tables of a table's cases: those that were predicted, and the others."""
_FIX_TABLE = "a CSV file with the columns id, image, and xmin, ymin, xmax, ymax or mask"


@dataclass(frozen=True)
class Case:
    """One mass: its image, and either the box around it (xmin, ymin, xmax, ymax; px) or a mask of the image's size.

    ``case_id`` names the result's files. ``spacing_mm`` is for images that do not say it, NaN where unknown. ``row`` is
    the case's in its table, 1 after the header.
    """

    case_id: str
    image: Path
    corners: tuple[float, float, float, float] | None
    mask: Path | None
    spacing_mm: float = math.nan
    row: int = 1

    def __post_init__(self) -> None:
        """Refuse what could not be measured, or would write its result elsewhere."""
        if not names_a_file(self.case_id):
            raise InputError(
                f"id {self.case_id!r} cannot name a file",
                fix="use letters, digits, and - _ . or blanks between them, at most 100 and 200 bytes",
            )
        if (self.corners is None) == (self.mask is None):
            raise InputError("a case needs a box or a mask, one of the two", fix="give one of them: --box or --mask")
        if not (math.isnan(self.spacing_mm) or 0 < self.spacing_mm < math.inf):
            raise InputError(f"spacing {self.spacing_mm:g} mm is no pixel size", fix="give mm from pixel to pixel")


def names_a_file(case_id: str) -> bool:
    """Whether a result may be called so: letters, digits, and - _ . or blanks between them, at most 100."""
    return _ID.fullmatch(case_id) is not None and len(case_id.encode()) <= _ID_BYTES


def id_of(image: Path) -> str:
    """Return an id for a case that was given none: the image's name, ``mammo_1`` for ``mammo (1).dcm``."""
    if names_a_file(image.stem):
        return image.stem
    words = re.sub(r"[^\w.\-]+", "_", image.stem).strip("_.-")
    return words[:100].encode()[:_ID_BYTES].decode(errors="ignore").rstrip("_.-") or "case"


def parse_box(text: str) -> tuple[float, float, float, float]:
    """Return the four numbers of ``xmin,ymin,xmax,ymax``; anything else is an :class:`InputError`."""
    try:
        xmin, ymin, xmax, ymax = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{text!r} is no box", where="--box", fix="four numbers, px: xmin,ymin,xmax,ymax, such as 120,80,190,150"
        ) from None
    return xmin, ymin, xmax, ymax


def read_cases(
    table: Path, images: Path | None = None, spacing_mm: float = math.nan
) -> tuple[list[Case], list[Exclusion]]:
    """Read a table of cases.

    Parameters
    ----------
    table
        CSV (UTF-8, a byte order mark allowed) with ``id``, ``image`` and either ``xmin``, ``ymin``, ``xmax``, ``ymax``
        or ``mask``, row by row; ``spacing_mm`` where an image does not say it. Other columns are ignored.
    images
        Folder that paths in the table are relative to and must not leave; None: the table's own.
    spacing_mm
        Pixel size of rows without one.

    Returns
    -------
    tuple
        The cases in the table's order, and an exclusion with its reason for every other row. An id that occurs again
        excludes all its rows, since nobody could tell their results apart.

    Raises
    ------
    InputError
        The table is absent, no CSV, empty, or lacks a column.
    """
    rows = _read(table)
    root = table.parent if images is None else images
    if not root.is_dir():
        raise InputError("no such folder", where=str(root), fix="name the folder that holds the images")
    again = rows["id"].str.casefold().duplicated(keep=False)
    cases, excluded = [], []
    for number, repeated, row in zip(rows.index, again, rows.to_dict("records"), strict=True):
        try:
            if repeated:
                raise InputError(f"id {row['id']!r} occurs again")
            cases.append(_case({str(key): value for key, value in row.items()}, int(number), root, spacing_mm))
        except InputError as error:
            excluded.append(Exclusion(table.name, int(number), row["id"], error.what))
    return cases, excluded


def _read(table: Path) -> pd.DataFrame:
    where = str(table)
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)
    except FileNotFoundError:
        raise InputError("no such table", where=where, fix="check the path") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"not a readable table: {str(error).strip()}", where=where, fix=_FIX_TABLE) from None
    require_width(table.read_text(encoding="utf-8-sig"), ",", len(rows.columns), where)
    rows.columns = pd.Index([str(name).strip().lower() for name in rows.columns])
    if not rows.columns.is_unique:
        name = rows.columns[rows.columns.duplicated()][0]
        raise InputError(f"column {name!r} occurs twice", where=where, fix="keep one of them")
    missing = [name for name in ("id", "image") if name not in rows]
    if "mask" not in rows:
        missing += [name for name in CORNERS if name not in rows]
    if missing:
        found = f"column(s) {', '.join(missing)} missing; found {', '.join(rows.columns)}"
        raise InputError(found, where=where, fix=_FIX_TABLE)
    if rows.empty:
        raise InputError("the table has no rows", where=where, fix="write one row a mass")
    rows = rows.fillna("").apply(lambda column: column.str.strip())
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    return rows


def _case(row: dict[str, Any], number: int, root: Path, spacing_mm: float) -> Case:
    boxed = [name for name in CORNERS if row.get(name)]
    if boxed and len(boxed) < len(CORNERS):
        raise InputError(f"the box lacks {', '.join(name for name in CORNERS if name not in boxed)}")
    corners = (_number(row, "xmin"), _number(row, "ymin"), _number(row, "xmax"), _number(row, "ymax"))
    own = _number(row, "spacing_mm") if row.get("spacing_mm") else spacing_mm
    mask = _inside(root, row["mask"], "mask") if row.get("mask") else None
    return Case(row["id"], _inside(root, row["image"], "image"), corners if boxed else None, mask, own, number)


def _number(row: dict[str, Any], name: str) -> float:
    text = row.get(name) or "nan"
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name} {text!r} is not a number") from None


def _inside(root: Path, name: str, what: str) -> Path:
    """Return the path of a file below the folder; Windows' separators are taken too."""
    if not name:
        raise InputError(f"no {what} is named")
    path = os.path.normpath(root.absolute() / name.replace("\\", "/"))
    if not Path(path).is_relative_to(os.path.normpath(root.absolute())):
        raise InputError(f"{what} {name!r} lies outside {root}")
    return root / os.path.relpath(path, root.absolute())


def none_predicted(table: Path, excluded: int, first: str, out: Path) -> InputError:
    """Return the error for a table of which no case was predicted; ``first`` is the first exclusion's reason."""
    what = f"not one of {excluded} cases can be predicted; the first: {first}"
    return InputError(what, where=str(table), fix=f"see {out / EXCLUDED}")
