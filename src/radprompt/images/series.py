"""Volumes from DICOM: a folder of one series, an enhanced multi-frame file, or a single planar image."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from radprompt.core.errors import ImageError, InputError
from radprompt.core.inputs import shown
from radprompt.images.cases import spacing_of
from radprompt.images.volumes import Volume, is_dicom
from radprompt.mammograms.imaging.dicom import (
    LARGEST_VOLUME,
    SPACING_ATTRIBUTES,
    blamed_on,
    decode,
    number,
    numbers,
    open_dicom,
)

if TYPE_CHECKING:
    import SimpleITK
    from pydicom import Dataset

UNEVEN = 0.02
"""Largest relative difference between distances of neighbouring slices: some positions are rounded to 0.01 mm."""
SHEARED = 0.1
"""Largest drift of slices across the stack, in pixels: more is a tilted gantry."""
TURNED = 1e-3
"""Largest difference between direction cosines of slices of one stack."""
NOT_IMAGES = {"SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO"}


class _Slice(NamedTuple):
    """Where one slice lies (mm, patient's system) and how its stored integers become values."""

    name: str
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, float]
    shape: tuple[int, int]
    slope: float
    intercept: float


def read_series(folder: Path) -> Volume:
    """Read the DICOM files of a folder as one volume, slices in the order of their positions.

    Raises
    ------
    ImageError
        No DICOM file, files of several series, slices of several sizes, directions or pixel sizes, two slices at one
        place, a missing slice, a tilted gantry, or what a single file is refused for.
    """
    where = str(folder)
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise ImageError(f"the folder cannot be read: {error.strerror}", where=where, fix="check it") from None
    paths = [path for path in files if is_dicom(path) and path.name.upper() != "DICOMDIR"]
    if not paths:
        raise ImageError(
            "no DICOM file in the folder", where=where, fix="name the folder that holds the files of one series"
        )
    headers = [open_dicom(path, header=True) for path in paths]
    images = [place for place, header in enumerate(headers) if str(header.get("Modality", "")) not in NOT_IMAGES]
    if not images:
        raise ImageError("the DICOM files of the folder are no images", where=where, fix="name the image's folder")
    paths, headers = [paths[place] for place in images], [headers[place] for place in images]
    series = Counter(str(header.get("SeriesInstanceUID", "")) for header in headers)
    if len(series) > 1:
        listed = ", ".join(f"{shown(uid, 64) or 'without a UID'} ({files})" for uid, files in series.most_common(4))
        raise ImageError(
            f"{len(series)} series are mixed: {listed}", where=where, fix="give each series a folder of its own"
        )
    if len(paths) == 1:
        return read_dicom(paths[0])
    several = [path.name for path, header in zip(paths, headers, strict=True) if _frames(header) > 1]
    if several:
        raise ImageError(
            f"{len(paths)} files, of which {shown(several[0], 60)} has several frames",
            where=where,
            fix="name the multi-frame file itself as the image",
        )
    slices = [_slice(header, path.name, where) for path, header in zip(paths, headers, strict=True)]

    def stored(place: int) -> np.ndarray:
        return decode(open_dicom(paths[place]), paths[place])

    ignored = len(files) - len(paths)
    notes = (f"{ignored} files of the folder are not DICOM images",) if ignored else ()
    return Volume(_stack(slices, stored, where), frame=_frame(headers[0]), notes=notes + _inverted(headers[0]))


def read_dicom(path: Path, spacing: str = "") -> Volume:
    """Read one DICOM file: a planar image, or an enhanced multi-frame one that says where its frames lie.

    Raises
    ------
    ImageError
        Not an image, several frames without positions, no pixel size, or a file that cannot be decoded.
    """
    where = str(path)
    with blamed_on(path, "DICOM header cannot be read"):
        dataset = open_dicom(path)
        modality = str(dataset.get("Modality", ""))
    if modality in NOT_IMAGES:
        raise ImageError(
            f"a DICOM file of modality {modality}, not an image", where=where, fix="name the image; masks have a column"
        )
    with blamed_on(path, "DICOM header cannot be read"):
        frames = _frames(dataset)
    if frames > 1:
        return _multi_frame(dataset, path)
    if len(numbers(dataset, "ImagePositionPatient")) == 3 and len(numbers(dataset, "ImageOrientationPatient")) == 6:
        pixels = decode(dataset, path)
        thickness = number(dataset, "SliceThickness", 1.0) or 1.0
        image = _stack([_slice(dataset, path.name, where)], lambda _: pixels, where, thickness)
        return Volume(image, frame=_frame(dataset), notes=_inverted(dataset))
    return _planar(dataset, path, spacing)


