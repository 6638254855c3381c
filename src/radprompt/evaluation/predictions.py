"""The predictions table, the only thing that evaluation reads.

One row is what one trained model says of one lesion. A model that is not ours is compared by dropping a CSV with the
same columns into ``data/predictions/<setting>/``.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from radprompt.errors import InputError
from radprompt.outputs import write_csv
from radprompt.settings import ROLES, SETTINGS

COLUMNS = ["lesion_id", "patient_id", "setting", "model", "seed", "split", "label", "probability"]
RUN = ["setting", "model", "seed"]
"""What names one trained model."""

_FILE, _ROW = "_file", "_row"
_FIX_COLUMNS = f"the columns are {', '.join(COLUMNS)}"


def read_predictions(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read prediction files and check them, one by one and against each other.

    Returns
    -------
    pandas.DataFrame
        The columns of :data:`COLUMNS`; ``label`` and ``seed`` are whole numbers, ``probability`` (of malignancy) a
        float in [0, 1]; sorted by setting, model, seed and lesion, whatever the order of files and rows.

    Raises
    ------
    InputError
        It names file, row (1 = first after the header) and value, for: no file or no row; a missing column; an empty
        id; an unknown setting or split; a label that is not 0 or 1; a seed that is no whole number; a probability that
        is no number in [0, 1]; a lesion that one run has twice; models that disagree on a lesion's patient, label or
        split; a lesion that a run lacks though another run of the setting has it in that split. Only in the test
        split must every run have rows: a model may bring no validation rows at all.
    """
    files = sorted({Path(path) for path in paths})
    if not files:
        raise InputError("there are no predictions", where="data/predictions", fix="run `dvc repro`, or `dvc pull`")
    table = pd.concat([_read(path) for path in files], ignore_index=True)
    _check_repeats(table)
    _check_agreement(table)
    _check_complete(table)
    return table[COLUMNS].sort_values([*RUN, "lesion_id"], ignore_index=True)


def write_predictions(path: str | Path, table: pd.DataFrame) -> None:
    """Write one file of predictions, sorted, after the checks that :func:`read_predictions` makes of one file."""
    checked = _typed(_placed(table.reindex(columns=COLUMNS).astype(str), path), str(path))
    _check_repeats(checked)
    write_csv(path, checked[COLUMNS].sort_values([*RUN, "lesion_id"], ignore_index=True))


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False).fillna("")  # a row may end early
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"not a CSV table: {error}", where=str(path), fix=_FIX_COLUMNS) from None
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(f"column(s) {', '.join(missing)} missing", where=str(path), fix=_FIX_COLUMNS)
    return _typed(_placed(table[COLUMNS], path), str(path))


def _placed(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    table = table.copy()
    table[_FILE], table[_ROW] = str(path), range(1, len(table) + 1)
    return table


def _typed(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Check each value by itself and give the numbers their types."""
    if table.empty:
        raise InputError("the table has no rows", where=where, fix="write one row for each lesion and model")
    for name in ("lesion_id", "patient_id", "model"):
        _refuse(table, table[name].isin(["", "nan", "None"]), name, "is empty", f"give every row its {name}")
    near = f"one of {', '.join(SETTINGS)}"
    _refuse(table, ~table["setting"].isin(list(SETTINGS)), "setting", "is unknown", f"write {near}")
    _refuse(table, ~table["split"].isin(ROLES), "split", "is unknown", f"write one of {', '.join(ROLES)}")
    _refuse(table, ~table["label"].isin(["0", "1"]), "label", "is not a label", "write 0 for benign, 1 for malignant")
    whole = table["seed"].str.fullmatch(r"\d+").astype(bool)
    _refuse(table, ~whole, "seed", "is not a seed", "write a whole number, 0 if the model has no randomness")
    probability = pd.to_numeric(table["probability"], errors="coerce")
    outside = ~probability.between(0, 1)  # NaN is not between either
    fix = "write the probability of malignancy, a number from 0 to 1"
    _refuse(table, outside, "probability", "is not a probability", fix)
    return table.assign(label=table["label"].astype(int), seed=table["seed"].astype(int), probability=probability)


def _refuse(table: pd.DataFrame, wrong: "pd.Series[bool]", name: str, what: str, fix: str) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InputError(f"{name} {row[name]!r} {what}", where=_place(row), fix=fix)


def _place(row: "pd.Series") -> str:
    return f"{row[_FILE]}, row {row[_ROW]}"


def _run(row: "pd.Series") -> str:
    return f"model {row['model']!r} (seed {row['seed']}, setting {row['setting']!r})"


def _check_repeats(table: pd.DataFrame) -> None:
    key = [*RUN, "lesion_id"]
    repeated = table[table.duplicated(key)]
    if len(repeated):
        row = repeated.iloc[0]
        first = table[(table[key] == row[key]).all(axis=1)].iloc[0]
        what = f"lesion {row['lesion_id']!r} occurs again for {_run(row)}; first in {_place(first)}"
        raise InputError(what, where=_place(row), fix="keep one row for each lesion, or give another model or seed")


def _check_agreement(table: pd.DataFrame) -> None:
    key = ["setting", "lesion_id"]
    for name in ("label", "patient_id", "split"):
        wrong = table[table[name] != table.groupby(key)[name].transform("first")]
        if len(wrong):
            row = wrong.iloc[0]
            first = table[(table[key] == row[key]).all(axis=1)].iloc[0]
            what = f"{name} of lesion {row['lesion_id']!r} is {row[name]!r}, but {first[name]!r} in {_place(first)}"
            raise InputError(what, where=_place(row), fix="one of the two is wrong: compare with data/lesions")


def _check_complete(table: pd.DataFrame) -> None:
    for setting, rows in table.groupby("setting"):
        runs = {run: part for run, part in rows.groupby(["model", "seed"])}
        for split in ROLES:
            everyone = rows[rows["split"] == split].drop_duplicates("lesion_id").set_index("lesion_id")
            for (model, seed), part in sorted(runs.items()):
                own = pd.Index(part.loc[part["split"] == split, "lesion_id"])
                missing = everyone.index.difference(own)
                if len(missing) and (len(own) or split == "test"):
                    row = everyone.loc[missing[0]]
                    what = (
                        f"model {model!r} (seed {seed}, setting {setting!r}) lacks {len(missing)} lesion(s) of the "
                        f"{split} split: {missing[0]!r}, for one, which model {row['model']!r} has in {_place(row)}"
                    )
                    raise InputError(what, where=str(part[_FILE].iloc[0]), fix="add the row, or take the model out")
