"""Features of one region by PyRadiomics, the image cut to what they depend on first.

No feature of the original image looks outside the region, so a box of one voxel around it gives the same bits from a
hundredth of the memory. PyRadiomics' wavelet is a chain of finite filters: a voxel depends on fewer than ``dec_len``
voxels a level along each axis, and as many are left around the region; an axis that has fewer stays whole, since the
transform is periodic there. A gradient depends on direct neighbours. A resampled image is PyRadiomics' own, on the grid
of the whole mask, from a cut image whose margin a B-spline forgets. A Laplacian of Gaussian is filtered from the whole
image and cut on the way (:mod:`radprompt.images.laplacian`). Functions scaled by the image's maximum see the whole
image.
"""

import logging
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.params import Engine
from radprompt.images import laplacian
from radprompt.images.settings import Settings

if TYPE_CHECKING:
    import SimpleITK

_SPLINE_MARGIN = 32
"""Voxels beside the new grid. A cubic B-spline's coefficients depend on the whole image, by a factor of 0.27 less with
each voxel (Unser 1999, pole sqrt(3) - 2): 32 voxels leave 1e-18, less than a last digit. Other interpolators look at
neighbours only and are as fast on the whole image, whose ties between whole numbers they then round as PyRadiomics."""
_GRADIENT_MARGIN = 2
"""Voxels: one for the difference of neighbours, one more for the region's own border."""


