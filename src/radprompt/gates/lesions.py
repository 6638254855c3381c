"""Expectations for the lesion table."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from radprompt.gates.expectations import (
    RUN_AGAIN,
    Expectation,
    Suite,
    at_least,
    empty,
    equal,
    filled,
    holds,
    matching,
    none_for_missing,
    numbers_of,
    of_schema,
    one_of,
    pairs_of,
    rows_are,
)
from radprompt.gates.official import FOLLOWING
from radprompt.mammograms.imaging.dicom import SPACING_ATTRIBUTES
from radprompt.tables.lesions import BENIGN, MALIGNANT, SCHEMA

_READ_FROM_BIRADS = [("3", BENIGN), *((each, MALIGNANT) for each in ("4", "4a", "4b", "4c", "5", "6"))]
_BOX = SCHEMA["xmin"].fix


def lesion_suite(
    dataset: str,
    table: pd.DataFrame,
    flow: dict[str, Any],
    shapes: dict[str, tuple[float, float]],
    official: dict[str, str],
    splits: Sequence[str],
) -> Suite:
    """Return the suite of one lesion table.

    Parameters
    ----------
    dataset
        Its name.
    table
        The cells of ``data/lesions/<dataset>.csv``.
    flow
        ``<dataset>_flow.json``, the counts that the loader left.
    shapes
        Rows and columns of each image by its path, as the files give them.
    official
        From :func:`radprompt.gates.official.official_splits`.
    splits
        From :func:`radprompt.mammograms.datasets.splits.splits_of`.
    """
    numbers = numbers_of(table, SCHEMA)
    if "image_path" in table:
        rows, columns = zip(*(shapes.get(str(path), (float("nan"),) * 2) for path in table["image_path"]), strict=True)
        numbers = numbers.assign(image_rows=rows, image_columns=columns)
    if {"patient_id", "split"} <= set(table):
        numbers = numbers.assign(splits_of_patient=table.groupby("patient_id")["split"].transform("nunique"))
        numbers = numbers.assign(official_split=table["patient_id"].map(official))
    if {"split", "label"} <= set(numbers):
        alike = numbers.groupby(["split", "label"])["row"].transform("size")
        numbers = numbers.assign(lesions_alike=alike, counted_alike=_counted(numbers, flow.get("splits", {})))
    return Suite(
        f"lesions_{dataset}",
        f"data/lesions/{dataset}.csv",
        none_for_missing(numbers),
        ("row", "lesion_id"),
        [
            *of_schema(SCHEMA),
            rows_are(flow["lesions"], f"there are as many lesions as {dataset}_flow.json counts"),
            one_of("dataset", [dataset]),
            one_of("laterality", ("L", "R"), severity="warning"),
            one_of("view", ("CC", "MLO"), severity="warning"),
            *_labels_and_splits(dataset, splits),
            *_boxes(),
            *_spacing(dataset),
            empty("mask_path", "there is no reference mask") if dataset == "vindr_mammo" else filled("mask_path"),
        ],
    )


def _counted(table: pd.DataFrame, splits: dict[str, dict[str, int]]) -> list[int]:
    """Return how many lesions of each row's split and label the flow counts."""
    names = {BENIGN: "benign", MALIGNANT: "malignant"}
    rows = zip(table["split"], table["label"], strict=True)
    return [splits.get(split, {}).get(names.get(label, ""), 0) for split, label in rows]


def _labels_and_splits(dataset: str, splits: Sequence[str]) -> list[Expectation]:
    both = "data of one class teach nothing: see data/lesions/*_exclusions.csv for what was dropped and why"
    counted = f"there are as many lesions of the row's split and label as {dataset}_flow.json counts"
    found = [
        holds("label", (BENIGN, MALIGNANT), "there are benign and malignant lesions", both),
        one_of("split", splits),
        holds("split", splits, f"there are lesions for {', '.join(splits)}", both),
        one_of("splits_of_patient", [1], "no patient is in two splits"),
    ]
    if dataset in FOLLOWING:
        says = "split follows the one that the data set's own table gives the patient"
        found.append(pairs_of("official_split", "split", FOLLOWING[dataset], says, RUN_AGAIN))
    found.append(equal("lesions_alike", "counted_alike", counted))
    if dataset == "cbis_ddsm":  # its labels come from pathology, not from BI-RADS
        return [*found, matching("birads", r"^[0-6][abc]?$", "birads is a category", severity="warning")]
    says = "label follows BI-RADS: 3 is benign, 4 to 6 are malignant"
    return [*found, filled("birads"), pairs_of("birads", "label", _READ_FROM_BIRADS, says, RUN_AGAIN)]


def _boxes() -> list[Expectation]:
    return [
        filled("image_rows", "the image's file has a size", "put the image back, or run `dvc repro` again"),
        at_least("xmax", "xmin", "the box has a width: xmin < xmax", _BOX, strictly=True),
        at_least("ymax", "ymin", "the box has a height: ymin < ymax", _BOX, strictly=True),
        at_least("image_columns", "xmax", "the box ends inside the image (xmax)", _BOX),
        at_least("image_rows", "ymax", "the box ends inside the image (ymax)", _BOX),
    ]


def _spacing(dataset: str) -> list[Expectation]:
    found = [one_of("spacing_source", (*SPACING_ATTRIBUTES, "table", "unknown"))]
    if dataset == "cbis_ddsm":  # most of its files have none, and nothing is measured in mm there
        return found
    known = "the pixel size is known"
    return [*found, filled("spacing_mm", known, "lesions without one are left out where others have one", "warning")]
