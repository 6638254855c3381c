"""RTSTRUCT contours to voxels: a voxel is inside if its centre is."""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.inputs import shown
from radprompt.images.volumes import Volume
from radprompt.mammograms.imaging.dicom import blamed_on, numbers, open_dicom

if TYPE_CHECKING:
    import SimpleITK
    from pydicom import Dataset

TILTED = 0.1
"""Largest extent of a contour across the slices, in slice distances: more is a contour in another plane."""
OFF_SLICE = 0.2
"""Slices by which a contour may lie beside the middle of its slice."""
_BEYOND, _SMALL = 0.1, 0.5  # of a hole's pixels, outside; of the outer contour's, that a hole may have then
MOST_POINTS = 10_000_000
"""Points of all contours of a structure."""


def contour_mask(path: Path, wanted: str, volume: Volume) -> tuple["SimpleITK.Image", tuple[str, ...]]:
    """Fill the contours of one structure on its image's grid.

    Contours of a plane are combined by the even-odd rule, so that an inner one is a hole. Contours count for the slice
    whose centre is nearest.

    Parameters
    ----------
    path
        A DICOM file of modality RTSTRUCT.
    wanted
        Name or number of the structure; '' if one only has contours.
    volume
        The image, whose frame of reference must be the structure's.

    Returns
    -------
    tuple
        The mask (1 inside), and remarks.

    Raises
    ------
    ImageError
        No such structure, several where none is named, no closed contour, contours in other planes than the image's
        slices or outside the image, two planes in one slice, or slices between contours left out.
    """
    import SimpleITK
    from skimage.draw import polygon2mask

    dataset = open_dicom(path)
    with blamed_on(path, "the RTSTRUCT cannot be read"):
        if not volume.placed:
            raise ImageError("contours in space, on an image without a position", fix="give the image as DICOM")
        contours = _contours(dataset, wanted, volume)
        image = volume.image
        width, height, depth = image.GetSize()
        inside = np.zeros((depth, height, width), dtype=bool)
        planes: dict[int, set[float]] = defaultdict(set)
        drawn: dict[int, list[np.ndarray]] = defaultdict(list)
        for points in contours:
            index = _to_index(points, image)
            slices = index[:, 2]
            if np.ptp(slices) > TILTED:
                raise ImageError(
                    f"a contour crosses {np.ptp(slices):.2f} slices: it lies in another plane than the image's",
                    fix="export contours in the image's own slices",
                )
            place = round(float(slices.mean()))
            if not 0 <= place < depth or (index[:, :2].max(0) < -0.5).any():
                raise ImageError(
                    f"a contour lies {_beyond(slices, depth):.1f} slices outside the image", fix="take its own image"
                )
            if (index[:, :2] < -1).any() or (index[:, :2] > (width, height)).any():
                raise ImageError("a contour leaves the image to the side", fix="take the image that it was drawn on")
            planes[place].add(round(float(slices.mean()), 2))
            drawn[place].append(index[:, :2])
        for place, outlines in drawn.items():
            inside[place] = _union_with_holes([polygon2mask((height, width), own[:, ::-1]) for own in outlines])
    remarks = _check_planes(planes)
    if not inside.any():
        raise ImageError("no voxel's centre is inside the contours", fix="draw the region on a finer image")
    mask = SimpleITK.GetImageFromArray(inside.astype(np.uint8))
    mask.CopyInformation(image)
    return mask, (f"filled from {len(contours)} contours on {len(planes)} slices", *remarks)


def _union_with_holes(shapes: list[np.ndarray]) -> np.ndarray:
    """Return the region of one slice's filled contours: one inside another is a hole, and one in that an island.

    A small one that reaches a little beyond the other is a hole, too. Contours that are stored twice, overlap or touch
    are parts of one region.
    """
    inside = np.zeros_like(shapes[0])
    unlike: list[np.ndarray] = []
    for shape in sorted(shapes, key=np.count_nonzero, reverse=True):
        if any(np.array_equal(shape, other) for other in unlike):
            continue
        around = sum(_is_within(shape, other) for other in unlike)
        inside = inside & ~shape if around % 2 else inside | shape
        unlike.append(shape)
    return inside


