"""Splits by patient: a patient's lesions are never on both sides.

CBIS-DDSM keeps its official train and test; where it is classified, and not only trains the segmenter, a part of its
training patients becomes ``val``. VinDr-Mammo keeps its official test; a part of its training patients becomes ``val``.
INbreast has no official split: its patients are ``test``, and a part of them becomes ``adapt`` (paper, Data).
"""

from collections import defaultdict
from collections.abc import Iterable

from radprompt.core.params import Data
from radprompt.mammograms.imaging.dicom import FOR_PROCESSING
from radprompt.study.splits import draw
from radprompt.tables.lesions import MALIGNANT, Lesion


def splits_of(dataset: str, *, classified: bool) -> tuple[str, ...]:
    """Return the splits of a data set's lesion table; ``classified``: whether a setting uses its lesions."""
    if dataset == "inbreast":
        return ("adapt", "test")
    return ("train", "val", "test") if classified or dataset == "vindr_mammo" else ("train", "test")


def assign(dataset: str, lesions: list[Lesion], data: Data, seed: int, *, classified: bool) -> list[Lesion]:
    """Return the lesions with the splits of their data set; see :func:`radprompt.study.splits.draw`.

    Parameters
    ----------
    dataset
        Its name.
    lesions
        Its lesions, with official splits where it has them.
    data
        Fractions of patients.
    seed
        Random seed of the draw.
    classified
        Whether a setting uses the lesions.

    Raises
    ------
    InputError
        Too few patients of a class.
    """
    if "val" in splits_of(dataset, classified=classified):
        return draw(lesions, "train", "val", data.validation_fraction, seed)
    if dataset == "inbreast":
        return draw(lesions, "test", "adapt", data.adaptation_fraction, seed)
    return lesions


def in_both(members: Iterable[tuple[str, str]]) -> set[str]:
    """Return the patients (or studies) that occur with more than one split, from pairs (patient, split)."""
    splits: dict[str, set[str]] = defaultdict(set)
    for patient, split in members:
        splits[patient].add(split)
    return {patient for patient, found in splits.items() if len(found) > 1}


def summary(lesions: list[Lesion]) -> dict[str, dict[str, int]]:
    """Return patients, benign and malignant lesions of each split, and where there are any those in raw images."""
    counts: dict[str, dict[str, int]] = {}
    for split in sorted({lesion.split for lesion in lesions}):
        members = [lesion for lesion in lesions if lesion.split == split]
        malignant = sum(lesion.label == MALIGNANT for lesion in members)
        counts[split] = {
            "patients": len({lesion.patient_id for lesion in members}),
            "benign": len(members) - malignant,
            "malignant": malignant,
        }
        if raw := sum(lesion.presentation == FOR_PROCESSING for lesion in members):
            counts[split]["for processing"] = raw
    return counts
