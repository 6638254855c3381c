"""The predictions table, the only thing that evaluation reads.

One row is what one trained model says of one lesion. A model that is not ours is compared by dropping a CSV with the
same columns into ``data/predictions/<setting>/``.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.tables.cohort import REPEAT, ROLES
from radprompt.tables.left_out import has_head_alone, write_head
from radprompt.tables.lesions import LABEL
from radprompt.tables.schema import Column, Schema

_EMPTY = ("", "nan", "None")
"""What a missing id is written as by programs that know no empty cell."""
SCHEMA = Schema(
    "file",
    [
        Column("lesion_id", empty=_EMPTY),
        Column("patient_id", empty=_EMPTY),
        Column("setting", empty=_EMPTY),
        REPEAT,
        Column("model", empty=_EMPTY),
        Column("seed", "a whole number (0 if the model has no randomness)", kind="whole"),
        Column("split", one_of=ROLES),
        LABEL,
        Column("probability", "a number from 0 to 1: the probability of malignancy", kind="number", low=0, high=1),
    ],
    key=("setting", "repeat", "model", "seed", "lesion_id"),
    fix="write a row for each lesion of a run: lesion_id, patient_id, setting, repeat, model, seed, split, label, "
    "probability; without repeat, every row is of repeat 0",
)
COLUMNS = SCHEMA.names
RUN = ["setting", "repeat", "model", "seed"]
"""What names one trained model."""

MAY_BE_LEFT_OUT = ("llm.csv", "embedded.csv")
"""Files of the language model: where ``llm.tuning: none`` leaves it out, they hold the head of the table alone."""

_HALF = ["setting", "repeat"]
"""What decides which lesions are trained, validated and tested on."""

_FILE, _PLACE = "_file", "_place"


def read_predictions(
    paths: Iterable[str | Path],
    settings: Mapping[str, bool],
    setting: str | None = None,
    shared: Collection[str] = (),
) -> pd.DataFrame:
    """Read prediction files and check them, one by one and against each other.

    Parameters
    ----------
    paths
        The files. One without the column ``repeat`` holds repeat 0; one that :func:`write_left_out` wrote is passed
        over.
    settings
        The settings that there are, and whether each has several repeats.
    setting
        The only setting that rows may have; None for any.
    shared
        Settings that declare that a patient may be on both sides.

    Returns
    -------
    pandas.DataFrame
        The columns of :data:`COLUMNS`; ``label``, ``repeat`` and ``seed`` are whole numbers, ``probability`` (of
        malignancy) a float in [0, 1]; sorted by setting, repeat, model, seed and lesion, whatever the order of files
        and rows.

    Raises
    ------
    InputError
        It names file, row (1 = first after the header) and value, for: no file or no row; a missing column; an empty
        id; an unknown setting or split, or another setting than the one asked for; a label that is not 0 or 1; a
        repeat or seed that is not a whole number, or a repeat that the setting does not have; a probability that is
        not a number in [0, 1]; a lesion that one run has twice; models that disagree on a lesion's patient, label,
        or, within a repeat, split; outside ``shared``, a patient who is tested and has a lesion in another split of
        the same repeat; a lesion that a run lacks though another run of the repeat has it in that split; a model
        without repeat 0. Only in the test split must every run have rows: a model may bring no validation rows at
        all. Nor need models have equally many repeats.
    """
    folder = f"data/predictions/{setting}" if setting else "data/predictions"
    files = present_files(paths)
    if not files:
        raise InputError("there are no predictions", where=folder, fix="run `dvc repro`, or `dvc pull`")
    table = pd.concat([_read(path) for path in files], ignore_index=True)
    if setting:
        fix = f"only rows of {setting} belong into {folder}"
        _refuse(table, table["setting"] != setting, "setting", f"is not {setting!r}", fix)
    near = f"one of {', '.join(settings)}"
    _refuse(table, ~table["setting"].isin(list(settings)), "setting", "is unknown", f"write {near}")
    once = table["setting"].isin([name for name, repeated in settings.items() if not repeated])
    again = once & (table["repeat"] > 0)
    _refuse(table, again, "repeat", "is none of the setting's", "write 0: it has one test split")
    _check_duplicates(table)
    _check_agreement(table)
    _check_patients(table[~table["setting"].isin(list(shared))])
    _check_complete(table)
    return table[COLUMNS].sort_values([*RUN, "lesion_id"], ignore_index=True)


def prediction_rows(
    table: pd.DataFrame, setting: str, repeat: int, model: str, seed: int, probability: NDArray
) -> pd.DataFrame:
    """Return what one trained model says of each row of ``table``, in the columns of the predictions table."""
    rows = table[["lesion_id", "patient_id", "split", "label"]]
    return rows.assign(setting=setting, repeat=repeat, model=model, seed=seed, probability=probability)


def write_predictions(path: str | Path, table: pd.DataFrame) -> None:
    """Write one file of predictions, sorted, after the checks that :func:`read_predictions` makes of one file."""
    checked = _checked(table.reindex(columns=COLUMNS).astype(str), path)
    write_csv(path, checked[COLUMNS].sort_values([*RUN, "lesion_id"], ignore_index=True))


def write_left_out(path: str | Path) -> None:
    """Write a file of :data:`MAY_BE_LEFT_OUT` that holds no predictions, on purpose."""
    write_head(path, COLUMNS)


def present_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files without those of a language model that was left out, sorted."""
    files = sorted({Path(path) for path in paths})
    return [path for path in files if path.name not in MAY_BE_LEFT_OUT or not has_head_alone(path, COLUMNS)]


