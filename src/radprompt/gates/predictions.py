"""What a setting's predictions must be, and the lesions that its language model learnt from."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.gates.expectations import (
    RUN_AGAIN,
    Suite,
    equal,
    filled,
    none_for_missing,
    numbers_of,
    of_schema,
    one_of,
    read_cells,
    some_rows,
    unique,
)
from radprompt.study.settings import Setting
from radprompt.tables.predictions import RUN, SCHEMA, present_files

_SCORED = ("val", "test")
_COMPARE = "compare with data/lesions and data/halves, and correct the row"
_WHOLE = "give every model a row for each lesion, or take the model out"


def read_files(paths: Iterable[Path]) -> pd.DataFrame:
    """Read prediction files whatever their values: cells, with ``file`` and ``row``; an absent ``repeat`` is 0.

    Those of a language model that was left out are passed over.

    Raises
    ------
    InputError
        No file is found, or a file is not a table.
    """
    files = present_files(paths)
    if not files:
        raise InputError("there are no predictions", where="data/predictions", fix="run `dvc repro`, or `dvc pull`")
    parts = []
    for path in files:
        table = read_cells(path)
        parts.append(table.assign(file=path.name, **({} if "repeat" in table else {"repeat": "0"})))
    return none_for_missing(pd.concat(parts, ignore_index=True))


def prediction_suites(setting: Setting, table: pd.DataFrame, expected: pd.DataFrame) -> list[Suite]:
    """Return the suites of one setting's predictions: row by row, and run by run.

    Parameters
    ----------
    setting
        The protocol.
    table
        From :func:`read_files`.
    expected
        From :func:`radprompt.gates.expected.expected_rows`.
    """
    place = f"data/predictions/{setting.name}"
    rows = numbers_of(table, SCHEMA)
    if {"repeat", "lesion_id"} <= set(rows):
        rows = rows.merge(expected, on=["repeat", "lesion_id"], how="left", validate="many_to_one")
    suites = [
        Suite(
            f"predictions_{setting.name}",
            place,
            none_for_missing(rows),
            ("file", "row", "model", "lesion_id"),
            [
                some_rows(),
                *of_schema(SCHEMA),
                one_of("setting", [setting.name]),
                filled("true_split", "the setting uses the lesion in this repeat"),
                equal("split", "true_split", "split is that of lesion table or half", _COMPARE),
                equal("label", "true_label", "label is that of the lesion table", _COMPARE),
                equal("patient_id", "true_patient", "patient_id is that of the lesion table", _COMPARE),
            ],
        )
    ]
    if {*RUN, "split", "lesion_id"} <= set(rows):
        suites.append(_runs_suite(setting, rows, expected, place))
    return suites


def _runs_suite(setting: Setting, rows: pd.DataFrame, expected: pd.DataFrame, place: str) -> Suite:
    """Count each run's lesions: all of the test split, and all of the validation split or none."""
    runs = _count(rows, ["repeat", "model", "seed"], "split").fillna(0).add_suffix("_lesions").reset_index()
    runs = runs.merge(_count(expected, ["repeat"], "true_split").reset_index(), on="repeat", how="left")
    runs = runs.assign(validated=(runs["val_lesions"] == 0) | (runs["val_lesions"] == runs["val"]))
    first = runs.groupby("model")["repeat"].transform("min")
    return Suite(
        f"runs_{setting.name}",
        place,
        runs.assign(first_repeat=first),
        ("model", "seed", "repeat"),
        [
            some_rows(),
            equal("test_lesions", "test", "the run predicts every lesion of the test split", _WHOLE),
            one_of("validated", (True,), "the run predicts every validation lesion, or none", _WHOLE),
            one_of("first_repeat", (0,), "the model has repeat 0", "count repeats from 0, as data/halves does"),
        ],
    )


def _count(rows: pd.DataFrame, run: list[str], split: str) -> pd.DataFrame:
    counted = rows.pivot_table(index=run, columns=split, values="lesion_id", aggfunc="nunique")
    return counted.reindex(columns=list(_SCORED))


def learnt_suite(setting: Setting, folder: Path, expected: pd.DataFrame) -> Suite:
    """Return the suite of the lesions that the language model learnt from: none of them, nor its patient, is tested.

    Where the setting declares that it shares patients, that is asked of lesions alone.

    Parameters
    ----------
    setting
        The protocol.
    folder
        ``models/language_model/<setting>``; ``lesions.json`` of each run names the lesions by split.
    expected
        From :func:`radprompt.gates.expected.expected_rows`.
    """
    parts = []
    for path in sorted(folder.glob("*/lesions.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            seen = [(split, lesion) for split in ("train", "val") for lesion in content[split]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"not a record of lesions: {error!r}", where=str(path), fix=RUN_AGAIN) from None
        part = pd.DataFrame(seen, columns=["split", "lesion_id"]).assign(run=path.parent.name)
        parts.append(part.assign(repeat=int(path.parent.name.split("_")[1])))
    if not parts:
        raise InputError("no lesions.json", where=str(folder), fix="run `dvc repro`, or `dvc pull`")
    learnt = pd.concat(parts, ignore_index=True)
    tested = expected[expected["true_split"] == "test"]
    patients = expected.drop_duplicates("lesion_id").set_index("lesion_id")["true_patient"]
    learnt = learnt.assign(patient_id=learnt["lesion_id"].map(patients))
    patient_tested = one_of("patient_tested", (False,), "no patient that the model learnt from is tested")
    return Suite(
        f"learnt_{setting.name}",
        folder.as_posix(),
        none_for_missing(
            learnt.assign(
                tested=_among(learnt, tested, "lesion_id", "lesion_id"),
                patient_tested=_among(learnt, tested, "patient_id", "true_patient"),
            )
        ),
        ("run", "split", "lesion_id"),
        [
            some_rows(),
            filled("patient_id", "the setting uses the lesion"),
            unique("run", "lesion_id", says="no lesion is trained and validated on in one run"),
            one_of("tested", (False,), "no lesion that the model learnt from is tested"),
            *(() if setting.shares_patients else (patient_tested,)),
        ],
    )


def _among(learnt: pd.DataFrame, tested: pd.DataFrame, name: str, true_name: str) -> list[bool]:
    """Tell for each row whether the same repeat tests its lesion or patient."""
    keys = set(zip(tested["repeat"], tested[true_name], strict=True))
    return [key in keys for key in zip(learnt["repeat"], learnt[name], strict=True)]
