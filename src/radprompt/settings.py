"""The protocols: which lesions a model is trained, validated and tested on, the same for every model.

At the second site, INbreast, patients are halved: one half adapts, the other tests. One split of so few says little, so
several are drawn (``repeat`` 0, 1, ...), and every model sees the same ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from radprompt.errors import InputError

ROLES = ("train", "val", "test")
"""What a lesion is used for within a setting; ``split`` in every table of a setting."""


class Cohort(NamedTuple):
    """The lesions of one data set that carry one split: of its lesion table, or where it is halved, of its halves."""

    dataset: str
    split: str


@dataclass(frozen=True)
class Setting:
    """One protocol.

    Parameters
    ----------
    name
        As files and metrics have it.
    train, val, test
        Its lesions. The scaler is fitted on ``train`` alone; ``val`` keeps the best epoch and chooses thresholds.
    start
        Setting whose trained model goes on learning, where a model can; None: from the pretrained model.
    trains
        Whether anything is trained; without, ``train`` and ``val`` are those of ``start``.
    selection
        Setting on whose training lesions the features were selected.
    """

    name: str
    train: Cohort
    val: Cohort
    test: Cohort
    start: str | None
    trains: bool
    selection: str

    @property
    def cohorts(self) -> dict[str, Cohort]:
        """The cohort of each of :data:`ROLES`."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def datasets(self) -> list[str]:
        """The data sets whose tables the setting needs, sorted."""
        return sorted({cohort.dataset for cohort in self.cohorts.values()})

    @property
    def repeated(self) -> bool:
        """Whether its lesions come from halves, of which there are several."""
        return HALVED in self.datasets

    def repeats(self, count: int) -> range:
        """Return the repeats of a model that runs on the first ``count`` halves."""
        return range(count if self.repeated else 1)

    def selection_file(self, repeat: int) -> Path:
        """Return the record of the features that the setting uses in a repeat."""
        return (
            Path("models") / self.selection / "selection" / f"{repeat if SETTINGS[self.selection].repeated else 0}.json"
        )

    def scaler_file(self, repeat: int) -> Path:
        """Return the record of the means and deviations behind the setting's z-scores in a repeat."""
        return Path("models") / self.name / "scaler" / f"{repeat}.json"


HALVED = "inbreast"
"""Data set whose patients are halved."""

_VINDR = {role: Cohort("vindr_mammo", role) for role in ROLES}
_HALF = {role: Cohort(HALVED, role) for role in ROLES}

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        # Paper, Table 1, internal test.
        Setting("vindr", **_VINDR, start=None, trains=True, selection="vindr"),
        # Not in the paper: what the adaptation starts from.
        Setting(
            "inbreast_unadapted", **(_VINDR | {"test": _HALF["test"]}), start="vindr", trains=False, selection="vindr"
        ),
        # Paper, Table 1, external test: the same features.
        Setting("inbreast_adapted", **_HALF, start="vindr", trains=True, selection="vindr"),
        # Paper, Table 2: features selected anew, the model goes on learning ...
        Setting("inbreast_extended", **_HALF, start="vindr", trains=True, selection="inbreast_extended"),
        # ... or begins again.
        Setting("inbreast_scratch", **_HALF, start=None, trains=True, selection="inbreast_scratch"),
    )
}


def run_name(repeat: int, seed: int) -> str:
    """Return the name, in files, of the model that one repeat and one seed gave."""
    return f"repeat_{repeat}_seed_{seed}"


def find(name: str) -> Setting:
    """Return the setting of that name; another name is an :class:`InputError` that lists the known ones."""
    if name not in SETTINGS:
        raise InputError(f"no setting is called {name!r}", fix=f"use one of: {', '.join(SETTINGS)}")
    return SETTINGS[name]


def gather(
    setting: Setting,
    lesions: Mapping[str, pd.DataFrame],
    features: Mapping[str, pd.DataFrame],
    halves: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Join lesion and feature tables into the rows that a setting uses.

    Parameters
    ----------
    setting
        The protocol.
    lesions, features
        By data set; feature tables have ``lesion_id`` and one column a feature. Lesions without features (excluded when
        they were measured) are left out.
    halves
        ``repeat``, ``lesion_id`` and ``split`` of :data:`HALVED`, for a setting that is repeated.

    Returns
    -------
    DataFrame
        ``repeat``, ``lesion_id``, ``split`` (one of :data:`ROLES`), ``label`` and the features, in the order of
        repeats, roles and ids.

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
    labelled = {
        dataset: lesions[dataset][["lesion_id", "label"]].merge(features[dataset], on="lesion_id", how="inner")
        for dataset in setting.datasets
    }
    parts = []
    for repeat in sorted(halves["repeat"].unique()) if halves is not None and setting.repeated else [0]:
        for role, (dataset, split) in setting.cohorts.items():
            table, where = lesions[dataset], f"data/lesions/{dataset}.csv"
            if dataset == HALVED and halves is not None:
                table, where = halves[halves["repeat"] == repeat], f"data/halves/{dataset}.csv, repeat {repeat}"
            members = table.loc[table["split"] == split, "lesion_id"]
            part = labelled[dataset][labelled[dataset]["lesion_id"].isin(members)].sort_values("lesion_id")
            if part.empty:
                raise InputError(
                    f"setting {setting.name!r} has no lesion with features to {role} on",
                    where=f"{where}, split {split!r}",
                    fix="see data/lesions and data/features: their *_exclusions.csv say what was dropped and why",
                )
            if role == "train" and part["label"].nunique() < 2:
                raise InputError(
                    f"setting {setting.name!r} has training lesions of one class only",
                    where=where,
                    fix="add lesions of the other class",
                )
            part.insert(1, "split", role)
            part.insert(0, "repeat", repeat)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)
