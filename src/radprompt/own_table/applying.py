"""A study's final model on the rows of a new table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.named.classifier import NamedClassifier, NamedExplanation
from radprompt.named.variants import SELECTED
from radprompt.own_table.cells import read_numbers
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import encode, features_of, read_columns
from radprompt.own_table.number_formats import Written, is_number
from radprompt.own_table.reading import read_sheet
from radprompt.selection.record import Selection
from radprompt.study.scaling import FeatureScaler

FOLDER = Path("models/final")
IMAGE_SETTINGS, AGREEMENT = "images.json", "agreement.csv"
"""In that folder: how a new image is measured, and how the features agree when cases are measured again."""
CONFIDENCE = 0.9
LEVEL = 0.5
"""Probability from which a case is called the second class."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What the final model says of some cases, a row each; features are its selected ones.

    ``probability`` is that of class 1, ``low`` and ``high`` bound its 90 % interval; the ``logit`` has the standard
    deviation ``deviation``. ``raw`` are the features before, ``z`` after standardisation, NaN where missing.
    """

    raw: pd.DataFrame
    z: pd.DataFrame
    probability: np.ndarray
    low: np.ndarray
    high: np.ndarray
    logit: np.ndarray
    deviation: np.ndarray

    @property
    def call(self) -> np.ndarray:
        """Class of each case, 0 or 1."""
        return (self.probability >= LEVEL).astype(int)


@dataclass(frozen=True, eq=False)
class FinalModel:
    """The model that a study of a table ends with.

    ``facts`` says how a table is read (missing codes, decimal mark, site and its values, classes). ``columns`` are the
    study's, ``needed`` those that the selected features come from, ``ranges`` their training cases' least, median and
    largest values.
    """

    facts: dict[str, Any]
    columns: list[Column]
    needed: list[Column]
    selection: Selection
    ranges: pd.DataFrame
    scaler: FeatureScaler
    classifier: NamedClassifier

    @staticmethod
    def folder(study: Path) -> Path | None:
        """Return where a study's final model is, given the study's folder or the model's own; None if it has none."""
        final = study / FOLDER if (study / FOLDER).is_dir() else study
        return final if (final / "columns.json").is_file() else None

    @classmethod
    def load(cls, study: Path) -> "FinalModel":
        """Read the final model of a study; an :class:`InputError` if there is none."""
        final = cls.folder(study)
        if final is None:
            raise InputError("no final model", where=str(study), fix="name the folder that `radprompt table` made")
        selection = Selection.load(final / "selection.json")
        columns = read_columns(final / "columns.json")
        return cls(
            facts=json.loads((final / "table.json").read_text(encoding="utf-8")),
            columns=columns,
            needed=[column for column in columns if set(features_of(column)) & set(selection.features)],
            selection=selection,
            ranges=pd.read_csv(final / "ranges.csv", index_col="feature").loc[list(selection.features)],
            scaler=FeatureScaler.load(final / "scaler.json"),
            classifier=NamedClassifier.load(final / SELECTED),
        )

    def predict(self, cells: pd.DataFrame) -> Answers:
        """Predict cases.

        Parameters
        ----------
        cells
            Text, None where missing, a row a case; the needed columns, and the site's where the study has sites.

        Raises
        ------
        InputError
            Absent columns, cells that are not numbers and unknown sites, all in one message.
        """
        if faults := _faults(cells, self.needed, self.facts):
            fix = "give the columns and values that the model was trained on"
            raise InputError("\n  ".join(faults), fix=fix)
        raw = encode(cells, self.needed)
        z = self.scaler.transform(raw.reindex(columns=list(self.scaler.features)))
        features = list(self.selection.features)
        X, site = self._named(z[features]), self._site(cells)
        mean, deviation = self.classifier.decision_function(X, return_std=True, site=site)
        half = float(ndtri((1 + CONFIDENCE) / 2)) * deviation
        probability = self.classifier.predict_proba(X, site=site)[:, 1]
        return Answers(raw[features], z[features], probability, expit(mean - half), expit(mean + half), mean, deviation)

    def explain(self, answers: Answers, cells: pd.DataFrame) -> NamedExplanation:
        """Return each feature's share in the first case's logit, with its deviation; columns are features."""
        site = self._site(cells)
        found = self.classifier.explain(self._named(answers.z.iloc[:1]), site=None if site is None else str(site[0]))
        keys = dict(zip(self.selection.names, self.selection.features, strict=True))
        return found._replace(
            shares=found.shares.rename(columns=keys), deviations=found.deviations.rename(columns=keys)
        )

    def outside(self, answers: Answers) -> list[str]:
        """Return for each case the features beyond the training cases' range, separated by semicolons."""
        raw, least, largest = answers.raw, self.ranges["least"].to_numpy(), self.ranges["largest"].to_numpy()
        beyond = raw.lt(least, axis=1) | raw.gt(largest, axis=1)
        return ["; ".join(raw.columns[row]) for row in beyond.to_numpy()]

    def _named(self, z: pd.DataFrame) -> pd.DataFrame:
        return z.set_axis(list(self.selection.names), axis=1)

    def _site(self, cells: pd.DataFrame) -> np.ndarray | None:
        return cells[self.facts["site"]].to_numpy() if self.facts["site"] else None


