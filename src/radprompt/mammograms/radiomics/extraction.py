"""Sixty-seven radiomics features of one mass, by PyRadiomics.

The mass is cut out of the mammogram before PyRadiomics sees it: a few megabytes instead of a few hundred, and the same
values, since no feature looks outside the mask. Images are true 2-D images with ``force2D`` off: PyRadiomics 3.0.1
returns wrong textures, without a word, for a 2-D image with ``force2D`` on.
"""

import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompt.core.errors import ImageError, InputError
from radprompt.core.params import Radiomics
from radprompt.mammograms.imaging.contours import SMALLEST_MASK
from radprompt.tables.feature_names import FEATURES

if TYPE_CHECKING:
    import SimpleITK

CLASSES = ("shape", "firstorder", "glcm", "glszm")

_MARGIN = 32
# Pixels around the mask that resampling sees. A cubic B-spline's coefficients depend on the whole image, by a factor of
# 0.27 less with each pixel (Unser 1999, pole sqrt(3) - 2): 32 pixels leave 1e-18.


def extract(
    pixels: NDArray[np.floating], mask: NDArray[np.bool_], spacing_mm: float, settings: Radiomics
) -> dict[str, float]:
    """Return the 67 features of the mass inside ``mask``, keys and order as in ``names.FEATURES``.

    Parameters
    ----------
    pixels
        The mammogram, shape (rows, columns), min-max normalised over the whole image (paper, Data).
    mask
        The mass, same shape, true inside.
    spacing_mm
        Pixel size in mm, the same along rows and columns; NaN where unknown.
    settings
        ``bin_count`` grey levels of equal width between the mass's own minimum and maximum (IBSI: fixed bin number,
        K15C), as arbitrary units call for; ``resample_mm``, or ``downsample``: the same resampling to that many times
        the pixel size, known or not; ``engine``: PyRadiomics itself, or the same features to 1e-9 from less work;
        ``shape_unit``: lengths and areas in mm and mm2 where the spacing is known, else
        in pixels, those of the image as acquired where it was shrunk by ``downsample``.

    Returns
    -------
    dict
        Nine 2-D shape, 18 first-order, 24 GLCM and 16 GLSZM features. Grey levels are counted inside the mask; GLCM at
        distance 1, symmetric, averaged over four directions (IBSI: 2D, averaged; BTW3); GLSZM with eight neighbours.

    Raises
    ------
    ImageError
        For a mask of another shape, empty or under :data:`SMALLEST_MASK` pixels, also once resampled; a mass of one
        grey level or with pixels that are not finite; a resampling to millimetres without a known spacing; whatever
        PyRadiomics refuses.
    InputError
        If both ``resample_mm`` and ``downsample`` are set.
    """
    if settings.downsample > 1 and settings.resample_mm is not None:
        raise InputError(
            f"downsample {settings.downsample} and resample_mm {settings.resample_mm} both resample the image",
            where="params.yaml, radiomics",
            fix="set downsample: 1, or resample_mm: null",
        )
    if pixels.shape != mask.shape:
        raise ImageError(
            f"the mask has {mask.shape[0]} x {mask.shape[1]} pixels, the image {pixels.shape[0]} x {pixels.shape[1]}",
            fix="draw the mask on this image, at its full size",
        )
    known = math.isfinite(spacing_mm)
    if settings.resample_mm is not None and not known:
        raise ImageError(
            f"pixel spacing unknown, cannot resample to {settings.resample_mm} mm",
            fix="set radiomics.resample_mm: null to measure the image as acquired",
        )
    box = _checked_box(mask, "", "draw the whole mass")
    spacing = spacing_mm if known else 1.0
    wanted = spacing * settings.downsample if settings.downsample > 1 else settings.resample_mm
    if wanted is None or np.allclose(spacing, wanted):
        wanted = spacing  # PyRadiomics skips resampling to the spacing that is there, and so must we.
    image, region = _parts(pixels, mask, box, spacing, wanted)
    side = float(settings.downsample) if settings.shape_unit == "px" else wanted
    values = (_measure_fast if settings.engine == "fast" else _measure_planar)(image, region, side, settings.bin_count)
    bad = [key for key in FEATURES if not math.isfinite(values[key])]
    if bad:
        raise ImageError(f"PyRadiomics gives no finite value for {', '.join(bad[:3])}", fix="redraw the mask")
    return {key: values[key] for key in FEATURES}


def measure(
    image: "SimpleITK.Image", mask: "SimpleITK.Image", bin_count: int, classes: Sequence[str] = CLASSES
) -> dict[str, float]:
    """Return PyRadiomics' features of a SimpleITK image inside a mask (1 inside), in whatever dimension they have.

    Parameters
    ----------
    image, mask
        Of the same size and spacing. The planar shape class needs two dimensions; the others also take volumes, as the
        IBSI phantom does.
    bin_count
        Grey levels between the region's minimum and maximum.
    classes
        Which of :data:`CLASSES`.

    Raises
    ------
    ImageError
        With PyRadiomics' own reason.
    """
    import SimpleITK
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    extractor = RadiomicsFeatureExtractor(binCount=bin_count, force2D=False, additionalInfo=False)
    extractor.disableAllFeatures()
    for name in classes:
        extractor.enableFeatureClassByName("shape2D" if name == "shape" else name)
    try:
        # A mask that fills its image has no zero, and PyRadiomics takes it for empty: a rim of zeros prevents that.
        rim = [1] * image.GetDimension()
        values = extractor.execute(SimpleITK.ConstantPad(image, rim, rim), SimpleITK.ConstantPad(mask, rim, rim))
    except (ValueError, RuntimeError) as error:
        raise ImageError(f"PyRadiomics refuses the mask: {error}", fix="redraw the mask") from error
    return {key.removeprefix("original_").replace("shape2D_", "shape_"): float(v) for key, v in values.items()}


