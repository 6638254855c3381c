"""Is a model better on this branch? Both revisions' predictions of the same lesions, resampled by patient together."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Params
from radprompt.evaluation.comparisons import bootstrap_p, holm
from radprompt.evaluation.intervals import interval, patient_resamples
from radprompt.evaluation.model_comparison import compare
from radprompt.repository.pull_request.revisions import AbsentError, Revision
from radprompt.tables.predictions import read_predictions

LOWER_IS_BETTER = ("brier", "ece", "hd95_px")
COLUMNS = ["setting", "model", "metric", "difference", "low", "high", "p", "lesions", "all_lesions"]
PREDICTIONS = "data/predictions"
QUALITY = "data/segmentation_quality.csv"

_BEFORE, _AFTER = "before", "after"
_ROW = ["repeat", "seed", "lesion_id", "split", "label", "probability"]


class Predictions(NamedTuple):
    """Rows of each revision for the models that both have and whose rows differ, and what could not be read.

    ``same`` are the models (setting and name) that predict what they did.
    """

    before: pd.DataFrame
    after: pd.DataFrame
    same: set[tuple[str, str]]
    absent: list[str]


def changed_predictions(before: Revision, after: Revision, settings: Iterable[str]) -> Predictions:
    """Read the predictions of both revisions in the settings that both know.

    A file that one revision recorded and nothing has, or that is not a table of predictions, is named in ``absent``,
    and its models are left out.
    """
    kept: dict[str, list[pd.DataFrame]] = {_BEFORE: [], _AFTER: []}
    same, absent = set(), []
    for setting in settings:
        tables = {}
        for side, revision, other in ((_BEFORE, before, after), (_AFTER, after, before)):
            tables[side], lacking = _read(revision, other, setting)
            absent += lacking
        shared = sorted(set(tables[_BEFORE]["model"]) & set(tables[_AFTER]["model"]))
        for model in shared:
            old, new = (table[table["model"] == model] for table in tables.values())
            if old[_ROW].reset_index(drop=True).equals(new[_ROW].reset_index(drop=True)):
                same.add((setting, model))
            else:
                kept[_BEFORE].append(old)
                kept[_AFTER].append(new)
    first, second = (pd.concat(parts, ignore_index=True) if parts else _nothing() for parts in kept.values())
    return Predictions(first, second, same, sorted(set(absent)))


def paired_differences(before: pd.DataFrame, after: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Compare each model with what it was, by the paired patient bootstrap that compares models with each other.

    Returns
    -------
    pandas.DataFrame
        A row for each setting, model and metric, :data:`COLUMNS`: ``difference`` is after minus before on the
        ``lesions`` (rows of all halves) that both revisions test, of ``all_lesions`` that one of them does; ``low`` to
        ``high`` its interval; ``p`` the bootstrap's, by Holm's method corrected for the models compared in a setting
        and metric. Both revisions are scored with ``params``. A model with no lesion in common has no row.
    """
    evaluation = replace(params.evaluation, reference=_AFTER)
    records = []
    for (setting, model), new in after.groupby(["setting", "model"]):
        old = before[(before["setting"] == setting) & (before["model"] == model)]
        pair, counts = _common(old, new)
        if not counts["lesions"]:
            continue
        table = compare(pair, replace(params, evaluation=evaluation))
        for _, row in table[table["difference"].notna()].iterrows():
            records.append(
                {
                    **{"setting": setting, "model": model, "metric": row["metric"], "difference": row["difference"]},
                    **{"low": row["difference_low"], "high": row["difference_high"], "p": row["p_bootstrap"]},
                    **counts,
                }
            )
    return _corrected(records)


