"""CBIS-DDSM's masses: the official tables, an NBIA download, reference masks found by content.

Decisions
---------
- An abnormality (patient, side, id) that is benign in one view and malignant in the other is excluded in all its rows:
  nothing tells which label is wrong (P_00419 LEFT 1 and 2, P_01623 RIGHT 1 in the release).
- A patient in both tables is excluded from both (none in the release).
- A mask is the file of two values at most; its crop, which is often stored under the mask's name, has many.
- A mask of another size than its mammogram is resampled by nearest neighbour when the aspect ratios agree within 2 %.
- ``label`` is the pathology: malignant 1; benign and benign without callback 0. ``birads`` is the reader's assessment.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from radprompt.core.compute import Compute
from radprompt.core.errors import ImageError
from radprompt.mammograms.datasets import nbia
from radprompt.mammograms.datasets.birads import category
from radprompt.mammograms.datasets.findings import Finding, Outline, UnusableError, locate, require_name
from radprompt.mammograms.datasets.image_files import what_is_there
from radprompt.mammograms.datasets.lesion_set import NO_MASS, LesionSet
from radprompt.mammograms.datasets.splits import in_both
from radprompt.mammograms.datasets.table import Provenance, read_table, records
from radprompt.mammograms.imaging.contours import box_of, resize_mask, sign_of_inversion
from radprompt.mammograms.imaging.dicom import read_pixels
from radprompt.tables.lesions import BENIGN, MALIGNANT, Exclusion

DATASET = "cbis_ddsm"
PROVENANCE = Provenance("CBIS-DDSM", "The Cancer Imaging Archive (doi 10.7937/K9/TCIA.2016.7O02S9CY)")
TABLES = {"train": "mass_case_description_train_set.csv", "test": "mass_case_description_test_set.csv"}
COLUMNS = (
    "patient_id",
    "left_or_right_breast",
    "image_view",
    "abnormality_id",
    "abnormality_type",
    "assessment",
    "pathology",
    "image_file_path",
    "roi_mask_file_path",
)
LABELS = {"MALIGNANT": MALIGNANT, "BENIGN": BENIGN, "BENIGN_WITHOUT_CALLBACK": BENIGN}
MAMMOGRAM = "full mammogram images"
ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True)
class CbisFinding(Finding):
    """A row of the tables with the files among which its mask is."""

    files: tuple[Path, ...]

    def outline(self, shape: tuple[int, int]) -> Outline:
        """Return the mask at the mammogram's size and the box around it."""
        mask = _reference_mask(self.files)
        if not mask.any():
            raise UnusableError("mask of one value", "all of it or none")
        if sign := sign_of_inversion(mask):
            raise UnusableError("mask inverted", f"it {sign}")
        if mask.shape != shape:
            aspect, expected = mask.shape[0] / mask.shape[1], shape[0] / shape[1]
            if abs(aspect / expected - 1) > ASPECT_TOLERANCE:
                detail = f"mask {mask.shape[0]} x {mask.shape[1]}, mammogram {shape[0]} x {shape[1]} (rows x columns)"
                raise UnusableError("mask of another shape", detail)
            mask = resize_mask(mask, shape)
            if not mask.any():
                raise UnusableError("mask empty", "after resampling to the mammogram's size")
        return Outline(box_of(mask), mask)


def load(root: Path, masks: Path, compute: Compute) -> LesionSet:
    """Load the masses of both official tables.

    Parameters
    ----------
    root
        Folder with the two ``mass_case_description_*_set.csv`` and the NBIA download.
    masks
        Folder that receives one PNG a lesion.
    compute
        Workers.

    Raises
    ------
    InputError
        The folder or a table is absent, or a table lacks a column.
    """
    PROVENANCE.require(root)
    rows = pd.concat(
        [
            read_table(root / name, COLUMNS, PROVENANCE, ids=("abnormality_id",)).assign(split=split)
            for split, name in TABLES.items()
        ]
    )
    series = nbia.index(root, "Mass-", PROVENANCE)
    return locate(_findings(rows, series), masks, compute, DATASET)


