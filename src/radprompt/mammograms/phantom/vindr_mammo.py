"""VinDr-Mammo's layout: ``images/<study>/<image>.dicom`` and three tables, findings as boxes without contours."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import write_csv
from radprompt.core.params import Compute, Phantom
from radprompt.mammograms.phantom.breast import Grid
from radprompt.mammograms.phantom.cohort import Breast, Exposure, draw_cohort, exposures, held_out
from radprompt.mammograms.phantom.detector import VINDR, Detector, add_marker, expose
from radprompt.mammograms.phantom.encoding import truncate, uid, write_dicom
from radprompt.mammograms.phantom.mammogram import Extent, Mammogram, draw_mammogram, read_box

STREAM = 1
"""Keeps this data set's random numbers apart from the others'."""
BENIGN_SHARE = 0.53
FAULTS = {
    "no BI-RADS": 1,
    "BI-RADS 2": 1,
    "box outside": 1,
    "image missing": 1,
    "image truncated": 1,
    "both splits": 2,
}
SYNTAXES = (JPEG2000Lossless, JPEGLosslessSV1, JPEG2000Lossless, ExplicitVRLittleEndian, JPEGLSLossless)


def write(folder: Path, seed: int, phantom: Phantom, compute: Compute) -> None:
    """Write the data set into ``folder``; the same seed and parameters give the same bytes."""
    breasts = draw_breasts(seed, phantom)
    test = held_out(breasts)
    images = parallel_map(
        write_image, exposures(breasts), compute, "vindr_mammo", folder=folder, seed=seed, phantom=phantom, test=test
    )
    findings = [row for image in images for row in image["findings"]]
    write_csv(folder / "finding_annotations.csv", pd.DataFrame(findings))
    write_csv(folder / "breast-level_annotations.csv", pd.DataFrame([image["breast"] for image in images]))
    write_csv(folder / "metadata.csv", pd.DataFrame([image["metadata"] for image in images]))


def draw_breasts(seed: int, phantom: Phantom) -> list[Breast]:
    """Return the data set's cohort."""
    rng = np.random.default_rng([seed, STREAM])
    return draw_cohort(phantom.masses.vindr_mammo, FAULTS, phantom.separation, rng)


def draw_image(exposure: Exposure, seed: int, phantom: Phantom) -> tuple[Mammogram, np.random.Generator]:
    """Return one image with its true contours (which the data set does not hold), and the generator's next state."""
    rng = np.random.default_rng([seed, STREAM, exposure.number])
    grid = Grid(phantom.rows, phantom.columns, phantom.spacing_mm)
    return draw_mammogram(exposure.breast, exposure.view, grid, rng), rng


def image_id(exposure: Exposure, seed: int) -> str:
    """Return the image's 32 hex digits."""
    return _hex("image", seed, exposure.number)


def birads(suspicion: float) -> str:
    """Return a mass's category: 3 in the less suspicious part of the cohort, 4 and 5 above."""
    if suspicion < BENIGN_SHARE:
        return "BI-RADS 3"
    return "BI-RADS 4" if suspicion < 0.83 else "BI-RADS 5"


def write_image(exposure: Exposure, *, folder: Path, seed: int, phantom: Phantom, test: set[int]) -> dict[str, Any]:
    """Write one DICOM file; return its rows of the three tables."""
    mammogram, rng = draw_image(exposure, seed, phantom)
    breast = exposure.breast
    detector = VINDR[breast.patient % len(VINDR)]
    study, image = _hex("study", seed, breast.patient), image_id(exposure, seed)
    series = _hex("series", seed, breast.patient)
    if breast.fault != "image missing":
        path = folder / "images" / study / f"{image}.dicom"
        _write_pixels(path, exposure, mammogram, detector, phantom, rng, (study, series, image))
        if breast.fault == "image truncated":
            truncate(path)
    place = {
        "study_id": study,
        "series_id": series,
        "image_id": image,
        "laterality": breast.laterality,
        "view_position": exposure.view,
        "height": phantom.rows,
        "width": phantom.columns,
    }
    level = {"breast_birads": _breast_birads(breast), "breast_density": f"DENSITY {'ABCD'[breast.density - 1]}"}
    tested = breast.patient in test or (breast.fault == "both splits" and exposure.view == "MLO")
    split = {"split": "test" if tested else "training"}
    findings = [place | level | finding | split for finding in _findings(exposure, mammogram, phantom, rng)]
    metadata = {
        "SOP Instance UID": image,
        "Series Instance UID": series,
        "Patient's Age": f"0{35 + breast.patient * 7 % 45}Y",
        "Photometric Interpretation": "MONOCHROME1" if detector.inverted else "MONOCHROME2",
        "Imager Pixel Spacing": str([phantom.spacing_mm] * 2),
        "Manufacturer's Model Name": detector.name,
    }
    return {"findings": findings, "breast": place | level | split, "metadata": metadata}


