"""The protocols: which lesions a model is trained, validated and tested on, the same for every model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from radprompt.errors import InputError

ROLES = ("train", "val", "test")
"""What a lesion is used for within a setting; ``split`` in every table of a setting."""


class Cohort(NamedTuple):
    """The lesions of one data set that carry one split in its lesion table."""

    dataset: str
    split: str


@dataclass(frozen=True)
class Setting:
    """One protocol. Scaler and selection are fitted on ``train`` alone; ``val`` keeps the best epoch."""

    name: str
    train: Cohort
    val: Cohort
    test: Cohort

    @property
    def cohorts(self) -> dict[str, Cohort]:
        """The cohort of each of :data:`ROLES`."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def datasets(self) -> list[str]:
        """The data sets whose tables the setting needs, sorted."""
        return sorted({cohort.dataset for cohort in self.cohorts.values()})


SETTINGS: dict[str, Setting] = {
    # Paper, Table 1, internal test.
    "vindr": Setting(
        "vindr",
        train=Cohort("vindr_mammo", "train"),
        val=Cohort("vindr_mammo", "val"),
        test=Cohort("vindr_mammo", "test"),
    ),
}


def find(name: str) -> Setting:
    """Return the setting of that name; another name is an :class:`InputError` that lists the known ones."""
    if name not in SETTINGS:
        raise InputError(f"no setting is called {name!r}", fix=f"use one of: {', '.join(SETTINGS)}")
    return SETTINGS[name]


def gather(setting: Setting, lesions: Mapping[str, pd.DataFrame], features: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join lesion and feature tables into the rows that a setting uses.

    Parameters
    ----------
    setting
        The protocol.
    lesions, features
        By data set; feature tables have ``lesion_id`` and one column a feature. Lesions without features (excluded when
        they were measured) are left out.

    Returns
    -------
    DataFrame
        ``lesion_id``, ``split`` (one of :data:`ROLES`), ``label`` and the features, in the order of roles and ids.

    Raises
    ------
    InputError
        For a feature row of an unknown lesion, a role without lesions, or training lesions of one class only.
    """
    for dataset in setting.datasets:
        unknown = sorted(set(features[dataset]["lesion_id"]) - set(lesions[dataset]["lesion_id"]))
        if unknown:
            raise InputError(
                f"features of {len(unknown)} lesion(s) that the lesion table does not have, such as {unknown[0]!r}",
                where=f"data/features/{dataset}.csv",
                fix="run `dvc repro` again: the two tables come from different runs",
            )
    parts = []
    for role, (dataset, split) in setting.cohorts.items():
        chosen = lesions[dataset].loc[lesions[dataset]["split"] == split, ["lesion_id", "label"]]
        part = chosen.sort_values("lesion_id").merge(features[dataset], on="lesion_id", how="inner")
        if part.empty:
            raise InputError(
                f"setting {setting.name!r} has no lesion with features to {role} on",
                where=f"data/lesions/{dataset}.csv, split {split!r}",
                fix="see data/lesions and data/features: their *_exclusions.csv say what was dropped and why",
            )
        part.insert(1, "split", role)
        parts.append(part)
    if parts[0]["label"].nunique() < 2:
        raise InputError(
            f"setting {setting.name!r} has training lesions of one class only",
            where=f"data/lesions/{setting.train.dataset}.csv",
            fix="add lesions of the other class",
        )
    return pd.concat(parts, ignore_index=True)
