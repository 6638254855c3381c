"""The rows that every table of a setting must have, from lesion tables, halves and feature ids."""

from pathlib import Path

import pandas as pd

from radprompt.datasets.halves import read_halves
from radprompt.lesions import read_lesions
from radprompt.settings import HALVED, Setting, gather


def expected_rows(setting: Setting) -> pd.DataFrame:
    """Read what a setting trains, validates and tests on.

    Returns
    -------
    DataFrame
        ``repeat``, ``lesion_id``, ``true_split``, ``true_label``, ``true_patient``: a row for each lesion with features
        in each repeat.

    Raises
    ------
    InputError
        A table is absent or broken.
    """
    lesions = {dataset: read_lesions(Path("data/lesions", f"{dataset}.csv")) for dataset in setting.datasets}
    features = {
        dataset: pd.read_csv(Path("data/features", f"{dataset}.csv"), usecols=["lesion_id"], dtype=str)
        for dataset in setting.datasets
    }
    halves = read_halves(Path("data/halves", f"{HALVED}.csv")) if setting.repeated else None
    rows = gather(setting, lesions, features, halves)
    patients = pd.concat(lesions.values()).set_index("lesion_id")["patient_id"]
    return rows.assign(true_patient=rows["lesion_id"].map(patients)).rename(
        columns={"split": "true_split", "label": "true_label"}
    )
