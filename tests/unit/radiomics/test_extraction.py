import logging
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import SimpleITK
from golden_features import CASES, TABLE, measured, picture, radiomics, star

from radprompt.core.errors import ImageError, InputError
from radprompt.mammograms.radiomics.extraction import SMALLEST_MASK, extract
from radprompt.tables.feature_names import FEATURES


def plain_pyradiomics(
    pixels: np.ndarray, mask: np.ndarray, spacing: float, bin_count: int, resample_mm: float | None
) -> dict[str, float]:
    """PyRadiomics as its manual calls it, on the whole image."""
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    resampling = {} if resample_mm is None else {"resampledPixelSpacing": [resample_mm, resample_mm]}
    extractor = RadiomicsFeatureExtractor(binCount=bin_count, additionalInfo=False, **resampling)
    extractor.disableAllFeatures()
    for name in ("shape2D", "firstorder", "glcm", "glszm"):
        extractor.enableFeatureClassByName(name)
    image, region = SimpleITK.GetImageFromArray(pixels.astype(float)), SimpleITK.GetImageFromArray(mask.astype("uint8"))
    for part in (image, region):
        part.SetSpacing((spacing, spacing))
    values = extractor.execute(image, region)
    return {k.removeprefix("original_").replace("shape2D", "shape"): float(v) for k, v in values.items()}


@pytest.fixture(scope="module")
def mammogram() -> np.ndarray:
    grey = np.random.default_rng(5).normal(size=(700, 500)).cumsum(axis=0).cumsum(axis=1)
    return ((grey - grey.min()) / np.ptp(grey)).astype(np.float32)


def mass(shape: tuple[int, int], row: float, column: float, radius: float) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = np.arctan2(y - row, x - column)
    return np.hypot(y - row, x - column) < radius * (1 + 0.3 * np.sin(5 * angle))


@pytest.mark.parametrize("place", [(350, 240), (30, 470)], ids=["inside", "in the corner"])
@pytest.mark.parametrize("resample_mm", [None, 0.1, 0.05, 0.0823, 0.07], ids=str)
def test_equals_plain_pyradiomics_on_the_whole_image(
    mammogram: np.ndarray, place: tuple[int, int], resample_mm: float | None
) -> None:
    mask = mass(mammogram.shape, *place, 45)
    ours = extract(mammogram, mask, 0.07, radiomics(resample_mm=resample_mm))
    theirs = plain_pyradiomics(mammogram, mask, 0.07, 32, resample_mm)
    assert set(ours) == set(theirs)
    for key in FEATURES:
        assert ours[key] == pytest.approx(theirs[key], rel=1e-9, abs=1e-9), key


def test_golden_values() -> None:
    golden = pd.read_csv(TABLE)
    now = measured()
    assert list(golden.columns) == list(now.columns) == ["case", *FEATURES]
    assert list(golden["case"]) == list(now["case"]) == list(CASES)
    np.testing.assert_allclose(now[list(FEATURES)], golden[list(FEATURES)], rtol=1e-7, atol=1e-10)


def test_a_disc_is_a_disc() -> None:
    values = extract(picture(), star(80, 70, 40, 0, 0.0), 0.1, radiomics())
    assert values["shape_PixelSurface"] == pytest.approx(np.pi * 4**2, rel=0.01)
    assert values["shape_MaximumDiameter"] == pytest.approx(8, rel=0.02)
    assert values["shape_Elongation"] == pytest.approx(1, abs=0.01)
    assert values["shape_Sphericity"] == pytest.approx(1, abs=0.06)


def test_first_order_is_numpy_on_the_mask() -> None:
    pixels, case = picture(), CASES["round"]
    values, inside = extract(pixels, *case), pixels[case.mask].astype(float)
    assert values["firstorder_Mean"] == pytest.approx(inside.mean(), rel=1e-12)
    assert values["firstorder_Maximum"] == inside.max()
    assert values["firstorder_Variance"] == pytest.approx(inside.var(), rel=1e-12)
    assert values["firstorder_90Percentile"] == pytest.approx(np.percentile(inside, 90), rel=1e-12)


