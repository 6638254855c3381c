"""Another reader's contours, simulated: the region shifted, grown or shrunk, its outline redrawn at random.

The chain is that of Zwanenburg 2019 (Sci Rep 9:614: translation, volume adaptation, contour randomisation), on a signed
distance map instead of supervoxels: shift and roughness change the map, and the volume chooses the level that is cut.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, shift

from radprompt.core.errors import ImageError

if TYPE_CHECKING:
    import SimpleITK

_ROOM = 4.0
"""Surroundings in which a new outline may lie, in standard deviations of the roughness beyond shift and growth."""


@dataclass(frozen=True)
class Perturbation:
    """How far contours are moved.

    Attributes
    ----------
    shift_voxels
        Largest shift along each axis, uniform, in voxels.
    volume
        Largest relative change of the volume, uniform.
    roughness_voxels
        Standard deviation of the outline's displacement, in voxel sides of the slice.
    smoothness
        Correlation length of the displacement, as a fraction of the radius of a sphere (of a circle in planar images)
        of the region's size.
    """

    shift_voxels: float = 0.5
    volume: float = 0.15
    roughness_voxels: float = 0.5
    smoothness: float = 0.5

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)


def perturbed(
    mask: "SimpleITK.Image", case: str, draw: int, seed: int, how: Perturbation | None = None
) -> "SimpleITK.Image":
    """Return a mask with another outline.

    Parameters
    ----------
    mask
        Three-dimensional, 1 inside, not empty; one slice where the image is planar.
    case, draw, seed
        Fix the draw, whatever other cases there are.
    how
        How far contours are moved; the defaults of :class:`Perturbation` without.

    Returns
    -------
    SimpleITK.Image
        On the same grid, with the drawn volume to the voxel, as far as the image has room. It has a voxel at least.

    Raises
    ------
    ImageError
        The region fills the image.
    """
    import SimpleITK

    how = how or Perturbation()
    name = int.from_bytes(hashlib.sha256(case.encode()).digest()[:8], "big")
    generator = np.random.default_rng([seed, name, draw])
    inside = SimpleITK.GetArrayFromImage(mask) > 0
    spacing = np.array(mask.GetSpacing())[::-1]
    if inside.all():
        raise ImageError("the region fills the image: its contour cannot be moved", fix="give the whole image")
    planar = inside.shape[0] == 1
    box = _room(inside, spacing, how)
    region = inside[box]
    moved = generator.uniform(-how.shift_voxels, how.shift_voxels, 3) * (0.0 if planar else 1.0, 1.0, 1.0)
    target = max(round(int(region.sum()) * (1 + generator.uniform(-how.volume, how.volume))), 1)
    level = shift(_signed_distance(region, spacing), moved, order=1, mode="nearest")
    level += _displacement(region, spacing, how, generator)
    order = np.argsort(level, axis=None, kind="stable")[:target]
    drawn = np.zeros(region.size, dtype=np.uint8)
    drawn[order] = 1
    values = np.zeros(inside.shape, dtype=np.uint8)
    values[box] = drawn.reshape(region.shape)
    made = SimpleITK.GetImageFromArray(values)
    made.CopyInformation(mask)
    return made


def _room(inside: NDArray[np.bool_], spacing: NDArray[np.float64], how: Perturbation) -> tuple[slice, ...]:
    """Return the box in which the new outline lies."""
    radius = _radius(inside, spacing)
    grown = radius * ((1 + how.volume) ** (1 / 2) - 1)
    reach = grown + _ROOM * how.roughness_voxels * spacing[1:].max()
    where = np.argwhere(inside)
    margins = np.ceil(reach / spacing + how.shift_voxels + 1).astype(int)
    start = np.maximum(where.min(0) - margins, 0)
    stop = np.minimum(where.max(0) + margins + 1, inside.shape)
    return tuple(slice(int(low), int(high)) for low, high in zip(start, stop, strict=True))


def _signed_distance(region: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance to the outline (mm), negative inside."""
    return distance_transform_edt(~region, sampling=spacing) - distance_transform_edt(region, sampling=spacing)


def _displacement(
    region: NDArray[np.bool_], spacing: NDArray[np.float64], how: Perturbation, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return a smooth random field (mm) of the wanted standard deviation."""
    length = how.smoothness * _radius(region, spacing)
    field = gaussian_filter(generator.normal(size=region.shape), length / spacing, mode="reflect")
    spread = field.std()
    return field * (how.roughness_voxels * float(spacing[1:].mean()) / spread) if spread > 0 else np.zeros(region.shape)


def _radius(region: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    voxels = int(region.sum())
    if region.shape[0] == 1:
        return float(np.sqrt(voxels * spacing[1:].prod() / np.pi))
    return float((3 * voxels * spacing.prod() / (4 * np.pi)) ** (1 / 3))
