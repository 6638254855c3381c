"""From a finding in a table to a lesion in its image: images are decoded here, so that nothing breaks later."""

import math
import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radprompt.core.compute import parallel_map
from radprompt.core.errors import ImageError
from radprompt.core.inputs import is_name, shown
from radprompt.core.params import Compute
from radprompt.mammograms.datasets.image_files import is_there, what_is_there
from radprompt.mammograms.datasets.lesion_set import LesionSet, mask_path
from radprompt.mammograms.imaging.contours import SMALLEST_MASK, write_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.tables.lesions import LESION_ID, Box, Exclusion, Lesion

SMALLEST_SIDE = 2
"""px; a box under this on a side has no shape or texture to measure."""

LONGEST_REASON = 400
"""Letters of an exclusion's detail."""


class UnusableError(Exception):
    """Why a finding cannot become a lesion: a kind, which the flow counts, and the detail of this one."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {shown(detail, LONGEST_REASON)}" if detail else kind)


_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")


def require_name(text: str, what: str) -> str:
    """Return an id that becomes part of a file's name; one that could lead elsewhere is an :class:`UnusableError`.

    So is one that a spreadsheet rounded, such as ``2.06E+07``.
    """
    if _ROUNDED.fullmatch(text):
        raise UnusableError("id rounded by a spreadsheet", f"{what} {text!r}; use the table as released")
    if not is_name(text):
        raise UnusableError("unsafe or empty name", f"{what} {shown(text, 80)!r}")
    return text


class Outline(NamedTuple):
    """A lesion's box and, where the data set draws contours, its mask (bool, rows x columns of the image)."""

    box: Box
    mask: np.ndarray | None


@dataclass(frozen=True)
class Finding(ABC):
    """A mass as its tables describe it, before its image is seen.

    Fields as in :class:`radprompt.tables.lesions.Lesion`; an id that the lesion table cannot hold is an
    :class:`UnusableError`.
    """

    source: str
    row: int
    lesion_id: str
    patient_id: str
    study_id: str
    dataset: str
    image: Path
    view: str
    laterality: str
    birads: str
    label: int
    split: str

    def __post_init__(self) -> None:
        if not re.fullmatch(LESION_ID.pattern, self.lesion_id):
            detail = f"lesion {shown(self.lesion_id, 80)!r} is not {LESION_ID.words}"
            raise UnusableError("unsafe or empty name", detail)

    @abstractmethod
    def outline(self, shape: tuple[int, int]) -> Outline:
        """Return where the lesion lies in its image of ``shape`` (rows, columns); raise :class:`UnusableError`."""

    def published_spacing_mm(self) -> float:
        """Return the pixel size, mm, that the data set's publication gives; NaN where it gives none."""
        return math.nan

    def excluded(self, reason: str) -> Exclusion:
        """Return the finding as an exclusion."""
        return Exclusion(self.source, self.row, self.lesion_id, reason)


def locate(found: Iterable[Finding | Exclusion], masks: Path, compute: Compute, dataset: str) -> LesionSet:
    """Look every finding up in its image, in parallel over images.

    Parameters
    ----------
    found
        The masses that their tables do not rule out, and the rows that they do.
    masks
        Folder that receives ``<lesion_id>.png`` for findings with a contour.
    compute
        Workers.
    dataset
        Name beside the progress bar.

    Returns
    -------
    LesionSet
        The lesions; the exclusions given, and one with its reason for each finding that has no usable image or outline.
    """
    by_image: dict[Path, list[Finding]] = defaultdict(list)
    outcomes: list[Lesion | Exclusion] = []
    for each in found:
        if isinstance(each, Exclusion):
            outcomes.append(each)
        else:
            by_image[each.image].append(each)
    groups = [by_image[image] for image in sorted(by_image)]
    for group in parallel_map(_locate_in_image, groups, compute, dataset, masks=masks):
        outcomes.extend(group)
    return LesionSet.of(outcomes)


def _locate_in_image(group: list[Finding], masks: Path) -> list[Lesion | Exclusion]:
    image = group[0].image
    place = image.as_posix()
    try:
        if place != shown(place, len(place)):
            raise UnusableError("image unusable", f"{place} its path is no plain text")
        if not is_there(image):
            raise UnusableError("image missing", f"{place} ({what_is_there(image.parent)})")
        mammogram = read_mammogram(image)
    except ImageError as error:
        return [finding.excluded(str(UnusableError("image unusable", f"{place} {error.what}"))) for finding in group]
    except UnusableError as reason:
        return [finding.excluded(str(reason)) for finding in group]
    shape = mammogram.pixels.shape[0], mammogram.pixels.shape[1]
    header = mammogram.spacing_mm, mammogram.spacing_source, mammogram.presentation
    return [_locate_one(finding, shape, header, masks) for finding in group]


def _locate_one(
    finding: Finding, shape: tuple[int, int], header: tuple[float, str, str], masks: Path
) -> Lesion | Exclusion:
    try:
        box, mask = finding.outline(shape)
        side = min(box.xmax - box.xmin, box.ymax - box.ymin)
        if side < SMALLEST_SIDE:
            kind = "outline too small" if side > 0 else "outline outside the image"
            raise UnusableError(kind, f"box {tuple(box)} in an image of {shape[1]} x {shape[0]} px")
        if mask is not None and (area := np.count_nonzero(mask)) < SMALLEST_MASK:
            raise UnusableError("outline too small", f"{area} px, {SMALLEST_MASK} needed")
    except UnusableError as reason:
        return finding.excluded(str(reason))
    if mask is not None:
        write_mask(masks / f"{finding.lesion_id}.png", mask)
    spacing_mm, source, presentation = header
    if math.isnan(spacing_mm) and not math.isnan(finding.published_spacing_mm()):
        spacing_mm, source = finding.published_spacing_mm(), "table"
    return Lesion(
        lesion_id=finding.lesion_id,
        patient_id=finding.patient_id,
        study_id=finding.study_id,
        dataset=finding.dataset,
        image_path=finding.image.as_posix(),
        view=finding.view,
        laterality=finding.laterality,
        birads=finding.birads,
        label=finding.label,
        split=finding.split,
        xmin=box.xmin,
        ymin=box.ymin,
        xmax=box.xmax,
        ymax=box.ymax,
        mask_path="" if mask is None else mask_path(finding.dataset, finding.lesion_id),
        spacing_mm=spacing_mm,
        spacing_source=source,
        presentation=presentation,
    )
