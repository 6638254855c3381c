"""The fast engine against PyRadiomics: ragged and degenerate regions of two and three dimensions, rare settings."""

import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from golden_features import CASES, measured, picture, radiomics, star
from radiomics import cShape
from radiomics.featureextractor import RadiomicsFeatureExtractor

from radprompt.core.errors import InputError
from radprompt.core.params import Compute
from radprompt.mammograms.radiomics import cohort
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.radiomics_engine import cooccurrence, extractor
from radprompt.radiomics_engine.checking import require_equal, sample
from radprompt.radiomics_engine.firstorder import _percentiles
from radprompt.radiomics_engine.mesh import diameters, surface_and_volume
from radprompt.tables.feature_names import FEATURES

TEXTURES = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyRadiomics divides by zero in degenerate regions."""
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def by_both(
    pixels: np.ndarray, mask: np.ndarray, spacing: tuple[float, ...], setting: dict[str, Any]
) -> list[dict[str, float] | str]:
    """The features by the fast engine and by PyRadiomics; its reason where it refuses the region."""
    image, region = SimpleITK.GetImageFromArray(pixels), SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    for part in (image, region):
        part.SetSpacing(spacing)
    outcomes: list[dict[str, float] | str] = []
    for kind in (extractor.FastExtractor, RadiomicsFeatureExtractor):
        measuring = kind(additionalInfo=False, **setting)
        measuring.enabledFeatures = {"shape" if mask.ndim == 3 else "shape2D": [], **{key: [] for key in TEXTURES}}
        try:
            outcomes.append({name: float(value) for name, value in measuring.execute(image, region).items()})
        except ValueError as error:
            outcomes.append(str(error))
    return outcomes


def draw(seed: int) -> tuple[np.ndarray, np.ndarray, tuple[float, ...], dict[str, Any]]:
    """A random image, a ragged region of one or many pieces, a spacing and settings."""
    generator = np.random.default_rng(seed)
    dimensions = 2 + seed % 2
    shape = generator.integers(3, (0, 0, 28, 13)[dimensions], dimensions)
    grey = generator.normal(size=shape).cumsum(0) * generator.choice([1, 10, 100])
    grey = grey.astype(generator.choice(["int16", "float32", "float64"]))
    mask = generator.random(shape) < generator.choice([0.1, 0.4, 0.8, 1])
    spacing = tuple(float(side) for side in generator.choice([0.07, 0.7, 1, 2.5, 1 / 3], dimensions))
    setting: dict[str, Any] = {"binCount": int(generator.integers(2, 50))}
    if generator.random() < 0.5:
        setting = {"binWidth": float(np.ptp(grey)) / 20 + 0.5}
    rare = {"symmetricalGLCM": False, "gldm_a": 1, "distances": [1, 2], "weightingNorm": "euclidean", "force2D": True}
    for name, value in rare.items():
        if generator.random() < 0.15 and (name != "force2D" or dimensions == 3):
            setting[name] = value
    return np.pad(grey, 1), np.pad(mask, 1), spacing, setting


@pytest.mark.parametrize("batch", range(6))
def test_ragged_regions_have_pyradiomics_values(batch: int) -> None:
    compared = 0
    for seed in range(40 * batch, 40 * batch + 40):
        fast, plain = by_both(*draw(seed))
        require_equal({f"seed {seed}": fast}, {f"seed {seed}": plain})
        if isinstance(fast, dict):
            compared += 1
        else:
            assert fast == plain
    assert compared > 25


def blank(*ones: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros((9, 8, 7), bool)
    for place in ones:
        mask[place] = True
    return mask


BLOCK = np.pad(np.ones((5, 4, 3), bool), 2)
DEGENERATE: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "flat grey": (np.full((9, 8, 7), 42.0), BLOCK),
    "two levels": (np.indices((9, 8, 7)).sum(0) % 2 * 50.0, BLOCK),
    "levels independent of neighbours": (np.random.default_rng(0).integers(0, 2, (9, 8, 7)) * 50.0, BLOCK),
    "no two neighbours": (np.arange(504.0).reshape(9, 8, 7), blank((1, 1, 1), (4, 4, 1), (4, 1, 4), (7, 6, 5))),
    "two voxels across": (np.arange(504.0).reshape(9, 8, 7), blank((4, 4, 4), (5, 5, 5))),
    "an oblique plane": (
        np.random.default_rng(1).normal(size=(9, 8, 7)) * 99,
        blank(*((y, y, x) for y in range(1, 8) for x in range(1, 6))),
    ),
    "one slice": (
        np.random.default_rng(2).normal(size=(9, 8, 7)) * 99,
        blank(*((4, y, 3) for y in range(2, 6)), (4, 3, 4)),
    ),
    "several pieces": (
        np.random.default_rng(3).normal(size=(9, 8, 7)) * 99,
        BLOCK & (np.indices((9, 8, 7))[0] != 4),
    ),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_regions_have_pyradiomics_values(name: str) -> None:
    fast, plain = by_both(*DEGENERATE[name], (0.7, 0.9, 2.5), {"binWidth": 25})
    assert isinstance(plain, dict)
    require_equal({name: fast}, {name: plain})


def test_one_voxel_is_refused_by_both() -> None:
    grey = np.arange(504.0).reshape(9, 8, 7)
    fast, plain = by_both(grey, blank((4, 4, 4)), (1.0, 1.0, 1.0), {"binWidth": 25})
    assert fast == plain == "mask only contains 1 segmented voxel! Cannot extract features for a single voxel."
    one = by_both(grey, blank((4, 4, 4)), (1.0, 1.0, 1.0), {"binWidth": 25, "minimumROIDimensions": 0})
    assert one[0] == one[1]


@pytest.mark.parametrize("seed", range(12))
def test_mesh_and_diameters_are_those_of_all_pairs(seed: int) -> None:
    """The C code is PyRadiomics'; ambiguous cubes leave holes in its mesh, whose volume then depends on the place."""
    generator = np.random.default_rng(seed)
    mask = np.pad(generator.random(generator.integers(1, 16, 3)) < (0.1, 0.5, 0.9, 1)[seed % 4], 1)
    mask[1, 1, 1] = True
    spacing = tuple(float(side) for side in generator.choice([0.07, 0.7, 1, 2.5, 1 / 3], 3))
    area, volume, across = cShape.calculate_coefficients(mask, np.array(spacing))
    assert surface_and_volume(mask, spacing) == pytest.approx((area, volume), rel=1e-11)
    assert diameters(mask, spacing) == pytest.approx(across, rel=1e-12)


