"""The three data sets: what a complete copy holds, where it comes from and under which licence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from radprompt.core.params import Phantom
from radprompt.mammograms.datasets import vindr_mammo

if TYPE_CHECKING:
    from radprompt.mammograms.phantom.cohort import Exposure


class Source(NamedTuple):
    """A data set as it is released.

    ``counts`` are those of the whole release: what :mod:`radprompt.repository.doctor.folders` finds in a complete copy.
    """

    folder: str
    name: str
    counts: Mapping[str, int]
    megapixels: float
    size: str
    obtain: str
    licence: str

    @property
    def advice(self) -> str:
        """Where to get it, and what one may do with it."""
        return f"{self.obtain}; {self.licence}; {self.size}"


SOURCES = (
    Source(
        "cbis_ddsm",
        "CBIS-DDSM",
        # Counted in the two official tables of masses.
        {"training rows": 1318, "test rows": 378, "mammograms": 1592, "masks": 1696},
        # 163.6 GB over 3,103 mammograms of 16 bits and 3,568 masks of 8 leave 16.7 million pixels an image.
        16.0,
        "164 GB in all, of which about 80 GB are masses",
        "The Cancer Imaging Archive, doi 10.7937/K9/TCIA.2016.7O02S9CY, by the NBIA Data Retriever: full mammograms, "
        "ROI masks and both mass_case_description_*_set.csv",
        "CC BY 3.0",
    ),
    Source(
        "vindr_mammo",
        "VinDr-Mammo",
        {**vindr_mammo.RELEASED, "studies": 5000, "images": 20000},
        9.9,
        "about 340 GB",
        "PhysioNet, project vindr-mammo 1.0.0, doi 10.13026/br2v-7517, after signing its data use agreement",
        "PhysioNet Restricted Health Data License 1.5.0: never redistribute",
    ),
    Source(
        "inbreast",
        "INbreast",
        {"rows": 410, "images": 410},
        10.0,
        "about 9 GB unpacked",
        "its authors (Breast Research Group, INESC Porto), on request; doi 10.1016/j.acra.2011.09.014",
        "research only: never redistribute",
    ),
)
BY_FOLDER = {source.folder: source for source in SOURCES}


@dataclass(frozen=True)
class Expected:
    """What a folder should hold, and whether the phantom draws it."""

    counts: Mapping[str, int]
    drawn: bool


def released(folder: str) -> Expected:
    """Return what the release holds."""
    return Expected(BY_FOLDER[folder].counts, drawn=False)


def drawn(folder: str, seed: int, phantom: Phantom) -> Expected:
    """Return what the phantom writes with these parameters, its broken records included."""
    from radprompt.mammograms.phantom import cbis_ddsm, inbreast
    from radprompt.mammograms.phantom import vindr_mammo as vindr
    from radprompt.mammograms.phantom.cohort import exposures, held_out

    module = {"cbis_ddsm": cbis_ddsm, "vindr_mammo": vindr, "inbreast": inbreast}[folder]
    breasts = module.draw_breasts(seed, phantom)
    shots = exposures(breasts)
    missing = [shot for shot in shots if shot.breast.fault == "image missing"]
    if folder == "cbis_ddsm":
        test = held_out(breasts)
        masses = [(shot.breast.patient in test, len(shot.breast.shows(shot.view))) for shot in shots]
        tested, trained = (sum(count for is_test, count in masses if is_test is which) for which in (True, False))
        images = sum(count > 0 for _, count in masses) - len(missing)
        counts = {"training rows": trained, "test rows": tested, "mammograms": images, "masks": trained + tested}
    elif folder == "vindr_mammo":
        counts = {
            **_findings(shots, held_out(breasts)),
            "studies": len({shot.breast.patient for shot in shots} - {shot.breast.patient for shot in missing}),
            "images": len(shots) - len(missing),
        }
    else:
        counts = {"rows": len(shots), "images": len(shots) - len(missing)}
    return Expected(counts, drawn=True)


def _findings(shots: "Sequence[Exposure]", test: set[int]) -> dict[str, int]:
    """Return rows and usable masses of VinDr-Mammo's table, by the keys of the release's counts."""
    rows = sum(max(len(shot.breast.shows(shot.view)), 1) for shot in shots)
    counts = {"rows": rows, "training masses": 0, "test masses": 0}
    for shot in shots:
        fault = shot.breast.fault
        tested = shot.breast.patient in test or (fault == "both splits" and shot.view == "MLO")
        judged = fault not in ("no BI-RADS", "BI-RADS 2")
        counts["test masses" if tested else "training masses"] += judged * len(shot.breast.shows(shot.view))
    return counts
