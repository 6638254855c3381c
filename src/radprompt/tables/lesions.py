"""The lesion table: one row per lesion, the same columns for every data set.

``data/lesions/<dataset>.csv`` holds the lesions that can be used, ``<dataset>_exclusions.csv`` every row of the source
that was dropped with its reason, ``<dataset>_flow.json`` the counts at each step.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from radprompt.core.outputs import write_csv
from radprompt.tables.schema import Column, Schema

BENIGN, MALIGNANT = 0, 1
LESION_ID = Column("lesion_id", "a file's name: letters, digits, _ . -", pattern="[A-Za-z0-9_.-]+")
LABEL = Column("label", "0 (benign) or 1 (malignant)", kind="whole", one_of=(BENIGN, MALIGNANT))
SPLITS = ("train", "val", "test", "adapt")


class Box(NamedTuple):
    """A bounding box in whole pixels, half open: columns ``xmin <= x < xmax``, rows ``ymin <= y < ymax``."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


@dataclass(frozen=True)
class Lesion:
    """One mass in one image.

    ``label`` is 0 benign, 1 malignant. ``split`` is one of train, val, test, adapt. The box lies inside the image.
    ``mask_path`` is a reference contour, an 8-bit PNG (0, 255) of the image's size; empty where the data set has none.
    ``spacing_mm`` is NaN where unknown; ``spacing_source`` says which DICOM attribute or table gave it, or ``unknown``.
    ``presentation`` is the image's ``PresentationIntentType``, '' where it has none: grey levels of images ``FOR
    PROCESSING`` are the detector's, others the maker's. Paths are relative to the repository, with forward slashes.
    """

    lesion_id: str
    patient_id: str
    study_id: str
    dataset: str
    image_path: str
    view: str
    laterality: str
    birads: str
    label: int
    split: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int
    mask_path: str
    spacing_mm: float
    spacing_source: str
    presentation: str = ""

    @property
    def box(self) -> Box:
        """The bounding box."""
        return Box(self.xmin, self.ymin, self.xmax, self.ymax)


@dataclass(frozen=True)
class Exclusion:
    """One dropped row of a source table: which file and row (1 = first after the header), what, and why."""

    source: str
    row: int
    record: str
    reason: str


COLUMNS = [field.name for field in fields(Lesion)]
LARGEST_SPACING = 1.0
"""mm; detectors have 0.05 to 0.1. A pixel of a millimetre is a value in another unit."""
_BOX = "correct the box in the data set's table, or run `dvc repro` again"
SCHEMA = Schema(
    "lesion table",
    [
        LESION_ID,
        Column("patient_id"),
        Column("study_id"),
        Column("dataset"),
        Column("image_path"),
        Column("view", required=False),
        Column("laterality", required=False),
        Column("birads", required=False),
        LABEL,
        Column("split", one_of=SPLITS),
        *(Column(name, kind="whole", fix=_BOX) for name in Box._fields),
        Column("mask_path", required=False),
        Column(
            "spacing_mm",
            f"above 0 and below {LARGEST_SPACING:g} mm",
            kind="number",
            low=0,
            high=LARGEST_SPACING,
            open_ends=True,
            required=False,
            fix="see the image's DICOM header; PixelSpacing and ImagerPixelSpacing are in mm",
        ),
        Column("spacing_source"),
        Column("presentation", required=False),
    ],
    key=("lesion_id",),
    fix="run `dvc repro lesions` again",
    absent="run `dvc repro lesions`, or `dvc pull`",
)


def to_table(lesions: list[Lesion]) -> pd.DataFrame:
    """Return the lesions as a table sorted by ``lesion_id``; a repeated id is a ValueError."""
    table = pd.DataFrame([asdict(lesion) for lesion in lesions], columns=COLUMNS)
    repeated = table.loc[table["lesion_id"].duplicated(), "lesion_id"].tolist()
    if repeated:
        raise ValueError(f"lesion ids are not unique: {repeated[:5]}")
    return table.sort_values("lesion_id", ignore_index=True)


def from_table(table: pd.DataFrame) -> Iterator[Lesion]:
    """Yield one :class:`Lesion` a row."""
    for row in table[COLUMNS].itertuples(index=False):
        yield Lesion(*row)


def read_lesions(path: str | Path) -> pd.DataFrame:
    """Read a lesion table.

    Raises
    ------
    InputError
        As in :meth:`radprompt.tables.schema.Schema.read`.
    """
    return SCHEMA.read(path)


def write_exclusions(path: str | Path, exclusions: list[Exclusion]) -> None:
    """Write the dropped rows, sorted by source and row."""
    table = pd.DataFrame([asdict(e) for e in exclusions], columns=[field.name for field in fields(Exclusion)])
    write_csv(path, table.sort_values(["source", "row", "record"], ignore_index=True))
