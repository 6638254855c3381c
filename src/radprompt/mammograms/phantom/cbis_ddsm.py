"""CBIS-DDSM's layout: case descriptions, NBIA's folders and metadata.csv, digitised film without pixel spacing.

The tables' paths are not where the files lie, mask and crop change places, and mask paths end in a newline.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless, SecondaryCaptureImageStorage
from skimage.transform import resize

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import write_csv
from radprompt.core.params import Compute, Phantom
from radprompt.mammograms.phantom.breast import Grid
from radprompt.mammograms.phantom.cohort import Breast, Exposure, draw_cohort, exposures, held_out
from radprompt.mammograms.phantom.detector import FILM, add_marker, expose
from radprompt.mammograms.phantom.encoding import truncate, uid, write_dicom
from radprompt.mammograms.phantom.mammogram import Mammogram, Truth, draw_mammogram

STREAM = 0
"""Keeps this data set's random numbers apart from the others'."""
MASK_SCALES = {"mask resized": (0.87, 0.87), "mask of another shape": (0.87, 0.70)}
"""Rows and columns of a mask as a part of its mammogram's."""
FAULTS = {"two labels": 2, "image missing": 1, "image truncated": 1, **dict.fromkeys(MASK_SCALES, 1)}
SIDES = {"L": "LEFT", "R": "RIGHT"}
FULL, MASK, CROP = "full mammogram images", "ROI mask images", "cropped images"


def write(folder: Path, seed: int, phantom: Phantom, compute: Compute) -> None:
    """Write the data set into ``folder``; the same seed and parameters give the same bytes."""
    breasts = draw_breasts(seed, phantom)
    test = held_out(breasts)
    shots = [shot for shot in exposures(breasts) if shot.breast.shows(shot.view)]
    images = parallel_map(
        write_image, shots, compute, "cbis_ddsm", folder=folder, seed=seed, phantom=phantom, test=test
    )
    rows = [row for image in images for row in image["rows"]]
    for split, density in (("train", "breast_density"), ("test", "breast density")):
        table = pd.DataFrame([row for row in rows if row["image file path"].startswith(f"Mass-{_word(split)}_")])
        write_csv(folder / f"mass_case_description_{split}_set.csv", table.rename(columns={"breast_density": density}))
    write_csv(folder / "metadata.csv", pd.DataFrame([series for image in images for series in image["series"]]))


def draw_breasts(seed: int, phantom: Phantom) -> list[Breast]:
    """Return the data set's cohort."""
    rng = np.random.default_rng([seed, STREAM])
    return draw_cohort(phantom.masses.cbis_ddsm, FAULTS, phantom.separation, rng)


def draw_image(exposure: Exposure, seed: int, phantom: Phantom) -> tuple[Mammogram, np.random.Generator]:
    """Return one image with its true contours, and the generator's next state."""
    rng = np.random.default_rng([seed, STREAM, exposure.number])
    grid = Grid(phantom.rows, phantom.columns, phantom.spacing_mm)
    return draw_mammogram(exposure.breast, exposure.view, grid, rng), rng


def write_image(exposure: Exposure, *, folder: Path, seed: int, phantom: Phantom, test: set[int]) -> dict[str, Any]:
    """Write one mammogram and the mask and crop of each of its masses; return table rows and NBIA's series."""
    mammogram, rng = draw_image(exposure, seed, phantom)
    breast = exposure.breast
    split = "test" if breast.patient in test else "train"
    place = f"{SIDES[breast.laterality]}_{exposure.view}"
    case = f"Mass-{_word(split)}_P_{breast.patient + 1:05d}_{place}"
    pixels = expose(mammogram.signal, FILM, phantom.spacing_mm, rng)
    add_marker(pixels, f"{breast.laterality} {exposure.view}", int(0.97 * 65535), at_left=breast.laterality == "R")
    folders = _Archive(folder, seed, exposure.number)
    full = folders.series(case, FULL)
    if breast.fault != "image missing":
        path = folders.write(full, 1, pixels, (JPEG2000Lossless, ExplicitVRLittleEndian)[exposure.number % 3 == 0], 16)
        if breast.fault == "image truncated":
            truncate(path)
    rows = [_write_mass(folders, case, exposure, truth, pixels, full) for truth in mammogram.truths]
    return {"rows": rows, "series": folders.listing}


