"""Turn each setting's features into z-scores with its training lesions' mean and standard deviation.

Reads   settings.yaml; params.yaml (adaptation.scaler, a table's features.min_icc); data/cohorts/;
        data/features/<dataset>.csv; with features.min_icc data/repeated.csv
Writes  models/scaler/<setting>/<repeat>.json (mean, sd, the lesions they come from; start.json: of the setting whose
        model is continued; with features.min_icc <repeat>_icc.csv, too), data/standardised/<setting>.csv (repeat,
        lesion_id, patient_id, split, label, a z-score of every feature that is stable over the repeat's training rows)
Takes   time that grows with rows, repeats and settings
Expect  no constant feature; training columns of mean 0 and sd 1
"""

from pathlib import Path

import pandas as pd

from radprompt.core.outputs import atomic_folders, write_csv
from radprompt.core.stage import run
from radprompt.core.table_params import TableParams, load_study_params
from radprompt.evaluation.stability import judge_stability, read_repeated, unstable
from radprompt.study.cohort import cohort_of
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import ROWS, of_setting, of_start
from radprompt.tables.features import read_features


def main() -> None:
    """Standardise all settings."""
    settings, params = load_settings(), load_study_params()
    own, min_icc = params.adaptation.scaler, params.features.min_icc if isinstance(params, TableParams) else None
    datasets = sorted({name for setting in settings.values() for name in setting.datasets})
    tables = {name: read_features(f"data/features/{name}.csv").set_index("lesion_id") for name in datasets}
    features = pd.concat(tables, names=["dataset"])
    borrowed = None if own == "own" else _fit(cohort_of(settings[own]), features, 0)
    with atomic_folders("data/standardised", "models/scaler") as (written, scalers):
        for name, setting in settings.items():
            cohort, parts = cohort_of(setting), []
            before = of_start(cohort)
            for repeat, rows in of_setting(cohort).groupby("repeat"):
                stable = _stable(pd.concat([rows, before]), features, min_icc, scalers / name / f"{repeat}_icc.csv")
                scaler = (borrowed if setting.repeated else None) or _fit(cohort, stable, int(str(repeat)))
                scaler.save(scalers / name / f"{repeat}.json")
                parts.append(_standardise(rows, features, scaler))
            if len(before):
                scaler = _fit(before, _stable(before, features, min_icc, scalers / name / "start_icc.csv"), 0)
                scaler.save(scalers / name / "start.json")
                parts.append(_standardise(cohort.loc[before.index], features, scaler))
            write_csv(written / f"{name}.csv", pd.concat(parts))
            constant = f"; constant, so 0 everywhere: {', '.join(scaler.constant)}" if scaler.constant else ""
            print(
                f"{name}: {len(cohort)} rows, {len(scaler.features)} features{constant}: data/standardised/{name}.csv"
            )


def _stable(rows: pd.DataFrame, features: pd.DataFrame, min_icc: float | None, report: Path) -> pd.DataFrame:
    """Leave out the features that are unstable over the training lesions among some rows, and write how they agree."""
    if min_icc is None:
        return features
    train = rows[rows["split"] == "train"]
    judged = judge_stability(_values(train, features), read_repeated(), set(train["lesion_id"]), min_icc)
    write_csv(report, judged)
    return features.drop(columns=unstable(judged))


def _fit(cohort: pd.DataFrame, features: pd.DataFrame, repeat: int) -> FeatureScaler:
    train = cohort[(cohort["repeat"] == repeat) & (cohort["split"] == "train")]
    return FeatureScaler.fit(_values(train, features))


def _standardise(rows: pd.DataFrame, features: pd.DataFrame, scaler: FeatureScaler) -> pd.DataFrame:
    z = scaler.transform(_values(rows, features)).reset_index(drop=True)
    return pd.concat([rows[ROWS].reset_index(drop=True), z], axis=1)


def _values(rows: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    return features.loc[pd.MultiIndex.from_frame(rows[["dataset", "lesion_id"]])].droplevel("dataset")


if __name__ == "__main__":
    run(main)
