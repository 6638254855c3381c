"""Volumes and pictures in files that SimpleITK knows: NIfTI, NRRD, MetaImage, PNG, TIFF."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from radprompt.core.errors import ImageError, InputError
from radprompt.core.inputs import shown
from radprompt.images.cases import spacing_of
from radprompt.mammograms.imaging.dicom import LARGEST_VOLUME

if TYPE_CHECKING:
    import SimpleITK

VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Endings of files that hold their spacing and position."""
PICTURES = (".png", ".tif", ".tiff")
"""Endings of files whose spacing a table must give; they have no position."""
LARGEST_FILE = 2**33
"""Bytes of an image file: :data:`LARGEST_VOLUME` voxels of 16 bytes."""
_FORMATS = f"give a DICOM file, a folder of a DICOM series, or a file ending in {', '.join(VOLUMES + PICTURES)}"


@dataclass(frozen=True, eq=False)
class Volume:
    """An image in three dimensions; one slice where it was planar.

    Attributes
    ----------
    image
        One number a voxel; spacing and origin in mm, axes as DICOM's patient system (LPS).
    placed
        Whether the file says where the image lies; if not, a mask must have its size.
    frame
        DICOM frame of reference UID; '' where unknown.
    notes
        Remarks for readers of the results.
    """

    image: "SimpleITK.Image"
    placed: bool = True
    frame: str = ""
    notes: tuple[str, ...] = field(default=())


def is_dicom(path: Path) -> bool:
    """Tell whether a file begins as DICOM files do (PS3.10, 7.1)."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def ending(path: Path) -> str:
    """Return the ending of a file's name in small letters, both parts of ``.nii.gz``."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def read_file(path: Path, spacing: str = "", *, sized: bool = True) -> Volume:
    """Read a file that SimpleITK knows; with ``sized`` a picture needs a spacing.

    Raises
    ------
    ImageError
        Of no known kind, damaged, too large, in colour, four-dimensional, or without a spacing that is needed.
    """
    import SimpleITK

    kind = ending(path)
    if kind not in VOLUMES + PICTURES:
        raise ImageError(f"no known kind of image: {shown(path.name, 60)!r}", where=str(path), fix=_FORMATS)
    try:
        reader = SimpleITK.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        _check_header(reader, path)
        image = reader.Execute()
    except RuntimeError as error:
        raise ImageError(
            f"it cannot be read: {brief(error)}", where=str(path), fix="write the file again, or fetch it again"
        ) from None
    if image.GetDimension() == 4:
        image = image[:, :, :, 0]
    if image.GetDimension() == 2:
        image = SimpleITK.JoinSeries(image)
    if kind in VOLUMES:
        return Volume(image)
    if spacing:
        try:
            flat = spacing_of(spacing, 2 if image.GetSize()[2] == 1 else 3)
        except InputError as error:
            raise ImageError(error.what, fix=error.fix) from None
        image.SetSpacing((*flat, 1.0)[:3])
    elif sized:
        raise ImageError(
            f"no pixel size: a {kind} file does not say it",
            where=str(path),
            fix="add a column 'spacing' with mm from pixel to pixel (1 measures in pixels)",
        )
    image.SetOrigin((0.0, 0.0, 0.0))
    return Volume(image, placed=False)


def _require_millimetres(path: Path) -> None:
    """Refuse a NRRD whose header gives another unit of space, which the reader passes over."""
    with path.open("rb") as file:
        header = file.read(2**16).partition(b"\n\n")[0].decode("latin-1")
    named = re.search(r"^space units:(.*)$", header, re.MULTILINE | re.IGNORECASE)
    units = {unit.strip().casefold() for unit in re.findall(r'"([^"]*)"', named[1])} if named else set()
    if other := sorted(units - {"mm", "millimeter", "millimeters", "millimetre", "millimetres", ""}):
        raise ImageError(f"its lengths are in {shown(other[0], 20)!r}, not mm", where=str(path), fix="save it in mm")


def _check_header(reader: "SimpleITK.ImageFileReader", path: Path) -> None:
    size = reader.GetSize()
    sides = " x ".join(map(str, size))
    where = str(path)
    if path.suffix.lower() in (".nrrd", ".nhdr"):
        _require_millimetres(path)
    if int(np.prod([float(side) for side in size])) > LARGEST_VOLUME:
        raise ImageError(
            f"{sides} voxels, at most {LARGEST_VOLUME:,} in all", where=where, fix="cut the image to the region"
        )
    if len(size) > 4 or (len(size) == 4 and size[3] != 1):
        raise ImageError(
            f"{len(size)} dimensions ({sides}), at most 3",
            where=where,
            fix="save one time point as an image of its own",
        )
    if (parts := reader.GetNumberOfComponents()) != 1:
        raise ImageError(
            f"{parts} values a voxel (colour or a vector), not one",
            where=where,
            fix="save one channel; segments that overlap as label maps of their own",
        )
    if not all(np.isfinite(step) and step > 0 for step in reader.GetSpacing()):
        raise ImageError(f"spacing {reader.GetSpacing()} mm", where=where, fix="correct the header")


def brief(error: Exception) -> str:
    """Return what ITK says in one line: the last, without addresses and paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    message = lines[-1] if lines else type(error).__name__
    message = re.sub(r"^.*?ITK ERROR: ", "", re.sub(r"\(0x[0-9a-f]+\)", "", message))
    return shown(re.sub(r"(?:/[^\s/:]+)+/", "", message), 160)
