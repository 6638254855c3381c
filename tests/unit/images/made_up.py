"""Made-up images and masks in every form that is read: a sphere of 12 mm radius in a box of 40 x 36 x 20 voxels."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import SimpleITK
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage

SIZE, SPACING, ORIGIN = (40, 36, 20), (0.8, 0.9, 2.0), (-20.5, 10.25, -300.0)
CENTRE, RADIUS = (-4.9, 26.2, -281.3), 12.0
VOLUME = 4 / 3 * np.pi * RADIUS**3
FRAME, SERIES, STUDY = "1.2.3.4.10", "1.2.3.4.20", "1.2.3.4.30"


def grid() -> SimpleITK.Image:
    """An empty image of the made-up size and place."""
    image = SimpleITK.Image(*SIZE, SimpleITK.sitkInt16)
    image.SetSpacing(SPACING)
    image.SetOrigin(ORIGIN)
    return image


def voxels(image: SimpleITK.Image) -> np.ndarray:
    """Positions of the voxels' centres, mm, (z, y, x, 3)."""
    z, y, x = (np.arange(side) for side in reversed(image.GetSize()))
    index = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1).astype(float)
    axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    return (index @ axes.T + np.array(image.GetOrigin())).transpose(2, 1, 0, 3)


def tissue(seed: int = 1) -> SimpleITK.Image:
    """Whole grey values, smooth with noise, brighter inside the sphere."""
    generator = np.random.default_rng(seed)
    values = generator.normal(0, 60, tuple(reversed(SIZE))) + 100 * (sphere_values(grid()) > 0)
    return like(np.round(values).astype(np.int16), grid())


def sphere_values(image: SimpleITK.Image) -> np.ndarray:
    return (np.linalg.norm(voxels(image) - CENTRE, axis=-1) <= RADIUS).astype(np.uint8)


def sphere() -> SimpleITK.Image:
    return like(sphere_values(grid()), grid())


def like(values: np.ndarray, image: SimpleITK.Image) -> SimpleITK.Image:
    made = SimpleITK.GetImageFromArray(values)
    made.CopyInformation(image)
    return made


def save(image: SimpleITK.Image, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path))
    return path


def dicom(kind: str, modality: str, uid: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = kind, uid
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, uid
    dataset.Modality, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = modality, SERIES, STUDY
    dataset.FrameOfReferenceUID = FRAME
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = "1", "Made^Up", "", "O"
    dataset.StudyDate = dataset.StudyTime = dataset.AccessionNumber = dataset.StudyID = ""
    dataset.ReferringPhysicianName = ""
    return dataset


def put_pixels(dataset: FileDataset, pixels: np.ndarray) -> None:
    dataset.Rows, dataset.Columns = pixels.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.PixelData = pixels.astype(np.int16).tobytes()


def series(image: SimpleITK.Image) -> list[FileDataset]:
    """One CT file a slice, in an order that is not that of the positions."""
    values = SimpleITK.GetArrayFromImage(image)
    axes = np.array(image.GetDirection()).reshape(3, 3)
    made = []
    for place in range(len(values)):
        dataset = dicom(CTImageStorage, "CT", f"1.2.3.4.40.{place + 1}")
        dataset.ImagePositionPatient = [float(v) for v in image.TransformIndexToPhysicalPoint((0, 0, place))]
        dataset.ImageOrientationPatient = [*axes[:, 0].tolist(), *axes[:, 1].tolist()]
        dataset.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
        dataset.SliceThickness = image.GetSpacing()[2]
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.InstanceNumber = 1 + (7 * place) % len(values)
        put_pixels(dataset, values[place] + 1024)
        made.append(dataset)
    return made


def save_series(datasets: list[FileDataset], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for dataset in datasets:
        dataset.save_as(folder / f"{int(dataset.InstanceNumber):03d}_{dataset.SOPInstanceUID}.dcm")
    return folder


def enhanced(image: SimpleITK.Image) -> FileDataset:
    """A multi-frame CT whose frames are stored from the top down."""
    dataset = dicom(EnhancedCTImageStorage, "CT", "1.2.3.4.50")
    values = SimpleITK.GetArrayFromImage(image)
    order = list(reversed(range(len(values))))
    shared, measures, orientation, rescale = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    rescale.RescaleSlope, rescale.RescaleIntercept = 1, -1024
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([rescale])
    frames = []
    for place in order:
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = [float(v) for v in image.TransformIndexToPhysicalPoint((0, 0, place))]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.NumberOfFrames = len(frames)
    put_pixels(dataset, values[order] + 1024)
    return dataset


def segmentation(
    mask: np.ndarray,
    source: list[FileDataset],
    labels: tuple[str, ...] = ("Mass",),
    kind: highdicom.seg.SegmentationTypeValues = highdicom.seg.SegmentationTypeValues.BINARY,
) -> Dataset:
    """A DICOM segmentation of ``mask`` (slices, rows, columns), 1 to n for n labels, without empty frames."""
    described = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Neoplasm,
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, label in enumerate(labels, start=1)
    ]
    return highdicom.seg.Segmentation(
        source_images=source,
        pixel_array=mask,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid="1.2.3.4.60",
        series_number=2,
        sop_instance_uid="1.2.3.4.61",
        instance_number=1,
        manufacturer="made up",
        manufacturer_model_name="made up",
        software_versions="1",
        device_serial_number="1",
    )


def structure(contours: dict[str, list[np.ndarray]], frame: str = FRAME, kind: str = "CLOSED_PLANAR") -> FileDataset:
    """An RTSTRUCT with the contours (points, 3; mm) of each name."""
    dataset = dicom(RTStructureSetStorage, "RTSTRUCT", "1.2.3.4.70")
    dataset.StructureSetLabel = "made up"
    rois, drawn = [], []
    for number, (name, lines) in enumerate(contours.items(), start=1):
        roi, item = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        roi.ROIGenerationAlgorithm = "MANUAL"
        item.ReferencedROINumber = number
        item.ContourSequence = Sequence([_contour(points, kind) for points in lines])
        rois.append(roi)
        drawn.append(item)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = Sequence(rois), Sequence(drawn)
    return dataset


def _contour(points: np.ndarray, kind: str) -> Dataset:
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
    contour.ContourData = [f"{value:.6f}" for value in np.asarray(points).ravel()]
    return contour


def circles(radius: float = RADIUS, step: int = 1) -> list[np.ndarray]:
    """The sphere's outlines on every ``step``-th slice of the made-up grid."""
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    made = []
    for place in range(0, SIZE[2], step):
        z = ORIGIN[2] + place * SPACING[2]
        if (square := radius**2 - (z - CENTRE[2]) ** 2) > 0:
            ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.sqrt(square) + CENTRE[:2]
            made.append(np.column_stack([ring, np.full(len(ring), z)]))
    return made


def write_table(folder: Path, rows: list[dict[str, Any]], name: str = "cases.csv") -> Path:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [",".join(columns)] + [",".join(str(row.get(key, "")) for key in columns) for row in rows]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / name
