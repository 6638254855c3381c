"""VinDr-Mammo's masses: boxes by radiologists, no contours.

Decisions
---------
- Every finding whose categories contain ``Mass`` is a mass, whatever else it contains.
- ``label`` comes from the finding's own BI-RADS (3 benign, 4 to 6 malignant; paper, Data), not from the breast's.
- A study that carries both official splits is excluded: its patient would be trained and tested on.
- Boxes are widened to whole pixels and cut at the image's border; one that is reversed or empty is excluded.
- Of two rows that are equal in every cell the first counts.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, isfinite
from pathlib import Path

import pandas as pd

from radprompt.core.compute import Compute
from radprompt.mammograms.datasets.birads import category, label
from radprompt.mammograms.datasets.findings import Finding, Outline, UnusableError, locate, require_name
from radprompt.mammograms.datasets.image_files import dicom_file
from radprompt.mammograms.datasets.lesion_set import NO_MASS, LesionSet
from radprompt.mammograms.datasets.splits import in_both
from radprompt.mammograms.datasets.table import Provenance, read_table, records
from radprompt.tables.lesions import Box, Exclusion

DATASET = "vindr_mammo"
PROVENANCE = Provenance("VinDr-Mammo", "PhysioNet, project vindr-mammo (doi 10.13026/br2v-7517, credentialed access)")
TABLE = "finding_annotations.csv"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = (
    "study_id",
    "image_id",
    "laterality",
    "view_position",
    "height",
    "width",
    "finding_categories",
    "finding_birads",
    *CORNERS,
    "split",
)
_JUDGED = ("finding_categories", "finding_birads", "split")
LONGEST_CATEGORIES = 1_000
"""Letters; the ten categories together have 250."""

SUFFIX = ".dicom"
"""Suffix of the released images; copies with ``.dcm``, or without any, are found too."""

SPLITS = {"training": "train", "test": "test"}

RELEASED = {"rows": 20_486, "training masses": 989, "test masses": 237}
"""Counts of the release (1.0.0): rows of :data:`TABLE`, and masses of BI-RADS 3 to 5 in each official split.

The paper's 982 and 235 are 7 and 2 fewer.
"""


@dataclass(frozen=True)
class VindrFinding(Finding):
    """A finding with its box as annotated and the image's size that the box refers to (rows, columns)."""

    corners: tuple[float, float, float, float]
    annotated_shape: tuple[int, int]

    def outline(self, shape: tuple[int, int]) -> Outline:
        """Return the box in whole pixels, inside the image."""
        if shape != self.annotated_shape:
            detail = f"table {self.annotated_shape}, file {shape} (rows, columns)"
            raise UnusableError("image of another size than annotated", detail)
        return Outline(clamped(self.corners, shape), None)


def clamped(corners: tuple[float, float, float, float], shape: tuple[int, int]) -> Box:
    """Return the whole pixels that a box (xmin, ymin, xmax, ymax) touches in an image of ``shape`` (rows, columns)."""
    rows, columns = shape
    xmin, ymin, xmax, ymax = corners
    return Box(max(floor(xmin), 0), max(floor(ymin), 0), min(ceil(xmax), columns), min(ceil(ymax), rows))


def load(root: Path, masks: Path, compute: Compute) -> LesionSet:
    """Load the masses of ``finding_annotations.csv``.

    Parameters
    ----------
    root
        Folder with ``finding_annotations.csv`` and ``images/<study_id>/<image_id>.dicom``.
    masks
        Stays empty: the data set has no contours.
    compute
        Workers.

    Raises
    ------
    InputError
        The folder or the table is absent, or the table lacks a column.
    """
    PROVENANCE.require(root)
    rows = read_table(root / TABLE, COLUMNS, PROVENANCE, ids=("study_id", "image_id"))
    return locate(_findings(rows, root), masks, compute, DATASET)


def usable_masses(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each official split and the rows of its masses that are benign or malignant by BI-RADS.

    ``table`` has the cells of :data:`TABLE` as text; an absent column or an empty cell counts for no mass.
    """
    nothing = pd.Series("", table.index)
    categories, birads, splits = (table.get(name, nothing).fillna("") for name in _JUDGED)
    judged = birads.map(lambda text: label(category(text)) is not None).astype(bool)
    mass = categories.str.contains("Mass", regex=False)
    for split in SPLITS:
        yield split, table[mass & judged & (splits == split)]


def _findings(rows: pd.DataFrame, root: Path) -> Iterator[Finding | Exclusion]:
    leaking = in_both(zip(rows["study_id"], rows["split"], strict=True))
    order: Counter[str] = Counter()
    seen: set[tuple[str, ...]] = set()
    for number, row in records(rows):
        order[row["image_id"]] += 1
        lesion = f"{row['image_id']}_{order[row['image_id']]}"
        birads = category(row["finding_birads"])
        malignancy = label(birads)
        try:
            categories = _categories(row["finding_categories"])
            if "Mass" not in categories:
                raise UnusableError(NO_MASS, ", ".join(categories))
            if (cells := tuple(row.values())) in seen:
                raise UnusableError("repeated row", "the first one counts")
            seen.add(cells)
            if malignancy is None:
                detail = repr(row["finding_birads"]) if row["finding_birads"] else "empty"
                raise UnusableError("BI-RADS neither benign (3) nor malignant (4-6)", detail)
            if row["split"] not in SPLITS:
                raise UnusableError("unknown split", repr(row["split"]))
            if row["study_id"] in leaking:
                raise UnusableError("study in both official splits")
            study, image = require_name(row["study_id"], "study"), require_name(row["image_id"], "image")
            yield VindrFinding(
                source=TABLE,
                row=number,
                lesion_id=lesion,
                patient_id=study,
                study_id=study,
                dataset=DATASET,
                image=dicom_file(root / "images" / study, image, SUFFIX),
                view=row["view_position"],
                laterality=row["laterality"],
                birads=birads,
                label=malignancy,
                split=SPLITS[row["split"]],
                corners=_corners(row),
                annotated_shape=_whole(row),
            )
        except UnusableError as reason:
            yield Exclusion(TABLE, number, lesion, str(reason))


def _categories(text: str) -> list[str]:
    """Return the Python list that the table holds as text, read without executing it."""
    try:
        categories = ast.literal_eval(text) if len(text) <= LONGEST_CATEGORIES else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # as its documentation warns
        categories = None
    if not isinstance(categories, list) or not all(isinstance(each, str) for each in categories):
        raise UnusableError("categories unreadable", repr(text))
    return categories


def _corners(row: dict[str, str]) -> tuple[float, float, float, float]:
    xmin, ymin, xmax, ymax = _numbers(row, CORNERS, "box unreadable")
    if xmax <= xmin or ymax <= ymin:
        raise UnusableError("box reversed or empty", f"xmin {xmin:g}, ymin {ymin:g}, xmax {xmax:g}, ymax {ymax:g}")
    return xmin, ymin, xmax, ymax


def _numbers(row: dict[str, str], columns: tuple[str, ...], kind: str) -> tuple:
    try:
        values = tuple(float(row[name]) for name in columns)
    except ValueError:
        values = ()
    if not values or not all(isfinite(value) for value in values):
        raise UnusableError(kind, ", ".join(f"{name} {row[name]!r}" for name in columns))
    return values


def _whole(row: dict[str, str]) -> tuple[int, int]:
    height, width = _numbers(row, ("height", "width"), "image size unreadable")
    return int(height), int(width)
