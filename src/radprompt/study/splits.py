"""Patients, or lesions, drawn from one split into another; a patient that is drawn goes with all lesions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from radprompt.core.errors import InputError
from radprompt.tables.lesions import MALIGNANT, Lesion


def draw(
    lesions: Sequence[Lesion],
    source: str,
    target: str,
    fraction: float,
    seed: int,
    by: Literal["patient", "lesion"] = "patient",
) -> list[Lesion]:
    """Move a fraction of the patients of one split to another, stratified by whether they have a malignant lesion.

    Parameters
    ----------
    lesions
        All lesions; those of other splits stay as they are.
    source, target
        Split to draw from, split that the drawn patients' lesions get.
    fraction
        Of the patients (or lesions) in ``source``, rounded up.
    seed
        Random seed; with ids and labels it fixes the draw. The lesions' order does not matter.
    by
        What is drawn. With ``lesion`` each goes by itself, so that a patient may be on both sides.

    Raises
    ------
    InputError
        Too few patients (or lesions) of a class to have it on both sides.
    """
    from sklearn.model_selection import train_test_split

    malignant: dict[str, bool] = defaultdict(bool)
    for lesion in lesions:
        if lesion.split == source:
            malignant[_unit(lesion, by)] |= lesion.label == MALIGNANT
    units = sorted(malignant)
    strata = [malignant[unit] for unit in units]
    try:
        _, drawn = train_test_split(units, test_size=fraction, random_state=seed, shuffle=True, stratify=strata)
    except ValueError:
        raise InputError(
            f"{len(units)} {by}s with usable masses, {sum(strata)} of them with a malignant one: too few to draw "
            f"{fraction:g} of them into {target!r} with both classes on both sides",
            where=f"split {source!r}",
            fix="see the exclusions for what was dropped; add data, or change the fraction under data in params.yaml",
        ) from None
    chosen = set(drawn)
    return [
        replace(lesion, split=target) if lesion.split == source and _unit(lesion, by) in chosen else lesion
        for lesion in lesions
    ]


def _unit(lesion: Lesion, by: str) -> str:
    return lesion.patient_id if by == "patient" else lesion.lesion_id
