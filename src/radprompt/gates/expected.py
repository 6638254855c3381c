"""What each row of a setting's tables should say, from its cohort."""

from pathlib import Path

import pandas as pd

from radprompt.tables.cohort import of_setting, read_cohort


def expected_rows(path: str | Path) -> pd.DataFrame:
    """Read a cohort.

    Returns
    -------
    DataFrame
        ``repeat``, ``lesion_id``, ``true_split``, ``true_label``, ``true_patient``: a row for each lesion that the
        setting itself trains, validates or tests on, in each repeat.
    """
    rows = of_setting(read_cohort(path))
    names = {"split": "true_split", "label": "true_label", "patient_id": "true_patient"}
    return rows.rename(columns=names)[["repeat", "lesion_id", *names.values()]]
