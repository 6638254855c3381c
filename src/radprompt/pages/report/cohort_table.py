"""Table 1: the lesions of each data set and split, as a paper's readers expect them."""

import warnings
from typing import Any

import pandas as pd

from radprompt.core.extras import require_extra
from radprompt.mammograms.wording import ATTRIBUTES
from radprompt.pages.report.cohorts import lesion_table
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import NOTHING
from radprompt.study.settings import Settings
from radprompt.tables.lesions import MALIGNANT, SPLITS

_ORDER = sorted(SPLITS, key=lambda split: split == "test")
_LABEL, _MM, _PX, _COLUMN = "Class", "Longer side of the box, mm", "Longer side of the box, px", "column"


def cohort_table(reader: Reader, settings: Settings) -> dict[str, Any] | None:
    """Describe the lesions by data set and split, with the package tableone; None without any lesion table.

    Returns
    -------
    dict
        ``groups`` (name of the data set and its splits) and ``rows``: ``name`` (empty where the row above has it),
        ``value`` (of a category, else empty) and ``cells``, a text for each split: a count with its share, or for
        lengths median and quartiles; a dash where nothing is known.
    """
    tables = {name: lesion_table(reader, name) for name in settings.data_sets}
    found = {name: table for name, table in tables.items() if table is not None and not table.empty}
    if not found:
        return None
    columns = [(name, split) for name, table in found.items() for split in _ORDER if (table["split"] == split).any()]
    lesions = pd.concat([table.assign(dataset=name) for name, table in found.items()], ignore_index=True)
    return {
        "groups": [(settings.data_set(name), [split for own, split in columns if own == name]) for name in found],
        "rows": [_patients(lesions, columns), *_described(lesions, columns)],
    }


def _patients(lesions: pd.DataFrame, columns: list[tuple[str, str]]) -> dict[str, Any]:
    counts = lesions.groupby(["dataset", "split"])["patient_id"].nunique()
    return {"name": "Patients", "value": "", "cells": [f"{counts[column]:,}" for column in columns]}


def _described(lesions: pd.DataFrame, columns: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Return rows on lesions, a cell for each of ``columns``."""
    require_extra("the report's table of the cohort", "pipeline", "tableone")
    from tableone import TableOne

    longer = pd.concat([lesions["xmax"] - lesions["xmin"], lesions["ymax"] - lesions["ymin"]], axis=1).max(axis=1)
    kinds = {column: title for column, title in ATTRIBUTES.items() if lesions[column].astype(str).str.strip().any()}
    table = lesions[list(kinds)].astype(str).replace("", "none").rename(columns=kinds)
    table[_LABEL] = (lesions["label"] == MALIGNANT).map({True: "malignant", False: "benign"})
    table[_MM], table[_PX] = longer * lesions["spacing_mm"], longer
    order = [" ".join(column) for column in columns]
    table[_COLUMN] = [" ".join(pair) for pair in zip(lesions["dataset"], lesions["split"], strict=True)]
    lengths = [name for name in (_MM, _PX) if table[name].notna().any()]
    categories = [_LABEL, *kinds.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tableone's own use of pandas, which warns of the next major version
        made = TableOne(
            table,
            columns=[*categories, *lengths],
            categorical=categories,
            nonnormal=lengths,
            groupby=_COLUMN,
            order={_COLUMN: order},
            overall=False,
            missing=False,
            label_suffix=False,
        ).tableone
    made.columns = made.columns.get_level_values(-1)
    rows, last = [], ""
    for (name, value), own in zip(made.index, made[order].astype(str).to_numpy(), strict=True):
        title = "Lesions" if name == "n" else str(name)
        rows.append({"name": "" if title == last else title, "value": str(value), "cells": [_cell(c) for c in own]})
        last = title
    return rows


def _cell(text: str) -> str:
    """Return tableone's text: quartiles as ``42 to 66``, none as ``0``, a dash for what is not known."""
    if "nan" in text or not text.strip():
        return NOTHING
    if text.startswith("0 ("):
        return "0"
    middle, bracket, quartiles = text.partition(" [")
    return middle + bracket + quartiles.replace(",", " to ")
