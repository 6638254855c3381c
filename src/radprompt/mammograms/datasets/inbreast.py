"""INbreast's masses: contours from OsiriX property lists, BI-RADS from the table, patients from the DICOM names.

Decisions
---------
- A region counts as a mass when it is named ``Mass``. ``Spiculated Region`` does not: it is drawn around a mass that
  has a contour of its own, and would count the lesion twice. Clusters, distortions, asymmetries are other findings.
- Regions of one or two points are marks, not areas, and are excluded; so is a region that repeats another's outline.
- ``label`` comes from the image's BI-RADS, the only one there is (3 benign, 4a to 6 malignant; paper, Data).
- The pixel size is the DICOM's; 0.07 mm, the published one, where it has none (source ``table``).
- A row of the flow is a region of interest, or an image without any.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radprompt.core.compute import Compute
from radprompt.core.inputs import shown
from radprompt.mammograms.datasets.birads import category, label
from radprompt.mammograms.datasets.findings import Finding, Outline, UnusableError, locate, require_name
from radprompt.mammograms.datasets.image_files import files_in, what_is_there
from radprompt.mammograms.datasets.lesion_set import NO_ANNOTATION, NO_MASS, LesionSet
from radprompt.mammograms.datasets.osirix import Roi, read_rois
from radprompt.mammograms.datasets.table import Provenance, read_table, records
from radprompt.mammograms.imaging.contours import box_of, polygon_mask
from radprompt.tables.lesions import Exclusion

DATASET = "inbreast"
PROVENANCE = Provenance("INbreast", "its authors, on request (doi 10.1016/j.acra.2011.09.014)")
TABLE = "INbreast.csv"
COLUMNS = ("laterality", "view", "acquisition_date", "file_name", "bi-rads")
MASS = "mass"
SPACING_MM = 0.07
"""Pixel size of the detector (Moreira et al., Acad Radiol 2012), mm."""


@dataclass(frozen=True)
class InbreastFinding(Finding):
    """A region with its corners (column, row), px."""

    points: tuple[tuple[float, float], ...]

    def outline(self, shape: tuple[int, int]) -> Outline:
        """Return the polygon, its points moved into the image, and the box around it."""
        mask = polygon_mask(self.points, shape)
        if not mask.any():
            raise UnusableError("outline too small", f"{len(self.points)} points that enclose no pixel")
        return Outline(box_of(mask), mask)

    def published_spacing_mm(self) -> float:
        """Return the detector's pixel size."""
        return SPACING_MM


def load(root: Path, masks: Path, compute: Compute) -> LesionSet:
    """Load the masses of the images in ``INbreast.csv``.

    Parameters
    ----------
    root
        Folder with ``INbreast.csv``, ``AllDICOMs/`` and ``AllXML/``.
    masks
        Folder that receives one PNG a lesion.
    compute
        Workers.

    Raises
    ------
    InputError
        The folder, one of the three or a column of the table is absent.
    """
    PROVENANCE.require(root)
    rows = read_table(root / TABLE, COLUMNS, PROVENANCE, separator=";", ids=("file_name", "acquisition_date"))
    images, outlines = PROVENANCE.require(root / "AllDICOMs"), PROVENANCE.require(root / "AllXML")
    by_file: dict[str, list[Path]] = defaultdict(list)
    for path in files_in(images):
        by_file[path.name.split("_")[0]].append(path)
    lists = {path.stem: path for path in files_in(outlines, (".xml",))}
    return locate([*_findings(rows, by_file, images, lists), *_unlisted(rows, lists)], masks, compute, DATASET)


def _findings(
    rows: pd.DataFrame, by_file: dict[str, list[Path]], images: Path, lists: dict[str, Path]
) -> Iterator[Finding | Exclusion]:
    seen: set[str] = set()
    for number, row in records(rows):
        file = row["file_name"]
        try:
            if file in seen or not file:
                raise UnusableError("repeated row", "the first one counts") if file else UnusableError("no file name")
            seen.add(file)
            require_name(file, "file")
            rois = _rois_of(lists.get(file), f"{file}.xml", row["bi-rads"])
        except UnusableError as reason:
            yield Exclusion(TABLE, number, file, str(reason))
            continue
        outlined: set[tuple[tuple[float, float], ...]] = set()
        for position, roi in enumerate(rois, start=1):
            lesion = f"{file}_{position}"
            try:
                if roi.name.strip().lower() != MASS:
                    raise UnusableError(NO_MASS, f"region {roi.name.strip()!r}")
                if roi.points in outlined:
                    raise UnusableError("repeated region", "the first one counts")
                outlined.add(roi.points)
                yield _finding(lesion, position, roi, row, by_file.get(file, []), images)
            except UnusableError as reason:
                yield Exclusion(f"AllXML/{file}.xml", position, lesion, str(reason))


def _rois_of(path: Path | None, name: str, birads: str) -> list[Roi]:
    """Return the regions of an image, at least one; raises UnusableError."""
    if path is None:
        # Images without findings have no file; one that is suspicious should have had one.
        kind = NO_MASS if label(category(birads)) is None else NO_ANNOTATION
        raise UnusableError(kind, f"no {name}, BI-RADS {birads or 'empty'}")
    rois = read_rois(path)
    if not rois:
        raise UnusableError(NO_MASS, f"no region in {path.name}")
    return rois


def _finding(lesion: str, position: int, roi: Roi, row: dict[str, str], files: list[Path], images: Path) -> Finding:
    birads = category(row["bi-rads"])
    malignancy = label(birads)
    if len(roi.points) < 3:
        raise UnusableError("mark, not an area", f"{len(roi.points)} point(s)")
    if malignancy is None:
        raise UnusableError("BI-RADS neither benign (3) nor malignant (4-6)", repr(row["bi-rads"]))
    if not files:
        raise UnusableError("image missing", f"AllDICOMs/{row['file_name']}_*.dcm ({what_is_there(images)})")
    parts = files[0].stem.split("_")
    if len(files) > 1 or len(parts) < 2 or not parts[1]:
        raise UnusableError("patient unknown", f"from the name(s) {', '.join(file.name for file in files)}")
    return InbreastFinding(
        source=f"AllXML/{row['file_name']}.xml",
        row=position,
        lesion_id=lesion,
        patient_id=parts[1],
        study_id=f"{parts[1]}_{row['acquisition_date']}",
        dataset=DATASET,
        image=files[0],
        view="MLO" if row["view"] == "ML" else row["view"],
        laterality=row["laterality"],
        birads=birads,
        label=malignancy,
        split="test",
        points=roi.points,
    )


def _unlisted(rows: pd.DataFrame, lists: dict[str, Path]) -> Iterator[Exclusion]:
    """Property lists of images that the table doesn't know: without BI-RADS there is no label."""
    listed = set(rows["file_name"])
    for path in lists.values():
        if path.stem not in listed:
            yield Exclusion(f"AllXML/{shown(path.name)}", 1, shown(path.stem), f"{NO_ANNOTATION}: image not in {TABLE}")
