"""Readers under fire: valid small files, changed, of which each must be read or refused in words.

A target is a strategy and a function that takes one of its examples. The function returns when the file was read and
what came out can be true, or when it was refused as it should be; whatever it raises is a defect.
``benchmarks/fuzz.py`` runs the targets for long, ``test_fuzz.py`` for seconds.
"""

import csv
import io
import os
import plistlib
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from fuzz_values import CATEGORIES, DICOM_CHANGES, OUTLINES, PNG_CHANGES, TABLES, edited
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from PIL import Image
from pydicom import config, dcmread
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from tiny_sets import Cbis, Inbreast, Vindr

from radprompt.core.errors import ImageError, InputError
from radprompt.core.outputs import write_csv
from radprompt.core.params import Compute
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.datasets.findings import UnusableError
from radprompt.mammograms.datasets.osirix import Roi, read_rois
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.dicom import LARGEST_IMAGE, read_mammogram, read_pixels
from radprompt.mammograms.phantom.encoding import write_dicom
from radprompt.tables.lesions import read_lesions, to_table, write_exclusions

os.environ["TQDM_DISABLE"] = "1"
TRIANGLE = [(10, 8), (30, 8), (10, 38)]
SYNTAXES = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless),
    *(JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless),
)


class Target(NamedTuple):
    """What is drawn and what is done with it."""

    examples: SearchStrategy
    run: Callable[[Any], None]


@cache
def sandbox(name: str) -> Path:
    """Return a folder of this process, empty at first."""
    folder = Path(tempfile.gettempdir()) / f"radprompt-fuzz-{os.getpid()}-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "masks").mkdir(parents=True)
    return folder


def in_file(name: str, content: bytes) -> Path:
    """Write an example where a reader can open it."""
    path = sandbox("files") / name
    path.write_bytes(content)
    return path


@cache
def cbis_root() -> Path:
    """Three masses of two patients."""
    made = Cbis(sandbox("cbis") / "raw")
    for view in ("CC", "MLO"):
        made.add("P_00001", view=view)
    made.add("P_00002", split="test", pathology="BENIGN")
    return made.write()


@cache
def vindr_root() -> Path:
    """Three masses and a normal image of two patients."""
    made = Vindr(sandbox("vindr") / "raw")
    for digit in "12":
        made.add("a" * 32, digit * 32)
    made.add("b" * 32, "3" * 32, finding_categories="['Suspicious Calcification', 'Mass']", split="test")
    made.add("b" * 32, "4" * 32, finding_categories="['No Finding']", xmin="", split="test")
    return made.write()


@cache
def inbreast_root() -> Path:
    """Three masses and a normal image of four patients."""
    made = Inbreast(sandbox("inbreast") / "raw")
    for number, birads in enumerate(("3", "4a", "5", "1")):
        made.add(f"2058{number}", f"p{number}", birads, None if birads == "1" else [("Mass", TRIANGLE)])
    return made.write()


def load_whole(module: Any, root: Path) -> None:
    """Load, check that every row is accounted for and nothing lies elsewhere, write the tables and read them back."""
    home = root.parent
    before = set(home.rglob("*"))
    try:
        _load_whole(module, root, home, before)
    finally:
        for path in set(home.rglob("*")) - before:
            path.unlink()


def _load_whole(module: Any, root: Path, home: Path, before: set[Path]) -> None:
    try:
        found = module.load(root, home / "masks", Compute("loky", 1))
    except InputError:
        assert set(home.rglob("*")) == before, "a refused data set leaves nothing behind"
        return
    excluded = sum(count for step, count in found.flow.items() if step.startswith("excluded: "))
    assert found.flow["rows"] - excluded == found.flow["lesions"] == len(found.lesions)
    assert found.flow["rows"] == len(found.lesions) + len(found.exclusions)
    written = {home / "masks" / f"{lesion.lesion_id}.png" for lesion in found.lesions if lesion.mask_path}
    assert set(home.rglob("*")) - before <= written
    write_csv(home / "lesions.csv", to_table(found.lesions))
    write_exclusions(home / "exclusions.csv", found.exclusions)
    assert list(read_lesions(home / "lesions.csv")["lesion_id"]) == [lesion.lesion_id for lesion in found.lesions]
    back = pd.read_csv(home / "exclusions.csv", dtype=str, keep_default_na=False)
    assert list(back["reason"]) == [exclusion.reason for exclusion in found.exclusions]


def table_target(name: str, module: Any, root: Callable[[], Path], separator: str) -> Target:
    """Change bytes or cells of a data set's table, and load the data set."""
    pristine: dict[Path, bytes] = {}

    def run(example: tuple[str, list]) -> None:
        path = root() / name
        good = pristine.setdefault(path, path.read_bytes())
        kind, changes = example
        path.write_bytes(edited(good, changes) if kind == "bytes" else with_cells(good, changes, separator))
        load_whole(module, root())

    return Target(TABLES, run)


