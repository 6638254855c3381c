"""Perturbed contours, and features judged on them."""

from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import pandas as pd
import pytest
import SimpleITK

from radprompt.core.errors import ImageError, InputError
from radprompt.core.params import Compute
from radprompt.evaluation.intraclass import intraclass
from radprompt.images.perturbing import Perturbation, perturbed
from radprompt.images.robustness import PERTURBED, REPEATED, ROBUSTNESS, STABLE, run_robustness
from radprompt.images.settings import Settings
from radprompt.images.study import CHECKED, run_study
from radprompt.radiomics_engine import extractor, firstorder
from radprompt.radiomics_engine.checking import sample

SETTING = Settings({"binWidth": 25}, {"Original": {}}, {"firstorder": None, "shape": ["VoxelVolume", "Elongation"]})
ONE = Compute("loky", 1)
STILL = Perturbation(0.0, 0.0, 0.0)


def array(image: SimpleITK.Image) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(image) > 0


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * int((one & other).sum()) / int(one.sum() + other.sum())


def test_without_any_movement_the_contour_stays() -> None:
    np.testing.assert_array_equal(array(perturbed(made_up.sphere(), "a", 0, 1, STILL)), array(made_up.sphere()))


def test_a_draw_is_fixed_by_seed_case_and_number_alone() -> None:
    first = array(perturbed(made_up.sphere(), "a", 0, 1))
    np.testing.assert_array_equal(first, array(perturbed(made_up.sphere(), "a", 0, 1)))
    for other in (("b", 0, 1), ("a", 1, 1), ("a", 0, 2)):
        assert (first != array(perturbed(made_up.sphere(), *other))).any()


def test_the_volume_changes_within_its_bound_and_the_region_stays_itself() -> None:
    sphere = array(made_up.sphere())
    drawn = [array(perturbed(made_up.sphere(), "a", draw, 1)) for draw in range(60)]
    changes = np.array([mask.sum() / sphere.sum() - 1 for mask in drawn])
    assert (np.abs(changes) <= 0.15 + 1e-3).all()
    assert changes.std() == pytest.approx(0.15 / np.sqrt(3), rel=0.3)
    assert min(dice(mask, sphere) for mask in drawn) > 0.8


def test_a_shift_moves_the_centre_as_far_as_it_says() -> None:
    how = Perturbation(shift_voxels=1.0, volume=0.0, roughness_voxels=0.0)
    centre = np.argwhere(array(made_up.sphere())).mean(0)
    moves = [np.argwhere(array(perturbed(made_up.sphere(), "a", draw, 1, how))).mean(0) - centre for draw in range(40)]
    assert np.abs(moves).max() < 1.1
    assert np.std(moves) == pytest.approx(1 / np.sqrt(3), rel=0.2)


def test_roughness_displaces_the_outline_by_its_standard_deviation() -> None:
    size = (81, 81, 1)
    image = SimpleITK.Image(*size, SimpleITK.sitkUInt8)
    image.SetSpacing((0.5, 0.5, 1.0))
    y, x = np.mgrid[:81, :81] - 40
    disc = (x**2 + y**2 <= 25**2)[None]
    how = Perturbation(shift_voxels=0.0, volume=0.0, roughness_voxels=1.5)
    outline = []
    for draw in range(20):
        mask = array(perturbed(made_up.like(disc.astype(np.uint8), image), "a", draw, 1, how))
        assert mask.sum() == disc.sum()
        angles = np.arctan2(y, x)[mask[0]]
        radii = np.hypot(x, y)[mask[0]]
        outline += [radii[np.abs(angles - angle) < 0.1].max() for angle in np.linspace(-3, 3, 24)]
    assert np.std(outline) == pytest.approx(1.5, rel=0.3)


