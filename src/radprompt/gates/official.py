"""The splits that the data sets' own tables give their patients, for lesion tables to be compared with."""

from pathlib import Path

from radprompt.mammograms.datasets import cbis_ddsm, vindr_mammo
from radprompt.mammograms.datasets.table import read_table

FOLLOWING = {
    cbis_ddsm.DATASET: (("train", "train"), ("train", "val"), ("test", "test")),
    vindr_mammo.DATASET: (("train", "train"), ("train", "val"), ("test", "test")),
}
"""Official split and what a lesion table may make of it. INbreast has no official splits."""


def official_splits(dataset: str, folder: Path) -> dict[str, str]:
    """Return the official split of every patient of a data set in ``folder``; nobody's where it has none.

    Raises
    ------
    InputError
        A table is absent, or lacks a column.
    """
    if dataset == cbis_ddsm.DATASET:
        read = {
            split: read_table(folder / name, ("patient_id",), cbis_ddsm.PROVENANCE)["patient_id"]
            for split, name in cbis_ddsm.TABLES.items()
        }
        return {patient: split for split, patients in read.items() for patient in patients}
    if dataset == vindr_mammo.DATASET:
        table = read_table(folder / vindr_mammo.TABLE, ("study_id", "split"), vindr_mammo.PROVENANCE)
        return {
            study: vindr_mammo.SPLITS.get(split, "")
            for study, split in zip(table["study_id"], table["split"], strict=True)
        }
    return {}