def test_order_of_keys_is_the_catalogue() -> None:
    assert tuple(extract(picture(), *CASES["round"])) == FEATURES


def test_what_lies_outside_the_mask_does_not_matter() -> None:
    case = CASES["holed_in_pixels"]
    noise = np.where(case.mask, picture(), np.random.default_rng(0).random(case.mask.shape)).astype(np.float32)
    assert extract(noise, *case) == extract(picture(), *case)


def test_spacing_scales_shape_and_leaves_texture_alone() -> None:
    pixels, mask = picture(), CASES["round"].mask
    one, two = (extract(pixels, mask, spacing, radiomics()) for spacing in (0.1, 0.2))
    assert two["shape_Perimeter"] == pytest.approx(2 * one["shape_Perimeter"])
    assert two["shape_PixelSurface"] == pytest.approx(4 * one["shape_PixelSurface"])
    assert two["shape_Sphericity"] == pytest.approx(one["shape_Sphericity"])
    assert {k: v for k, v in one.items() if k.startswith("gl")} == {k: v for k, v in two.items() if k.startswith("gl")}


def test_pixels_are_the_unit_where_asked_or_where_spacing_is_unknown() -> None:
    pixels, mask = picture(), CASES["round"].mask
    asked = extract(pixels, mask, 0.1, radiomics(shape_unit="px"))
    unknown = extract(pixels, mask, float("nan"), radiomics())
    assert asked == unknown
    assert asked["shape_PixelSurface"] == mask.sum()


def test_grey_levels_are_relative_to_the_mass() -> None:
    """Equal bins between the mass's own extremes: brightness and contrast of the image leave texture as it is."""
    pixels, mask = picture(), CASES["round"].mask
    plain, dimmed = (extract(p, mask, 0.1, radiomics(8)) for p in (pixels.astype(float), pixels * 0.5 + 0.25))
    assert dimmed["glcm_JointEntropy"] == pytest.approx(plain["glcm_JointEntropy"], rel=1e-3)
    assert dimmed["firstorder_Mean"] == pytest.approx(plain["firstorder_Mean"] * 0.5 + 0.25, rel=1e-6)


def test_a_rectangle_that_fills_its_box_is_measured() -> None:
    """PyRadiomics takes an image whose mask has no zero for an image without a mask."""
    mask = np.zeros(picture().shape, dtype=bool)
    mask[20:60, 30:80] = True
    assert extract(picture(), mask, 0.1, radiomics())["shape_PixelSurface"] == pytest.approx(40 * 50 * 0.01)
    whole = extract(picture(), np.ones_like(mask), 0.1, radiomics())
    assert whole["firstorder_Maximum"] == 1


@pytest.mark.parametrize(
    ("pixels", "mask", "spacing", "resample", "words"),
    [
        (np.eye(30), np.zeros((30, 30)), 0.1, None, "empty"),
        (np.eye(30), np.pad(np.ones((3, 5)), 10), 0.1, None, r"mask has 23 x 25 pixels, the image 30 x 30"),
        (
            np.eye(30),
            np.pad(np.ones((3, 5)), ((10, 17), (10, 15))),
            0.1,
            None,
            f"15 pixels, fewer than {SMALLEST_MASK}",
        ),
        (np.eye(30), np.pad(np.ones((1, 20)), ((10, 19), (5, 5))), 0.1, None, "line"),
        (np.ones((30, 30)), np.pad(np.ones((10, 10)), 10), 0.1, None, "one grey level"),
        (np.full((30, 30), np.nan), np.pad(np.ones((10, 10)), 10), 0.1, None, "not finite"),
        (np.eye(30), np.pad(np.ones((10, 10)), 10), float("nan"), 0.2, "spacing unknown"),
        (
            np.eye(30),
            np.pad(np.ones((10, 10)), 10),
            0.1,
            5.0,
            "resampled to 50 times the pixel size, the mask is empty",
        ),
    ],
    ids=["empty", "shape", "small", "line", "flat", "nan", "spacing", "vanishes"],
)
def test_a_mass_that_cannot_be_measured_says_why(
    pixels: np.ndarray, mask: np.ndarray, spacing: float, resample: float | None, words: str
) -> None:
    with pytest.raises(ImageError, match=words):
        extract(pixels, mask.astype(bool), spacing, radiomics(resample_mm=resample))


