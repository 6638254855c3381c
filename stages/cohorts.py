"""Write who belongs to each setting, and what each lesion is used for in each repeat.

Reads   settings.yaml; data/lesions/<dataset>.csv, data/features/<dataset>.csv (which lesions were measured),
        data/halves/<dataset or setting>.csv
Writes  data/cohorts/<setting>.csv (repeat, lesion_id, patient_id, study_id, image_path, dataset, split, label)
Takes   little more than the time to start; grows with lesions and repeats
Expect  every later table of a setting holds rows of this one
"""

import pandas as pd

from radprompt.core.outputs import atomic_folder
from radprompt.core.stage import run
from radprompt.study.cohort import build_cohort
from radprompt.study.halves import read_halves
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import write_cohort
from radprompt.tables.lesions import read_lesions


def main() -> None:
    """Write all settings' cohorts."""
    settings = load_settings()
    datasets = sorted({name for setting in settings.values() for name in setting.datasets})
    lesions = {name: read_lesions(f"data/lesions/{name}.csv") for name in datasets}
    measured = {
        name: set(pd.read_csv(f"data/features/{name}.csv", usecols=["lesion_id"], dtype=str)["lesion_id"])
        for name in datasets
    }
    halves = {name: read_halves(f"data/halves/{name}.csv") for name in settings.halved}
    for own in settings.drawn:
        halves[own.name] = read_halves(f"data/halves/{own.name}.csv", shares_patients=own.shares_patients)
    with atomic_folder("data/cohorts") as folder:
        for name, setting in settings.items():
            table = build_cohort(setting, settings, lesions, measured, halves)
            write_cohort(folder / f"{name}.csv", table)
            first = table[table["repeat"] == 0]["split"].value_counts(sort=False).items()
            counts = ", ".join(f"{count} {split}" for split, count in first)
            print(f"{name}: {table['repeat'].nunique()} repeat(s), in the first {counts}: data/cohorts/{name}.csv")


if __name__ == "__main__":
    run(main)