def _planar(dataset: "Dataset", path: Path, spacing: str) -> Volume:
    with blamed_on(path, "DICOM header cannot be read"):
        pairs = [numbers(dataset, name) for name in SPACING_ATTRIBUTES]
        slope, intercept = number(dataset, "RescaleSlope", 1.0), number(dataset, "RescaleIntercept", 0.0)
    sizes = next((pair for pair in pairs if len(pair) == 2 and min(pair) > 0), None)
    if sizes is None and spacing:
        try:
            across, down = spacing_of(spacing, 2)
        except InputError as error:
            raise ImageError(error.what, fix=error.fix) from None
        sizes = [down, across]
    if sizes is None:
        raise ImageError("no pixel size in the DICOM file", where=str(path), fix="add a column 'spacing', in mm")
    if dataset.get("ModalityLUTSequence"):
        raise ImageError(
            "its values stand in a table of the file (ModalityLUTSequence), which is not read here",
            where=str(path),
            fix="export the image with its values rescaled",
        )
    values = _values(decode(dataset, path), slope, intercept, _is_integral([(slope, intercept)]))
    return Volume(_volume(values[None], (sizes[1], sizes[0], 1.0)), placed=False, notes=_inverted(dataset))


def _multi_frame(dataset: "Dataset", path: Path) -> Volume:
    where = str(path)
    with blamed_on(path, "the frames' positions cannot be read"):
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
        frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
        if len(frames) != _frames(dataset):
            raise ImageError(
                f"{_frames(dataset)} frames without a position each (a film or a tomosynthesis)",
                fix="convert it to NIfTI, or name a series of single slices",
            )
        slices = [_placed_frame(dataset, shared, frame, f"frame {place}") for place, frame in enumerate(frames, 1)]
    pixels = decode(dataset, path, several=True)
    return Volume(_stack(slices, lambda place: pixels[place], where), frame=_frame(dataset), notes=_inverted(dataset))


def _placed_frame(dataset: "Dataset", shared: "Dataset | None", frame: "Dataset", name: str) -> _Slice:
    """Return where one frame lies: each of its groups stands with the frame or is shared by all."""

    def group(key: str) -> "Dataset | None":
        holders = [holder for holder in (frame, shared) if holder is not None and holder.get(key)]
        return holders[0][key][0] if holders else None

    def values(key: str, attribute: str) -> list[float]:
        holder = group(key)
        return numbers(holder, attribute) if holder is not None else []

    rescale = group("PixelValueTransformationSequence") or dataset
    return _Slice(
        name,
        *_position(
            values("PlanePositionSequence", "ImagePositionPatient"),
            values("PlaneOrientationSequence", "ImageOrientationPatient"),
        ),
        _pair(values("PixelMeasuresSequence", "PixelSpacing"), name),
        (int(dataset.Rows), int(dataset.Columns)),
        number(rescale, "RescaleSlope", 1.0),
        number(rescale, "RescaleIntercept", 0.0),
    )


