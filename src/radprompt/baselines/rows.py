"""From a setting's lesions and a model's probabilities to rows of the predictions table."""

import pandas as pd
from numpy.typing import NDArray

from radprompt.errors import InputError
from radprompt.lesions import read_lesions
from radprompt.settings import Setting


def read_patients(setting: Setting) -> "pd.Series[str]":
    """Read ``patient_id`` of every lesion of the setting's data sets, by ``lesion_id``."""
    lesions = pd.concat([read_lesions(f"data/lesions/{dataset}.csv") for dataset in setting.datasets])
    return lesions.set_index("lesion_id")["patient_id"]


def with_patients(table: pd.DataFrame, patients: "pd.Series[str]", where: str) -> pd.DataFrame:
    """Add ``patient_id`` to a table that has ``lesion_id``.

    Parameters
    ----------
    table
        One row a lesion, or a lesion and repeat.
    patients
        By ``lesion_id``, as :func:`read_patients` returns them.
    where
        File of the table, for the message.

    Raises
    ------
    InputError
        For a lesion that is in no lesion table; it names the row.
    """
    for row, lesion in enumerate(table["lesion_id"], start=1):
        if lesion not in patients.index:
            what = f"lesion {lesion!r} is in no lesion table of the setting"
            raise InputError(what, where=f"{where}, row {row}", fix="run `dvc repro` again")
    return table.assign(patient_id=table["lesion_id"].map(patients))


def prediction_rows(
    table: pd.DataFrame, setting: str, repeat: int, model: str, seed: int, probability: NDArray
) -> pd.DataFrame:
    """Return what one trained model says of each row of ``table``, in the columns of the predictions table."""
    rows = table[["lesion_id", "patient_id", "split", "label"]]
    return rows.assign(setting=setting, repeat=repeat, model=model, seed=seed, probability=probability)