def test_a_region_that_fills_its_image_cannot_be_moved() -> None:
    image = SimpleITK.Image(6, 5, 4, SimpleITK.sitkUInt8) + 1
    with pytest.raises(ImageError, match="fills the image"):
        perturbed(image, "a", 0, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight spheres of their own size and grey value; one voxel at the rim of each is far brighter than the others."""
    folder = tmp_path_factory.mktemp("robustness")
    rows = []
    for number in range(8):
        generator = np.random.default_rng(number)
        off = np.linalg.norm(made_up.voxels(made_up.grid()) - made_up.CENTRE, axis=-1)
        inside = off <= 6 + number
        values = generator.normal(40 * number, 10, inside.shape)
        rim = np.argwhere((off > 6 + number - 0.9) & inside)
        values[tuple(generator.permutation(rim)[:1].T)] = generator.uniform(3000, 9000)
        made_up.save(made_up.like(np.round(values).astype(np.int16), made_up.grid()), folder / f"image{number}.nrrd")
        made_up.save(made_up.like(inside.astype(np.uint8), made_up.grid()), folder / f"mask{number}.nrrd")
        rows.append({"case": f"c{number}", "image": f"image{number}.nrrd", "mask": f"mask{number}.nrrd"})
    return made_up.write_table(folder, rows).parent


def test_features_that_follow_the_contour_are_left_out(folder: Path) -> None:
    study = run_study(folder / "cases.csv", SETTING, folder / "study", ONE)
    found = run_robustness(study, SETTING, folder / "study", ONE, draws=4, seed=1, min_icc=0.75)
    table = pd.read_csv(folder / "study" / ROBUSTNESS).set_index("feature")
    assert table.loc["original_shape_VoxelVolume", "stable"]
    assert table.loc["original_firstorder_Median", "stable"]
    for unstable in ("Maximum", "Range"):  # inside one contour the bright voxel is, inside another it is not
        assert table.loc[f"original_firstorder_{unstable}", "icc"] < 0.6
        assert not table.loc[f"original_firstorder_{unstable}", "stable"]
    assert (table["stable"] == (table["low"] >= 0.75)).all()
    stable = pd.read_csv(folder / "study" / STABLE)
    assert list(stable)[1:] == list(table.index[table["stable"]]) == list(found.features)[1:]
    pd.testing.assert_frame_equal(stable, study.features[list(stable)], rtol=1e-8, check_dtype=False)
    assert len(list((folder / "study" / PERTURBED).iterdir())) == 8
    assert found.excluded == []


def test_each_icc_is_that_of_the_contour_and_the_draws(folder: Path) -> None:
    """Volumes are known without measuring: the drawn voxels times their size."""
    study = run_study(folder / "cases.csv", SETTING, folder / "study", ONE)
    found = run_robustness(study, SETTING, folder / "study", ONE, draws=4, seed=1, min_icc=0.5)
    volumes = []
    for number in range(8):
        mask = SimpleITK.ReadImage(str(folder / f"mask{number}.nrrd"))
        masks = [mask, *(perturbed(mask, f"c{number}", draw, 1) for draw in range(4))]
        volumes.append([array(drawn).sum() * np.prod(made_up.SPACING) for drawn in masks])
    expected = intraclass(np.array(volumes, dtype=float)[:, :, None])
    row = found.table.set_index("feature").loc["original_shape_VoxelVolume"]
    assert row["icc"] == pytest.approx(expected.icc[0])
    assert row["low"] == pytest.approx(expected.low[0])


def test_a_bound_that_no_feature_reaches_is_refused_and_nothing_written(folder: Path, tmp_path: Path) -> None:
    study = run_study(folder / "cases.csv", SETTING, tmp_path, ONE)
    with pytest.raises(InputError, match=r"no feature's ICC reaches 1\.5"):
        run_robustness(study, SETTING, tmp_path, ONE, draws=1, seed=1, min_icc=1.5)
    assert not (tmp_path / ROBUSTNESS).exists()


@pytest.fixture(scope="module")
def three(folder: Path) -> Path:
    """The first three of those cases."""
    lines = (folder / "cases.csv").read_text(encoding="utf-8").splitlines()
    (folder / "three.csv").write_text("\n".join(lines[:4]) + "\n", encoding="utf-8")
    return folder / "three.csv"


def test_the_fast_engine_gives_the_same_agreement_and_is_held_to_pyradiomics(three: Path, tmp_path: Path) -> None:
    found = {}
    for engine in ("pyradiomics", "fast"):
        settings, out = replace(SETTING, engine=engine), tmp_path / engine
        study = run_study(three, settings, out, ONE)
        found[engine] = run_robustness(study, settings, out, ONE, draws=2, seed=1, min_icc=-1.0).table
    pd.testing.assert_frame_equal(found["fast"], found["pyradiomics"], rtol=1e-8, atol=1e-9)
    assert len(list((tmp_path / "fast" / CHECKED / PERTURBED).glob("*.json"))) == len(sample(["c0", "c1", "c2"])) == 1
    assert not (tmp_path / "pyradiomics" / CHECKED).exists()


def test_a_wrong_value_of_the_fast_engine_on_a_perturbed_contour_stops_the_study(
    three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(SETTING, engine="fast")
    study = run_study(three, settings, tmp_path, ONE)
    wrong = lambda region: firstorder.first_order(region) | {"Mean": 7.5}  # noqa: E731
    monkeypatch.setitem(extractor.CLASSES, "firstorder", wrong)
    (chosen,) = sample(["c0", "c1", "c2"])
    with pytest.raises(InputError, match=rf"Mean on perturbed contour 0 of {chosen}: 7\.5 by fast"):
        run_robustness(study, settings, tmp_path, ONE, draws=1, seed=1, min_icc=-1.0)
    assert not (tmp_path / ROBUSTNESS).exists()


def test_the_measurements_themselves_are_written_for_the_table(folder: Path) -> None:
    study = run_study(folder / "cases.csv", SETTING, folder / "study", ONE)
    run_robustness(study, SETTING, folder / "study", ONE, draws=4, seed=1, min_icc=0.75)
    repeated = pd.read_csv(folder / "study" / REPEATED)
    assert repeated["case"].value_counts().to_dict() == {f"c{number}": 4 for number in range(8)}
    assert list(repeated)[1:] == list(study.features)[1:]