def contour_differences(before: bytes, after: bytes, params: Params) -> pd.DataFrame:
    """Compare nnU-Net's contours with what they were, lesion by lesion, patients resampled together.

    Returns
    -------
    pandas.DataFrame
        Rows as :func:`paired_differences` has them: the cohort as the setting, the metrics ``dice`` and ``hd95_px``.

    Raises
    ------
    InputError
        One of the two is not a table of contours.
    """
    key = ["cohort", "lesion_id"]
    old, new = (
        _contours(content, [*key, "patient_id", "nnunet_dice", "nnunet_hd95_px"]) for content in (before, after)
    )
    both = old.merge(new.drop(columns="patient_id"), on=key, suffixes=("_old", "_new"))
    either, evaluation = len(old.merge(new[key], on=key, how="outer")), params.evaluation
    records: list[dict[str, Any]] = []
    for cohort, rows in both.groupby("cohort"):
        weights = patient_resamples(rows["patient_id"].to_numpy(), evaluation.bootstrap_draws, params.seed)
        for metric in ("dice", "hd95_px"):
            each = (rows[f"nnunet_{metric}_new"] - rows[f"nnunet_{metric}_old"]).to_numpy(float)
            if not np.any(each):
                continue
            draws = weights @ each / weights.sum(axis=1)
            low, high = interval(draws, evaluation.confidence) or (np.nan, np.nan)
            records.append(
                {
                    **{"setting": cohort, "model": "nnunet", "metric": metric, "difference": float(each.mean())},
                    **{"low": low, "high": high, "p": bootstrap_p(draws)},
                    **{"lesions": len(rows), "all_lesions": either},
                }
            )
    return _corrected(records)


def _corrected(records: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(records, columns=COLUMNS)
    if len(table):
        table["p"] = table.groupby(["setting", "metric"])["p"].transform(lambda p: holm(p.to_numpy(float)))
    return table


def _common(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Leave the test rows of lesions that both revisions test in the same half, with the same label and patient."""
    key = ["repeat", "lesion_id", "label", "patient_id"]
    tested = [rows.loc[rows["split"] == "test", key].drop_duplicates() for rows in (old, new)]
    shared = tested[0].merge(tested[1], on=key)
    either = len(pd.concat(tested).drop_duplicates())
    parts = []
    for rows, name in ((old, _BEFORE), (new, _AFTER)):
        test = rows[rows["split"] == "test"].merge(shared, on=key)
        # Validation rows, which choose thresholds, stay each revision's own.
        own = rows[(rows["split"] == "val") & rows["repeat"].isin(shared["repeat"])]
        parts.append(pd.concat([own, test]).assign(model=name))
    return pd.concat(parts, ignore_index=True), {"lesions": len(shared), "all_lesions": either}


def _read(revision: Revision, other: Revision, setting: str) -> tuple[pd.DataFrame, list[str]]:
    """Read one setting's predictions, file by file, so that a broken one takes no other with it."""
    folder = f"{PREDICTIONS}/{setting}"
    tables, absent = [], []
    with TemporaryDirectory() as scratch:
        for path in revision.artefacts(folder, ".csv"):
            file = Path(scratch) / Path(path).name
            try:
                file.write_bytes(_artefact(revision, other, path))
                tables.append(read_predictions([file], {setting: True}, setting, [setting]))
            except AbsentError as error:
                absent.append(str(error))
            except InputError as error:
                where = f"`{path}` of {revision.label}"
                absent.append(f"{where}: {error.what.replace(str(file), 'row')}")
    return (pd.concat(tables, ignore_index=True) if tables else _nothing()), absent


def _artefact(revision: Revision, other: Revision, path: str) -> bytes:
    """Take the other revision's file where both recorded the same: it may be at hand where this one's is not."""
    same = revision.digest(path) is not None and revision.digest(path) == other.digest(path)
    if same and other.commit is None and (content := other.content(path)) is not None:
        return content
    return revision.artefact(path)


def _contours(content: bytes, columns: list[str]) -> pd.DataFrame:
    from io import BytesIO

    try:
        table = pd.read_csv(BytesIO(content), dtype={"lesion_id": str, "patient_id": str})
        return table.loc[table["source"] != "review", columns]
    except (ValueError, KeyError) as error:
        raise InputError(f"not a table of contours: {error}", where=QUALITY) from None


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=["lesion_id", "patient_id", "setting", *(c for c in _ROW if c != "lesion_id"), "model"])


def verdict(metric: str, difference: float, p: float, alpha: float) -> str:
    """Say whether a change is better, worse, within noise, or, where no draw is defined, not tested."""
    if not np.isfinite(p):
        return "not tested"
    if p >= alpha:
        return "within noise"
    return "better" if (difference > 0) != (metric in LOWER_IS_BETTER) else "worse"
