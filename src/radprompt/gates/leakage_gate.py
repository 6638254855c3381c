"""Gathers the rows that models learn from and are tested on, as their own inputs have them; lets no leak through."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folders, write_csv, write_json
from radprompt.core.params import Leakage
from radprompt.gates import leakage
from radprompt.gates.hashes import read_hashes
from radprompt.selection.record import Selection
from radprompt.study.cohort import cohort_of
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import Setting
from radprompt.tables.cohort import START, START_VAL, of_setting
from radprompt.tables.features import read_standardised
from radprompt.tables.lesions import read_lesions
from radprompt.tables.prompts import read_prompts

SEGMENTER = "segmenter"
"""Name, beside the settings', of what nnU-Net learns from and is tested on."""

SETTINGS = "settings"
"""Folder with what was compared in each setting."""

COLUMNS = ["repeat", "split", "lesion_id", "dataset", "patient_id", "study_id", "image_path"]

DETAILS, METRICS = Path("data/validation/leakage"), Path("metrics/leakage")
FAILED = Path(".radprompt/validation/leakage")


def check_segmenter(datasets: Iterable[str], limits: Leakage) -> list[leakage.Check]:
    """Check what nnU-Net learns from against what its contours are measured on, in all data sets that are read."""
    rows = segmenter_rows(_lesions(datasets))
    return [*leakage.overlaps(rows), *leakage.near_duplicates(rows, read_hashes(), limits.hash_bits)]


def check_setting(setting: Setting, limits: Leakage, *, prompted: bool) -> list[leakage.Check]:
    """Check everything that the models of a setting learn from; reads its files.

    Parameters
    ----------
    setting
        The protocol. A study without images has no copies of images to look for. Where it declares that it shares
        patients, their lesions on both sides are counted and not refused.
    limits
        Thresholds from which something counts as a leak.
    prompted
        Whether a language model is trained, and so there are prompts.
    """
    name = setting.name
    cohort, standardised = cohort_of(setting), read_standardised(f"data/standardised/{name}.csv")
    prompts = read_prompts(f"data/prompts/{name}.jsonl") if prompted else standardised
    rows, with_images = setting_rows(cohort, standardised, prompts), bool((cohort["image_path"] != "").any())
    repeats = [int(repeat) for repeat in cohort["repeat"].unique()]
    scalers = {repeat: FeatureScaler.load(setting.scaler_file(repeat)).fitted_on for repeat in repeats}
    selections = {repeat: Selection.load(setting.selection_file(repeat)).fitted_on for repeat in repeats}
    known = cohort.drop_duplicates(["dataset", "lesion_id"])
    keys = [key for key in leakage.KEYS if not setting.shares_patients or key not in leakage.SHARED]
    return [
        *leakage.overlaps(rows, keys),
        *(leakage.shared(rows) if setting.shares_patients else ()),
        *(leakage.near_duplicates(rows, read_hashes(), limits.hash_bits) if with_images else ()),
        *leakage.records("scaler", scalers, rows, known, keys),
        *leakage.records("selection", selections, rows, known, keys),
        *leakage.labels_in_features(of_setting(standardised), limits.feature_auc),
    ]


def conclude(checks: Mapping[str, Sequence[leakage.Check]]) -> dict[str, pd.DataFrame]:
    """Write what was checked, of the segmenter or of all settings, and return it, a row a check and repeat; or stop.

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
    if set(tables) == {SEGMENTER}:
        _write(DETAILS, METRICS, tables)
    else:
        with atomic_folders(DETAILS / SETTINGS, METRICS / SETTINGS) as (details, metrics):
            _write(details, metrics, tables)
    return tables


def _write(details: Path, metrics: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        totals = table.groupby("check", sort=False)[["compared", "found"]].sum()
        write_csv(details / f"{name}.csv", table)
        write_json(metrics / f"{name}.json", {name: totals.to_dict("index")})


def segmenter_rows(lesions: pd.DataFrame) -> pd.DataFrame:
    """Return what nnU-Net trains on, CBIS-DDSM's lesions outside its test, and as ``test`` where it is measured.

    Those are CBIS-DDSM's and VinDr's test lesions, and all of INbreast's.
    """
    dataset, split = lesions["dataset"], lesions["split"]
    role = pd.Series("test", lesions.index).mask((dataset == "cbis_ddsm") & (split != "test"), "train")
    return lesions.assign(repeat=0, split=role)[(dataset != "vindr_mammo") | (split == "test")][COLUMNS]


def setting_rows(cohort: pd.DataFrame, standardised: pd.DataFrame, prompts: pd.DataFrame) -> pd.DataFrame:
    """Return every lesion of a setting with its split in each repeat.

    Parameters
    ----------
    cohort
        The setting's cohort.
    standardised, prompts
        What the baselines and the language model read. Where one has another split than the cohort, both rows are
        there.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`. Lesions that trained or validated the model which is continued are training lesions of every
        repeat.

    Raises
    ------
    InputError
        A lesion is not in the cohort.
    """
    keys = ["repeat", "split", "lesion_id"]
    rows = pd.concat([cohort[keys], standardised[keys], prompts[keys]]).drop_duplicates()
    started = rows["split"].isin([START, START_VAL])
    repeats = cohort[["repeat"]].drop_duplicates()
    seen = rows.loc[started, ["lesion_id"]].assign(split="train").merge(repeats, how="cross")
    known = cohort.drop_duplicates("lesion_id")[["dataset", "lesion_id", "patient_id", "study_id", "image_path"]]
    joined = pd.concat([rows[~started], seen]).drop_duplicates().merge(known, on="lesion_id", how="left")
    unknown = joined[joined["patient_id"].isna()]
    if len(unknown):
        lesion, split = unknown[["lesion_id", "split"]].iloc[0]
        raise InputError(
            f"lesion {lesion!r}, split {split!r}, is not in the cohort",
            where="data/standardised or data/prompts",
            fix="run `dvc repro` again: the tables come from different runs",
        )
    return joined[COLUMNS].sort_values(COLUMNS, ignore_index=True)


def _lesions(datasets: Iterable[str]) -> pd.DataFrame:
    return pd.concat([read_lesions(f"data/lesions/{dataset}.csv") for dataset in datasets], ignore_index=True)


def _place(name: str, check: str, repeat: int) -> str:
    """Return the file that shows what a check of a half is about."""
    if name == SEGMENTER or check in ("patient", "study", "image", "near_duplicate"):
        return "data/lesions"
    if check == "scaler":
        return f"models/scaler/{name}/{repeat}.json"
    if check == "selection":
        return f"models/selection/{name}/{repeat}.json"
    return f"data/standardised/{name}.csv"
