"""DICOM files as hospitals and archives write them: several transfer syntaxes, the same bytes for the same input."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
BY_PYDICOM = {JPEG2000Lossless: "pylibjpeg", RLELossless: "pydicom"}
"""Each with the plugin that encodes it; GDCM's RLE aborts the process on an odd number of bytes."""
BY_GDCM = {JPEGLosslessSV1: "JPEGLosslessProcess14_1", JPEGLSLossless: "JPEGLSLossless"}
SYNTHETIC = "Synthetic image: drawn by radprompt's phantom, no patient"


def uid(*parts: str) -> UID:
    """Return the UID that belongs to these words: always the same one."""
    return generate_uid(entropy_srcs=["radprompt phantom", *parts])


def write_dicom(
    path: Path,
    pixels: NDArray[np.unsignedinteger],
    transfer_syntax: UID,
    *,
    bits: int,
    inverted: bool = False,
    sop_class: UID = DigitalMammographyXRayImageStorageForPresentation,
    attributes: Mapping[str, Any],
) -> None:
    """Write a single-frame greyscale image, losslessly.

    Parameters
    ----------
    path
        File to write; its folder is made.
    pixels
        uint8 or uint16 (rows, columns), as they shall be stored.
    transfer_syntax
        Little endian, JPEG 2000, JPEG lossless, JPEG-LS or RLE.
    bits
        Bits stored.
    inverted
        MONOCHROME1 instead of MONOCHROME2.
    sop_class
        SOP class.
    attributes
        Further DICOM attributes by keyword; ``SOPInstanceUID``, ``StudyInstanceUID`` and
        ``SeriesInstanceUID`` among them.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = sop_class
    dataset.Modality = "MG"
    dataset.ImageComments = SYNTHETIC
    dataset.PatientIdentityRemoved = "YES"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    if transfer_syntax in BY_PYDICOM:
        plugin = BY_PYDICOM[transfer_syntax]
        dataset.compress(transfer_syntax, encoding_plugin=plugin, generate_instance_uid=False)
    elif transfer_syntax in BY_GDCM:
        _compress_by_gdcm(dataset, transfer_syntax)
    elif transfer_syntax in PLAIN:
        dataset.file_meta.TransferSyntaxUID = transfer_syntax
    else:
        raise ValueError(f"no encoder for {transfer_syntax.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def _compress_by_gdcm(dataset: Dataset, transfer_syntax: UID) -> None:
    """Encode in place. GDCM adds the time of day to headers: only its pixel data are taken over."""
    import gdcm  # type: ignore[import-untyped]

    with TemporaryDirectory() as room:
        plain, encoded = str(Path(room, "plain.dcm")), str(Path(room, "encoded.dcm"))
        dataset.save_as(plain, enforce_file_format=True)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(plain)
        done = reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, BY_GDCM[transfer_syntax])))
        change.SetInput(reader.GetImage())
        done = done and change.Change()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(encoded)
        if not (done and writer.Write()):
            raise RuntimeError(f"GDCM cannot encode {transfer_syntax.name}")
        dataset.PixelData = pydicom.dcmread(encoded).PixelData
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = transfer_syntax


def truncate(path: Path) -> None:
    """Cut a file in the middle of its pixels, as an interrupted download does."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 5])