def apply(
    csv: Path, study: Path, case: str | None, out: Path, missing: Sequence[str] = (), decimal: str | None = None
) -> list[str]:
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
    missing, decimal
        Codes for missing values beside the study's, and the decimal mark, where this table has others.

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
    model = FinalModel.load(study)
    facts, sheet = model.facts, read_sheet(csv)
    # All columns of numbers: how one is written shows in others.
    there = [column for column in model.columns if column.kind == "number" and column.source in sheet.cells]
    sources = [column.source for column in there]
    read = read_numbers(
        sheet.cells, [*facts["missing"], *missing], sources, decimal or facts["decimal"], written(there)
    )
    needed = {f"column {column.source!r}" for column in model.needed}
    read = read._replace(faults=[fault for fault in read.faults if fault.place in needed])
    if read.faults:
        raise InputError(
            "\n  ".join(f"{fault.place}: {fault.what}" for fault in read.faults),
            where=str(csv),
            fix=read.faults[0].advice,
        )
    try:
        found = model.predict(read.cells)
    except InputError as error:
        fix = "give the table the columns and values that the model was trained on (a code for missing: --missing)"
        raise InputError(error.what, where=str(csv), fix=fix) from None
    ids, note = _ids(read.cells, case, facts)
    table = pd.DataFrame(
        {
            "case": ids,
            "probability": found.probability,
            "low": found.low,
            "high": found.high,
            "call": [facts["classes"][code] for code in found.call],
            "missing": found.z.isna().sum(axis=1).to_numpy(),
            "outside": model.outside(found),
        }
    )
    write_csv(out, table)
    far = int((table["outside"] != "").sum())
    return [
        *sheet.notes,
        *read.notes,
        *note,
        f"{len(table)} cases: {out}; probability of {facts['classes'][1]!r}",
        *unknown_levels(read.cells, model.needed),
        *([f"{far} of them have features beyond the training cases' range: see column outside"] if far else []),
        "Research only: not for clinical use.",
    ]


def written(columns: Iterable[Column]) -> dict[str, Written]:
    """Return how the numbers of columns were written in the study's own table."""
    return {column.source: Written(column.decimal, column.unit) for column in columns}


def unknown_levels(cells: pd.DataFrame, needed: list[Column]) -> list[str]:
    """Say which values of categories the model has not learned; :func:`encode` takes them as missing."""
    said = []
    for column in needed:
        if column.kind == "category" and column.source in cells:
            odd = cells[column.source].dropna()
            odd = odd[~odd.isin(column.levels)]
            values = ", ".join(repr(value) for value in odd.drop_duplicates().head(5))
            if len(odd):
                known = ", ".join(map(repr, column.levels))
                rows = f"{len(odd)} row{'s' if len(odd) > 1 else ''}"
                said.append(
                    f"column {column.source!r}: {values} in {rows} is none of the values that the model learned "
                    f"({known}) and counts as missing"
                )
    return said


def not_numbers(cells: pd.DataFrame, columns: Iterable[Column]) -> list[str]:
    """Name the first cell of each column of numbers that is not one."""
    said = []
    for column in columns:
        seen = cells[column.source].dropna()
        odd = seen[~seen.map(is_number).astype(bool)]
        if len(odd):
            said.append(f"row {odd.index[0]}, column {column.source!r}: {odd.iloc[0]!r} is not a number")
    return said


def _faults(cells: pd.DataFrame, needed: list[Column], facts: dict[str, Any]) -> list[str]:
    faults = [f"column {each.source!r} is missing" for each in needed if each.source not in cells]
    faults += not_numbers(cells, [column for column in needed if column.source in cells and column.kind == "number"])
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
