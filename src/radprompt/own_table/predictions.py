"""Predictions of every model, in the columns of the big pipeline's table, checked against the cases."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.own_table.lessons import Lesson
from radprompt.own_table.rows import Rows
from radprompt.tables.predictions import COLUMNS, RUN

_FIX = f"the columns are {', '.join(COLUMNS)}: one row for each case that a model predicts"


def predicted(rows: Rows, lesson: Lesson, model: str, seed: int, probability: NDArray[np.float64]) -> pd.DataFrame:
    """Return what one trained model says of these cases."""
    about = rows.about
    return pd.DataFrame(
        {
            "lesion_id": about["case"].to_numpy(),
            "patient_id": about["patient"].to_numpy(),
            "setting": lesson.setting,
            "repeat": lesson.draw,
            "model": model,
            "seed": seed,
            "split": about["split"].to_numpy(),
            "label": about["label"].to_numpy(),
            "probability": probability,
        }
    )


def write_predictions(path: str | Path, parts: Iterable[pd.DataFrame]) -> None:
    """Write predictions sorted; without any, the header alone."""
    table = pd.concat([pd.DataFrame(columns=COLUMNS), *parts], ignore_index=True)[COLUMNS]
    write_csv(path, table.sort_values([*RUN, "lesion_id"], ignore_index=True))


def read_predictions(paths: Iterable[str | Path], about: pd.DataFrame, sites: Mapping[str, str]) -> pd.DataFrame:
    """Read prediction files and check them against the cases.

    Parameters
    ----------
    paths
        CSV files in the columns of :data:`radprompt.tables.predictions.COLUMNS`; those of a model that is not ours
        may be among them.
    about
        ``case, patient, site, split, label`` of every case.
    sites
        The site that each setting tests.

    Raises
    ------
    InputError
        For a missing column, an unknown setting or case, a case of another site, a label, split or patient that is not
        the case's, a probability outside [0, 1], a case that a run has twice, or a test case that a run lacks.
    """
    known = about.set_index("case")
    parts = []
    for path in sorted(map(str, paths)):
        table = _read(path)
        if table.empty:
            continue
        _check(table, known, sites, path)
        parts.append(table)
    if not parts:
        raise InputError("there are no predictions", where="data/predictions", fix="run `dvc repro`")
    table = pd.concat(parts, ignore_index=True)
    table["patient_id"] = table["lesion_id"].map(known["patient"])
    _check_runs(table, about, sites)
    return table.sort_values([*RUN, "lesion_id"], ignore_index=True)


def _read(path: str) -> pd.DataFrame:
    texts = {"lesion_id": str, "patient_id": str, "setting": str, "model": str, "split": str}
    try:
        table = pd.read_csv(path, dtype=texts, keep_default_na=False)
        missing = [name for name in COLUMNS if name not in table]
        if missing:
            raise InputError(f"column(s) {', '.join(missing)} missing", where=path, fix=_FIX)
        return table[COLUMNS].astype({"repeat": int, "seed": int, "label": int, "probability": float})
    except FileNotFoundError:
        raise InputError("no such file", where=path, fix="run `dvc repro`, or `dvc pull`") from None
    except InputError:
        raise
    except ValueError as error:  # pandas' parser errors are ValueErrors too
        raise InputError(f"not a table of predictions: {error}", where=path, fix=_FIX) from None


def _check(table: pd.DataFrame, known: pd.DataFrame, sites: Mapping[str, str], path: str) -> None:
    setting, case = table["setting"], table["lesion_id"]
    own = known.reindex(case).reset_index(drop=True)
    tests = [
        (~setting.isin(list(sites)), "setting", f"is none of {', '.join(sites)}"),
        (~case.isin(known.index), "lesion_id", "is no case of the table"),
        (own["site"] != setting.map(sites), "lesion_id", "is a case of another site than the setting tests"),
        (own["label"] != table["label"], "label", "is not the case's"),
        (~table["split"].isin(["val", "test"]) | (own["split"] != table["split"]), "split", "is not the case's"),
        (~table["probability"].between(0, 1), "probability", "is no number in [0, 1]"),
        (table.duplicated([*RUN, "lesion_id"]), "lesion_id", "occurs twice for one model, seed and draw"),
    ]
    for wrong, name, what in tests:
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(f"{name} {table[name].iloc[row]!r} {what}", where=f"{path}, row {row + 1}", fix=_FIX)


def _check_runs(table: pd.DataFrame, about: pd.DataFrame, sites: Mapping[str, str]) -> None:
    tested = {site: set(own["case"]) for site, own in about[about["split"] == "test"].groupby("site")}
    for (setting, repeat, model, seed), rows in table[table["split"] == "test"].groupby(RUN):
        lacking = sorted(tested[sites[str(setting)]] - set(rows["lesion_id"]))
        if lacking:
            raise InputError(
                f"model {model!r} (seed {seed}, draw {repeat}) lacks {len(lacking)} test cases, such as {lacking[0]!r}",
                where=f"data/predictions, setting {setting!r}",
                fix="predict every test case",
            )
