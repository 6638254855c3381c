"""PyRadiomics' extractor whose feature classes are replaced by ours; everything before them is PyRadiomics itself.

Importing this module imports PyRadiomics.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray
from radiomics import getFeatureClasses, imageoperations
from radiomics.featureextractor import RadiomicsFeatureExtractor

from radprompt.radiomics_engine.cooccurrence import co_occurrence
from radprompt.radiomics_engine.firstorder import first_order
from radprompt.radiomics_engine.region import Region
from radprompt.radiomics_engine.shape import planar_shape, shape
from radprompt.radiomics_engine.sizes import dependences, run_lengths, zones
from radprompt.radiomics_engine.tones import grey_tones

Classes = Mapping[str, Sequence[str] | None]
"""Feature classes by PyRadiomics' names, with the features of each; none or an empty list: all."""
CLASSES: dict[str, Callable[[Region], dict[str, float] | None]] = {
    "firstorder": first_order,
    "glcm": co_occurrence,
    "gldm": dependences,
    "glrlm": run_lengths,
    "glszm": zones,
    "ngtdm": grey_tones,
}


class FastExtractor(RadiomicsFeatureExtractor):
    """PyRadiomics' extractor with the same values (relative 1e-9) from less work.

    Loading, checks, normalising, resampling, filters and cutting are inherited. A class whose digits depend on the
    order of operations in a region (no two neighbours, independent levels), and settings that are rare (weighted
    directions, zones plane by plane, deprecated features), are measured by PyRadiomics' own class.
    """

    def computeFeatures(  # noqa: N802 - PyRadiomics' name
        self,
        image: SimpleITK.Image,
        mask: SimpleITK.Image,
        imageTypeName: str,
        **kwargs: Any,
    ) -> "OrderedDict[str, float]":
        """Return the features of one image, cut to the region, by names such as ``original_glcm_Contrast``."""
        inside = SimpleITK.GetArrayViewFromImage(mask) == kwargs.get("label", 1)
        region = Region(SimpleITK.GetArrayViewFromImage(image), inside, image.GetSpacing()[::-1], kwargs)
        classes = {name: chosen for name, chosen in self.enabledFeatures.items() if not name.startswith("shape")}
        found = features(region, classes)
        return OrderedDict((f"{imageTypeName}_{name}", value) for name, value in found.items())

    def computeShape(  # noqa: N802 - PyRadiomics' name
        self,
        image: SimpleITK.Image,
        mask: SimpleITK.Image,
        boundingBox: NDArray[np.int64],
        **kwargs: Any,
    ) -> "OrderedDict[str, float]":
        """Return the shape features of the mask inside the box."""
        name = "shape" if mask.GetDimension() == 3 else "shape2D"
        if list(one for one in self.enabledFeatures if one.startswith("shape")) != [name]:
            return super().computeShape(image, mask, boundingBox, **kwargs)
        _, part = imageoperations.cropToTumorMask(image, mask, boundingBox)
        inside = SimpleITK.GetArrayViewFromImage(part) == kwargs.get("label", 1)
        values = (shape if name == "shape" else planar_shape)(inside, image.GetSpacing()[::-1])
        chosen = self.enabledFeatures[name] or _in_order(values)
        if not set(chosen) <= set(values):
            return super().computeShape(image, mask, boundingBox, **kwargs)
        return OrderedDict((f"original_{name}_{feature}", values[feature]) for feature in chosen)


def measure_planar(
    image: NDArray[np.float64],
    mask: NDArray[np.bool_],
    spacing: tuple[float, float],
    setting: Mapping[str, Any],
    classes: Classes,
) -> dict[str, float]:
    """Return the features of a two-dimensional image by names such as ``shape_Perimeter``, without PyRadiomics' checks.

    Parameters
    ----------
    image
        Grey values, finite inside the mask.
    mask
        Same shape, true inside, in two directions more than one pixel wide.
    spacing
        Pixel size in the order of the axes.
    setting
        PyRadiomics' settings; those of filters, resampling and re-segmentation have no effect.
    classes
        ``shape`` (planar) and any of :data:`CLASSES`.
    """
    box = tuple(slice(lines[0], lines[-1] + 1) for lines in (np.flatnonzero(mask.any(axis)) for axis in (1, 0)))
    region = Region(image[box], mask[box], spacing, setting)
    outline = {}
    if "shape" in classes:
        values = planar_shape(region.mask, spacing)
        outline = {f"shape_{name}": float(values[name]) for name in classes["shape"] or _in_order(values)}
    return outline | features(region, {name: chosen for name, chosen in classes.items() if name != "shape"})


def features(region: Region, classes: Classes) -> dict[str, float]:
    """Return a region's features by names such as ``glcm_Contrast``, in PyRadiomics' order.

    Parameters
    ----------
    region
        Cut to its box.
    classes
        Any of :data:`CLASSES`.
    """
    found: dict[str, float] = {}
    for name, chosen in classes.items():
        values = CLASSES[name](region)
        if values is None or not set(chosen or ()) <= set(values):
            values = _by_pyradiomics(name, region, chosen)
        found |= {f"{name}_{feature}": float(values[feature]) for feature in chosen or _in_order(values)}
    return found


def _in_order(names: Iterable[str]) -> list[str]:
    """Return names of features as PyRadiomics lists them: by the names of the methods that compute them."""
    return sorted(names, key="get{}FeatureValue".format)


def _by_pyradiomics(name: str, region: Region, chosen: Sequence[str] | None) -> dict[str, float]:
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    image, mask = (SimpleITK.GetImageFromArray(part) for part in (region.image, region.mask.astype(np.uint8)))
    for part in (image, mask):
        part.SetSpacing([float(side) for side in region.spacing[::-1]])
    measured = getFeatureClasses()[name](image, mask, **{**region.setting, "label": 1})
    for feature in chosen or ():
        measured.enableFeatureByName(feature)
    return {feature: float(value) for feature, value in measured.execute().items()}
