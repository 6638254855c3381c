"""A study's final model on the rows of a new table."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.named.classifier import NamedClassifier
from radprompt.named.variants import SELECTED
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import encode, feature_name, read_columns, shown_levels
from radprompt.own_table.number_formats import is_number, rewrite
from radprompt.own_table.reading import blank, read_sheet
from radprompt.selection.record import Selection
from radprompt.study.scaling import FeatureScaler

FOLDER = Path("models/final")
CONFIDENCE = 0.9


def apply(csv: Path, study: Path, case: str | None, out: Path) -> list[str]:
    """Predict every row of a table with a study's final model and write the predictions.

    Parameters
    ----------
    csv
        The table; it needs the columns that the model's features come from.
    study
        A study's folder, or its ``models/final``.
    case
        Column that names each row; None: the study's, where the table has it, else the row's number.
    out
        CSV: ``case``, ``probability`` of class 1 with its 90 % interval (``low``, ``high``), ``call`` at 0.5,
        ``missing`` (features without a value) and ``outside`` (features beyond the training cases' range).

    Returns
    -------
    list of str
        What was done, and what a reader should know.

    Raises
    ------
    InputError
        No model, or all that is wrong with the table in one message: absent columns, cells that are not numbers,
        unknown sites.
    """
    final = study / FOLDER if (study / FOLDER).is_dir() else study
    if not (final / "columns.json").is_file():
        raise InputError("no final model", where=str(study), fix="name the folder that `radprompt table` made")
    selection, columns = Selection.load(final / "selection.json"), read_columns(final / "columns.json")
    facts = json.loads((final / "table.json").read_text(encoding="utf-8"))
    needed = [column for column in columns if _features(column) & set(selection.features)]
    sheet = read_sheet(csv)
    read = rewrite(
        blank(sheet.cells, facts["missing"]),
        [column.source for column in needed if column.kind == "number" and column.source in sheet.cells],
        facts["decimal"],
    )
    cells = read.cells
    faults = _faults(cells, needed, facts)
    if faults:
        fix = "give the table the columns and values that the model was trained on"
        raise InputError("\n  ".join(faults), where=str(csv), fix=fix)
    raw = encode(cells, needed)
    scaler = FeatureScaler.load(final / "scaler.json")
    z = scaler.transform(raw.reindex(columns=list(scaler.features)))
    X = z[list(selection.features)].set_axis(list(selection.names), axis=1)
    site = cells[facts["site"]].to_numpy() if facts["site"] else None
    classifier = NamedClassifier.load(final / SELECTED)
    mean, deviation = classifier.decision_function(X, return_std=True, site=site)
    half = float(ndtri((1 + CONFIDENCE) / 2)) * deviation
    probability = classifier.predict_proba(X, site=site)[:, 1]
    ids, note = _ids(cells, case, facts)
    table = pd.DataFrame(
        {
            "case": ids,
            "probability": probability,
            "low": expit(mean - half),
            "high": expit(mean + half),
            "call": np.where(probability >= 0.5, facts["classes"][1], facts["classes"][0]),
            "missing": X.isna().sum(axis=1).to_numpy(),
            "outside": _outside(raw, selection, pd.read_csv(final / "ranges.csv", index_col="feature")),
        }
    )
    write_csv(out, table)
    far = int((table["outside"] != "").sum())
    return [
        *sheet.notes,
        *read.notes,
        *note,
        f"{len(table)} cases: {out}; probability of {facts['classes'][1]!r}",
        *([f"{far} of them have features beyond the training cases' range: see column outside"] if far else []),
        "Research only: not for clinical use.",
    ]


def _features(column: Column) -> set[str]:
    if column.kind == "number":
        return {feature_name(column)}
    return {feature_name(column, level) for level in shown_levels(column)}


def _faults(cells: pd.DataFrame, needed: list[Column], facts: dict[str, Any]) -> list[str]:
    faults = [f"column {each.source!r} is missing" for each in needed if each.source not in cells]
    for column in needed:
        if column.source not in cells or column.kind == "category":
            continue
        seen = cells[column.source].dropna()
        odd = seen[~seen.map(is_number).astype(bool)]
        if len(odd):
            faults.append(f"row {odd.index[0]}, column {column.source!r}: {odd.iloc[0]!r} is not a number")
    if facts["site"] and facts["site"] not in cells:
        faults.append(f"column {facts['site']!r} (the site) is missing")
    elif facts["site"]:
        unknown = sorted({str(site) for site in cells[facts["site"]]} - set(facts["sites"]))
        if unknown:
            known = ", ".join(facts["sites"])
            faults.append(f"column {facts['site']!r}: site {unknown[0]!r} is not among those of the study ({known})")
    return faults


def _ids(cells: pd.DataFrame, case: str | None, facts: dict[str, Any]) -> tuple[list[str], list[str]]:
    name = case or facts["id"]
    if case is not None and case not in cells:
        raise InputError(
            f"no column is called {case!r}", where="--id", fix=f"name one of: {', '.join(map(str, cells))[:200]}"
        )
    if name is None or name not in cells:
        note = [f"there is no column {name!r}: cases are called by their rows"] if name else []
        return [f"row {row}" for row in cells.index], note
    return [f"row {row}" if pd.isna(cell) else str(cell) for row, cell in cells[name].items()], []


def _outside(raw: pd.DataFrame, selection: Selection, ranges: pd.DataFrame) -> list[str]:
    own = raw[list(selection.features)]
    bounds = ranges.loc[list(selection.features)]
    beyond = own.lt(bounds["least"].to_numpy(), axis=1) | own.gt(bounds["largest"].to_numpy(), axis=1)
    return ["; ".join(own.columns[row]) for row in beyond.to_numpy()]
