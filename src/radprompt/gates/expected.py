"""What each row of a setting's tables should say, from its cohort."""

import pandas as pd

from radprompt.study.cohort import cohort_of
from radprompt.study.settings import Setting
from radprompt.tables.cohort import of_setting


def expected_rows(setting: Setting) -> pd.DataFrame:
    """Read the cohort of a setting.

    Returns
    -------
    DataFrame
        ``repeat``, ``lesion_id``, ``true_split``, ``true_label``, ``true_patient``: a row for each lesion that the
        setting itself trains, validates or tests on, in each repeat.
    """
    rows = of_setting(cohort_of(setting))
    names = {"split": "true_split", "label": "true_label", "patient_id": "true_patient"}
    return rows.rename(columns=names)[["repeat", "lesion_id", *names.values()]]
