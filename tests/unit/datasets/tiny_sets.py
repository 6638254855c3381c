"""Writers of tiny data sets in the real layouts."""

import csv
import plistlib
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

SHAPE = (50, 40)


def mammogram(shape=SHAPE):
    return np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape)


def write_dicom(path: Path, pixels: np.ndarray, **attributes) -> Path:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(path.name, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)
    return path


def square(box, shape=SHAPE):
    mask = np.zeros(shape, np.uint8)
    mask[box[1] : box[3], box[0] : box[2]] = 255
    return mask


def write_rows(path: Path, rows: list[dict], separator=",", ends="\n") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator, lineterminator=ends)
        writer.writeheader()
        writer.writerows(rows)


class Cbis:
    """CBIS-DDSM: one mammogram with one mass, unless told otherwise."""

    def __init__(self, root: Path):
        self.root, self.rows, self.studies = root, {"train": [], "test": []}, 0
        root.mkdir()

    def add(self, patient, side="LEFT", view="CC", number=1, split="train", *, swapped=False, image=True, **cells):
        """Add a row and its files; ``mask`` and ``crop`` are arrays, or None for files that are not there."""
        mask, crop = cells.pop("mask", square((5, 10, 15, 25))), cells.pop("crop", mammogram((15, 10)))
        subject = f"Mass-{'Training' if split == 'train' else 'Test'}_{patient}_{side}_{view}"
        self.studies += 1
        uid = f"1.3.6.1.4.1.9590.100.1.2.{self.studies}"
        self.rows[split].append(
            {
                "patient_id": patient,
                "breast density": "3",
                "left or right breast": side,
                "image view": view,
                "abnormality id": str(number),
                "abnormality type": "mass",
                "mass shape": "N/A",
                "mass margins": "SPICULATED",
                "assessment": "4",
                "pathology": "MALIGNANT",
                "subtlety": "0",
                "image file path": f"{subject}/{uid}.1/{uid}.2/000000.dcm",
                "cropped image file path": f"{subject}_{number}/{uid}.3/{uid}.4/000000.dcm",
                "ROI mask file path": f"{subject}_{number}/{uid}.3/{uid}.4/000001.dcm\n",
            }
            | cells
        )
        if image:
            series = f"07-20-2016-DDSM-{self.studies:05d}/1.000000-full mammogram images-{self.studies:05d}"
            write_dicom(self.root / subject / series / "1-1.dcm", mammogram())
        names = ("1-2.dcm", "1-1.dcm") if swapped else ("1-1.dcm", "1-2.dcm")
        series = f"07-21-2016-DDSM-NA-{self.studies:05d}/1.000000-ROI mask images-{self.studies:05d}"
        for name, pixels in zip(names, (mask, crop), strict=True):
            if pixels is not None:
                write_dicom(self.root / f"{subject}_{number}" / series / name, pixels)
        return f"{patient}_{side}_{view}_{number}"

    def write(self):
        spare = self.rows["train"] or self.rows["test"]
        for split, rows in self.rows.items():
            path = self.root / f"mass_case_description_{split}_set.csv"
            write_rows(path, rows or [dict.fromkeys(spare[0], "")])
            if not rows:
                path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
        return self.root


class Vindr:
    """VinDr-Mammo: rows of findings, one image each unless the id is given again."""

    def __init__(self, root: Path):
        self.root, self.rows = root, []
        root.mkdir()

    def add(self, study, image, *, pixels=None, **cells):
        path = self.root / "images" / study / f"{image}.dicom"
        if pixels is None:
            pixels = mammogram()
        if pixels is not False and not path.exists():
            write_dicom(path, pixels, ImagerPixelSpacing=[0.1, 0.1])
        self.rows.append(
            {
                "study_id": study,
                "series_id": "f" * 32,
                "image_id": image,
                "laterality": "R",
                "view_position": "MLO",
                "height": str(SHAPE[0]),
                "width": str(SHAPE[1]),
                "breast_birads": "BI-RADS 5",
                "breast_density": "DENSITY C",
                "finding_categories": "['Mass']",
                "finding_birads": "BI-RADS 4",
                "xmin": "10.2",
                "ymin": "5.0",
                "xmax": "20.7",
                "ymax": "30.5",
                "split": "training",
            }
            | cells
        )

    def write(self):
        write_rows(self.root / "finding_annotations.csv", self.rows)
        return self.root


class Inbreast:
    """INbreast: one row an image, its regions as an OsiriX property list."""

    def __init__(self, root: Path):
        self.root, self.rows = root, []
        for folder in ("AllDICOMs", "AllXML"):
            (root / folder).mkdir(parents=True)

    def add(self, file, patient, birads, rois, *, image=True, **attributes):
        """Add an image; ``rois`` are (name, points), or None for an image without a property list."""
        self.rows.append(
            {
                "Patient ID": "removed",
                "Patient age": "removed",
                "Laterality": "R",
                "View": "MLO",
                "Acquisition date": "200801",
                "File Name": file,
                "ACR": "",
                "Bi-Rads": birads,
            }
        )
        if image:
            write_dicom(self.root / "AllDICOMs" / f"{file}_{patient}_MG_R_ML_ANON.dcm", mammogram(), **attributes)
        if rois is not None:
            self.outline(file, rois)

    def outline(self, file, rois):
        listed = [
            {
                "Name": name,
                "NumberOfPoints": len(points),
                "Point_px": [f"({x:f}, {y:f})" for x, y in points],
                "Point_mm": [f"({x * 0.07:f}, {y * 0.07:f}, 0.000000)" for x, y in points],
            }
            for name, points in rois
        ]
        content = {"Images": [{"ImageIndex": 0, "NumberOfROIs": len(listed), "ROIs": listed}]}
        (self.root / "AllXML" / f"{file}.xml").write_bytes(plistlib.dumps(content))

    def write(self):
        write_rows(self.root / "INbreast.csv", self.rows, separator=";", ends="\r\n")
        return self.root
