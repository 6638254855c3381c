"""A prediction as DICOM: the region that was measured as a segmentation, and a structured report that refers to it.

Both are made by highdicom and marked not for clinical use; patient, study and frame of reference come from the image.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radprompt import __version__
from radprompt.core.errors import ImageError
from radprompt.export.record import NOT_CLINICAL
from radprompt.images.series import NOT_IMAGES
from radprompt.images.volumes import is_dicom
from radprompt.mammograms.imaging.dicom import blamed_on, open_dicom

if TYPE_CHECKING:
    import SimpleITK
    from pydicom import Dataset

SCHEME = "99RADPROMPT"
"""Designator of codes of our own, which features and the model's outputs have."""
_MARK = "Not for clinical use"
_LONGEST = 64
"""Characters of a code's meaning and of a segment's label."""
_SHAPE = re.compile(r"^(?:original)?(?:shape(?:2d)?)?")
_UNITS = {
    ("meshvolume", "voxelvolume"): ("mm3", "cubic millimeter"),
    ("surfacearea", "meshsurface", "pixelsurface"): ("mm2", "square millimeter"),
    (
        *("maximumdiameter", "maximum3ddiameter", "maximum2ddiameterslice", "maximum2ddiametercolumn"),
        *("maximum2ddiameterrow", "majoraxislength", "minoraxislength", "leastaxislength", "perimeter"),
    ): ("mm", "millimeter"),
    (
        *("surfacevolumeratio", "surfacetovolumeratio"),
        *("perimetersurfaceratio", "perimetertosurfaceratio"),
    ): ("/mm", "per millimeter"),
}
"""Units of PyRadiomics' features of shape, by name; the others have none, or the image's."""


def sources(image: Path) -> list["Dataset"]:
    """Return the DICOM files of a case's image, without their pixels.

    Raises
    ------
    ImageError
        The image is not DICOM: there is no patient and no study that a result could belong to.
    """
    paths = sorted(path for path in image.iterdir() if path.is_file()) if image.is_dir() else [image]
    headers = [open_dicom(path, header=True) for path in paths if is_dicom(path) and path.name.upper() != "DICOMDIR"]
    found = [header for header in headers if str(header.get("Modality", "")) not in NOT_IMAGES]
    if not found:
        raise ImageError(
            "a DICOM result belongs to the patient and study of a DICOM image, and this image is not DICOM",
            where=str(image),
            fix="leave --seg and --sr out, or give the DICOM series",
        )
    return found


def segmentation_of(image: Path, mask: "SimpleITK.Image", case: str) -> "Dataset":
    """Return the region as a DICOM segmentation of one segment.

    Parameters
    ----------
    image
        The case's DICOM file, or the folder of its series.
    mask
        1 inside, on the image's grid.
    case
        The case's name, the segment's label.
    """
    import highdicom
    import SimpleITK
    from pydicom.sr.codedict import codes

    files = sources(image)
    values = SimpleITK.GetArrayFromImage(mask).astype(np.uint8)
    frame = str(files[0].get("FrameOfReferenceUID") or "")
    pixels: Any = values
    if frame and len(values) > 1:
        pixels = highdicom.Volume(values, _affine(mask), "PATIENT", frame_of_reference_uid=frame)
    described = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label=case[:_LONGEST],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.SCT.Lesion,
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
    )
    with blamed_on(image, "no DICOM segmentation can be made for it"):
        made = highdicom.seg.Segmentation(
            source_images=files,
            pixel_array=pixels,
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[described],
            content_description="Region measured by radprompt; not for clinical use",
            **_identity(f"radprompt, {_MARK}: region", 9901),
        )
        for measures in made.SharedFunctionalGroupsSequence[0].get("PixelMeasuresSequence", []):
            if "SliceThickness" not in measures:  # the image does not say it; readers want it
                measures.SliceThickness = mask.GetSpacing()[2]
    return made