@pytest.mark.parametrize("place", [(350, 240), (30, 470)], ids=["inside", "in the corner"])
@pytest.mark.parametrize("factor", [2, 3])
def test_downsampling_is_plain_pyradiomics_at_so_many_times_the_spacing(
    mammogram: np.ndarray, place: tuple[int, int], factor: int
) -> None:
    mask = mass(mammogram.shape, *place, 45)
    ours = extract(mammogram, mask, 0.07, radiomics(128, downsample=factor))
    theirs = plain_pyradiomics(mammogram, mask, 0.07, 128, 0.07 * factor)
    for key in FEATURES:
        assert ours[key] == pytest.approx(theirs[key], rel=1e-9, abs=1e-9), key
    assert ours["shape_PixelSurface"] == pytest.approx(mask.sum() * 0.07**2, rel=0.03)


def test_downsampling_needs_no_spacing_and_counts_in_pixels_as_acquired(mammogram: np.ndarray) -> None:
    mask = mass(mammogram.shape, 350, 240, 45)
    unknown = extract(mammogram, mask, float("nan"), radiomics(downsample=3))
    in_pixels = extract(mammogram, mask, 0.07, radiomics(downsample=3, shape_unit="px"))
    for key in FEATURES:
        assert unknown[key] == pytest.approx(in_pixels[key], rel=1e-9), key
    theirs = plain_pyradiomics(mammogram, mask, 1.0, 32, 3.0)
    assert unknown["glszm_ZoneEntropy"] == pytest.approx(theirs["glszm_ZoneEntropy"], rel=1e-9)
    assert unknown["shape_PixelSurface"] == pytest.approx(mask.sum(), rel=0.03)


def test_no_downsampling_measures_the_pixels_themselves() -> None:
    case = CASES["round"]
    assert extract(picture(), *case) == extract(picture(), case.mask, case.spacing_mm, radiomics(downsample=1))
    inside = picture()[case.mask].astype(float)
    assert extract(picture(), *case)["firstorder_Maximum"] == inside.max()


@pytest.mark.parametrize(
    ("sides", "reason"),
    [((9, 9), "resampled to 3 times the pixel size, the mask has 9 pixels, fewer than 16"), ((4, 60), "a line")],
)
def test_a_mass_that_downsampling_shrinks_away_says_so(sides: tuple[int, int], reason: str) -> None:
    mask = np.zeros(picture().shape, dtype=bool)
    mask[60 : 60 + sides[0], 30 : 30 + sides[1]] = True
    assert extract(picture(), mask, 0.1, radiomics())["shape_PixelSurface"] == pytest.approx(mask.sum() * 0.01)
    with pytest.raises(ImageError, match=reason):
        extract(picture(), mask, 0.1, radiomics(downsample=3))


def test_two_ways_to_resample_are_one_too_many() -> None:
    with pytest.raises(InputError, match=r"downsample 3 and resample_mm 0\.2") as refused:
        extract(picture(), CASES["round"].mask, 0.1, radiomics(resample_mm=0.2, downsample=3))
    assert not isinstance(refused.value, ImageError), "an ImageError would leave out one lesion after the other"


def test_pyradiomics_keeps_quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.DEBUG):
        extract(picture(), *CASES["round"])
    assert not [record for record in caplog.records if record.name.startswith("radiomics")]
    assert capfd.readouterr() == ("", "")


def test_importing_names_costs_no_pyradiomics() -> None:
    module = "radprompt.mammograms.radiomics.extraction"
    code = f"import sys, {module}; print('radiomics' in sys.modules, 'SimpleITK' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
