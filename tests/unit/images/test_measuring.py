"""Features of a region: the cut image gives plain PyRadiomics' bits, planar images the mammogram pipeline's values."""

import logging
from dataclasses import replace
from typing import Any

import made_up
import numpy as np
import pytest
import SimpleITK
from radiomics.featureextractor import RadiomicsFeatureExtractor

from radprompt.core.errors import ImageError
from radprompt.core.params import MaskChoice, Radiomics
from radprompt.images.measuring import measure
from radprompt.images.settings import Settings, load_settings
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.own_table.programs import spoken_names
from radprompt.radiomics_engine.checking import require_equal

CLASSES = dict.fromkeys(("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))


def plain(image: SimpleITK.Image, mask: SimpleITK.Image, settings: Settings) -> dict[str, float]:
    """What PyRadiomics itself gives for the whole image."""
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    extractor = RadiomicsFeatureExtractor(**settings.setting, additionalInfo=False)
    extractor.enabledImagetypes = settings.image_types
    extractor.enabledFeatures = {name: list(own or []) for name, own in settings.classes.items()}
    return {name: float(value) for name, value in extractor.execute(image, mask).items()}


def ragged(seed: int, size: tuple[int, int, int], at: tuple[int, int, int], most: int = 7) -> np.ndarray:
    """A random ragged region whose box begins at ``at`` (z, y, x)."""
    generator = np.random.default_rng(seed)
    mask = np.zeros(tuple(reversed(size)), np.uint8)
    shape = [int(side) for side in generator.integers(3, most, 3)]
    block = generator.random(shape) < 0.7
    block[0, 0, 0] = block[-1, -1, -1] = True
    mask[tuple(slice(start, start + side) for start, side in zip(at, shape, strict=True))] = block
    return mask


def noise(seed: int, size: tuple[int, int, int], kind: Any = np.int16) -> SimpleITK.Image:
    values = np.random.default_rng(seed).normal(100, 80, tuple(reversed(size))).astype(kind)
    image = SimpleITK.GetImageFromArray(values)
    image.SetSpacing((0.7, 0.9, 2.5))
    image.SetOrigin((-13.0, 4.5, 100.25))
    return image


IN_THE_MIDDLE, AT_A_CORNER = (14, 15, 17), (0, 1, 0)
TYPES: dict[str, dict[str, dict[str, Any]]] = {
    "original": {"Original": {}},
    "wavelet": {"Wavelet": {}},
    "two levels": {"Wavelet": {"wavelet": "haar", "start_level": 1, "level": 2}},
    "all": {"Original": {}, "LoG": {"sigma": [2.0, 3.0]}, "Wavelet": {}, "Gradient": {}, "Square": {}},
}


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("at", [IN_THE_MIDDLE, AT_A_CORNER])
@pytest.mark.parametrize("size", [(44, 43, 34), (41, 40, 33)])
def test_the_cut_image_gives_the_bits_of_the_whole(types: str, at: tuple[int, int, int], size) -> None:
    image = noise(1, size, np.int16 if size[0] % 2 else np.float64)
    mask = made_up.like(ragged(2, size, at), image)
    settings = Settings({"binWidth": 20}, TYPES[types], CLASSES)
    expected = plain(image, mask, settings)
    assert measure(image, mask, settings) == expected
    assert len(expected) >= 93


@pytest.mark.parametrize("wavelet", ["db10", "bior3.9", "dmey"])
def test_long_wavelets_leave_no_trace_of_the_cut(wavelet: str) -> None:
    size = (171, 170, 12)
    image = noise(13, size, np.float64)
    mask = made_up.like(ragged(13, size, (4, 81, 83)), image)
    settings = Settings({"binWidth": 20}, {"Wavelet": {"wavelet": wavelet}}, {"firstorder": None, "glcm": None})
    assert measure(image, mask, settings) == plain(image, mask, settings)


@pytest.mark.parametrize("seed", range(30))
def test_random_regions_of_the_original_image_are_equal_bit_by_bit(seed: int) -> None:
    size = (20, 24, 16)
    image = noise(seed, size, np.float32)
    at = tuple(int(start) for start in np.random.default_rng(seed).integers(0, 9, 3))
    mask = made_up.like(ragged(seed, size, at), image)
    settings = Settings({"binCount": 16}, {"Original": {}}, CLASSES)
    assert measure(image, mask, settings) == plain(image, mask, settings)


@pytest.mark.parametrize(
    "setting",
    [
        {"normalize": True, "normalizeScale": 100, "removeOutliers": 3, "binWidth": 5},
        {"resampledPixelSpacing": [2, 2, 2], "binWidth": 25},
        {"resampledPixelSpacing": [0.5, 0.5, 0], "binWidth": 25, "interpolator": "sitkLinear", "padDistance": 9},
        {"resampledPixelSpacing": [0.7, 0.9, 2.5], "binWidth": 25},
        {"resegmentRange": [-2, 2], "resegmentMode": "sigma", "binWidth": 25},
        {"force2D": True, "binWidth": 25},
    ],
)
def test_normalising_resampling_and_resegmenting_are_those_of_the_whole_image(setting: dict[str, Any]) -> None:
    size = (41, 40, 33)
    image, mask = noise(3, size), made_up.like(ragged(4, size, IN_THE_MIDDLE), noise(3, size))
    settings = Settings(setting, {"Original": {}, "Wavelet": {}}, CLASSES)
    assert measure(image, mask, settings) == plain(image, mask, settings)


@pytest.mark.parametrize("at", [(6, 90, 100), (0, 1, 150), (20, 3, 3)])
@pytest.mark.parametrize("kind", [np.int16, np.float64])
def test_a_resampled_lesion_does_not_depend_on_what_is_cut_off(at: tuple[int, int, int], kind: Any) -> None:
    size = (170, 160, 30)
    image = noise(11, size, kind)
    mask = made_up.like(ragged(12, size, at, most=9), image)
    types: dict[str, dict[str, Any]] = {"Original": {}, "LoG": {"sigma": [3.0]}}
    settings = Settings({"binWidth": 20, "resampledPixelSpacing": [1, 1, 1]}, types, CLASSES)
    found, expected = measure(image, mask, settings), plain(image, mask, settings)
    if kind is np.int16:  # resampled values are rounded to whole numbers
        assert found == expected
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    "setting",
    [
        {"binWidth": 20},
        {"binCount": 24, "normalize": True, "normalizeScale": 100, "removeOutliers": 3},
        {"binWidth": 25, "resampledPixelSpacing": [1.5, 1.5, 1.5], "resegmentRange": [-2, 2], "resegmentMode": "sigma"},
    ],
)
def test_the_fast_engine_measures_filtered_images_as_pyradiomics_does(setting: dict[str, Any]) -> None:
    size = (41, 40, 33)
    image = noise(17, size)
    mask = made_up.like(ragged(18, size, IN_THE_MIDDLE, most=12), image)
    settings = Settings(setting, TYPES["all"], CLASSES)
    fast, plainly = (measure(image, mask, replace(settings, engine=engine)) for engine in ("fast", "pyradiomics"))
    assert len(fast) > 1000
    require_equal({"noise": fast}, {"noise": plainly})


def test_a_mask_that_fills_its_image_is_measured() -> None:
    image = noise(5, (7, 6, 5))
    mask = made_up.like(np.ones((5, 6, 7), np.uint8), image)
    found = measure(image, mask, Settings({"binWidth": 20}, {"Original": {}}, CLASSES))
    assert found["original_shape_VoxelVolume"] == pytest.approx(7 * 6 * 5 * 0.7 * 0.9 * 2.5)
    assert found["original_firstorder_Mean"] == pytest.approx(SimpleITK.GetArrayViewFromImage(image).mean())


def test_a_planar_image_has_the_features_of_the_mammogram_pipeline() -> None:
    generator = np.random.default_rng(6)
    pixels = generator.random((60, 70))
    mask = np.zeros(pixels.shape, bool)
    mask[20:39, 25:44] = generator.random((19, 19)) < 0.8
    image, region = (
        SimpleITK.JoinSeries(SimpleITK.GetImageFromArray(part)) for part in (pixels, mask.astype(np.uint8))
    )
    for part in (image, region):
        part.SetSpacing((0.07, 0.07, 1.0))
    found = measure(image, region, load_settings(preset="mammogram"))
    choice = MaskChoice(vindr_mammo="predicted", inbreast="reference")
    expected = extract(pixels, mask, 0.07, Radiomics(bin_count=32, resample_mm=None, shape_unit="mm", masks=choice))
    named = {name.removeprefix("original_").replace("shape2D_", "shape_"): value for name, value in found.items()}
    assert len(named) == 67
    assert named == pytest.approx(expected, rel=1e-12)


def test_one_slice_is_measured_in_the_plane_whatever_force2d_says() -> None:
    image = noise(7, (30, 28, 1))
    mask = np.zeros((1, 28, 30), np.uint8)
    mask[0, 8:20, 9:21] = np.random.default_rng(8).random((12, 12)) < 0.8
    found = [
        measure(image, made_up.like(mask, image), Settings({"binWidth": 20} | force, {"Original": {}}, CLASSES))
        for force in ({}, {"force2D": True})
    ]
    assert found[0] == found[1]
    whole = Settings({"binWidth": 20, "force2D": True, "force2Ddimension": 0}, {"Original": {}}, CLASSES)
    volume = plain(image, made_up.like(mask, image), whole)
    assert {name: found[0][name] for name in volume if "glcm" in name} == pytest.approx(
        {name: value for name, value in volume.items() if "glcm" in name}, rel=1e-12
    )


def test_volumes_are_refused_with_planar_shape_features() -> None:
    image = noise(9, (20, 20, 12))
    mask = made_up.like(ragged(9, (20, 20, 12), (3, 3, 3)), image)
    with pytest.raises(ImageError, match="planar shape features of an image of 12 slices"):
        measure(image, mask, load_settings(preset="mammogram"))


def test_every_feature_of_every_preset_has_a_spoken_name_of_its_own() -> None:
    size = (40, 36, 20)
    image = made_up.tissue()
    mask = made_up.like(made_up.sphere_values(image), image)
    for preset in ("ct", "mr"):
        found = measure(image, mask, load_settings(preset=preset))
        assert len(found) == 14 + 93 * (1 + 4 + 8), size
        names = spoken_names(found)
        assert set(names) == set(found)
        assert len(set(names.values())) == len(found)
    assert names["wavelet-HLH_glcm_Correlation"] == "Correlation of the wavelet HLH"
    assert names["log-sigma-2-0-mm-3D_ngtdm_Contrast"].startswith("Contrast of neighbouring grey tones")
