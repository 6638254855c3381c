"""Features of a data set's lesions: each image decoded once, each lesion measured or left out with a reason."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from radprompt.core.compute import parallel_map
from radprompt.core.errors import ImageError
from radprompt.core.params import Compute, Radiomics
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.radiomics_engine.checking import require_equal, sample
from radprompt.tables.lesions import Lesion

MIXED_UNITS = (
    "pixel spacing unknown, while other lesions of the data set are measured in mm (radiomics.shape_unit: px keeps it)"
)

Outcome = dict[str, float] | str
"""The features of a lesion, or the reason why it has none."""


def measure(
    lesions: list[Lesion], mask_of: Callable[[Lesion], Path], compute: Compute, settings: Radiomics
) -> dict[str, Outcome]:
    """Return the outcome of each lesion by ``lesion_id``, in the order given.

    Parameters
    ----------
    lesions
        Of one data set. With ``shape_unit: mm``, lesions of unknown spacing are left out where others have one, since
        a column of millimetres and pixels means nothing. Where none is known, all are measured in pixels.
    mask_of
        Where the mask of a lesion lies.
    compute, settings
        How the images are spread over processes; PyRadiomics' settings. With ``engine: fast`` PyRadiomics measures a
        sample of the lesions as well.

    Raises
    ------
    InputError
        The fast engine differs from PyRadiomics.
    """
    known = [math.isfinite(lesion.spacing_mm) for lesion in lesions]
    mixed = settings.shape_unit == "mm" and any(known) and not all(known)
    outcomes: dict[str, Outcome] = {lesion.lesion_id: MIXED_UNITS for lesion in lesions}
    images: dict[str, list[tuple[Lesion, Path]]] = {}
    for lesion, has_spacing in zip(lesions, known, strict=True):
        if has_spacing or not mixed:
            images.setdefault(lesion.image_path, []).append((lesion, mask_of(lesion)))
    for measured in parallel_map(measure_image, list(images.values()), compute, "radiomics", settings=settings):
        outcomes.update(measured)
    if settings.engine == "fast":
        _check_engine(outcomes, list(images.values()), compute, settings)
    return outcomes


def _check_engine(
    outcomes: dict[str, Outcome], images: list[list[tuple[Lesion, Path]]], compute: Compute, settings: Radiomics
) -> None:
    """Measure a sample of the lesions by PyRadiomics itself; an InputError says where it differs."""
    chosen = set(sample([lesion.lesion_id for image in images for lesion, _ in image]))
    again = [[pair for pair in image if pair[0].lesion_id in chosen] for image in images]
    plain: dict[str, Outcome] = {}
    by_pyradiomics = replace(settings, engine="pyradiomics")
    rest = [image for image in again if image]
    for measured in parallel_map(measure_image, rest, compute, "by PyRadiomics too", settings=by_pyradiomics):
        plain.update(measured)
    require_equal(outcomes, plain)


def measure_image(lesions: list[tuple[Lesion, Path]], settings: Radiomics) -> dict[str, Outcome]:
    """Decode one image and measure its lesions, each with the file of its mask."""
    try:
        pixels = read_mammogram(lesions[0][0].image_path).pixels
    except ImageError as error:
        return {lesion.lesion_id: _reason(error) for lesion, _ in lesions}
    outcomes: dict[str, Outcome] = {}
    for lesion, mask in lesions:
        try:
            outcomes[lesion.lesion_id] = extract(pixels, read_mask(mask), lesion.spacing_mm, settings)
        except ImageError as error:
            outcomes[lesion.lesion_id] = _reason(error)
    return outcomes


def _reason(error: ImageError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what
