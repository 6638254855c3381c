"""DICOM segmentations, read by highdicom."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.inputs import shown
from radprompt.mammograms.imaging.dicom import blamed_on, open_dicom

if TYPE_CHECKING:
    import SimpleITK
    from pydicom import Dataset


def segment(path: Path, wanted: str) -> "SimpleITK.Image":
    """Return one segment as a mask (1 inside) on the segmentation's own grid.

    Parameters
    ----------
    path
        A DICOM file of modality SEG whose frames form an even stack; empty frames may be left out.
    wanted
        Number or label of the segment; '' if there is one only.

    Raises
    ------
    ImageError
        Damaged, of probabilities, without such a segment, of several where none is named, or empty.
    """
    import SimpleITK
    from highdicom.seg import Segmentation

    dataset = open_dicom(path)
    with blamed_on(path, "the DICOM segmentation cannot be read"):
        chosen = _chosen(dataset, wanted)
        if not dataset.get("FrameOfReferenceUID"):
            return _planar(dataset, chosen)
        volume = Segmentation.from_dataset(dataset, copy=False).get_volume(segment_numbers=[chosen])
        values = np.asarray(volume.array)[..., 0]
        levels = np.unique(values)
        if not set(levels.tolist()) <= {0, 1}:
            raise ImageError(
                f"the segment has {len(levels)} levels (a probability), not inside and outside",
                fix="save it as a binary segmentation",
            )
        if not values.any():
            raise ImageError(f"segment {chosen} is empty", fix="draw the region")
        affine = np.asarray(volume.affine)
        axes, origin = affine[:3, 2::-1], affine[:3, 3]  # highdicom's axes are slice, row, column; ITK's x, y, z
        if np.linalg.det(axes) < 0:  # highdicom may count slices against the rows' and columns' normal
            origin = origin + axes[:, 2] * (len(values) - 1)
            axes, values = axes * (1, 1, -1), values[::-1]
        spacing = np.linalg.norm(axes, axis=0)
        mask = SimpleITK.GetImageFromArray(values.astype(np.uint8))
        mask.SetSpacing(spacing.tolist())
        mask.SetDirection((axes / spacing).ravel().tolist())
        mask.SetOrigin(origin.tolist())
    return mask


def _planar(dataset: "Dataset", chosen: int) -> "SimpleITK.Image":
    """Return a segment of one planar image that has no position, such as a mammogram."""
    import SimpleITK
    from highdicom.seg import Segmentation

    read = Segmentation.from_dataset(dataset, copy=False)
    numbers = read.get_source_image_uids()
    if len(numbers) != 1:
        raise ImageError(
            f"a segmentation of {len(numbers)} images without positions", fix="give each image a mask of its own"
        )
    values = read.get_pixels_by_source_instance(
        [numbers[0][2]], segment_numbers=[chosen], ignore_spatial_locations=True
    )
    return SimpleITK.GetImageFromArray(np.asarray(values)[..., 0].astype(np.uint8))


def _chosen(dataset: "Dataset", wanted: str) -> int:
    numbered_labels = [(int(item.SegmentNumber), str(item.get("SegmentLabel", ""))) for item in dataset.SegmentSequence]
    labels = {
        number: label for number, label in numbered_labels if number
    }  # a label map may describe its background, 0
    listed = ", ".join(f"{number} ({shown(label, 30)})" for number, label in list(labels.items())[:8])
    if wanted:
        named = [number for number, label in labels.items() if label.casefold() == wanted.casefold()]
        numbered = [number for number in labels if str(number) == wanted]
        if len(matching := named or numbered) == 1:
            return matching[0]
        raise ImageError(f"no one segment is {shown(wanted, 40)!r}; there are {listed}", fix="correct mask_label")
    if len(labels) > 1:
        raise ImageError(f"{len(labels)} segments: {listed}", fix="name one of them in a column 'mask_label'")
    return next(iter(labels))