def _read(path: Path) -> pd.DataFrame:
    return _checked(SCHEMA.read_cells(path, repeat="0"), path)


def _checked(cells: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Return the table of one file with the place of each row."""
    if cells.empty:
        raise InputError("the table has no rows", where=str(path), fix="write one row for each lesion and model")
    places = [f"{path}, row {row}" for row in range(1, len(cells) + 1)]
    SCHEMA.check(cells, places)
    return SCHEMA.typed(cells).assign(**{_FILE: str(path), _PLACE: places})


def _refuse(table: pd.DataFrame, wrong: "pd.Series[bool]", name: str, what: str, fix: str) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InputError(f"{name} {str(row[name])!r} {what}", where=_place(row), fix=fix)


def _place(row: "pd.Series") -> str:
    return str(row[_PLACE])


def _run(row: "pd.Series") -> str:
    return f"model {row['model']!r} (seed {row['seed']}, setting {row['setting']!r}{_repeat(row)})"


def _repeat(row: "pd.Series") -> str:
    return f", repeat {row['repeat']}"


def _first(table: pd.DataFrame, key: list[str], row: "pd.Series") -> "pd.Series":
    """Return the first row that has the same ``key``."""
    return table[(table[key] == row[key]).all(axis=1)].iloc[0]


def _check_duplicates(table: pd.DataFrame) -> None:
    """No file repeats a row of another."""
    if table.duplicated(list(SCHEMA.key)).any():
        SCHEMA.check(table[COLUMNS].astype(str), table[_PLACE].tolist())


def _check_agreement(table: pd.DataFrame) -> None:
    lesion = ["setting", "lesion_id"]
    for name, key in (("label", lesion), ("patient_id", lesion), ("split", [*_HALF, "lesion_id"])):
        wrong = table[table[name] != table.groupby(key)[name].transform("first")]
        if len(wrong):
            row = wrong.iloc[0]
            first = _first(table, key, row)
            value, other = str(row[name]), str(first[name])
            within = _repeat(row) if name == "split" else ""
            what = f"{name} of lesion {row['lesion_id']!r}{within} is {value!r}, but {other!r} in {_place(first)}"
            raise InputError(what, where=_place(row), fix="one of the two is wrong: compare with data/lesions")


def _check_patients(table: pd.DataFrame) -> None:
    """No patient is tested who was also trained or validated on."""
    key = [*_HALF, "patient_id"]
    test = table["split"] == "test"
    wrong = table[~test & test.groupby([table[name] for name in key]).transform("any")]
    if len(wrong):
        row = wrong.iloc[0]
        tested = _first(table[test], key, row)
        what = (
            f"patient {row['patient_id']!r} has {row['split']} lesion {row['lesion_id']!r} "
            f"and test lesion {tested['lesion_id']!r}{_repeat(row)}, the latter in {_place(tested)}"
        )
        raise InputError(what, where=_place(row), fix="keep all lesions of a patient in one split")


def _check_complete(table: pd.DataFrame) -> None:
    begins = table.groupby(["setting", "model"])["repeat"].transform("min")
    if begins.any():
        row = table[begins > 0].iloc[0]
        what = f"model {row['model']!r} has no repeat 0 of setting {row['setting']!r}"
        raise InputError(what, where=_place(row), fix="count repeats from 0, as data/halves does")
    # Most tables are complete, which counting shows at once; a lesion stands once in a run.
    counted = table.pivot_table(index=RUN, columns="split", aggfunc="size", fill_value=0)
    lesions = table.drop_duplicates([*_HALF, "split", "lesion_id"])
    known = lesions.pivot_table(index=_HALF, columns="split", aggfunc="size", fill_value=0)
    halves = pd.MultiIndex.from_frame(counted.reset_index()[_HALF])
    short = (counted.to_numpy() != known.reindex(halves).to_numpy()).any(axis=1)
    rest = table[pd.MultiIndex.from_frame(table[_HALF]).isin(halves[short])]
    for _, rows in rest.groupby(_HALF):
        runs = {run: part for run, part in rows.groupby(["model", "seed"])}
        for split in ROLES:
            everyone = rows[rows["split"] == split].drop_duplicates("lesion_id").set_index("lesion_id")
            for _, part in sorted(runs.items()):
                own = pd.Index(part.loc[part["split"] == split, "lesion_id"])
                missing = everyone.index.difference(own)
                if len(missing) and (len(own) or split == "test"):
                    row = everyone.loc[missing[0]]
                    what = (
                        f"{_run(part.iloc[0])} lacks {len(missing)} lesion(s) of the {split} split: {missing[0]!r}, "
                        f"for one, which model {row['model']!r} has in {_place(row)}"
                    )
                    raise InputError(what, where=str(part[_FILE].iloc[0]), fix="add the row, or take the model out")