def test_a_large_lesion_goes_through_hull_and_planes() -> None:
    z, y, x = np.indices((26, 41, 40)) - np.array([13, 20, 20]).reshape(3, 1, 1, 1)
    mask = np.hypot(np.hypot(x, y), 1.5 * z) < 17 * (1 + 0.1 * np.cos(5 * np.arctan2(y, x)))
    grey = np.random.default_rng(4).normal(size=mask.shape).cumsum(1) * 30
    fast, plain = by_both(grey, mask, (0.8, 0.8, 1.5), {"binWidth": 10})
    require_equal({"large": fast}, {"large": plain})
    assert isinstance(fast, dict)
    assert fast["original_shape_VoxelVolume"] == pytest.approx(np.count_nonzero(mask) * 0.8 * 0.8 * 1.5)


def test_chosen_and_deprecated_features_come_as_pyradiomics_lists_them() -> None:
    pixels, mask, spacing, _ = draw(0)
    image, region = SimpleITK.GetImageFromArray(pixels), SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    chosen = {
        "glcm": ["Contrast", "Autocorrelation"],
        "firstorder": ["StandardDeviation", "Mean"],
        "shape2D": ["Perimeter"],
    }
    found = []
    for kind in (extractor.FastExtractor, RadiomicsFeatureExtractor):
        measuring = kind(additionalInfo=False, binCount=8)
        measuring.enabledFeatures = chosen
        found.append(list(measuring.execute(image, region)))
    assert found[0] == found[1]
    assert found[0][0] == "original_shape2D_Perimeter"
    assert len(spacing) == 2


def test_golden_masses_have_pyradiomics_values() -> None:
    """Among them one resampled, one in pixels, one with a hole."""
    golden = measured().set_index("case")
    for name, case in CASES.items():
        fast = extract(picture(), case.mask, case.spacing_mm, replace(case.settings, engine="fast"))
        assert tuple(fast) == FEATURES
        require_equal({name: fast}, {name: dict(golden.loc[name])})


def test_a_seeded_share_of_the_cases_is_measured_twice() -> None:
    cases = [f"lesion {number}" for number in range(151)]
    assert len(sample(cases)) == 4
    assert sample(cases) == sample(cases[::-1])
    assert sample(cases) != sample(cases, seed=1)
    assert sample(["alone"]) == ["alone"]
    assert sample([]) == []


def test_outcomes_differ_where_one_engine_measures_and_the_other_refuses() -> None:
    require_equal({"a": {"x": 1.0, "y": None}}, {"a": {"x": 1.0 + 1e-10, "y": float("nan")}})
    with pytest.raises(InputError, match=r"x of a: 1\.0 by fast, 1\.00000001 by PyRadiomics"):
        require_equal({"a": {"x": 1.0}}, {"a": {"x": 1.00000001}})
    with pytest.raises(InputError, match=r"a: no features \(empty\) by fast, 1 features by PyRadiomics"):
        require_equal({"a": "empty"}, {"a": {"x": 1.0}})
    with pytest.raises(InputError, match=r"y of a: 1\.0 by fast, nan by PyRadiomics"):
        require_equal({"a": {"y": 1.0}}, {"a": {"y": float("nan")}})


def test_a_spoilt_formula_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from test_radiomics_cohort import lesion

    from radprompt.mammograms.imaging.contours import write_mask

    write_mask(tmp_path / "mask.png", star(80, 70, 30, 5, 0.2))
    monkeypatch.setattr(cohort, "read_mammogram", lambda _: SimpleNamespace(pixels=picture()))
    alone, settings = Compute(backend="threading", workers=1), replace(radiomics(), engine="fast")
    lesions = [lesion(f"lesion{number}", "image") for number in range(3)]

    def run() -> dict[str, cohort.Outcome]:
        return cohort.measure(lesions, lambda _: tmp_path / "mask.png", alone, settings)

    assert list(run()) == [one.lesion_id for one in lesions]
    right = cooccurrence.co_occurrence
    spoilt = lambda region: {**(right(region) or {}), "Contrast": 12.5}  # noqa: E731
    monkeypatch.setitem(extractor.CLASSES, "glcm", spoilt)
    (chosen,) = sample([one.lesion_id for one in lesions])
    with pytest.raises(InputError, match=rf"glcm_Contrast of {chosen}: 12\.5 by fast, \d+\.\d+ by PyRadiomics"):
        run()


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 240, 241, 12_345])
@pytest.mark.parametrize("step", [0.0, 0.1, 1.0])
def test_percentiles_of_sorted_values_are_numpys_to_the_digit(count: int, step: float) -> None:
    generator = np.random.default_rng(count)
    values = np.sort(generator.integers(0, 9, count) * step if step else generator.normal(size=count))
    wanted = (10, 25, 50, 75, 90)
    np.testing.assert_array_equal(_percentiles(values, wanted), np.percentile(values, wanted))
