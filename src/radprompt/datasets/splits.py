"""Splits by patient: a patient's lesions are never on both sides.

CBIS-DDSM keeps its official train and test. VinDr-Mammo keeps its official test; a part of its training patients
becomes ``val``. INbreast has no official split: its patients are ``test``, and a part of them becomes ``adapt``
(paper, Data).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from radprompt.errors import InputError
from radprompt.imaging.dicom import FOR_PROCESSING
from radprompt.lesions import MALIGNANT, Lesion
from radprompt.params import Data


def assign(dataset: str, lesions: list[Lesion], data: Data, seed: int) -> list[Lesion]:
    """Return the lesions with the splits of their data set; see :func:`draw`."""
    if dataset == "vindr_mammo":
        return draw(lesions, "train", "val", data.validation_fraction, seed)
    if dataset == "inbreast":
        return draw(lesions, "test", "adapt", data.adaptation_fraction, seed)
    return lesions


def draw(lesions: list[Lesion], source: str, target: str, fraction: float, seed: int) -> list[Lesion]:
    """Move a fraction of the patients of one split to another, stratified by whether they have a malignant lesion.

    Parameters
    ----------
    lesions
        All lesions; those of other splits stay as they are.
    source, target
        Split to draw from, split that the drawn patients' lesions get.
    fraction
        Of the patients in ``source``, rounded up.
    seed
        Of the draw, which depends on nothing but it and the patients' ids and labels, not on the lesions' order.

    Raises
    ------
    InputError
        Too few patients of a class to have it on both sides.
    """
    from sklearn.model_selection import train_test_split

    malignant: dict[str, bool] = defaultdict(bool)
    for lesion in lesions:
        if lesion.split == source:
            malignant[lesion.patient_id] |= lesion.label == MALIGNANT
    patients = sorted(malignant)
    strata = [malignant[patient] for patient in patients]
    try:
        _, drawn = train_test_split(patients, test_size=fraction, random_state=seed, shuffle=True, stratify=strata)
    except ValueError:
        raise InputError(
            f"{len(patients)} patients with usable masses, {sum(strata)} of them with a malignant one: too few to draw "
            f"{fraction:g} of them into {target!r} with both classes on both sides",
            where=f"split {source!r}",
            fix="see the exclusions for what was dropped; add data, or change the fraction under data in params.yaml",
        ) from None
    chosen = set(drawn)
    return [
        replace(lesion, split=target) if lesion.split == source and lesion.patient_id in chosen else lesion
        for lesion in lesions
    ]


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
