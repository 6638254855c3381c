"""Who takes part: patients, their breasts, the lesions in them, and how suspicious each lesion looks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from radprompt.mammograms.phantom.mass import Traits, draw_traits

VIEWS = ("CC", "MLO")
READER_CORRELATION = 0.92
"""Correlation of a reader's suspicion with the latent malignancy."""


@dataclass(frozen=True)
class Mass:
    """One lesion, in the views that show it.

    ``suspicion`` is its rank in the cohort, 0 to 1: BI-RADS and pathology are cut from it. ``depth`` is its place
    between chest wall (0) and nipple (1).
    """

    number: int
    traits: Traits
    suspicion: float
    depth: float
    views: tuple[str, ...]
    calcified: bool = False


@dataclass(frozen=True)
class Breast:
    """One breast of one patient, imaged in ``views``.

    ``finding`` is something else that it shows ("Suspicious Calcification", "Focal Asymmetry", "Architectural
    Distortion" or nothing). ``fault`` names what is deliberately wrong with its records.
    """

    patient: int
    laterality: str
    density: int
    masses: tuple[Mass, ...]
    views: tuple[str, ...] = VIEWS
    finding: str = ""
    fault: str = ""

    @property
    def suspicion(self) -> float:
        """The most suspicious mass's rank; 0 without a mass."""
        return max((mass.suspicion for mass in self.masses), default=0.0)

    def shows(self, view: str) -> tuple[Mass, ...]:
        """Return the masses that are visible in ``view``."""
        return tuple(mass for mass in self.masses if view in mass.views)


def draw_cohort(masses: int, faults: Mapping[str, int], separation: float, rng: np.random.Generator) -> list[Breast]:
    """Draw patients until their images show ``masses`` masses, then normals, then one patient for each fault.

    A mass counts once for each view that shows it. About one breast in ten carries a second mass, one patient in ten
    has masses on both sides. For every 14 masses there is one breast without any, half of these with another finding.

    Parameters
    ----------
    masses
        Masses in all images together.
    faults
        Names of deliberately broken records, and in how many views each; every one gets a patient of its own with one
        mass, on top of ``masses``.
    separation
        Correlation of each trait with the latent malignancy; see :func:`radprompt.mammograms.phantom.mass.draw_traits`.
    rng
        Source of randomness.
    """
    breasts: list[Breast] = []
    left, patient = masses, 0
    while left:
        for laterality in ("L", "R") if rng.random() < 0.1 else (str(rng.choice(["L", "R"])),):
            found: list[Mass] = []
            for number in range(1, 3 if rng.random() < 0.1 else 2):
                shown: tuple[str, ...] = VIEWS if rng.random() < 0.88 else (str(rng.choice(VIEWS)),)
                shown = shown[:left]
                left -= len(shown)
                if shown:
                    found.append(_draw_mass(number, shown, separation, rng))
            if found:
                breasts.append(Breast(patient, laterality, _draw_density(rng), tuple(found)))
        patient += 1
    breasts = _rank(breasts)

    findings = ("", "Suspicious Calcification", "", "Focal Asymmetry", "", "Architectural Distortion")
    for index in range(max(3, masses // 14)):
        laterality = str(rng.choice(["L", "R"]))
        breasts.append(Breast(patient, laterality, _draw_density(rng), (), finding=findings[index % len(findings)]))
        patient += 1
    for fault, views in faults.items():
        mass = _draw_mass(1, VIEWS[:views], separation, rng)
        mass = replace(mass, suspicion=float(ndtr(mass.suspicion)))
        breast = Breast(patient, str(rng.choice(["L", "R"])), _draw_density(rng), (mass,), mass.views, fault=fault)
        breasts.append(breast)
        patient += 1
    return breasts


def _draw_mass(number: int, views: tuple[str, ...], separation: float, rng: np.random.Generator) -> Mass:
    malignancy = rng.standard_normal()
    traits = draw_traits(malignancy, separation, rng)
    score = READER_CORRELATION * malignancy + np.sqrt(1 - READER_CORRELATION**2) * rng.standard_normal()
    calcified = bool(rng.random() < (0.15 if score > 0.5 else 0.02))
    return Mass(number, traits, float(score), float(rng.beta(2.2, 2.2)), views, calcified)


def _draw_density(rng: np.random.Generator) -> int:
    return int(rng.choice([1, 2, 3, 4], p=[0.15, 0.40, 0.35, 0.10]))


def _rank(breasts: list[Breast]) -> list[Breast]:
    """Turn scores into ranks between 0 and 1, each mass weighted by its views, so that classes have exact sizes."""
    scores = [mass.suspicion for breast in breasts for mass in breast.masses for _ in mass.views]
    order = np.sort(scores)

    def rank(mass: Mass) -> Mass:
        middle = (np.searchsorted(order, mass.suspicion, "left") + np.searchsorted(order, mass.suspicion, "right")) / 2
        return replace(mass, suspicion=float(middle / order.size))

    return [replace(breast, masses=tuple(rank(mass) for mass in breast.masses)) for breast in breasts]


class Exposure(NamedTuple):
    """One image to make: its number in the data set, the breast and the view."""

    number: int
    breast: Breast
    view: str


def exposures(breasts: list[Breast]) -> list[Exposure]:
    """Return every image of the cohort, in order."""
    pairs = [(breast, view) for breast in breasts for view in breast.views]
    return [Exposure(number, breast, view) for number, (breast, view) in enumerate(pairs)]


def held_out(breasts: list[Breast], *, every: int = 4) -> set[int]:
    """Return the patients of the official test split: one in ``every``, spread evenly over suspicion."""
    worst: dict[int, float] = {}
    for breast in breasts:
        if not breast.fault:
            worst[breast.patient] = max(worst.get(breast.patient, 0.0), breast.suspicion)
    ordered = sorted(worst, key=lambda patient: (worst[patient], patient))
    return set(ordered[every // 2 :: every])
