"""What a feature table must be."""

from collections.abc import Sequence
from math import isfinite

import pandas as pd

from radprompt.core.params import Radiomics
from radprompt.gates.expectations import (
    FINITE,
    Expectation,
    Suite,
    at_least,
    columns_are,
    filled,
    rows_are,
    some_rows,
    unique,
    varied,
    with_numbers,
    within,
)
from radprompt.gates.feature_ranges import ORDERED, ROUNDING, UNBOUNDED, Range, ranges
from radprompt.tables.feature_names import FEATURES

_MEASURE = "measure again (`dvc repro features`), or look at the lesion's mask and image"
_TWICE = "two masks are the same mass: take the row out of the data set's table, or redraw one mask"


def feature_suite(
    dataset: str, table: pd.DataFrame, lesions: pd.DataFrame, excluded: int, settings: Radiomics
) -> Suite:
    """Return the suite of one data set's features.

    Parameters
    ----------
    dataset
        Its name.
    table
        The cells of ``data/features/<dataset>.csv``, as :func:`~radprompt.gates.expectations.read_cells` reads
        them.
    lesions
        The data set's lesion table.
    excluded
        How many of its lesions have a reason in ``<dataset>_exclusions.csv`` instead.
    settings
        How features were measured.
    """
    numbers = with_numbers(table, FEATURES)
    known = lesions.set_index("lesion_id")["label"]
    if "lesion_id" in numbers:
        numbers = numbers.assign(label=numbers["lesion_id"].map(known).astype(float))
    resampled = settings.resample_mm is not None or settings.downsample != 1
    return Suite(
        f"features_{dataset}",
        f"data/features/{dataset}.csv",
        numbers,
        ("row", "lesion_id"),
        [
            columns_are(["row", "lesion_id", *FEATURES, "label"], "the columns are lesion_id and the 67 features"),
            some_rows("see the reasons in data/features/*_exclusions.csv"),
            rows_are(
                len(lesions) - excluded,
                f"every lesion is measured or excluded with a reason: {len(lesions)} - {excluded}",
            ),
            filled("lesion_id"),
            unique("lesion_id"),
            filled("label", "the lesion is in the lesion table"),
            *_values(ranges(settings.bin_count, resampled=resampled)),
            *(at_least(larger, smaller, fix=_MEASURE) for larger, smaller in ORDERED),
            *(varied(name, f"{name} is not constant", _MEASURE) for name in FEATURES),
            unique(*FEATURES, says="no two lesions have the same 67 values", fix=_TWICE),
        ],
    )


def _values(bounds: dict[str, Range]) -> Sequence[Expectation]:
    found = []
    for name in FEATURES:
        found.append(filled(name, f"{name} is a number", _MEASURE))
        if name in UNBOUNDED:
            found.append(within(name, -FINITE, FINITE, f"{name} is finite", _MEASURE))
        else:
            found.append(_within(name, bounds[name]))
    return found


def _within(name: str, bounds: Range) -> Expectation:
    low, high, why, above = bounds
    words = [f"{'above' if above else 'at least'} {low:g}"] if isfinite(low) else []
    words += [f"at most {high:g}"] if isfinite(high) else []
    slack = [0 if above else _slack(low), _slack(high)]
    return within(
        name,
        low - slack[0] if isfinite(low) else -FINITE,
        high + slack[1] if isfinite(high) else FINITE,
        f"{name} is {' and '.join(words) or 'finite'} ({why})",
        _MEASURE,
        above=above,
    )


def _slack(bound: float) -> float:
    return ROUNDING * max(abs(bound), 1)