class _Archive:
    """NBIA's folders for one mammogram: where each series lies, and its line of metadata.csv."""

    def __init__(self, root: Path, seed: int, number: int) -> None:
        self.root, self.seed, self.number = root, seed, number
        self.listing: list[dict[str, Any]] = []

    def series(self, case: str, description: str) -> dict[str, Any]:
        """Open a series and return its line; half of the lines have Windows paths, as the retriever writes there."""
        study = uid("cbis study", str(self.seed), case)
        series = uid("cbis series", str(self.seed), case, description)
        # Older downloads call studies DDSM-33632, newer ones DDSM-NA-18015.
        day = "07-21-2016-DDSM" if self.number % 2 else "07-20-2016-DDSM-NA"
        location = f"./{case}/{day}-{study[-5:]}/1.000000-{description}-{series[-5:]}"
        line = {
            "Series UID": series,
            "Collection": "CBIS-DDSM",
            "Subject ID": case,
            "Study UID": study,
            "Study Date": day[:10],
            "Series Description": description,
            "Modality": "MG",
            "SOP Class UID": SecondaryCaptureImageStorage,
            "Number of Images": 0,
            "File Location": location.replace("/", "\\") if self.number % 2 else location,
        }
        self.listing.append(line)
        return line

    def write(self, line: dict[str, Any], number: int, pixels: NDArray, syntax: UID, bits: int) -> Path:
        """Write image ``number`` of a series."""
        path = self.root / line["File Location"].replace("\\", "/") / f"1-{number}.dcm"
        attributes = {
            "SOPInstanceUID": uid("cbis image", line["Series UID"], str(number)),
            "SeriesInstanceUID": line["Series UID"],
            "StudyInstanceUID": line["Study UID"],
            "SeriesDescription": line["Series Description"],
            "PatientID": line["Subject ID"],
            "ManufacturerModelName": FILM.name,
        }
        write_dicom(path, pixels, syntax, bits=bits, sop_class=SecondaryCaptureImageStorage, attributes=attributes)
        line["Number of Images"] += 1
        return path


def _write_mass(
    folders: _Archive, case: str, exposure: Exposure, truth: Truth, pixels: NDArray[np.uint16], full: dict[str, Any]
) -> dict[str, Any]:
    breast, mass, number = exposure.breast, truth.mass, exposure.number
    folder = f"{case}_{mass.number}"
    mask = truth.mask.astype(np.uint8) * np.uint8(255)
    if breast.fault in MASK_SCALES:
        scaled = tuple(round(n * part) for n, part in zip(mask.shape, MASK_SCALES[breast.fault], strict=True))
        mask = resize(mask, scaled, order=0, preserve_range=True, anti_aliasing=False).astype(np.uint8)
    box = [max(0, round(side)) for side in truth.extent]
    crop = np.ascontiguousarray(pixels[box[1] : box[3], box[0] : box[2]])
    masks = folders.series(folder, MASK)
    apart = number % 7 == 3
    crops = folders.series(folder, CROP) if apart else masks
    mask_first = not apart and number % 2 == 0
    folders.write(masks, 1 if mask_first or apart else 2, mask, RLELossless, 8)
    folders.write(crops, 2 if mask_first else 1, crop, ExplicitVRLittleEndian, 16)
    malignant = mass.suspicion > 0.5
    if breast.fault == "two labels":
        malignant = exposure.view == "MLO"
    traits = mass.traits
    return {
        "patient_id": f"P_{breast.patient + 1:05d}",
        "breast_density": breast.density,
        "left or right breast": SIDES[breast.laterality],
        "image view": exposure.view,
        "abnormality id": mass.number,
        "abnormality type": "mass",
        "mass shape": "N/A" if number % 31 == 7 else traits.shape_word,
        "mass margins": "N/A" if number % 23 == 5 else traits.margin_word,
        "assessment": 0 if number % 11 == 6 else 3 + int(mass.suspicion > 0.45) + int(mass.suspicion > 0.8),
        "pathology": "MALIGNANT" if malignant else _benign(mass.suspicion),
        "subtlety": 0 if number % 37 == 9 else int(np.clip(round(3.5 + traits.density), 1, 5)),
        "image file path": _table_path(case, full, 0),
        "cropped image file path": _table_path(folder, crops, 0),
        "ROI mask file path": _table_path(folder, masks, 0 if apart else 1) + "\n",
    }


def _benign(suspicion: float) -> str:
    return "BENIGN_WITHOUT_CALLBACK" if suspicion < 0.08 else "BENIGN"


def _table_path(case: str, series: dict[str, Any], number: int) -> str:
    return f"{case}/{series['Study UID']}/{series['Series UID']}/{number:06d}.dcm"


def _word(split: str) -> str:
    return {"train": "Training", "test": "Test"}[split]
