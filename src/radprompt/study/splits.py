"""Patients drawn from one split into another: a patient's lesions are never on both sides."""

from collections import defaultdict
from dataclasses import replace

from radprompt.core.errors import InputError
from radprompt.tables.lesions import MALIGNANT, Lesion


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