def _is_within(shape: np.ndarray, other: np.ndarray) -> bool:
    size, beyond = np.count_nonzero(shape), np.count_nonzero(shape & ~other)
    return not beyond or bool(beyond <= _BEYOND * size and size <= _SMALL * np.count_nonzero(other))


def _contours(dataset: "Dataset", wanted: str, volume: Volume) -> list[np.ndarray]:
    """Return the closed contours of the structure, each (points, 3) in mm."""
    names = {int(item.ROINumber): str(item.get("ROIName", "")) for item in dataset.StructureSetROISequence}
    frames = {int(item.ROINumber): str(item.get("ReferencedFrameOfReferenceUID") or "") for item in _rois(dataset)}
    drawn = {
        int(item.ReferencedROINumber): item.get("ContourSequence") or []
        for item in dataset.get("ROIContourSequence", [])
    }
    full = {number: name for number, name in names.items() if len(drawn.get(number, []))}
    listed = ", ".join(f"{shown(name, 30)} ({number})" for number, name in list(full.items())[:8]) or "none"
    chosen = list(full)
    if wanted:
        named = [number for number, name in full.items() if name.casefold() == wanted.casefold()]
        chosen = named or [number for number in full if str(number) == wanted]
    if len(chosen) != 1:
        asked = f"no one structure is {shown(wanted, 40)!r}" if wanted else f"{len(full)} structures have contours"
        fix = "correct mask_label" if wanted else "name one of them in a column 'mask_label'"
        raise ImageError(f"{asked}; there are: {listed}", fix=fix if full else "draw the region")
    frame = frames.get(chosen[0], "")
    if frame and volume.frame and frame != volume.frame:
        raise ImageError(
            f"the structure's frame of reference {frame} is not the image's {volume.frame}",
            fix="take the structures that were drawn on this series",
        )
    closed = [
        np.array(numbers(item, "ContourData")).reshape(-1, 3)
        for item in drawn[chosen[0]]
        if str(item.get("ContourGeometricType", "")).startswith("CLOSED")
    ]
    closed = [points for points in closed if len(points) >= 3]
    if not closed:
        raise ImageError("no closed contour, points or open lines only", fix="draw the region as closed contours")
    if sum(map(len, closed)) > MOST_POINTS:
        raise ImageError(f"more than {MOST_POINTS:,} points", fix="draw it more simply")
    return closed


def _rois(dataset: "Dataset") -> list["Dataset"]:
    return list(dataset.StructureSetROISequence)


def _to_index(points: np.ndarray, image: "SimpleITK.Image") -> np.ndarray:
    """Return points in mm as continuous indices x, y, z of an image's grid."""
    axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    return np.linalg.solve(axes, (points - np.array(image.GetOrigin())).T).T


def _beyond(slices: np.ndarray, depth: int) -> float:
    return float(max(-slices.mean(), slices.mean() - (depth - 1), 0.0))


def _check_planes(planes: dict[int, set[float]]) -> tuple[str, ...]:
    if crowded := [place for place, heights in planes.items() if max(heights) - min(heights) > 2 * TILTED]:
        raise ImageError(
            f"contours of several planes fall into one slice (slice {crowded[0] + 1})",
            fix="take the series on which the contours were drawn",
        )
    off = max((abs(height - place) for place, heights in planes.items() for height in heights), default=0.0)
    if off > OFF_SLICE:
        raise ImageError(
            f"contours lie up to {off:.2f} slices beside the image's slices",
            fix="take the series on which the contours were drawn",
        )
    steps = np.diff(sorted(planes))
    if len(steps) and np.median(steps) > 1:
        raise ImageError(
            f"contours on {len(planes)} of {max(planes) - min(planes) + 1} slices, mostly {np.median(steps):g} apart",
            fix="interpolate the contours in the planning system, or take the series on which they were drawn",
        )
    lacking = int((steps - 1).sum())
    return (f"no contour on {lacking} slices between the first and the last",) if lacking else ()