def _write_pixels(
    path: Path,
    exposure: Exposure,
    mammogram: Mammogram,
    detector: Detector,
    phantom: Phantom,
    rng: np.random.Generator,
    ids: tuple[str, str, str],
) -> None:
    breast, top = exposure.breast, 2**detector.bits - 1
    pixels = expose(mammogram.signal, detector, phantom.spacing_mm, rng)
    at_left = breast.laterality == "R"
    add_marker(pixels, f"{breast.laterality}-{exposure.view}", int(0.95 * top), at_left=at_left)
    padding = {}
    if detector.inverted:
        pixels = top - pixels
        # Padded with 0, which would shine white in MONOCHROME1.
        stripe = phantom.columns // 40
        pixels[:, slice(None, stripe) if at_left else slice(-stripe, None)] = 0
        padding = {"PixelPaddingValue": 0}
    study, series, image = ids
    attributes = {
        "SOPInstanceUID": uid("vindr image", image),
        "SeriesInstanceUID": uid("vindr series", series),
        "StudyInstanceUID": uid("vindr study", study),
        "PatientID": study,
        "ImageLaterality": breast.laterality,
        "ViewPosition": exposure.view,
        "ManufacturerModelName": detector.name,
        "ImagerPixelSpacing": [phantom.spacing_mm] * 2,
        "WindowCenter": top // 2,
        "WindowWidth": top,
        **padding,
    }
    syntax = SYNTAXES[exposure.number % len(SYNTAXES)]
    write_dicom(path, pixels, syntax, bits=detector.bits, inverted=detector.inverted, attributes=attributes)


def _findings(
    exposure: Exposure, mammogram: Mammogram, phantom: Phantom, rng: np.random.Generator
) -> list[dict[str, Any]]:
    breast, rows = exposure.breast, []
    for truth in mammogram.truths:
        box, category = read_box(truth.extent, rng), birads(truth.mass.suspicion)
        categories = ["Suspicious Calcification", "Mass"] if truth.mass.calcified else ["Mass"]
        if breast.fault == "no BI-RADS":
            category = ""
        elif breast.fault == "BI-RADS 2":
            category = "BI-RADS 2"
        elif breast.fault == "box outside":
            box = Extent(box.xmin + phantom.columns, box.ymin, box.xmax + phantom.columns, box.ymax)
        rows.append({"finding_categories": str(categories), "finding_birads": category, **box._asdict()})
    if mammogram.finding:
        box = read_box(mammogram.finding, rng)
        rows.append({"finding_categories": str([breast.finding]), "finding_birads": "BI-RADS 4", **box._asdict()})
    empty = dict.fromkeys(Extent._fields)
    return rows or [{"finding_categories": str(["No Finding"]), "finding_birads": "", **empty}]


def _breast_birads(breast: Breast) -> str:
    if breast.masses:
        return birads(breast.suspicion)
    return "BI-RADS 4" if breast.finding else f"BI-RADS {1 + breast.patient % 2}"


def _hex(*parts: object) -> str:
    return hashlib.blake2b("/".join(map(str, ("vindr", *parts))).encode(), digest_size=16).hexdigest()
