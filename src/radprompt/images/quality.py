"""What a reader checks before believing a table: size, grey values, pieces and oddities of each region."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    import SimpleITK

FEW = 64
"""Voxels below which textures are flagged."""
LONG = 3.0
"""Ratio of voxel sides above which voxels are flagged as far from cubes."""


def examine(image: "SimpleITK.Image", mask: "SimpleITK.Image", notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return one row of the quality table.

    Parameters
    ----------
    image, mask
        Three-dimensional, on one grid; 1 inside, not empty.
    notes
        Remarks of reading, which go into the flags.

    Returns
    -------
    dict
        ``size`` (voxels) and ``spacing_mm`` of the image, ``voxels`` and ``slices`` of the region, ``volume_mm3``
        (``area_mm2`` of a planar image), ``components`` (joined at faces, edges or corners), ``grey_min``,
        ``grey_max`` inside, and ``flags`` in words, separated by semicolons.
    """
    import SimpleITK

    inside = SimpleITK.GetArrayViewFromImage(mask) > 0
    grey = SimpleITK.GetArrayViewFromImage(image)[inside].astype(np.float64)
    spacing = image.GetSpacing()
    planar = image.GetSize()[2] == 1
    voxels = int(np.count_nonzero(inside))
    slices = int(np.count_nonzero(inside.any(axis=(1, 2))))
    box = ndimage.find_objects(inside.astype(np.uint8))[0]
    pieces = int(ndimage.label(inside[box], structure=np.ones((3, 3, 3)))[1])
    flags = list(notes)
    if pieces > 1:
        flags.append(f"{pieces} separate pieces")
    if slices == 1 and not planar:
        flags.append("on one slice only")
    if voxels < FEW:
        flags.append(f"{voxels} voxels only")
    sides = spacing[:2] if planar else spacing
    if max(sides) > LONG * min(sides):
        flags.append(f"voxels {max(sides) / min(sides):.1f} times as long as wide")
    edges = [
        bool(part.start == 0 or part.stop == side)
        for part, side in zip(box[1 if planar else 0 :], inside.shape[1 if planar else 0 :], strict=True)
    ]
    if any(edges):
        flags.append("touches the image's edge")
    if grey.min() == grey.max():
        flags.append("one grey value only")
    size = float(np.prod(sides)) * voxels
    return {
        "size": " x ".join(map(str, image.GetSize()[: len(sides)])),
        "spacing_mm": " x ".join(f"{side:.4g}" for side in sides),
        "voxels": voxels,
        "slices": slices,
        "area_mm2" if planar else "volume_mm3": size,
        "components": pieces,
        "grey_min": float(grey.min()),
        "grey_max": float(grey.max()),
        "flags": "; ".join(flags),
    }
