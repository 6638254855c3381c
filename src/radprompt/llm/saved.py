"""What lies beside a saved adapter; read without torch."""

from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError

LEARNED, SAID, EMBEDDINGS = "lesions.json", "probabilities.csv", "embeddings.safetensors"
"""The lesions that a model learned from; its probabilities and embeddings of the rows of its cohort."""


def read_probabilities(folder: Path) -> "pd.Series[float]":
    """Read the probabilities that a model gave the rows of its cohort, by lesion id."""
    path = folder / SAID
    if not path.is_file():
        raise InputError("no such table", where=str(path), fix="run `dvc repro`, or `dvc pull`")
    return pd.read_csv(path, dtype={"lesion_id": str}).set_index("lesion_id")["probability"]