def _findings(rows: pd.DataFrame, series: dict[str, list[nbia.Series]]) -> Iterator[Finding | Exclusion]:
    conflicting = _conflicting(rows)
    leaking = in_both(zip(rows["patient_id"], rows["split"], strict=True))
    seen: set[str] = set()
    for number, row in records(rows):
        lesion = f"{row['patient_id']}_{row['left_or_right_breast']}_{row['image_view']}_{row['abnormality_id']}"
        try:
            if row["abnormality_type"] != "mass":
                raise UnusableError(NO_MASS, f"abnormality type {row['abnormality_type']!r}")
            if row["patient_id"] in leaking:
                raise UnusableError("patient in both official splits")
            if lesion in seen:
                raise UnusableError("repeated row", "the first one counts")
            seen.add(lesion)
            if row["pathology"] not in LABELS:
                raise UnusableError("unknown pathology", repr(row["pathology"]))
            if _abnormality(row) in conflicting:
                raise UnusableError("conflicting labels", "benign in one view, malignant in another")
            yield CbisFinding(
                source=TABLES[row["split"]],
                row=number,
                lesion_id=require_name(lesion, "lesion"),
                patient_id=require_name(row["patient_id"], "patient"),
                study_id=_part(row["image_file_path"], 1),
                dataset=DATASET,
                image=_mammogram(_part(row["image_file_path"], 0), series),
                view=row["image_view"],
                laterality=row["left_or_right_breast"][:1],
                birads=category(row["assessment"]),
                label=LABELS[row["pathology"]],
                split=row["split"],
                files=_mask_files(_part(row["roi_mask_file_path"], 0), series),
            )
        except UnusableError as reason:
            yield Exclusion(TABLES[row["split"]], number, lesion, str(reason))


def _abnormality(row: dict[str, str]) -> tuple[str, str, str]:
    return row["patient_id"], row["left_or_right_breast"], row["abnormality_id"]


def _conflicting(rows: pd.DataFrame) -> set[tuple[str, str, str]]:
    """Abnormalities that carry both labels; the same lesion has the same id in its two views."""
    labels: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for _, row in records(rows):
        if row["pathology"] in LABELS:
            labels[_abnormality(row)].add(LABELS[row["pathology"]])
    return {abnormality for abnormality, found in labels.items() if len(found) > 1}


def _part(path: str, position: int) -> str:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return parts[position] if len(parts) > position else ""


def _mammogram(subject: str, series: dict[str, list[nbia.Series]]) -> Path:
    """Return the one file of the subject's full mammogram; raises UnusableError."""
    candidates = series.get(subject, [])
    named = [each for each in candidates if each.description == MAMMOGRAM]
    files = [file for each in named or candidates for file in each.files()]
    if not files:
        raise UnusableError("image missing", _missing(subject, candidates))
    if len(files) > 1:
        raise UnusableError("several mammograms", f"{len(files)} files in {subject}")
    return files[0]


def _missing(subject: str, candidates: list[nbia.Series]) -> str:
    if not subject:
        return "no path in the table"
    return f"{subject} ({what_is_there(candidates[0].folder) if candidates else 'no such folder in the download'})"


def _mask_files(subject: str, series: dict[str, list[nbia.Series]]) -> tuple[Path, ...]:
    """All files beside the mask, whatever the series is called: crop and mask are told apart by content."""
    candidates = [each for each in series.get(subject, []) if each.description != MAMMOGRAM]
    files = [file for each in candidates for file in each.files()]
    if not files:
        raise UnusableError("mask missing", _missing(subject, candidates))
    return tuple(files)


def _reference_mask(files: tuple[Path, ...]) -> np.ndarray:
    """Return the file with two values at most, the larger one if the crop is flat; raises UnusableError."""
    found: np.ndarray | None = None
    problems = []
    for file in files:
        try:
            pixels = read_pixels(file)
        except ImageError as error:
            problems.append(f"{file.name}: {error.what}")
            continue
        low, high = pixels.min(), pixels.max()
        two_values = ((pixels == low) | (pixels == high)).all()
        if two_values and (found is None or pixels.size > found.size):
            found = pixels > low  # empty where the file is flat
    if found is None:
        detail = "; ".join(problems) or f"none of {len(files)} files has two values"
        raise UnusableError("mask unusable", f"{files[0].parent.parent.parent.name} {detail}")
    return found
