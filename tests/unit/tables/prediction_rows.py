"""Predictions that tests make up."""

import pandas as pd

SETTINGS = {"vindr": False, "inbreast_adapted": True}


def rows(model: str, lesions: str = "abcd", **changes: object) -> pd.DataFrame:
    """Four test lesions of two patients and one validation lesion, as one model writes them."""
    table = pd.DataFrame(
        {
            "lesion_id": [*lesions, "v"],
            "patient_id": [f"p{'abcd'.index(lesion) // 2}" for lesion in lesions] + ["p9"],
            "setting": "vindr",
            "repeat": 0,
            "model": model,
            "seed": 7,
            "split": ["test"] * len(lesions) + ["val"],
            "label": [int(lesion in "bd") for lesion in lesions] + [1],
            "probability": [0.25] * len(lesions) + [1.0],
        }
    )
    return table.assign(**changes)
