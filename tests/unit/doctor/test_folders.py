"""Folders are counted against what they should hold."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from radprompt.core.params import Compute, load_params
from radprompt.mammograms.phantom import cbis_ddsm, inbreast, vindr_mammo
from radprompt.repository.doctor.folders import check_folder
from radprompt.repository.doctor.sources import SOURCES, Expected, drawn, released

ROOT = Path(__file__).parents[3]
WRITERS: dict[str, Callable[..., None]] = {
    "cbis_ddsm": cbis_ddsm.write,
    "vindr_mammo": vindr_mammo.write,
    "inbreast": inbreast.write,
}


@pytest.fixture(scope="module")
def phantom():
    params = load_params(ROOT / "params.yaml").phantom
    masses = replace(params.masses, cbis_ddsm=16, vindr_mammo=10, inbreast=8)
    return replace(params, rows=208, columns=160, spacing_mm=1.12, masses=masses)


@pytest.fixture(scope="module")
def synthetic(phantom, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("synthetic")
    for name, write in WRITERS.items():
        (root / name).mkdir()
        write(root / name, 7, phantom, Compute(backend="threading", workers=1))
    return root


@pytest.mark.parametrize("name", WRITERS)
def test_what_the_phantom_draws_is_what_it_should_hold(synthetic, phantom, name):
    found = check_folder(Path("/"), synthetic, name, drawn(name, 7, phantom))
    assert (found.state, found.fix) == ("ok", ""), found.found
    assert found.found.startswith("synthetic, ")


@pytest.mark.parametrize("name", WRITERS)
def test_the_phantom_of_other_parameters_is_drawn_again_and_no_error(synthetic, phantom, name):
    more = replace(phantom, masses=replace(phantom.masses, **{name: 40}))
    found = check_folder(Path("/"), synthetic, name, drawn(name, 7, more))
    assert found.state == "warning"
    assert "dvc repro" in found.fix


def test_a_phantom_that_is_not_drawn_yet_is_no_error(tmp_path, phantom):
    assert check_folder(tmp_path, Path("raw"), "inbreast", drawn("inbreast", 7, phantom)).state == "ok"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.folder)
def test_an_absent_folder_is_an_error_that_says_where_to_get_it(tmp_path, source):
    found = check_folder(tmp_path, Path("data/raw"), source.folder, released(source.folder))
    assert found.state == "error"
    assert found.found == f"no folder data/raw/{source.folder}"
    assert source.licence in found.fix
    assert source.size in found.fix
    assert f"data/raw/{source.folder}/" in found.fix


@pytest.mark.parametrize(
    ("images", "state"),
    [(200, "ok"), (199, "warning"), (198, "warning"), (197, "error"), (0, "error"), (201, "warning")],
)
def test_a_few_gaps_are_to_mind_and_many_are_an_unfinished_download(tmp_path, images, state):
    place = tmp_path / "vindr_mammo"
    header = "study_id,image_id,laterality,view_position,height,width,finding_categories,finding_birads,xmin,ymin,xmax,"
    place.mkdir()
    (place / "finding_annotations.csv").write_text(f"{header}ymax,split\n", encoding="utf-8")
    for number in range(images):
        study = place / "images" / f"study{number % 50}"
        study.mkdir(parents=True, exist_ok=True)
        (study / f"{number}.dicom").write_bytes(b"x")
    (place / "images").mkdir(exist_ok=True)
    found = check_folder(tmp_path, Path(), "vindr_mammo", Expected({"studies": 50, "images": 200}, drawn=False))
    assert found.state == state
    assert f"{images} images" in found.found or f"{images} of 200 images" in found.found


def test_the_release_of_vindr_is_known_by_its_rows_and_masses():
    counts = released("vindr_mammo").counts
    assert counts == {
        "rows": 20_486, "training masses": 989, "test masses": 237, "studies": 5000, "images": 20000
    }  # fmt: skip


def test_an_empty_file_is_no_image(synthetic, phantom, tmp_path):
    shutil.copytree(synthetic / "inbreast", tmp_path / "inbreast")
    images = sorted((tmp_path / "inbreast" / "AllDICOMs").glob("*.dcm"))
    images[0].write_bytes(b"")
    expected = Expected(drawn("inbreast", 7, phantom).counts, drawn=False)
    found = check_folder(tmp_path, Path(), "inbreast", expected)
    assert found.state == "error"
    assert f"{len(images) - 1} of {len(images)} images" in found.found


def test_a_copy_as_png_is_told_from_an_unfinished_download(synthetic, phantom, tmp_path):
    for name, count in (("inbreast", "AllDICOMs"), ("vindr_mammo", "images"), ("cbis_ddsm", "")):
        shutil.copytree(synthetic / name, tmp_path / name)
        images = [path for path in (tmp_path / name).rglob("*") if path.suffix in (".dcm", ".dicom")]
        for path in images:
            path.rename(path.with_suffix(".png"))
        found = check_folder(tmp_path, Path(), name, released(name))
        assert found.state == "error"
        place = (tmp_path / name / count).as_posix()
        assert found.found == f"{place}: no DICOM image (*.dcm, *.dicom); there are {len(images)} files *.png there"


def test_suffixes_in_capitals_are_counted(synthetic, phantom, tmp_path):
    shutil.copytree(synthetic / "inbreast", tmp_path / "inbreast")
    for path in [*(tmp_path / "inbreast").rglob("*.dcm"), *(tmp_path / "inbreast").rglob("*.xml")]:
        path.rename(path.with_suffix(path.suffix.upper()))
    assert check_folder(tmp_path, Path(), "inbreast", drawn("inbreast", 7, phantom)).state == "ok"


def test_inbreast_without_contours_is_an_error(synthetic, tmp_path):
    shutil.copytree(synthetic / "inbreast", tmp_path / "inbreast")
    for file in (tmp_path / "inbreast" / "AllXML").glob("*.xml"):
        file.unlink()
    found = check_folder(tmp_path, Path(), "inbreast", released("inbreast"))
    assert found.state == "error"
    assert "no contour" in found.found


def test_a_broken_table_is_named(synthetic, tmp_path):
    shutil.copytree(synthetic / "inbreast", tmp_path / "inbreast")
    (tmp_path / "inbreast" / "INbreast.csv").write_text("File Name\n1\n", encoding="utf-8")
    found = check_folder(tmp_path, Path(), "inbreast", released("inbreast"))
    assert found.state == "error"
    assert "INbreast.csv" in found.found
    assert "missing" in found.found


def test_images_and_masks_that_the_tables_name_are_counted_once_each(tmp_path):
    place = tmp_path / "cbis_ddsm"
    place.mkdir()
    columns = ",".join(cbis_columns := (
        "patient_id", "left or right breast", "image view", "abnormality id", "abnormality type", "assessment",
        "pathology", "image file path", "ROI mask file path",
    ))  # fmt: skip
    rows = {"train": [("P_1", 1), ("P_1", 2)], "test": [("P_2", 1)]}
    for split, lesions in rows.items():
        lines = [
            f'{patient},LEFT,CC,{number},mass,4,BENIGN,Mass_{patient}/u/u/0.dcm,"Mass_{patient}_{number}/u/u/0.dcm\n"'
            for patient, number in lesions
        ]
        assert all(line.count(",") == len(cbis_columns) - 1 for line in lines)
        text = "\n".join([columns, *lines]).replace("Mass_", "Mass-")
        (place / f"mass_case_description_{split}_set.csv").write_text(text + "\n", encoding="utf-8")
    series = place / "Mass-P_1" / "study" / "1.000000-full mammogram images-1"
    series.mkdir(parents=True)
    (series / "1-1.dcm").write_bytes(b"x")
    found = check_folder(tmp_path, Path(), "cbis_ddsm", released("cbis_ddsm"))
    assert found.state == "error"
    assert found.found == "2 of 1,318 training rows, 1 of 378 test rows, 1 of 1,592 mammograms, 0 of 1,696 masks"