def _position(position: list[float], orientation: list[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if len(position) != 3 or len(orientation) != 6 or not np.isfinite([*position, *orientation]).all():
        raise ImageError(
            "no position and direction (ImagePositionPatient, ImageOrientationPatient)",
            fix="write the files again with the tool that made them",
        )
    return tuple(position), tuple(orientation)


def _slice(dataset: "Dataset", name: str, where: str) -> _Slice:
    with blamed_on(f"{where}: {name}", "DICOM header cannot be read"):
        return _Slice(
            name,
            *_position(numbers(dataset, "ImagePositionPatient"), numbers(dataset, "ImageOrientationPatient")),
            _pair(numbers(dataset, "PixelSpacing"), where),
            (int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)),
            number(dataset, "RescaleSlope", 1.0),
            number(dataset, "RescaleIntercept", 0.0),
        )


def _stack(
    slices: Sequence[_Slice], stored: Callable[[int], np.ndarray], where: str, thickness: float = 1.0
) -> "SimpleITK.Image":
    """Build the volume of slices that form one; ``stored`` gives the integers of each in turn."""
    for what, kinds in (
        ("sizes (rows, columns)", Counter(item.shape for item in slices)),
        ("pixel sizes (mm)", Counter(tuple(round(side, 4) for side in item.spacing) for item in slices)),
    ):
        if len(kinds) > 1:
            listed = ", ".join(f"{kind} in {times}" for kind, times in kinds.most_common(3))
            raise ImageError(f"slices of {len(kinds)} {what}: {listed}", where=where, fix="keep the slices of one kind")
    if len(slices) * slices[0].shape[0] * slices[0].shape[1] > LARGEST_VOLUME:
        raise ImageError(f"{len(slices)} slices of {slices[0].shape}, at most {LARGEST_VOLUME:,} voxels", where=where)
    axes = np.array(slices[0].orientation).reshape(2, 3)
    if not np.allclose(axes @ axes.T, np.eye(2), atol=TURNED):
        raise ImageError(f"directions {slices[0].orientation} are not at right angles", where=where)
    turned = [item.name for item in slices if not np.allclose(item.orientation, slices[0].orientation, atol=TURNED)]
    if turned:
        raise ImageError(
            f"{len(turned)} of {len(slices)} slices lie in another direction, for one {shown(turned[0], 60)}",
            where=where,
            fix="take out scouts and reformatted slices",
        )
    normal = np.cross(*axes)
    positions = np.array([item.position for item in slices])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    step = _step(along[order], where) if len(slices) > 1 else thickness
    first = positions[order[0]]
    drift = np.linalg.norm(positions - first - np.outer(along - along[order[0]], normal), axis=1).max()
    if drift > SHEARED * min(slices[0].spacing):
        raise ImageError(
            f"slices drift by {drift:.2f} mm across the stack: a tilted gantry",
            where=where,
            fix="resample the series to an upright grid, or take one without tilt",
        )
    integers = _is_integral([(item.slope, item.intercept) for item in slices])
    values = np.empty((len(slices), *slices[0].shape), dtype=np.int32 if integers else np.float64)
    for row, place in enumerate(order):
        values[row] = _values(stored(int(place)), slices[place].slope, slices[place].intercept, integers)
    down, across = slices[0].spacing
    image = _volume(values, (across, down, step))
    image.SetOrigin(tuple(float(value) for value in first))
    image.SetDirection(np.column_stack([*axes, normal]).ravel().tolist())
    return image


def _step(along: np.ndarray, where: str) -> float:
    steps = np.diff(along)
    usual = float(np.median(steps))
    if (close := int(np.count_nonzero(steps < max(1e-3, 0.01 * usual)))) or usual <= 0:
        raise ImageError(
            f"{close} slices lie where another one does (several time points, echoes or reconstructions)",
            where=where,
            fix="keep one of them",
        )
    uneven = np.flatnonzero(np.abs(steps - usual) > UNEVEN * usual)
    if len(uneven):
        place, lacking = int(uneven[0]), round(float(steps[uneven[0]]) / usual) - 1
        missing = f": {lacking} missing" if lacking > 0 else ""
        raise ImageError(
            f"slices {place + 1} and {place + 2} lie {steps[place]:.4g} mm apart, most others {usual:.4g} mm{missing}",
            where=where,
            fix="fetch the whole series again, or resample it to even distances",
        )
    return float((along[-1] - along[0]) / len(steps))


def _volume(values: np.ndarray, spacing: tuple[float, float, float]) -> "SimpleITK.Image":
    import SimpleITK

    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing(spacing)
    return image


def _values(stored: np.ndarray, slope: float, intercept: float, integers: bool) -> np.ndarray:
    if integers:
        ends = [int(end) * int(slope) + int(intercept) for end in (stored.min(initial=0), stored.max(initial=0))]
        limits = np.iinfo(np.int32)
        if limits.min <= min(ends) and max(ends) <= limits.max:
            return stored.astype(np.int32) * np.int32(slope) + np.int32(intercept)
    return stored.astype(np.float64) * slope + intercept


def _is_integral(rescales: Sequence[tuple[float, float]]) -> bool:
    """Tell whether values stay whole numbers that 32 bits hold, as other readers keep them too."""
    return all(slope.is_integer() and intercept.is_integer() and abs(slope) < 2**10 for slope, intercept in rescales)


def _pair(sides: list[float], where: str) -> tuple[float, float]:
    if len(sides) != 2 or not all(np.isfinite(side) and side > 0 for side in sides):
        raise ImageError(f"PixelSpacing {sides}", where=where, fix="correct the header")
    return sides[0], sides[1]


def _frames(dataset: "Dataset") -> int:
    return int(dataset.get("NumberOfFrames", 1) or 1)


def _frame(dataset: "Dataset") -> str:
    return str(dataset.get("FrameOfReferenceUID") or "")


def _inverted(dataset: "Dataset") -> tuple[str, ...]:
    if str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        return ("MONOCHROME1: high values are dark; values are taken as they are stored",)
    return ()
