"""What goes with a table that was measured: settings to measure a new image by, and cases that were measured again."""

import json
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked
from radprompt.core.outputs import atomic_folder, write_json
from radprompt.core.table_params import Table
from radprompt.own_table.applying import not_numbers, written
from radprompt.own_table.cells import read_numbers
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import encode, feature_name
from radprompt.own_table.reading import read_sheet

MEASURED = Path("data/measured")
"""Folder of :data:`SETTINGS` and, where there are any, :data:`REPEATED`."""
SETTINGS, REPEATED = "settings.json", "repeated.csv"
_LARGEST = 2**20


def read_image_settings(folder: Path) -> dict[str, Any]:
    """Return the settings that a study of images left in its folder, as PyRadiomics' parameters.

    Raises
    ------
    InputError
        There is no such file, or it holds something else.
    """
    path = folder / SETTINGS
    fix = "name the folder that `radprompt images` wrote"
    text = checked(path, _LARGEST, what="settings of a study of images", absent=fix).read_text("utf-8")
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not {"setting", "imageType", "featureClass"} <= set(content):
        raise InputError("no settings of a study of images", where=str(path), fix=fix)
    return content


def put_measured(folder: Path, images: Path | None, repeated: Path | None) -> None:
    """Write :data:`MEASURED` of a pipeline folder; where neither is given, it stays as it is.

    Parameters
    ----------
    folder
        The pipeline folder.
    images
        Folder of a study of images, whose settings are kept.
    repeated
        Table of the cases measured again.
    """
    target = folder / MEASURED
    if images is None and repeated is None and (target / SETTINGS).is_file():
        return
    with atomic_folder(target) as part:
        write_json(part / SETTINGS, read_image_settings(images) if images else {})
        if repeated is not None:
            shutil.copyfile(repeated, part / REPEATED)


def kept_settings(folder: Path) -> dict[str, Any]:
    """Return the image settings that a pipeline folder keeps; empty where its table was measured elsewhere."""
    path = folder / MEASURED / SETTINGS
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


def read_measured_again(path: Path, table: Table, columns: Sequence[Column], cases: Collection[str]) -> pd.DataFrame:
    """Read a table of cases measured again, as the study's own table was read.

    Parameters
    ----------
    path
        Several rows a case, with the study's column of ids and any of its columns of numbers; others do not count.
    table
        Roles of the study's columns.
    columns
        The study's features.
    cases
        Ids of the study's cases; rows of others do not count.

    Returns
    -------
    DataFrame
        ``lesion_id`` and the features that both tables have.

    Raises
    ------
    InputError
        The study has no column of ids; the table lacks it, or has no feature or no case of the study; a cell is not a
        number.
    """
    where = str(path)
    if table.id is None:
        raise InputError(
            "the study's cases have no names", where=where, fix="name the column of their ids: --id COLUMN"
        )
    sheet = read_sheet(path)
    if table.id not in sheet.cells:
        raise InputError(f"column {table.id!r} (the case) is missing", where=where, fix="add it")
    numbers = [each for each in columns if each.kind == "number" and not each.clinical and each.source in sheet.cells]
    if not numbers:
        raise InputError("no feature of the study is measured again", where=where, fix="call the columns alike")
    sources = [column.source for column in numbers]
    read = read_numbers(sheet.cells, table.missing, sources, table.decimal, written(numbers))
    cells = read.cells
    if faults := [f"{fault.place}: {fault.what}" for fault in read.faults] or not_numbers(cells, numbers):
        raise InputError("\n  ".join(faults), where=where, fix="correct them")
    ids = cells[table.id]
    values = encode(cells, numbers)[[feature_name(column) for column in numbers]]
    values.insert(0, "lesion_id", ids)
    values = values[values["lesion_id"].isin(set(cases))]
    if values.empty:
        raise InputError("no case of the study is measured again", where=where, fix="call the cases alike")
    return values