def report_of(image: Path, region: "Dataset", answer: Mapping[str, Any], outcome: str) -> "Dataset":
    """Return a prediction as a DICOM structured report (TID 1500), whose measurements refer to the segmentation.

    Parameters
    ----------
    image
        The case's DICOM file, or the folder of its series.
    region
        What :func:`segmentation_of` returned.
    answer
        What the model says, as its JSON file has it: id, probability with interval, features, notes.
    outcome
        Word for the class whose probability it is.
    """
    from highdicom import UID, sr
    from pydicom.sr.codedict import codes

    low_high, none = answer["named_model"]["interval_90"], codes.UCUM.NoUnits
    about = f"Probability of {outcome}"
    numbers = [
        (_code("probability", about), answer["probability"], none),
        (_code("probability_p05", f"{about[:40]}, 90 % lower limit"), low_high[0], none),
        (_code("probability_p95", f"{about[:40]}, 90 % upper limit"), low_high[1], none),
    ]
    numbers += [
        (_code(each["feature"], each["name"]), each["value"], _unit(each["feature"]))
        for each in answer["features"]
        if each["value"] is not None
    ]
    group: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(UID(), answer["id"]),
        "finding_type": codes.SCT.Lesion,
        "algorithm_id": sr.AlgorithmIdentification("radprompt", __version__, [NOT_CLINICAL, *answer["notes"]]),
        "measurements": [sr.Measurement(name, float(value), unit) for name, value, unit in numbers],
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(
                _code("permitted_use", "Permitted use"), _code("not_clinical", f"{_MARK}: research only")
            )
        ],
    }
    files, names = sources(image), (region.SOPClassUID, region.SOPInstanceUID)
    if len(files) == 1 and int(region.NumberOfFrames) == 1:
        whole = sr.SourceImageForSegmentation(files[0].SOPClassUID, files[0].SOPInstanceUID)
        one = sr.ReferencedSegmentationFrame(*names, frame_number=1, segment_number=1, source_image=whole)
        measured: Any = sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=one, **group)
    else:
        series = sr.SourceSeriesForSegmentation(files[0].SeriesInstanceUID)
        segment = sr.ReferencedSegment(*names, segment_number=1, source_series=series)
        measured = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **group)
    device = sr.DeviceObserverIdentifyingAttributes(UID(), name="radprompt", model_name=__version__)
    context = sr.ObservationContext(observer_device_context=sr.ObserverContext(codes.DCM.Device, device))
    content = sr.MeasurementReport(context, codes.SCT.ImagingProcedure, [measured])
    named = _identity(f"radprompt, {_MARK}: report", 9902)
    del named["device_serial_number"], named["manufacturer_model_name"], named["software_versions"]
    with blamed_on(image, "no DICOM structured report can be made for it"):
        return sr.Comprehensive3DSR(evidence=[*files, region], content=content, **named)


def _code(key: str, meaning: str) -> Any:
    """Return a code of our own; a key of more than 16 characters, DICOM's bound, is replaced by a digest."""
    from highdicom.sr import CodedConcept

    value = key if len(key) <= 16 else hashlib.sha256(key.encode()).hexdigest()[:16]
    return CodedConcept(value, SCHEME, meaning[:_LONGEST])


def _unit(feature: str) -> Any:
    """Return the UCUM code of a feature's unit: lengths, areas and volumes of shape are in mm, mm2 and mm3."""
    from highdicom.sr import CodedConcept

    name = _SHAPE.sub("", re.sub(r"[^a-z0-9]", "", feature.casefold()))
    unit, words = next((unit for names, unit in _UNITS.items() if name in names), ("1", "no units"))
    return CodedConcept(unit, "UCUM", words)


def _identity(description: str, number: int) -> dict[str, Any]:
    """Return what a new series of one instance is called."""
    from highdicom import UID

    return {
        "series_instance_uid": UID(),
        "series_number": number,
        "sop_instance_uid": UID(),
        "instance_number": 1,
        "manufacturer": "radprompt",
        "manufacturer_model_name": "radprompt",
        "software_versions": __version__,
        "device_serial_number": "none",
        "series_description": description,
    }


def _affine(mask: "SimpleITK.Image") -> np.ndarray:
    """Return how slice, row and column become mm of the patient's system."""
    axes = np.array(mask.GetDirection()).reshape(3, 3) * np.array(mask.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes[:, ::-1], mask.GetOrigin()
    return affine