def measure(image: "SimpleITK.Image", mask: "SimpleITK.Image", settings: Settings) -> dict[str, float]:
    """Return PyRadiomics' features of a region, by their column names such as ``original_glcm_Contrast``.

    An image of one slice is measured in two dimensions, with planar shape features, as PyRadiomics does with
    ``force2D`` on a volume of one slice; a true 2-D image with ``force2D`` would give wrong textures without a word.

    Parameters
    ----------
    image
        Three-dimensional, one number a voxel.
    mask
        1 inside, on the same grid.
    settings
        Classes, filters and resampling to measure with.

    Returns
    -------
    dict
        Values as PyRadiomics gives them; a feature that is not defined for this region is NaN.

    Raises
    ------
    ImageError
        The region is refused by PyRadiomics (its reason is given), holds values that are not finite, or the settings
        are for the other dimension.
    """
    inside = np.asarray(_array(mask), dtype=bool)
    grey = np.asarray(_array(image))
    if not np.isfinite(grey[inside]).all():
        count = int(np.count_nonzero(~np.isfinite(grey[inside])))
        raise ImageError(f"{count} voxels of the region are not finite", fix="check the image")
    setting = settings.setting | {"additionalInfo": False, "label": 1}
    if _sees_all(settings) and not np.isfinite(grey).all():
        raise ImageError(
            "the image has values that are not finite, and the settings filter, resample or normalise all of it",
            fix="replace them, for one by the value of air",
        )
    classes = dict(settings.classes)
    if image.GetSize()[2] == 1:
        image, mask = image[:, :, 0], mask[:, :, 0]
        setting["force2D"] = False
        if "shape" in classes:
            classes = {"shape2D": classes.get("shape2D")} | {
                key: features for key, features in classes.items() if "shape" not in key
            }
        if setting.get("resampledPixelSpacing"):
            setting["resampledPixelSpacing"] = list(setting["resampledPixelSpacing"])[:2]
        if "LoG" in settings.image_types:
            raise ImageError(
                "a Laplacian of Gaussian of PyRadiomics needs four slices, and the image is planar",
                fix="leave LoG out of the settings",
            )
    elif "shape2D" in classes and not setting.get("force2D"):
        raise ImageError(
            f"planar shape features of an image of {image.GetSize()[2]} slices",
            fix="set force2D: true, or use shape instead of shape2D",
        )
    elif len(setting.get("resampledPixelSpacing") or [0] * 3) != 3:
        raise ImageError("resampledPixelSpacing has not three numbers, the image three dimensions", fix="give three")
    import radiomics  # which sets its logger's level, so that ours comes after

    logging.getLogger(radiomics.__name__).setLevel(logging.CRITICAL)
    try:
        values = _execute(image, mask, setting, settings.image_types, classes, settings.engine)
    except (ValueError, RuntimeError, AssertionError, IndexError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(f"PyRadiomics refuses the region: {message[:200]}", fix="check mask and settings") from error
    if "LoG" in settings.image_types:
        _check_log(values, setting | settings.image_types["LoG"])
    return values


def _execute(
    image: "SimpleITK.Image",
    mask: "SimpleITK.Image",
    setting: dict[str, Any],
    image_types: dict[str, dict[str, Any]],
    classes: dict[str, list[str] | None],
    engine: Engine,
) -> dict[str, float]:
    from radiomics import imageoperations

    setting = dict(setting)
    if setting.pop("normalize", False):  # over the whole image, before anything is cut off
        image = imageoperations.normalizeImage(image, **setting)
    if setting.get("resampledPixelSpacing") and setting.get("interpolator", "sitkBSpline"):
        image, mask = _resample(image, mask, setting)
        setting["resampledPixelSpacing"] = None
    values: dict[str, float] = {}
    for margin, names in groupby(image_types, lambda name: _margin(name, setting | image_types[name])):
        types = {name: image_types[name] for name in names}
        if "LoG" in types:
            types = {laplacian.IN_BOX if name == "LoG" else name: options for name, options in types.items()}
            types[laplacian.IN_BOX] = types[laplacian.IN_BOX] | {"whole": image}
        enabled = {key: features for key, features in classes.items() if not values or "shape" not in key}
        values |= _extract(*_cut(image, mask, margin), setting, types, enabled, engine)
    return values


def _extract(
    image: "SimpleITK.Image",
    mask: "SimpleITK.Image",
    setting: dict[str, Any],
    image_types: dict[str, dict[str, Any]],
    classes: dict[str, list[str] | None],
    engine: Engine,
) -> dict[str, float]:
    import SimpleITK
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    if set(image_types) <= {"Original", laplacian.IN_BOX} and _array(mask).all():
        # PyRadiomics takes a mask without a zero for empty. A rim changes nothing of these images' features.
        rim = [1] * image.GetDimension()
        image, mask = SimpleITK.ConstantPad(image, rim, rim), SimpleITK.ConstantPad(mask, rim, rim)
    kind = RadiomicsFeatureExtractor
    if engine == "fast":
        from radprompt.radiomics_engine.extractor import FastExtractor

        kind = FastExtractor
    extractor = kind(**setting)
    laplacian.register()
    extractor.enabledImagetypes = image_types
    extractor.enabledFeatures = {name: list(features or []) for name, features in classes.items()}
    values = extractor.execute(image, mask)
    return {key: float(value) for key, value in values.items()}


def _margin(image_type: str, setting: dict[str, Any]) -> int | None:
    """Return how many voxels around the region an image type depends on; None: all."""
    if image_type in ("Original", "LoG"):  # of which the Laplacian is handed the whole image
        return 1
    if image_type == "Gradient":
        return _GRADIENT_MARGIN
    if image_type == "Wavelet":
        import pywt

        levels = int(setting.get("start_level", 0)) + int(setting.get("level", 1))
        return int(pywt.Wavelet(setting.get("wavelet", "coif1")).dec_len) * levels
    return None


def _cut(
    image: "SimpleITK.Image", mask: "SimpleITK.Image", margin: int | None
) -> tuple["SimpleITK.Image", "SimpleITK.Image"]:
    if margin is None:
        return image, mask
    return _box(image, mask, [margin] * 3, ends=margin > 1), _box(mask, mask, [margin] * 3, ends=margin > 1)


def _box(
    image: "SimpleITK.Image", mask: "SimpleITK.Image", margins: Sequence[int], *, ends: bool = False
) -> "SimpleITK.Image":
    """Cut out the region with margins (x, y, z; voxels).

    With ``ends`` an axis that has less room stays whole: a filter wraps round or mirrors at the image's end, which must
    stay where it is.
    """
    import SimpleITK

    inside = np.argwhere(_array(mask))[:, ::-1]
    start: list[int] = []
    size: list[int] = []
    for low, high, side, margin in zip(inside.min(0), inside.max(0), image.GetSize(), margins, strict=False):
        first, last = int(low) - margin, int(high) + margin
        if ends and (first < 0 or last >= side):
            first, last = 0, side - 1
        start.append(max(first, 0))
        size.append(min(last, side - 1) - start[-1] + 1)
    return SimpleITK.RegionOfInterest(image, size, start)


def _resample(
    image: "SimpleITK.Image", mask: "SimpleITK.Image", setting: dict[str, Any]
) -> tuple["SimpleITK.Image", "SimpleITK.Image"]:
    """Return PyRadiomics' resampled image and mask around the region; its grid starts at the whole mask's corner."""
    import SimpleITK
    from radiomics import imageoperations

    options: dict[str, Any] = {"interpolator": "sitkBSpline", "padDistance": 5} | setting  # PyRadiomics' defaults
    if options["interpolator"] == "sitkBSpline":
        spacing = np.array(image.GetSpacing())
        wanted = np.array(options["resampledPixelSpacing"], dtype=float)
        beside = np.maximum(wanted, spacing) * (int(options["padDistance"]) + 2) / spacing + _SPLINE_MARGIN
        image = _box(image, mask, np.ceil(beside).astype(int).tolist())
    return imageoperations.resampleImage(image, SimpleITK.Cast(mask, SimpleITK.sitkUInt32), **options)


def _check_log(values: dict[str, float], setting: dict[str, Any]) -> None:
    """Raise where PyRadiomics left out a Laplacian of Gaussian with a warning: the table would lack columns."""
    for sigma in setting["sigma"]:
        prefix = f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D_"
        if not any(name.startswith(prefix) for name in values):
            raise ImageError(
                f"too few voxels along one side for a Laplacian of Gaussian of {sigma:g} mm",
                fix="leave that sigma out, raise padDistance, or give an image with more slices",
            )


def _sees_all(settings: Settings) -> bool:
    setting = settings.setting
    return bool(
        setting.get("normalize") or setting.get("resampledPixelSpacing") or set(settings.image_types) - {"Original"}
    )


def _array(image: "SimpleITK.Image") -> np.ndarray:
    import SimpleITK

    return SimpleITK.GetArrayViewFromImage(image)
