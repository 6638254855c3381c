"""Who belongs to a setting, from lesion tables, draws and the lesions that could be measured."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.study.settings import Members, Setting, Settings
from radprompt.tables.cohort import COLUMNS, START, START_VAL, read_cohort

FOLDER = Path("data/cohorts")


def cohort_of(setting: Setting) -> pd.DataFrame:
    """Read the cohort of a setting; see :func:`radprompt.tables.cohort.read_cohort` for what it refuses."""
    return read_cohort(FOLDER / f"{setting.name}.csv", shares_patients=setting.shares_patients)


def build_cohort(
    setting: Setting,
    settings: Settings,
    lesions: Mapping[str, pd.DataFrame],
    measured: Mapping[str, set[str]],
    halves: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Return what each lesion of a setting is used for in each repeat.

    Parameters
    ----------
    setting
        The protocol.
    settings
        All protocols: of the one whose model is continued, training and validation lesions are there as well.
    lesions
        Lesion tables, by data set.
    measured
        Ids of the lesions with features, by data set; others are left out.
    halves
        ``repeat``, ``lesion_id`` and ``split`` of each halved data set, and of each setting that draws its lesions, by
        the name of either.

    Returns
    -------
    DataFrame
        :data:`radprompt.tables.cohort.COLUMNS`, in the order of repeats, splits and ids.

    Raises
    ------
    InputError
        For features of an unknown lesion, a split without lesions, or training lesions of one class only.
    """
    for dataset in setting.datasets:
        unknown = sorted(measured[dataset] - set(lesions[dataset]["lesion_id"]))
        if unknown:
            raise InputError(
                f"features of {len(unknown)} lesion(s) that the lesion table does not have, such as {unknown[0]!r}",
                where=f"data/features/{dataset}.csv",
                fix="run `dvc repro` again: the two tables come from different runs",
            )
    sources = {name: setting.name if setting.drawn else name for name in setting.datasets}
    counts = [halves[source]["repeat"].nunique() for source in sources.values() if source in halves]
    parts = []
    for repeat in range(max(counts, default=1)):
        for role, members in setting.members.items():
            rows, where = _members(members, repeat, lesions, measured, halves, sources)
            if rows.empty:
                raise InputError(
                    f"setting {setting.name!r} has no lesion with features to {role} on",
                    where=f"{where}, split {members.split!r}",
                    fix="see data/lesions and data/features: their *_exclusions.csv say what was dropped and why",
                )
            if role == "train" and rows["label"].nunique() < 2:
                raise InputError(
                    f"setting {setting.name!r} has training lesions of one class only",
                    where=where,
                    fix="add lesions of the other class",
                )
            parts.append(rows.assign(repeat=repeat, split=role))
    if setting.continues:
        before = settings[setting.continues]
        for members, split in ((before.train, START), (before.val, START_VAL)):
            rows, _ = _members(members, 0, lesions, measured, halves, {})
            parts.append(rows.assign(repeat=0, split=split))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _members(
    members: Members,
    repeat: int,
    lesions: Mapping[str, pd.DataFrame],
    measured: Mapping[str, set[str]],
    halves: Mapping[str, pd.DataFrame],
    sources: Mapping[str, str],
) -> tuple[pd.DataFrame, str]:
    """Return the measured lesions of a split in a repeat, sorted by id, and the file that says so."""
    dataset, split = members
    table, where = lesions[dataset], f"data/lesions/{dataset}.csv"
    source = sources.get(dataset, dataset)
    if source in halves:
        table, where = halves[source], f"data/halves/{source}.csv, repeat {repeat}"
        table = table[table["repeat"] == repeat]
    ids = set(table.loc[table["split"] == split, "lesion_id"]) & measured[dataset]
    rows = lesions[dataset]
    return rows[rows["lesion_id"].isin(ids)].assign(dataset=dataset).sort_values("lesion_id"), where
