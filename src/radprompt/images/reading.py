"""A case's image, in whatever form it comes."""

from pathlib import Path

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.inputs import checked
from radprompt.images.cases import spacing_of
from radprompt.images.series import read_dicom, read_series
from radprompt.images.volumes import LARGEST_FILE, Volume, is_dicom, read_file
from radprompt.mammograms.imaging.dicom import read_mammogram


def read_image(path: Path, spacing: str = "", *, mammogram: bool = False) -> Volume:
    """Read an image.

    Parameters
    ----------
    path
        NIfTI, NRRD, MetaImage, PNG, TIFF, a DICOM file, or a folder that holds the files of one DICOM series.
    spacing
        As a table gives it (mm); takes precedence over what a picture says, and over nothing else.
    mammogram
        Read a planar image as the mammogram pipeline does: bright is dense, from 0 to 1 over the whole image.

    Raises
    ------
    ImageError
        It is absent, in no known form, damaged, too large, in colour, four-dimensional, or without a pixel size; what
        :func:`radprompt.images.series.read_series` refuses.
    """
    if path.is_dir():
        single = _only_dicom(path) if mammogram else None
        return read_series(path) if single is None else _mammogram(single, spacing)
    checked(path, LARGEST_FILE, ImageError, what="image", absent="correct the path; it is relative to the table")
    if is_dicom(path):
        return _mammogram(path, spacing) if mammogram else read_dicom(path, spacing)
    volume = read_file(path, spacing)
    return _stretched(volume) if mammogram else volume


def _only_dicom(folder: Path) -> Path | None:
    """Return the one DICOM file of a folder, as archives give each mammogram a folder of its own; None for several."""
    files = [path for path in folder.iterdir() if path.is_file() and is_dicom(path)]
    return files[0] if len(files) == 1 else None


def _mammogram(path: Path, spacing: str) -> Volume:
    import SimpleITK

    read = read_mammogram(path)
    image = SimpleITK.JoinSeries(SimpleITK.GetImageFromArray(read.pixels.astype(np.float64)))
    if np.isfinite(read.spacing_mm):
        image.SetSpacing((read.spacing_mm, read.spacing_mm, 1.0))
    elif spacing:
        image.SetSpacing((*spacing_of(spacing, 2), 1.0))
    else:
        raise ImageError("no pixel size in the DICOM file", where=str(path), fix="add a column 'spacing', in mm")
    return Volume(image, placed=False)


def _stretched(volume: Volume) -> Volume:
    import SimpleITK

    pixels = SimpleITK.GetArrayFromImage(volume.image).astype(np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    if not low < high:
        raise ImageError("no contrast: all pixels have one value", fix="check the image")
    image = SimpleITK.GetImageFromArray(((pixels - np.float32(low)) / np.float32(high - low)).astype(np.float64))
    image.CopyInformation(volume.image)
    return Volume(image, volume.placed, volume.frame, volume.notes)
