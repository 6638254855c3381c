"""INbreast's layout: ``AllDICOMs``, ``AllXML`` with OsiriX contours, and ``INbreast.csv`` with one row per image."""

import hashlib
import plistlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import atomic_write
from radprompt.core.params import Compute, Phantom
from radprompt.mammograms.phantom.breast import Grid
from radprompt.mammograms.phantom.cohort import Breast, Exposure, draw_cohort, exposures
from radprompt.mammograms.phantom.detector import INBREAST, expose
from radprompt.mammograms.phantom.encoding import truncate, uid, write_dicom
from radprompt.mammograms.phantom.mammogram import Extent, Mammogram, Truth, draw_mammogram

STREAM = 2
"""Keeps this data set's random numbers apart from the others'."""
FINER = 0.875
"""This detector's pixel size as a part of the parameter's; the breast fills the same part of the image."""
CATEGORIES = ((1 / 3, "3"), (0.43, "4a"), (0.50, "4b"), (0.64, "4c"), (0.95, "5"), (np.inf, "6"))
FAULTS = {"XML missing": 1, "image missing": 1, "image truncated": 1, "two points": 1, "BI-RADS 2": 1}
SYNTAXES = (JPEG2000Lossless, ImplicitVRLittleEndian, JPEG2000Lossless, JPEG2000Lossless, ExplicitVRLittleEndian)
NAMES = {
    "Suspicious Calcification": "Cluster",
    "Focal Asymmetry": "Assymetry",
    "Architectural Distortion": "Distortion",
}
MARKS = ("Point 1", "Calcification", "Unnamed", "Point 3", "NaN", "Calcifications")
"""Names of ROIs of one point that lie about in the real files."""
HEADER = "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads"


def write(folder: Path, seed: int, phantom: Phantom, compute: Compute) -> None:
    """Write the data set into ``folder``; the same seed and parameters give the same bytes."""
    shots = exposures(draw_breasts(seed, phantom))
    rows = parallel_map(write_image, shots, compute, "inbreast", folder=folder, seed=seed, phantom=phantom)
    with atomic_write(folder / "INbreast.csv") as part:
        part.write_text("".join(f"{line}\r\n" for line in [HEADER, *rows]), encoding="utf-8", newline="")


def draw_breasts(seed: int, phantom: Phantom) -> list[Breast]:
    """Return the data set's cohort."""
    rng = np.random.default_rng([seed, STREAM])
    return draw_cohort(phantom.masses.inbreast, FAULTS, phantom.separation, rng)


def draw_image(exposure: Exposure, seed: int, phantom: Phantom) -> tuple[Mammogram, np.random.Generator]:
    """Return one image with its true contours, and the generator's next state."""
    rng = np.random.default_rng([seed, STREAM, exposure.number])
    grid = Grid(phantom.rows, phantom.columns, phantom.spacing_mm * FINER)
    return draw_mammogram(exposure.breast, exposure.view, grid, rng), rng


def birads(suspicion: float) -> str:
    """Return an image's category as the table writes it: 3, 4a, 4b, 4c, 5 or 6."""
    return next(category for limit, category in CATEGORIES if suspicion < limit)


