"""The worklist of a study that `radprompt images` measured: cases with their own masks, planar or volumes."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.inputs import checked, shown
from radprompt.core.outputs import atomic_write
from radprompt.images.cases import Case, read_cases
from radprompt.images.corrections import FOLDER, SUFFIX, review_id
from radprompt.images.settings import Settings
from radprompt.images.study import CASES, QUALITY, SETTINGS, read_case
from radprompt.images.volumes import read_file
from radprompt.review.contours import NOTED, as_milliseconds
from radprompt.review.worklist import AnyWorklist, Doubt, Entry
from radprompt.tables.reviews import read_reviews

if TYPE_CHECKING:
    import SimpleITK

KEPT = 2
"""Cases in memory: the one that is read, and the next."""
LARGEST_TABLE = 2**28
_FIX = "run `radprompt images` again with this folder as --out"


@dataclass(frozen=True)
class CaseEntry(Entry):
    """A case of a study."""

    case: Case


@dataclass(frozen=True, eq=False)
class CaseImage:
    """A case in memory: its image, and its own mask on the image's grid, bool (slices, rows, columns)."""

    image: "SimpleITK.Image"
    mask: np.ndarray


class CaseImages:
    """Images and masks of a study, as it measures them; few are kept.

    Parameters
    ----------
    settings
        What the study was measured with.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.read = lru_cache(maxsize=KEPT)(self._read)

    def _read(self, case: Case) -> CaseImage:
        """Return a case; an ImageError says what is wrong with its image or mask."""
        import SimpleITK

        volume, region = read_case(case, self._settings)
        return CaseImage(volume.image, SimpleITK.GetArrayFromImage(region.mask) > 0)


class VolumeContours:
    """Masks of a study's cases: NRRD files of 0 and 1 on the image's grid. The cases' own masks stay as they are.

    Parameters
    ----------
    cases
        Cases by the names of their files in the review.
    images
        Their images.
    """

    suffix = SUFFIX
    replaced = False

    def __init__(self, cases: dict[str, Case], images: CaseImages) -> None:
        self._cases, self._images = cases, images

    def drawn(self, lesion_id: str) -> np.ndarray | None:
        """Return the case's own mask; an ImageError where image or mask cannot be read."""
        return self.unreviewed(lesion_id)

    def unreviewed(self, lesion_id: str) -> np.ndarray:
        """Return the case's own mask."""
        return self._images.read(self._cases[lesion_id]).mask

    def read(self, path: Path) -> np.ndarray:
        """Return a mask; an ImageError where it cannot be read."""
        import SimpleITK

        return SimpleITK.GetArrayFromImage(read_file(path, sized=False).image) > 0

    def write(self, path: Path, mask: np.ndarray, lesion_id: str, milliseconds: int | None = None) -> None:
        """Write a mask on its image's grid; a draft with the time spent."""
        import SimpleITK

        written = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
        written.CopyInformation(self._images.read(self._cases[lesion_id]).image)
        if milliseconds is not None:
            written.SetMetaData(NOTED, str(milliseconds))
        try:
            with atomic_write(path) as part:
                SimpleITK.WriteImage(written, str(part), useCompression=True, compressionLevel=1)
        except RuntimeError as error:  # ITK's word for a full disk, among others
            raise OSError(0, f"the mask could not be written ({shown(str(error).splitlines()[-1], 80)})") from None

    def spent(self, draft: Path) -> int:
        """Return the milliseconds that a draft's file holds, 0 where it says none."""
        image = read_file(draft, sized=False).image
        return as_milliseconds(image.GetMetaData(NOTED)) if image.HasMetaDataKey(NOTED) else 0

    def fault(self, mask: np.ndarray) -> str:
        """Say why a mask is no region: empty or full."""
        return "is empty" if not mask.any() else "is full" if mask.all() else ""


class StudyWorklist(AnyWorklist[CaseEntry]):
    """The cases that a study measured, and those that a reader has excluded; flagged ones first.

    Parameters
    ----------
    study
        The folder of `radprompt images --out`.

    Raises
    ------
    InputError
        A table is absent or damaged, or was written by an earlier version.
    """

    def __init__(self, study: str | Path) -> None:
        study = Path(study)
        for name in (CASES, QUALITY, SETTINGS):
            if not (study / name).is_file():
                raise InputError("not a whole study", where=str(study / name), fix=_FIX)
        cases = {review_id(case.case): case for case in read_cases(study / CASES).cases}
        flags = _flags(study / QUALITY)
        decided = {review.lesion_id for review in read_reviews(study / FOLDER)}
        entries = [
            _entry(name, case, flags.get(case.case, ""))
            for name, case in cases.items()
            if case.case in flags or name in decided
        ]
        self.images = CaseImages(_settings(study / SETTINGS))
        contours = VolumeContours(cases, self.images)
        super().__init__(study, study.resolve().name, study / FOLDER, contours, {"flag": "flagged"}, entries)


def is_study(path: str | Path) -> bool:
    """Tell whether a path is the folder of a study, as `radprompt images` writes it."""
    return (Path(path) / SETTINGS).is_file() and (Path(path) / QUALITY).is_file()


def _entry(name: str, case: Case, flags: str) -> CaseEntry:
    doubts = tuple(Doubt("flag", words, 1.0) for words in flags.split("; ") if words)
    return CaseEntry(name, shown(case.case, 60), "mask", doubts, 0.0, "", case=case)


def _flags(path: Path) -> dict[str, str]:
    """Return the flags of each measured case."""
    try:
        table = pd.read_csv(checked(path, LARGEST_TABLE, what="quality table"), dtype=str, keep_default_na=False)
        return dict(zip(table["case"], table["flags"] if "flags" in table else [""] * len(table), strict=True))
    except (ValueError, KeyError):
        raise InputError("not a quality table", where=str(path), fix=_FIX) from None


def _settings(path: Path) -> Settings:
    """Read what images and masks were read with; nothing is measured here."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Settings(dict(content["setting"]), {}, {}, bool(content.get("mammogram", False)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError("not the settings of a study", where=str(path), fix=_FIX) from None
