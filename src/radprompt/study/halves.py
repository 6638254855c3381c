"""Lesions that train, validate and test a model, drawn several times: a site's halves, and settings that draw."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.study.settings import Drawing
from radprompt.study.splits import draw
from radprompt.tables.cohort import ROLES
from radprompt.tables.lesions import Lesion

COLUMNS = ["repeat", "lesion_id", "patient_id", "split"]


def draw_halves(
    lesions: Sequence[Lesion], repeats: int, adaptation_fraction: float, validation_fraction: float, seed: int
) -> pd.DataFrame:
    """Halve the patients several times.

    Parameters
    ----------
    lesions
        Lesions of one data set, with the splits ``adapt`` and ``test``: these are repeat 0. The others are drawn
        independently, stratified by whether a patient has a malignant lesion.
    repeats
        Number of divisions.
    adaptation_fraction
        Share of all patients whose lesions adapt a model.
    validation_fraction
        Share of these whose lesions choose epochs and thresholds.
    seed
        Random seed of every draw.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, one row for each repeat and lesion; ``split`` is one of
        :data:`~radprompt.study.settings.ROLES`: the half that adapts is ``train`` and ``val``. Within a repeat no
        patient has two of them.

    Raises
    ------
    InputError
        Too few patients of a class.
    """
    parts = []
    for repeat in range(repeats):
        halved = list(lesions)
        if repeat:
            pooled = [replace(lesion, split="test") for lesion in lesions]
            halved = draw(pooled, "test", "adapt", adaptation_fraction, seed + repeat)
        halved = [replace(lesion, split="train") if lesion.split == "adapt" else lesion for lesion in halved]
        halved = draw(halved, "train", "val", validation_fraction, seed + repeat)
        parts.append(_table(repeat, halved))
    return pd.concat(parts, ignore_index=True)


def draw_repeats(lesions: Sequence[Lesion], drawing: Drawing, repeats: int, seed: int) -> pd.DataFrame:
    """Draw the lesions of a setting several times, stratified by whether a patient (or lesion) is malignant.

    Parameters
    ----------
    lesions
        Lesions of one data set, with the splits of its lesion table.
    drawing
        From which splits, by what, and how many.
    repeats
        How many draws. More of them change none of the first.
    seed
        Random seed; draw r has seed + r.

    Returns
    -------
    DataFrame
        As :func:`draw_halves` returns it, of the lesions of ``drawing.splits``. With ``by: lesion`` a patient may be
        on several sides.

    Raises
    ------
    InputError
        Too few patients or lesions of a class.
    """
    pooled = [replace(lesion, split="train") for lesion in lesions if lesion.split in drawing.splits]
    parts = []
    for repeat in range(repeats):
        drawn = draw(pooled, "train", "test", drawing.test, seed + repeat, drawing.by)
        drawn = draw(drawn, "train", "val", drawing.val, seed + repeat, drawing.by)
        parts.append(_table(repeat, drawn))
    return pd.concat(parts, ignore_index=True)


def _table(repeat: int, lesions: Sequence[Lesion]) -> pd.DataFrame:
    rows = [(repeat, lesion.lesion_id, lesion.patient_id, lesion.split) for lesion in lesions]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("lesion_id")


def read_halves(path: str | Path, *, shares_patients: bool = False) -> pd.DataFrame:
    """Read what ``stages/halves.py`` wrote.

    Parameters
    ----------
    path
        The table.
    shares_patients
        Whether the setting declares that a patient may be on several sides.

    Raises
    ------
    InputError
        For an absent file, a missing column, an unknown split, or a patient on two sides of a half; it names the row.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such table of halves", where=str(path), fix="run `dvc repro halves`, or `dvc pull`")
    table = pd.read_csv(path, dtype={name: str for name in COLUMNS if name != "repeat"}, keep_default_na=False)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(f"column(s) {missing} missing", where=str(path), fix="run `dvc repro halves` again")
    for row, split in enumerate(table["split"], start=1):
        if split not in ROLES:
            what = f"split is {split!r}, not one of {', '.join(ROLES)}"
            raise InputError(what, where=f"{path}, row {row}", fix="run `dvc repro halves` again")
    sides = table.groupby(["repeat", "patient_id"])["split"].transform("nunique")
    if not shares_patients and (sides > 1).any():
        row = sides.gt(1).tolist().index(True)
        what = f"patient {table['patient_id'][row]!r} is on two sides of half {table['repeat'][row]}"
        raise InputError(what, where=f"{path}, row {row + 1}", fix="run `dvc repro halves` again")
    return table[COLUMNS]
