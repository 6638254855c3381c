"""Whether a mask lies on its image's grid, may be brought onto it, or belongs to another image."""

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from radprompt.core.errors import ImageError

if TYPE_CHECKING:
    import SimpleITK

ALIGNED = 0.01
"""Largest distance between corners of two grids that count as one, in voxel sides: headers round."""
TURNED = 1e-3
"""Direction cosines that differ by more are another direction."""
CHANGED = 0.25
"""Relative change of a region's volume by resampling above which it is excluded: its grid is too coarse."""
_FIX = "save the mask on the image's own grid"


def on_grid_of(
    mask: "SimpleITK.Image", image: "SimpleITK.Image", *, placed: bool = True
) -> tuple["SimpleITK.Image", str]:
    """Return a mask (1 inside) on the grid of its image, and a remark where it had to be resampled.

    A grid of the same size whose corners lie within :data:`ALIGNED` of the image's is taken as that grid, and one whose
    voxels are voxels of the image (a part of it, or its axes in another order) is put in place. Else the mask is
    resampled to the nearest voxel, provided that it has the image's directions or fills the same box of space, and that
    the region lies inside the image.

    Parameters
    ----------
    mask, image
        Three-dimensional.
    placed
        Whether both say where they lie; if not, their sizes must be equal.

    Raises
    ------
    ImageError
        The grids do not fit; the reason has the numbers.
    """
    import SimpleITK

    same_size = mask.GetSize() == image.GetSize()
    if not placed:
        if not same_size:
            raise ImageError(
                f"the mask has {_sides(mask.GetSize())} pixels, the image {_sides(image.GetSize())}",
                fix="draw the mask on this image, at its full size",
            )
        return _copied(mask, image), ""
    apart = float(np.linalg.norm(corners(mask) - corners(image), axis=1).max())
    if same_size and apart <= ALIGNED * min(image.GetSpacing()):
        return _copied(mask, image), ""
    voxel_for_voxel = _same_voxels(mask, image)
    if not (voxel_for_voxel or _same_axes(mask, image) or _same_box(mask, image)):
        raise ImageError(
            f"the mask lies in another direction: {_said(mask.GetDirection())}, the image {_said(image.GetDirection())}"
            f"; their corners are up to {apart:.4g} mm apart",
            fix=_FIX,
        )
    _require_inside(mask, image)
    if voxel_for_voxel:
        beside = same_size and not _same_box(mask, image)
        return _resampled(mask, image), f"mask of the image's size lies {apart:.4g} mm beside it" if beside else ""
    before = int(np.count_nonzero(SimpleITK.GetArrayViewFromImage(mask))) * np.prod(mask.GetSpacing())
    resampled = _resampled(mask, image)
    voxels = int(np.count_nonzero(SimpleITK.GetArrayViewFromImage(resampled)))
    after = voxels * float(np.prod(image.GetSpacing()))
    grids = f"from {_grid(mask)} to {_grid(image)}"
    if not voxels or abs(after - before) > CHANGED * before:
        raise ImageError(
            f"resampled {grids}, the region has {after:.4g} mm3 instead of {before:.4g}", fix="draw it on this image"
        )
    return resampled, f"mask resampled {grids}, corners {apart:.3g} mm apart"


def corners(image: "SimpleITK.Image") -> np.ndarray:
    """Return the outer corners of a grid, mm, shape (8, 3)."""
    ends = [(-0.5, side - 0.5) for side in image.GetSize()]
    return np.array([image.TransformContinuousIndexToPhysicalPoint(corner) for corner in product(*ends)])


def _require_inside(mask: "SimpleITK.Image", image: "SimpleITK.Image") -> None:
    """Raise if the region's box leaves the image by more than half a voxel."""
    import SimpleITK

    where = np.argwhere(SimpleITK.GetArrayViewFromImage(mask))[:, ::-1]
    box = [(float(low) - 0.5, float(high) + 0.5) for low, high in zip(where.min(0), where.max(0), strict=True)]
    points = np.array([mask.TransformContinuousIndexToPhysicalPoint(corner) for corner in product(*box)])
    inside = np.array([image.TransformPhysicalPointToContinuousIndex(point) for point in points.tolist()])
    over = np.maximum(-0.5 - inside.min(0), inside.max(0) - (np.array(image.GetSize()) - 0.5))
    if (over > 0.5).any():
        beyond = max(float(part * step) for part, step in zip(over, image.GetSpacing(), strict=True))
        raise ImageError(
            f"the region leaves the image by {beyond:.4g} mm: mask {_grid(mask)}, image {_grid(image)}", fix=_FIX
        )


def _same_axes(mask: "SimpleITK.Image", image: "SimpleITK.Image") -> bool:
    return bool(np.allclose(mask.GetDirection(), image.GetDirection(), atol=TURNED))


def _same_voxels(mask: "SimpleITK.Image", image: "SimpleITK.Image") -> bool:
    """Tell whether each voxel of the mask's grid is one of the image's, or would be if that were larger."""
    last = [side - 1 for side in mask.GetSize()]
    ends = [[0, 0, 0], *np.diag(last).tolist()]
    index = np.array(
        [image.TransformPhysicalPointToContinuousIndex(mask.TransformIndexToPhysicalPoint(e)) for e in ends]
    )
    steps = np.abs(index[1:] - index[0])
    on_voxels = np.abs(index - np.round(index)).max() <= ALIGNED
    return bool(on_voxels and np.allclose(steps.max(axis=1), last, atol=ALIGNED))


def _same_box(mask: "SimpleITK.Image", image: "SimpleITK.Image") -> bool:
    """Tell whether two grids fill one box of space, as when a tool stores the axes in another order or sense."""
    near = np.linalg.norm(corners(mask)[:, None] - corners(image)[None], axis=2).min(axis=1)
    return bool((near <= 0.5 * min(image.GetSpacing())).all())


def _resampled(mask: "SimpleITK.Image", image: "SimpleITK.Image") -> "SimpleITK.Image":
    import SimpleITK

    nearest = SimpleITK.sitkNearestNeighbor
    return _copied(SimpleITK.Resample(mask, image, SimpleITK.Transform(), nearest, 0.0, SimpleITK.sitkUInt8), image)


def _copied(mask: "SimpleITK.Image", image: "SimpleITK.Image") -> "SimpleITK.Image":
    import SimpleITK

    copy = SimpleITK.GetImageFromArray(SimpleITK.GetArrayFromImage(mask).astype(np.uint8))
    copy.CopyInformation(image)
    return copy


def _grid(image: "SimpleITK.Image") -> str:
    origin = ", ".join(f"{value:.4g}" for value in image.GetOrigin())
    return f"{_sides(image.GetSize())} of {_sides(image.GetSpacing())} mm at ({origin})"


def _sides(values: tuple[float, ...]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)


def _said(direction: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{round(value, 3) + 0:g}" for value in direction) + ")"
