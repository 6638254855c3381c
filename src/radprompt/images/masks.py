"""The region of a case, on its image's grid: from label maps, DICOM segmentations and RTSTRUCT contours."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.inputs import checked, shown
from radprompt.images.geometry import on_grid_of
from radprompt.images.segmentations import segment
from radprompt.images.structures import contour_mask
from radprompt.images.volumes import LARGEST_FILE, Volume, is_dicom, read_file
from radprompt.mammograms.imaging.dicom import blamed_on, open_dicom, read_pixels

if TYPE_CHECKING:
    import SimpleITK

WHOLE = 1e-6
"""Largest distance of a label from a whole number; 0.999 comes of interpolation, and says that voxels are mixed."""


class Region(NamedTuple):
    """A mask of 0 and 1 on its image's grid, and remarks on how it came there."""

    mask: "SimpleITK.Image"
    notes: tuple[str, ...]


def read_region(path: Path, mask_label: str, volume: Volume, value: str = "") -> Region:
    """Read the region of one case.

    Parameters
    ----------
    path
        A label map (NIfTI, NRRD, MetaImage, PNG, TIFF, planar DICOM), a DICOM segmentation or an RTSTRUCT.
    mask_label
        Which region: a value, a segment's number or label, a structure's name or number; '' if there is one only.
    volume
        The case's image.
    value
        Which value of a label map, where ``mask_label`` is ''; structures and segments have no values.

    Raises
    ------
    ImageError
        The file is absent, damaged or of no known form, its region is absent, empty, one of several, or not of whole
        labels; its grid does not fit (:func:`radprompt.images.geometry.on_grid_of`), or its frame of reference is
        another than the image's.
    """
    if path.is_dir():
        path = _only_file(path)
    checked(path, LARGEST_FILE, ImageError, what="mask", absent="correct the path; it is relative to the table")
    try:
        if not is_dicom(path):
            read = read_file(path, sized=False)
            mask, placed, notes = _one_label(read.image, mask_label or value), read.placed and volume.placed, ()
            if volume.placed and not placed and mask.GetSize()[2] > 1:
                raise ImageError(
                    "several slices without a position, on an image that has one: their order is not known",
                    fix="save the mask as NIfTI, NRRD or DICOM-SEG",
                )
        else:
            with blamed_on(path, "DICOM header cannot be read"):
                header = open_dicom(path, header=True)
                modality, frame = str(header.get("Modality", "")), str(header.get("FrameOfReferenceUID") or "")
            if modality == "RTSTRUCT":
                return Region(*contour_mask(path, mask_label, volume))
            if modality == "SEG":
                _require_frame(frame, volume)
                mask, placed, notes = segment(path, mask_label), volume.placed, ()
            else:
                mask, placed, notes = _one_label(_planar(path), mask_label or value), False, ()
        on_grid, remark = on_grid_of(mask, volume.image, placed=placed)
    except ImageError as error:
        raise ImageError(error.what, where=error.where or str(path), fix=error.fix) from None
    return Region(on_grid, (*notes, *([remark] if remark else [])))


def _only_file(folder: Path) -> Path:
    """Return the one DICOM file of a folder, as archives give each segmentation a folder of its own."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_dicom(path))
    if len(files) != 1:
        raise ImageError(
            f"the mask is a folder of {len(files)} DICOM files", where=str(folder), fix="name the file of the mask"
        )
    return files[0]


def _planar(path: Path) -> "SimpleITK.Image":
    import SimpleITK

    return SimpleITK.JoinSeries(SimpleITK.GetImageFromArray(read_pixels(path).astype(np.int32)))


def _one_label(labels: "SimpleITK.Image", wanted: str) -> "SimpleITK.Image":
    """Return the voxels of one value as 1; which, where several occur, must be said."""
    import SimpleITK

    values = SimpleITK.GetArrayFromImage(labels)
    levels = np.unique(values)
    if values.dtype.kind == "f":
        if not np.isfinite(levels).all():
            raise ImageError("the mask has values that are not finite", fix="save it as whole numbers")
        broken = levels[np.abs(levels - np.round(levels)) > WHOLE]
        if len(broken):
            raise ImageError(
                f"{len(broken)} values of the mask are not whole numbers, for one {broken[0]:.6g}",
                fix="resample masks to the nearest voxel, and save them as whole numbers",
            )
    inside = [round(float(value)) for value in levels if round(float(value))]
    if not inside:
        raise ImageError("the mask is empty", fix="draw the region")
    if wanted:
        try:
            label = int(float(_named(labels).get(wanted.casefold(), wanted)))
        except ValueError:
            names = ", ".join(f"{name} ({value})" for name, value in list(_named(labels).items())[:8])
            raise ImageError(
                f"mask_label {shown(wanted, 40)!r} is neither a number nor a segment's name",
                fix=f"there are {shown(names)}" if names else "give the label's number, such as 1",
            ) from None
        if label not in inside:
            raise ImageError(f"no voxel has label {label}; there are {_listed(inside)}", fix="correct mask_label")
    elif len(inside) > 1:
        raise ImageError(
            f"the mask has {len(inside)} labels: {_listed(inside)}", fix="name one of them in a column 'mask_label'"
        )
    else:
        label = inside[0]
    mask = SimpleITK.GetImageFromArray((np.round(values) == label).astype(np.uint8))
    mask.CopyInformation(labels)
    return mask


def _named(labels: "SimpleITK.Image") -> dict[str, str]:
    """Return the values of named segments, as 3D Slicer writes them into ``.seg.nrrd``; names in small letters."""
    metadata = {key: labels.GetMetaData(key) for key in labels.GetMetaDataKeys() if key.startswith("Segment")}
    found: dict[str, str] = {}
    for key, name in metadata.items():
        value = metadata.get(key.replace("_Name", "_LabelValue")) if key.endswith("_Name") else None
        if value is not None and found.setdefault(name.casefold(), value) != value:
            raise ImageError(f"several segments are called {shown(name, 40)!r}", fix="give each a name of its own")
    return found


def _require_frame(frame: str, volume: Volume) -> None:
    if frame and volume.frame and frame != volume.frame:
        raise ImageError(
            f"the mask's frame of reference {frame} is not the image's {volume.frame}",
            fix="take the mask that was drawn on this series",
        )


def _listed(values: list[int]) -> str:
    return ", ".join(map(str, values[:8])) + (" ..." if len(values) > 8 else "")
