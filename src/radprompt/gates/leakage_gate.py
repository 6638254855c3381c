"""Gathers the rows that models learn from and are tested on, as their own inputs have them; lets no leak through."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import Leakage
from radprompt.gates import leakage
from radprompt.gates.hashes import read_hashes
from radprompt.selection.record import Selection
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import SETTINGS, Setting, find
from radprompt.tables.features import read_standardised
from radprompt.tables.lesions import DATASETS, read_lesions
from radprompt.tables.prompts import read_prompts

SEGMENTER = "segmenter"
"""Name, beside the settings', of what nnU-Net learns from and is tested on."""

COLUMNS = ["repeat", "split", "lesion_id", "dataset", "patient_id", "study_id", "image_path"]

DETAILS, METRICS = Path("data/validation/leakage"), Path("metrics/leakage")
FAILED = Path(".radprompt/gates/leakage")


def check_segmenter(limits: Leakage) -> list[leakage.Check]:
    """Check what nnU-Net learns from against what its contours are measured on."""
    rows = segmenter_rows(_lesions(DATASETS))
    return [*leakage.overlaps(rows), *leakage.near_duplicates(rows, read_hashes(), limits.hash_bits)]


def check_setting(name: str, limits: Leakage) -> list[leakage.Check]:
    """Check everything that the models of a setting learn from; reads its files."""
    setting = find(name)
    datasets = sorted({"vindr_mammo", *setting.datasets})
    lesions, standardised = _lesions(datasets), read_standardised(f"data/standardised/{name}.csv")
    rows = setting_rows(setting, standardised, lesions)
    halves = [int(repeat) for repeat in standardised["repeat"].unique()]
    scalers = {repeat: FeatureScaler.load(setting.scaler_file(repeat)).fitted_on for repeat in halves}
    selections = {repeat: Selection.load(setting.selection_file(repeat)).fitted_on for repeat in halves}
    return [
        *leakage.overlaps(rows),
        *leakage.near_duplicates(rows, read_hashes(), limits.hash_bits),
        *leakage.records("scaler", scalers, rows, lesions),
        *leakage.records("selection", selections, rows, lesions),
        *leakage.labels_in_features(standardised, limits.feature_auc),
    ]


def conclude(checks: Mapping[str, Sequence[leakage.Check]]) -> dict[str, pd.DataFrame]:
    """Write what was checked, by name, and return it, a row for each check and half; or stop.

    Raises
    ------
    InputError
        Something was found; it is about the first such name. Outputs are left as they were; :data:`FAILED` has all
        findings, a file a name.
    """
    refusals = []
    for name, made in checks.items():
        found, failed = leakage.findings_table(made, name, _place), FAILED / f"{name}.csv"
        if len(found):
            write_csv(failed, found)
            refusals.append(leakage.refusal(found, failed.as_posix()))
        else:
            failed.unlink(missing_ok=True)
    if refusals:
        raise refusals[0]
    tables = {name: leakage.counts(made, name) for name, made in checks.items()}
    for name, table in tables.items():
        totals = table.groupby("check", sort=False)[["compared", "found"]].sum()
        write_csv(DETAILS / f"{name}.csv", table)
        write_json(METRICS / f"{name}.json", {name: totals.to_dict("index")})
    return tables


def segmenter_rows(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return what nnU-Net trains on, CBIS-DDSM's training lesions, and as ``test`` where its contours are measured.

    Those are CBIS-DDSM's and VinDr's test lesions, and all of INbreast's.
    """
    dataset, split = lesions["dataset"], lesions["split"]
    role = pd.Series("test", lesions.index).mask((dataset == "cbis_ddsm") & (split == "train"), "train")
    return lesions.assign(repeat=0, split=role)[(dataset != "vindr_mammo") | (split == "test")][COLUMNS]


def setting_rows(setting: Setting, standardised: pd.DataFrame, lesions: pd.DataFrame) -> pd.DataFrame:
    """Return every lesion of a setting with its split in each half.

    Parameters
    ----------
    setting
        The protocol.
    standardised
        Its z-scores, which the baselines read. Its prompts, which the language model reads, are read here; where the
        two don't agree on a split, both rows are there.
    lesions
        The lesion tables in one.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`. Where the language model goes on from another setting's, that one's training and validation
        lesions are training lesions of every half.

    Raises
    ------
    InputError
        A lesion is in no lesion table of its split's data set.
    """
    rows = [_of(setting, standardised), _of(setting, read_prompts(f"data/prompts/{setting.name}.jsonl"))]
    if setting.start and setting.trains:
        before = SETTINGS[setting.start]
        halves = pd.DataFrame({"repeat": rows[0]["repeat"].unique()})
        for table in (
            read_standardised(f"data/standardised/{before.name}.csv"),
            read_prompts(f"data/prompts/{before.name}.jsonl"),
        ):
            seen = _of(before, table[table["split"] != "test"]).drop(columns="repeat").assign(split="train")
            rows.append(seen.merge(halves, how="cross"))
    known = lesions[["dataset", "lesion_id", "patient_id", "study_id", "image_path"]]
    joined = pd.concat(rows).drop_duplicates().merge(known, on=["dataset", "lesion_id"], how="left")
    unknown = joined[joined["patient_id"].isna()]
    if len(unknown):
        lesion, split = unknown[["lesion_id", "split"]].iloc[0]
        raise InputError(
            f"lesion {lesion!r}, split {split!r}, is in no lesion table of that split's data set",
            where=f"setting {setting.name}",
            fix="run `dvc repro` again: the tables come from different runs",
        )
    return joined[COLUMNS].sort_values(COLUMNS, ignore_index=True)


def _lesions(datasets: Iterable[str]) -> pd.DataFrame:
    return pd.concat([read_lesions(f"data/lesions/{dataset}.csv") for dataset in datasets], ignore_index=True)


def _of(setting: Setting, table: pd.DataFrame) -> pd.DataFrame:
    dataset = table["split"].map({role: cohort.dataset for role, cohort in setting.cohorts.items()})
    return table[["repeat", "split", "lesion_id"]].assign(dataset=dataset)


def _place(name: str, check: str, repeat: int) -> str:
    """Return the file that shows what a check of a half is about."""
    if name == SEGMENTER or check in ("patient", "study", "image", "near_duplicate"):
        return "data/lesions"
    if check == "scaler":
        return SETTINGS[name].scaler_file(repeat).as_posix()
    if check == "selection":
        return SETTINGS[name].selection_file(repeat).as_posix()
    return f"data/standardised/{name}.csv"