def _measure_planar(
    image: NDArray[np.float64], mask: NDArray[np.bool_], side: float, bin_count: int
) -> dict[str, float]:
    """Return what PyRadiomics measures in arrays with pixels of ``side``."""
    import SimpleITK

    whole, region = (SimpleITK.GetImageFromArray(part) for part in (image, mask.astype(np.uint8)))
    for part in (whole, region):
        part.SetSpacing((side, side))
    return measure(whole, region, bin_count)


def _measure_fast(image: NDArray[np.float64], mask: NDArray[np.bool_], side: float, bin_count: int) -> dict[str, float]:
    """Return what :func:`_measure_planar` does, by the fast engine."""
    from radprompt.radiomics_engine.extractor import measure_planar

    return measure_planar(image, mask, (side, side), {"binCount": bin_count}, dict.fromkeys(CLASSES))


def _checked_box(mask: NDArray[np.bool_], resampled: str, fix: str) -> tuple[slice, slice]:
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        raise ImageError(f"{resampled}the mask is empty", fix=fix)
    band = mask[rows[0] : rows[-1] + 1]
    columns = np.flatnonzero(band.any(axis=0))
    area = int(np.count_nonzero(band))
    if area < SMALLEST_MASK:
        raise ImageError(f"{resampled}the mask has {area} pixels, fewer than {SMALLEST_MASK}", fix=fix)
    if 1 in (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1):
        raise ImageError(f"{resampled}the mask is a line, one pixel wide", fix=fix)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _parts(
    pixels: NDArray[np.floating], mask: NDArray[np.bool_], box: tuple[slice, slice], spacing: float, wanted: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Cut out the mass, and resample it to ``wanted`` on the grid that PyRadiomics would lay over the whole image."""
    margin = _MARGIN if wanted != spacing else 0
    cut = tuple(
        slice(max(side.start - margin, 0), min(side.stop + margin, size))
        for side, size in zip(box, pixels.shape, strict=True)
    )
    inside = pixels[cut].astype(np.float64)
    grey = inside[mask[cut]]
    if not np.isfinite(grey).all():
        raise ImageError("pixels inside the mask are not finite", fix="check the image")
    if grey.min() == grey.max():
        raise ImageError("the mass has one grey level only", fix="check the image and the mask")
    if wanted == spacing:
        return inside, mask[cut]
    import SimpleITK

    image = SimpleITK.GetImageFromArray(inside)
    image.SetSpacing((spacing, spacing))
    image.SetOrigin((cut[1].start * spacing, cut[0].start * spacing))
    # The mask stays whole: where a new pixel's centre falls between two old ones, rounding decides, and it would decide
    # otherwise from another origin.
    whole = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    whole.SetSpacing((spacing, spacing))
    grid = _grid(box, pixels.shape, spacing, wanted)
    region = SimpleITK.GetArrayFromImage(_resample(whole, grid, SimpleITK.sitkNearestNeighbor)) > 0
    coarser = f"resampled to {wanted / spacing:.3g} times the pixel size, "
    _checked_box(region, coarser, "resample less, or leave the lesion out")
    return SimpleITK.GetArrayFromImage(_resample(image, grid, SimpleITK.sitkBSpline)), region


class _Grid(NamedTuple):
    """Origin (mm), size and spacing (mm) of a resampled image, x before y."""

    origin: list[float]
    size: list[int]
    spacing: float


def _grid(box: tuple[slice, slice], shape: tuple[int, ...], spacing: float, wanted: float) -> _Grid:
    """Lay PyRadiomics' grid: aligned to the corner of the whole image, and five pixels wider than the mass."""
    ratio = spacing / wanted
    origin, size = [], []
    for side, length in zip(reversed(box), reversed(shape), strict=True):
        lower = max(math.floor((side.start - 0.5) * ratio - 5), 0)
        upper = min(math.ceil((side.stop - 0.5) * ratio + 5), math.ceil(length * ratio) - 1)
        origin.append((0.5 * (wanted - spacing) / spacing + lower / ratio) * spacing)
        size.append(upper - lower + 1)
    return _Grid(origin, size, wanted)


def _resample(image: "SimpleITK.Image", grid: _Grid, interpolator: int) -> "SimpleITK.Image":
    import SimpleITK

    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetOutputSpacing((grid.spacing, grid.spacing))
    resampler.SetOutputOrigin(grid.origin)
    resampler.SetSize(grid.size)
    resampler.SetInterpolator(interpolator)
    return resampler.Execute(image)
