"""The cohort of a setting on disk: who its lesions are and what each is used for in each repeat.

Every later table of the setting holds rows of this one; the leakage gate looks at this very file.
"""

from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.tables.lesions import LABEL
from radprompt.tables.schema import Column, Schema

ROLES = ("train", "val", "test")
"""What a lesion is used for within a setting; ``split`` in every table of a setting."""
START, START_VAL = "start", "start_val"
"""Splits of the lesions that trained and validated the model which is continued here.

They are the same in every repeat and stand once, in repeat 0."""
SPLITS = (*ROLES, START, START_VAL)

REPEAT = Column("repeat", "a number: 0, 1, ...", kind="whole")
SCHEMA = Schema(
    "cohort",
    [
        REPEAT,
        Column("lesion_id"),
        Column("patient_id"),
        Column("study_id", required=False),
        Column("image_path", required=False),
        Column("dataset", required=False),
        Column("split", one_of=SPLITS),
        LABEL,
    ],
    key=("repeat", "dataset", "lesion_id"),
    twice="occurs twice in its repeat",
)
COLUMNS = SCHEMA.names
ROWS = ["repeat", "lesion_id", "patient_id", "split", "label"]
"""What the tables of a setting say of each row before its values."""


def write_cohort(path: str | Path, table: pd.DataFrame) -> None:
    """Write :data:`COLUMNS` in the table's order."""
    write_csv(path, table[COLUMNS])


def read_cohort(path: str | Path, *, shares_patients: bool = False) -> pd.DataFrame:
    """Read what :func:`write_cohort` wrote.

    Parameters
    ----------
    path
        The table.
    shares_patients
        Whether the setting declares that a patient may be tested and have a lesion in another split.

    Raises
    ------
    InputError
        For an absent file, a missing column, an unknown repeat, split or label, a lesion that a repeat has twice, or a
        patient of the test who has a lesion in another split of the repeat, unless ``shares_patients``; it names the
        row.
    """
    table = SCHEMA.read(path)
    wrong = _on_both_sides(table).to_numpy().nonzero()[0]
    if len(wrong) and not shares_patients:
        patient = table["patient_id"].iloc[wrong[0]]
        what = f"patient_id {patient!r} is tested and has a lesion in another split of the same repeat"
        raise InputError(what, where=f"{path}, row {wrong[0] + 1}", fix=SCHEMA.fix)
    return table


def of_start(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the model that is continued, as the rows of that setting: ``train`` and ``val``."""
    rows = table[table["split"].isin([START, START_VAL])]
    return rows.assign(split=rows["split"].map({START: "train", START_VAL: "val"}))


def of_setting(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the setting itself trains, validates and tests on."""
    return table[~table["split"].isin([START, START_VAL])]


def _on_both_sides(table: pd.DataFrame) -> "pd.Series[bool]":
    test = table["split"] == "test"
    started = table["split"].isin([START, START_VAL])
    within = table.groupby(["repeat", "dataset", "patient_id"])["split"].transform("nunique") > 1
    tested = set(zip(table.loc[test, "dataset"], table.loc[test, "patient_id"], strict=True))
    known = pd.Series(list(zip(table["dataset"], table["patient_id"], strict=True)), table.index)
    return (test & within & ~started) | (started & known.isin(tested))
