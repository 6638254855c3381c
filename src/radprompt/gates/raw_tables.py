"""What the data sets' own tables should be, before a loader reads them.

An error is what no loader can make good, or would carry on in silence: a column that is not there, no row, a row that
does not say which patient or image it is of. A warning is a row that the loader leaves out with a reason, or mends.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.gates.expectations import (
    Expectation,
    Suite,
    at_least,
    columns_include,
    filled,
    matching,
    none_for_missing,
    one_of,
    rows_are,
    some_rows,
    unique,
    with_numbers,
    within,
)
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.datasets.table import Provenance, read_table

_RELEASED = "use the table as it was released"
_LEFT_OUT = "nothing, if the row may be left out; else correct it in the table"
BIRADS = r"(?i)^\s*(?:bi-?rads)?\s*[0-6]\s*[abc]?\s*$"
"""A BI-RADS category as the data sets write it."""


def raw_suites(root: Path, datasets: Iterable[str], *, synthetic: bool) -> list[Suite]:
    """Return the suites of the data sets' tables.

    Parameters
    ----------
    root
        Folder of the data sets (``data.root``).
    datasets
        Those that are read.
    synthetic
        Whether the phantom drew them; else tables are also held against the counts of the releases.

    Raises
    ------
    InputError
        A table is absent or no table.
    """
    suites: list[Suite] = []
    for name in datasets:
        if name == cbis_ddsm.DATASET:
            suites += _cbis(root / name)
        elif name == vindr_mammo.DATASET:
            suites += _vindr(root / name, {} if synthetic else vindr_mammo.RELEASED)
        else:
            suites += _inbreast(root / name)
    return suites


def _cbis(folder: Path) -> list[Suite]:
    read = {split: _read(folder / name, cbis_ddsm.PROVENANCE) for split, name in cbis_ddsm.TABLES.items()}
    patients = [set(table.get("patient_id", ())) for table in read.values()]
    shared = set.intersection(*patients)
    abnormality = ["patient_id", "left_or_right_breast", "abnormality_id"]
    suites = []
    for split, table in read.items():
        if "patient_id" in table:
            table = table.assign(in_both=[patient in shared for patient in table["patient_id"]])
        if {*abnormality, "pathology"} <= set(table):
            classes = table["pathology"].map(cbis_ddsm.LABELS)
            table = table.assign(classes=classes.groupby([table[name] for name in abnormality]).transform("nunique"))
        suites.append(_suite(f"raw_cbis_ddsm_{split}", folder / cbis_ddsm.TABLES[split], table, _cbis_expectations()))
    return suites


def _cbis_expectations() -> list[Expectation]:
    lesion = ("patient_id", "left_or_right_breast", "image_view", "abnormality_id")
    return [
        columns_include(cbis_ddsm.COLUMNS, _RELEASED),
        some_rows(_RELEASED),
        *(filled(name, fix=_RELEASED) for name in lesion),
        _warn(matching, "patient_id", r"^P_\d{5}$", "patient_id is P_ and five digits"),
        _warn(one_of, "left_or_right_breast", ("LEFT", "RIGHT")),
        _warn(one_of, "image_view", ("CC", "MLO")),
        _warn(one_of, "abnormality_type", ("mass",)),
        _warn(one_of, "pathology", tuple(cbis_ddsm.LABELS)),
        _warn(matching, "assessment", BIRADS, "assessment is a BI-RADS category"),
        _warn(filled, "image_file_path"),
        _warn(filled, "roi_mask_file_path"),
        _warn(unique, *lesion, says="no lesion occurs twice"),
        _warn(one_of, "in_both", (False,), "no patient is in both tables"),
        _warn(within, "classes", None, 1, "no abnormality is benign in one view and malignant in another"),
    ]


def _vindr(folder: Path, released: Mapping[str, int]) -> list[Suite]:
    path = folder / vindr_mammo.TABLE
    table = with_numbers(_read(path, vindr_mammo.PROVENANCE), [*vindr_mammo.CORNERS, "height", "width"])
    if {"study_id", "split"} <= set(table):
        table = table.assign(splits=table.groupby("study_id")["split"].transform("nunique"))
    masses = table
    if "finding_categories" in table:
        masses = table[table["finding_categories"].str.contains("Mass", na=False, regex=False)]
    findings = [
        columns_include(vindr_mammo.COLUMNS, _RELEASED),
        some_rows(_RELEASED),
        filled("study_id", fix=_RELEASED),
        filled("image_id", fix=_RELEASED),
        _warn(matching, "study_id", r"^[0-9a-f]{32}$", "study_id is 32 hex digits"),
        _warn(matching, "image_id", r"^[0-9a-f]{32}$", "image_id is 32 hex digits"),
        _warn(one_of, "laterality", ("L", "R")),
        _warn(one_of, "view_position", ("CC", "MLO")),
        _warn(one_of, "split", tuple(vindr_mammo.SPLITS)),
        _warn(one_of, "splits", (1,), "no study is in both splits"),
        _warn(matching, "finding_categories", r"^\[.*\]$", "finding_categories is a list"),
        _warn(filled, "height", "height is a number"),
        _warn(filled, "width", "width is a number"),
    ]
    boxes = [
        some_rows("VinDr-Mammo has 1,226 masses: use the table as it was released"),
        _warn(filled, "finding_birads"),
        _warn(matching, "finding_birads", BIRADS, "finding_birads is a BI-RADS category"),
        *(_warn(filled, name, f"{name} is a number") for name in vindr_mammo.CORNERS),
        _warn(at_least, "xmax", "xmin", "the box has a width: xmin < xmax", strictly=True),
        _warn(at_least, "ymax", "ymin", "the box has a height: ymin < ymax", strictly=True),
        _warn(within, "xmin", 0, None, "the box begins inside the image (xmin; else it is cut)"),
        _warn(within, "ymin", 0, None, "the box begins inside the image (ymin; else it is cut)"),
        _warn(at_least, "width", "xmax", "the box ends inside the image (xmax; else it is cut)"),
        _warn(at_least, "height", "ymax", "the box ends inside the image (ymax; else it is cut)"),
    ]
    if released:
        findings.append(_as_released(released["rows"]))
    suites = [
        _suite("raw_vindr_mammo", path, table, findings, "image_id"),
        _suite("raw_vindr_mammo_masses", path, masses, boxes, "image_id"),
    ]
    for split, usable in vindr_mammo.usable_masses(table) if released else ():
        expected = [_as_released(released[f"{split} masses"])]
        suites.append(_suite(f"raw_vindr_mammo_{split}_masses", path, usable, expected, "image_id"))
    return suites


def _inbreast(folder: Path) -> list[Suite]:
    path = folder / inbreast.TABLE
    expectations = [
        columns_include(inbreast.COLUMNS, _RELEASED),
        some_rows(_RELEASED),
        _warn(filled, "file_name"),
        _warn(matching, "file_name", r"^\d{8}$", "file_name is eight digits"),
        _warn(unique, "file_name"),
        _warn(one_of, "laterality", ("L", "R")),
        _warn(one_of, "view", ("CC", "MLO", "ML")),
        _warn(filled, "acquisition_date"),
        _warn(matching, "bi-rads", BIRADS, "bi-rads is a BI-RADS category"),
    ]
    return [_suite("raw_inbreast", path, _read(path, inbreast.PROVENANCE, ";"), expectations, "file_name")]


def _read(path: Path, provenance: Provenance, separator: str = ",") -> pd.DataFrame:
    table = read_table(path, (), provenance, separator=separator)
    table.insert(0, "row", table.index)
    return none_for_missing(table.replace("", None))


def _suite(name: str, path: Path, table: pd.DataFrame, expectations: Iterable[Expectation], key: str = "") -> Suite:
    keys = [each for each in ("row", key or "patient_id") if each in table]
    return Suite(name, path.as_posix(), table.reset_index(drop=True), keys, list(expectations))


def _as_released(count: int) -> Expectation:
    return rows_are(count, f"there are {count:,} rows, as in the release", _RELEASED, severity="warning")


def _warn(build: Callable[..., Expectation], *arguments: Any, **named: Any) -> Expectation:
    """Return a warning, with the fix that all of them have."""
    return build(*arguments, **named, fix=_LEFT_OUT, severity="warning")