def with_cells(content: bytes, changes: list[tuple[int, int, str]], separator: str) -> bytes:
    """Return a table with other cells, the header among them."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter=separator))
    for row, column, value in changes:
        cells = rows[row % len(rows)]
        cells[column % len(cells)] = value
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


@cache
def good_outlines() -> bytes:
    """Return a property list with a mass and a mark."""
    made = Inbreast(sandbox("outlines") / "raw")
    made.outline("1", [("Mass", TRIANGLE), ("Calcification", [(3, 4)])])
    return (made.root / "AllXML" / "1.xml").read_bytes()


def run_outlines(example: tuple[str, Any]) -> None:
    """Read a property list and draw its regions."""
    kind, content = example
    data = edited(good_outlines(), content) if kind == "bytes" else as_plist(content, kind)
    try:
        rois = read_rois(in_file("1.xml", data))
    except UnusableError as reason:
        told = str(reason)
    else:
        told = "annotation missing: 1.xml "
        for roi in rois:
            draw(roi)
    assert told.startswith("annotation missing: 1.xml ")


def draw(roi: Roi) -> None:
    """Draw a region in an image of 50 x 40 px."""
    assert isinstance(roi.name, str)
    assert np.isfinite(np.asarray(roi.points, float)).all()
    if len(roi.points) < 3:
        return
    finding = inbreast.InbreastFinding("", 1, "lesion", "", "", "", Path("x"), "", "", "", 0, "test", roi.points)
    try:
        box, mask = finding.outline((50, 40))
    except UnusableError:
        return
    assert mask is not None
    assert mask.shape == (50, 40)
    assert 0 <= box.xmin < box.xmax <= 40
    assert 0 <= box.ymin < box.ymax <= 50


def as_plist(content: Any, kind: str) -> bytes:
    """Return a property list that holds a content as a whole, as a region or as the list of regions."""
    wrapped = {"rois": {"Images": [{"ROIs": [content]}]}, "list": {"Images": [{"ROIs": content}]}}
    try:
        return plistlib.dumps(wrapped.get(kind, content))
    except (ValueError, TypeError, OverflowError):  # what an XML property list cannot hold
        assume(False)
        raise


def run_categories(text: str) -> None:
    """Read the categories of a finding."""
    try:
        categories = vindr_mammo._categories(text)
    except UnusableError:
        return
    assert all(isinstance(each, str) for each in categories)


@cache
def good_dicom(syntax: str) -> bytes:
    """Return a mammogram of 40 x 36 px with everything that is read of a header."""
    noise = np.random.default_rng(3).integers(0, 400, (40, 36)) + np.linspace(0, 3000, 1440).reshape(40, 36)
    path = sandbox("files") / "good.dcm"
    uids = dict.fromkeys(("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"), "1.2.3")
    read = {"PixelSpacing": [0.1, 0.1], "RescaleSlope": 1, "RescaleIntercept": 0, "PixelPaddingValue": 4000}
    write_dicom(path, noise.astype(np.uint16), syntax, bits=12, attributes={**uids, **read, "PatientID": "x"})
    return path.read_bytes()


def run_dicom(example: tuple[str, tuple[str, list]]) -> None:
    """Read an image as a mammogram and as a mask."""
    syntax, (kind, changes) = example
    good = good_dicom(syntax)
    path = in_file("image.dcm", edited(good, changes) if kind == "bytes" else with_attributes(good, changes))
    told = []
    try:
        image = read_mammogram(path)
        assert image.pixels.dtype == np.float32
        assert image.pixels.ndim == 2
        assert image.pixels.size <= LARGEST_IMAGE
        assert np.isfinite(image.pixels).all()
        assert image.pixels.min() >= 0
        assert image.pixels.max() <= 1
        assert np.isnan(image.spacing_mm) or 0 < image.spacing_mm < np.inf
    except ImageError as error:
        told.append(error)
    try:
        assert read_pixels(path).ndim == 2
    except ImageError as error:
        told.append(error)
    assert all(error.where == str(path) and error.fix for error in told)


def with_attributes(content: bytes, changes: list[tuple[str, Any]]) -> bytes:
    """Return a DICOM file with other attributes, right or wrong."""
    dataset, out = dcmread(io.BytesIO(content)), io.BytesIO()
    config.settings.writing_validation_mode = config.IGNORE
    try:
        for name, value in changes:
            setattr(dataset, name, value)
        dataset.save_as(out)
    except Exception:  # values that pydicom cannot write
        assume(False)
    return out.getvalue()


@cache
def good_png() -> bytes:
    """Return a mask of 15 x 21 px."""
    content = io.BytesIO()
    Image.fromarray(np.kron(np.eye(3, dtype=np.uint8), np.full((5, 7), 255, np.uint8))).save(content, format="PNG")
    return content.getvalue()


def run_mask(changes: list) -> None:
    """Read a mask."""
    path = in_file("mask.png", edited(good_png(), changes))
    try:
        mask = read_mask(path)
    except ImageError as error:
        where = error.where
    else:
        where = str(path)
        assert mask.dtype == bool
        assert mask.ndim == 2
    assert where == str(path)


TARGETS = {
    "cbis_table": table_target(cbis_ddsm.TABLES["train"], cbis_ddsm, cbis_root, ","),
    "vindr_table": table_target(vindr_mammo.TABLE, vindr_mammo, vindr_root, ","),
    "inbreast_table": table_target(inbreast.TABLE, inbreast, inbreast_root, ";"),
    "inbreast_outlines": Target(OUTLINES, run_outlines),
    "vindr_categories": Target(CATEGORIES, run_categories),
    "dicom": Target(st.tuples(st.sampled_from(SYNTAXES), DICOM_CHANGES), run_dicom),
    "mask_png": Target(PNG_CHANGES, run_mask),
}
