"""What a mask must be: measured one by one, then expected of the table of measurements."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.compute import parallel_map
from radprompt.core.errors import ImageError
from radprompt.core.params import Compute, MaskBounds
from radprompt.gates.expectations import (
    Expectation,
    Suite,
    columns_include,
    empty,
    equal,
    filled,
    none_for_missing,
    one_of,
    rows_are,
    unique,
    with_numbers,
    within,
)
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.mask_measures import count_parts, leaves_box
from radprompt.tables.lesions import COLUMNS, Box, Lesion, from_table

SOURCES = ("nnunet", "ellipse", "review")
_REDRAW = "correct it in the data set, or save a corrected one as data/review/<dataset>/<lesion_id>.png"
_BOUNDS = f"{_REDRAW}; or change validation.masks in params.yaml"


class Measured(NamedTuple):
    """A mask beside its image and box.

    ``problem`` says why it cannot be read (everything else is then NaN). ``share`` is the area over the image's,
    ``components`` counts 4-connected parts, ``outside`` is how far the mask leaves its box, as a fraction of the box's
    longer side.
    """

    file: str
    problem: str | None
    rows: float
    columns: float
    measured_px: float
    share: float
    components: float
    outside: float


def measure(mask: Path, box: Box) -> Measured:
    """Measure one mask."""
    try:
        inside = read_mask(mask)
    except ImageError as error:
        return Measured(mask.as_posix(), error.what, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan)
    area, parts, beyond = int(np.count_nonzero(inside)), count_parts(inside), leaves_box(inside, box)
    return Measured(mask.as_posix(), None, inside.shape[0], inside.shape[1], area, area / inside.size, parts, beyond)


def with_boxes(table: pd.DataFrame) -> list[Lesion]:
    """Return those lesions of a lesion table's cells whose box is numbers; the others are the table's own errors."""
    corners = [*Box._fields]
    if not {*COLUMNS} <= set(table):
        return []
    numbers = with_numbers(table, corners)
    return list(from_table(numbers[numbers[corners].notna().all(axis=1)]))


def measured_masks(lesions: Sequence[Lesion], files: Sequence[Path], compute: Compute) -> pd.DataFrame:
    """Measure the mask file of each lesion beside the size of its image.

    Returns
    -------
    DataFrame
        ``lesion_id``, the fields of :class:`Measured`, ``image_rows`` and ``image_columns`` (NaN where the image cannot
        be read).
    """
    found = parallel_map(_measure, list(zip(files, lesions, strict=True)), light(compute), "Masks checked")
    table = pd.DataFrame(found, columns=[*Measured._fields, "image_rows", "image_columns"])
    table.insert(0, "lesion_id", [lesion.lesion_id for lesion in lesions])
    return none_for_missing(table)


def image_shape(path: str | Path) -> tuple[float, float]:
    """Return rows and columns that a DICOM file's header gives; NaN where there is no such file or header."""
    from pydicom import dcmread

    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        return int(header.Rows), int(header.Columns)
    except Exception:  # a damaged header surfaces as almost any exception; here it is a missing size
        return np.nan, np.nan


def light(compute: Compute) -> Compute:
    """Return how work that mostly waits for files is spread: threads of this process where processes are started."""
    return replace(compute, backend="threading") if compute.backend == "loky" else compute


def drawn_masks_suite(
    dataset: str, table: pd.DataFrame, measurements: pd.DataFrame, expected: int, bounds: MaskBounds
) -> Suite:
    """Return the suite of the masks that nnU-Net, an ellipse or a reader drew.

    Parameters
    ----------
    dataset
        Its name.
    table
        The cells of ``data/masks/<dataset>.csv``.
    measurements
        From :func:`measured_masks`, of the table's lesions; a row of the table without one is no lesion.
    expected
        How many lesions should have a mask.
    bounds
        ``validation.masks`` of params.yaml.
    """
    joined = with_numbers(table, ["area_px"])
    if "lesion_id" in joined:
        told = [name for name in joined if name in measurements and name != "lesion_id"]  # what the table itself says
        joined = none_for_missing(joined.drop(columns=told).merge(measurements, on="lesion_id", how="left"))
    fallback = "look at the contact sheets of `radprompt review`, and correct the mask in data/review"
    return Suite(
        f"masks_{dataset}",
        f"data/masks/{dataset}.csv",
        joined,
        ("row", "lesion_id"),
        [
            columns_include(["lesion_id", "source", "flag", "area_px"]),
            rows_are(expected, f"each of {expected} lesions has a mask"),
            filled("lesion_id"),
            unique("lesion_id"),
            filled("file", "the lesion is in the lesion table"),
            one_of("source", SOURCES),
            empty("flag", "nnU-Net drew the mask, no ellipse took its place", fallback, "warning"),
            *_mask_expectations(bounds),
            equal("area_px", "measured_px", "the mask has the area that the table gives"),
        ],
    )


def reference_masks_suite(dataset: str, measurements: pd.DataFrame, bounds: MaskBounds) -> Suite:
    """Return the suite of a data set's own contours; arguments as in :func:`drawn_masks_suite`."""
    table = measurements.assign(row=range(1, len(measurements) + 1))
    place = f"data/lesions/{dataset}_masks"
    return Suite(f"reference_masks_{dataset}", place, table, ("row", "lesion_id"), _mask_expectations(bounds))


def _mask_expectations(bounds: MaskBounds) -> list[Expectation]:
    smallest, largest, margin = bounds.smallest_px, bounds.largest_share, bounds.box_margin
    return [
        empty("problem", "the mask can be read and has two values", _REDRAW),
        filled("image_rows", "the lesion's image can be read", "put the image back, or run `dvc repro` again"),
        equal("rows", "image_rows", "the mask has as many rows as its image", _REDRAW),
        equal("columns", "image_columns", "the mask has as many columns as its image", _REDRAW),
        within("measured_px", smallest, None, f"the mask has {smallest} pixels at least", _BOUNDS),
        within("share", None, largest, f"the mask covers {largest:.3g} of the image at most", _BOUNDS),
        within(
            "outside",
            None,
            margin,
            f"the mask leaves its box by {margin:.3g} of the box's longer side at most",
            _BOUNDS,
        ),
        one_of("components", [1], "the mask is one piece", _REDRAW, "warning"),
    ]


def _measure(item: tuple[Path, Lesion]) -> tuple[Any, ...]:
    file, lesion = item
    return *measure(file, lesion.box), *image_shape(lesion.image_path)
