from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian


@pytest.fixture
def write_dicom(tmp_path):
    """Write a DICOM file of the given integers, attributes on top; returns its path."""

    def write(
        pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, name: str = "image.dcm", **attributes: object
    ) -> Path:
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
        meta.MediaStorageSOPInstanceUID = "1.2.3"
        dataset = FileDataset(name, {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID = meta.MediaStorageSOPClassUID
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.Modality = "MG"
        dataset.Rows, dataset.Columns = pixels.shape[:2]
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
        dataset.HighBit = dataset.BitsStored - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        dataset.PixelData = pixels.tobytes()
        if syntax != ExplicitVRLittleEndian:
            dataset.compress(syntax, generate_instance_uid=False)
        path = tmp_path / name
        dataset.save_as(path)
        return path

    return write


@pytest.fixture
def breast():
    """A noisy 12-bit slope, 60 x 40, that no codec can shrink to nothing."""
    noise = np.random.default_rng(7).integers(0, 400, (60, 40))
    return (np.linspace(200, 3000, 60 * 40).reshape(60, 40) + noise).astype(np.uint16)
