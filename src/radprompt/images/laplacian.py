"""PyRadiomics' Laplacian of Gaussian, computed only where a region needs it, bit by bit equal to the whole image's.

ITK adds, over the axes, a second derivative along one axis followed by smoothing along the others, each a recursive
filter that treats every line of voxels by itself. It forgets slowly, so no axis can be cut short; but once an axis has
been filtered, what lies beside the region along it is not read again. Cutting there leaves a third of the work and
every bit: the same lines go through the same filters in the same order, and sums are rounded where ITK rounds them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import SimpleITK

IN_BOX = "LoGInBox"
"""Name of this image type; PyRadiomics finds a filter by its name among :mod:`radiomics.imageoperations`."""


def register() -> None:
    """Let PyRadiomics' extractors find the image type :data:`IN_BOX`."""
    from radiomics import imageoperations

    setattr(imageoperations, f"get{IN_BOX}Image", laplacians)


def laplacians(
    image: "SimpleITK.Image", mask: "SimpleITK.Image", whole: "SimpleITK.Image | None" = None, **setting: Any
) -> Iterator[tuple["SimpleITK.Image", str, dict[str, Any]]]:
    """Yield what PyRadiomics' ``getLoGImage`` yields, with zeros outside the box around the region.

    Parameters
    ----------
    image
        Three-dimensional; a part of ``whole``, with a rim around it where the region fills it.
    mask
        ``label`` inside, on the grid of ``image``.
    whole
        What is filtered; None: ``image``. One with a side under four voxels has no Laplacian here.
    **setting
        PyRadiomics' settings with ``sigma``, mm; one that is too wide for the image is left out.
    """
    import SimpleITK

    whole = image if whole is None else whole
    size, spacing = np.array(whole.GetSize()), np.array(whole.GetSpacing())
    inside = np.argwhere(SimpleITK.GetArrayViewFromImage(mask) == setting.get("label", 1))[:, ::-1]
    start, length = inside.min(0), np.ptp(inside, axis=0) + 1
    offset = np.array(whole.TransformPhysicalPointToIndex(image.GetOrigin()))
    for sigma in setting.get("sigma", []) if size.min() >= 4 else []:
        if sigma > 0 and (size >= np.ceil(sigma / spacing) + 1).all():
            empty = SimpleITK.Image(image.GetSize(), SimpleITK.sitkFloat32)
            empty.CopyInformation(image)
            part = _laplacian(whole, sigma, (offset + start).tolist(), length.tolist())
            yield (
                SimpleITK.Paste(empty, part, part.GetSize(), [0, 0, 0], start.tolist()),
                f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D",
                setting,
            )


def _laplacian(image: "SimpleITK.Image", sigma: float, start: list[int], length: list[int]) -> "SimpleITK.Image":
    """Return the Laplacian of Gaussian inside a box (x, y, z)."""
    import SimpleITK

    total = np.zeros(length[::-1], dtype=np.float32)
    for derived, spacing in enumerate(image.GetSpacing()):
        part = image
        for axis in sorted(range(3), key=lambda axis: axis != derived):
            order = 2 if axis == derived else 0
            filtered = SimpleITK.RecursiveGaussian(part, sigma, True, order, axis)
            first, sides = [0, 0, 0], list(filtered.GetSize())
            first[axis], sides[axis] = start[axis], length[axis]
            part = SimpleITK.RegionOfInterest(filtered, sides, first)
        # As ITK computes it: times the reciprocal, in double, the running sum rounded to single precision.
        summand = SimpleITK.GetArrayViewFromImage(part).astype(np.float64) * (1.0 / (spacing * spacing))
        total = (total.astype(np.float64) + summand).astype(np.float32)
    made = SimpleITK.GetImageFromArray(total)
    made.CopyInformation(part)
    return made
