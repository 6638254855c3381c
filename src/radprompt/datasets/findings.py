"""From a finding in a table to a lesion in its image: images are decoded here, so that nothing breaks later."""

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from radprompt.compute import for_each
from radprompt.datasets.lesion_set import mask_path
from radprompt.errors import ImageError
from radprompt.imaging.contours import write_mask
from radprompt.imaging.dicom import read_mammogram
from radprompt.lesions import Box, Exclusion, Lesion
from radprompt.params import Compute

SMALLEST_SIDE = 2
"""px; a box under this on a side has no shape or texture to measure."""


class UnusableError(Exception):
    """Why a finding cannot become a lesion: a kind, which the flow counts, and the detail of this one."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)


class Outline(NamedTuple):
    """A lesion's box and, where the data set draws contours, its mask (bool, rows x columns of the image)."""

    box: Box
    mask: np.ndarray | None


@dataclass(frozen=True)
class Finding(ABC):
    """A mass as its tables describe it, before its image is seen. Fields as in :class:`radprompt.lesions.Lesion`."""

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

    @abstractmethod
    def outline(self, shape: tuple[int, int]) -> Outline:
        """Return where the lesion lies in its image of ``shape`` (rows, columns); raise :class:`UnusableError`."""

    def published_spacing_mm(self) -> float:
        """Return the pixel size, mm, that the data set's publication gives; NaN where it gives none."""
        return math.nan

    def excluded(self, reason: str) -> Exclusion:
        """Return the finding as an exclusion."""
        return Exclusion(self.source, self.row, self.lesion_id, reason)


def locate(
    findings: Iterable[Finding], masks: Path, compute: Compute, label: str
) -> tuple[list[Lesion], list[Exclusion]]:
    """Look every finding up in its image, in parallel over images.

    Parameters
    ----------
    findings
        The masses that their tables do not rule out.
    masks
        Folder that receives ``<lesion_id>.png`` for findings with a contour.
    compute
        Workers.
    label
        Of the progress bar.

    Returns
    -------
    tuple
        The lesions, and an exclusion with its reason for each finding that has no usable image or outline.
    """
    by_image: dict[Path, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_image[finding.image].append(finding)
    groups = [by_image[image] for image in sorted(by_image)]
    located = [each for group in for_each(_locate_in_image, groups, compute, label, masks=masks) for each in group]
    return [x for x in located if isinstance(x, Lesion)], [x for x in located if isinstance(x, Exclusion)]


def _locate_in_image(group: list[Finding], masks: Path) -> list[Lesion | Exclusion]:
    image = group[0].image
    if not image.is_file():
        return [finding.excluded(str(UnusableError("image missing", image.as_posix()))) for finding in group]
    try:
        mammogram = read_mammogram(image)
    except ImageError as error:
        reason = str(UnusableError("image unusable", f"{image.as_posix()} {error.what}"))
        return [finding.excluded(reason) for finding in group]
    shape = mammogram.pixels.shape[0], mammogram.pixels.shape[1]
    spacing = mammogram.spacing_mm, mammogram.spacing_source
    return [_locate_one(finding, shape, spacing, masks) for finding in group]


def _locate_one(
    finding: Finding, shape: tuple[int, int], spacing: tuple[float, str], masks: Path
) -> Lesion | Exclusion:
    try:
        box, mask = finding.outline(shape)
        side = min(box.xmax - box.xmin, box.ymax - box.ymin)
        if side < SMALLEST_SIDE:
            kind = "outline too small" if side > 0 else "outline outside the image"
            raise UnusableError(kind, f"box {tuple(box)} in an image of {shape[1]} x {shape[0]} px")
    except UnusableError as reason:
        return finding.excluded(str(reason))
    if mask is not None:
        write_mask(masks / f"{finding.lesion_id}.png", mask)
    spacing_mm, source = spacing
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
    )