def write_image(exposure: Exposure, *, folder: Path, seed: int, phantom: Phantom) -> str:
    """Write one DICOM file and, where there is something to outline, its XML; return its row of the table."""
    mammogram, rng = draw_image(exposure, seed, phantom)
    breast, spacing = exposure.breast, phantom.spacing_mm * FINER
    number = str(20586000 + 26 * exposure.number)
    patient = _hash(seed, breast.patient)
    view = "ML" if exposure.view == "MLO" else exposure.view
    path = folder / "AllDICOMs" / f"{number}_{patient}_MG_{breast.laterality}_{view}_ANON.dcm"
    if breast.fault != "image missing":
        attributes = {
            "SOPInstanceUID": uid("inbreast image", str(seed), number),
            "SeriesInstanceUID": uid("inbreast series", str(seed), number),
            "StudyInstanceUID": uid("inbreast study", str(seed), patient),
            "PatientID": "removed",
            "ImageLaterality": breast.laterality,
            "ViewPosition": exposure.view,
            "ManufacturerModelName": INBREAST.name,
            "PixelSpacing": [spacing] * 2,
            "ImagerPixelSpacing": [spacing] * 2,
        }
        pixels = expose(mammogram.signal, INBREAST, spacing, rng)
        syntax = SYNTAXES[exposure.number % len(SYNTAXES)]
        write_dicom(path, pixels, syntax, bits=INBREAST.bits, attributes=attributes)
        if breast.fault == "image truncated":
            truncate(path)
    regions = _regions(exposure, mammogram, spacing, phantom, rng)
    if regions and breast.fault != "XML missing":
        _write_xml(folder / "AllXML" / f"{number}.xml", regions)
    date = f"{2008 + breast.patient % 3}{1 + breast.patient % 12:02d}"
    density = "" if breast.patient % 40 == 17 else str(breast.density)
    return f"removed;removed;{breast.laterality};{exposure.view};{date};{number};{density};{_breast_birads(breast)}"


def _breast_birads(breast: Breast) -> str:
    if breast.fault == "BI-RADS 2":
        return "2"
    if breast.masses:
        return birads(breast.suspicion)
    return "4a" if breast.finding else str(1 + breast.patient % 2)


def _regions(
    exposure: Exposure, mammogram: Mammogram, spacing: float, phantom: Phantom, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Return the image's ROIs as OsiriX writes them."""
    shapes: list[tuple[str, NDArray]] = []
    for truth in mammogram.truths:
        points = _trace(truth, rng)
        shapes.append(("Mass", points[:2] if exposure.breast.fault == "two points" else points))
        if truth.mass.calcified:
            shapes.append(("Calcification", points.mean(axis=0, keepdims=True)))
    if mammogram.finding:
        shapes.append((NAMES[exposure.breast.finding], _ring(mammogram.finding)))
    if shapes and exposure.number % 9 == 4:
        mark = rng.uniform(0.3, 0.7, (1, 2)) * [phantom.columns, phantom.rows]
        shapes.append((MARKS[exposure.number // 9 % len(MARKS)], mark))
    return [_roi(index, name, points, spacing) for index, (name, points) in enumerate(shapes)]


def _trace(truth: Truth, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the contour as a hand follows it: every few degrees, a fraction of a pixel off; it may leave the image."""
    points = truth.outline[::5]
    return points + rng.normal(0, 0.3, points.shape)


def _ring(extent: Extent) -> NDArray[np.float64]:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)]) / 2 + 0.5
    return circle * [extent.xmax - extent.xmin, extent.ymax - extent.ymin] + [extent.xmin - 0.5, extent.ymin - 0.5]


def _roi(index: int, name: str, points: NDArray, spacing: float) -> dict[str, Any]:
    centre = points.mean(axis=0)
    return {
        "Center": f"({centre[0]:.6f}, {centre[1]:.6f}, 0.000000)",
        "IndexInImage": index,
        "Name": name,
        "NumberOfPoints": len(points),
        "Point_mm": [f"({x * spacing:.6f}, {y * spacing:.6f}, 0.000000)" for x, y in points],
        "Point_px": [f"({x:.6f}, {y:.6f})" for x, y in points],
        "Type": 15 if len(points) > 2 else 19,
    }


def _write_xml(path: Path, regions: list[dict[str, Any]]) -> None:
    content = {"Images": [{"ImageIndex": 0, "NumberOfROIs": len(regions), "ROIs": regions}]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(plistlib.dumps(content))


def _hash(seed: int, patient: int) -> str:
    return hashlib.blake2b(f"inbreast/{seed}/{patient}".encode(), digest_size=8).hexdigest()
