"""One more image and mask for the final model of a study: the study's own values, and what is written of them."""

import importlib
import json
from pathlib import Path

import highdicom
import made_up
import numpy as np
import pandas as pd
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom.uid import Comprehensive3DSRStorage, DigitalMammographyXRayImageStorageForPresentation
from ruamel.yaml import YAML
from typer.testing import CliRunner

from radprompt.cli import app
from radprompt.core.errors import InputError
from radprompt.core.params import Compute
from radprompt.images.cases import Case
from radprompt.images.dicom_results import _unit, report_of, segmentation_of
from radprompt.images.masks import read_region
from radprompt.images.predicting import StudyPredictor
from radprompt.images.reading import read_image
from radprompt.images.robustness import REPEATED, run_robustness
from radprompt.images.settings import Settings, settings_from_record
from radprompt.images.study import FEATURES, run_study
from radprompt.own_table.applying import IMAGE_SETTINGS, apply
from radprompt.own_table.folder import check_first, fill, write_files
from radprompt.own_table.programs import spoken_names
from radprompt.tables.embeddings import write_embeddings

SETTING = Settings({"binWidth": 25}, {"Original": {}, "Square": {}}, {"firstorder": None, "shape": None})
ONE = Compute("loky", 1)
CASES = 12


def run(name: str) -> None:
    importlib.import_module(f"radprompt.stages.{name}").main()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of twelve spheres in tissue, one as DICOM with a DICOM-SEG, and the final model of its table."""
    home = tmp_path_factory.mktemp("predicting")
    rows = []
    for number in range(CASES):
        label = ("benign", "malignant")[number % 2]
        image = made_up.tissue(number) + 60 * (number % 2) + 3 * number
        mask = made_up.like((made_up.sphere_values(made_up.grid()) > 0).astype(np.uint8), made_up.grid())
        row = {"case": f"c{number}", "label": label, "image": f"image{number}.nrrd", "mask": "mask.nrrd"}
        if number == 3:
            files = made_up.series(image)
            made_up.save_series(files, home / "series")
            made_up.segmentation(SimpleITK.GetArrayFromImage(mask), files).save_as(home / "seg.dcm")
            row |= {"image": "series", "mask": "seg.dcm"}
        else:
            made_up.save(image, home / row["image"])
            made_up.save(mask, home / "mask.nrrd")
        rows.append(row)
    study = run_study(made_up.write_table(home, rows), SETTING, home / "study", ONE)
    run_robustness(study, SETTING, home / "study", ONE, draws=2, seed=1, min_icc=0.0)
    table, folder = home / "study" / FEATURES, home / "study/table"
    folder.mkdir()
    write_files(folder)
    given = {"images": home / "study", "repeated": home / "study" / REPEATED}
    keep = ["*Energy*"]
    options = {"label": "label", "id": "case", "keep": keep}
    prepared = check_first(table, options, None, {"features": {"min_icc": 0.0}}, **given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("radprompt.own_table.folder._track", lambda _: None)
        fill(folder, table.read_bytes(), prepared.changes, prepared.study, **given)
        patch.chdir(folder)
        run("check_table")
        names = [each["name"] for each in json.loads(Path("data/columns.json").read_text())["columns"]]
        vectors = np.random.default_rng(1).normal(size=(len(names), 4))
        write_embeddings("models/names/states.safetensors", names, vectors)
        Path("models/names/directions.json").write_text("{}")
        run("final_model")
    return home


@pytest.fixture(scope="module")
def predictor(home: Path) -> StudyPredictor:
    return StudyPredictor(home / "study/table")


def test_the_settings_of_the_study_come_back_as_they_were(home: Path, predictor: StudyPredictor) -> None:
    assert predictor.settings.digest == SETTING.digest
    kept = json.loads((home / "study/table/models/final" / IMAGE_SETTINGS).read_text())
    assert kept["versions"]["pyradiomics"]
    fast = Settings({"binWidth": 5}, {"Original": {}}, {"glcm": ["Contrast"]}, mammogram=True, engine="fast")
    assert settings_from_record(fast.as_params(), "").digest == fast.digest
    assert YAML(typ="safe").load((home / "study/table/params.yaml").read_text())["features"]["min_icc"] == 0.0


@pytest.mark.parametrize("number", [0, 3, 7])
def test_a_case_of_the_study_has_the_values_of_its_table_to_the_bit(
    home: Path, predictor: StudyPredictor, tmp_path: Path, number: int
) -> None:
    image, mask = ("series", "seg.dcm") if number == 3 else (f"image{number}.nrrd", "mask.nrrd")
    case = Case(1, f"c{number}", home / image, home / mask)
    answer = predictor.predict(case, tmp_path, site=None, seg=False, sr=False)
    written = pd.read_csv(home / "study" / FEATURES).set_index("case").loc[f"c{number}"]
    assert answer["measured"] == written.drop("label").to_dict()
    apply(home / "study" / FEATURES, home / "study/table", None, tmp_path / "applied.csv")
    applied = pd.read_csv(tmp_path / "applied.csv").set_index("case").loc[f"c{number}"]
    assert answer["probability"] == applied["probability"]
    assert answer["named_model"]["interval_90"] == applied[["low", "high"]].tolist()
    assert answer["call"] == applied["call"]
    assert json.loads((tmp_path / f"c{number}.json").read_text()) == answer
    assert answer["warning"].startswith("Not for clinical use")
    page = (tmp_path / f"c{number}.html").read_text(encoding="utf-8")
    assert "Not for clinical use" in page
    assert "probability of malignant" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_dicom_results_are_of_the_images_patient_and_refer_to_each_other(
    home: Path, predictor: StudyPredictor, tmp_path: Path
) -> None:
    answer = predictor.predict(
        Case(1, "c3", home / "series", home / "seg.dcm"), tmp_path, site=None, seg=False, sr=True
    )
    region, report = dcmread(tmp_path / "c3.seg.dcm"), dcmread(tmp_path / "c3.sr.dcm")
    image = dcmread(next((home / "series").iterdir()))
    for result in (region, report):
        assert result.PatientID == image.PatientID
        assert result.StudyInstanceUID == image.StudyInstanceUID
        assert "Not for clinical use" in result.SeriesDescription
    assert region.FrameOfReferenceUID == image.FrameOfReferenceUID
    volume = read_image(home / "series")
    again = read_region(tmp_path / "c3.seg.dcm", "", volume)
    expected = read_region(home / "seg.dcm", "", volume)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(again.mask), SimpleITK.GetArrayFromImage(expected.mask))
    assert report.SOPClassUID == Comprehensive3DSRStorage
    assert (report.CompletionFlag, report.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    (group,) = highdicom.sr.srread(tmp_path / "c3.sr.dcm").content.get_volumetric_roi_measurement_groups()
    assert group.referenced_segment.referenced_sop_instance_uid == region.SOPInstanceUID
    values = {each.name.meaning: each.value for each in group.get_measurements()}
    assert values["Probability of malignant"] == pytest.approx(answer["probability"])
    units = {each.name.meaning: each.unit.value for each in group.get_measurements()}
    assert units["Probability of malignant"] == "1"
    for feature in answer["features"]:
        assert values[feature["name"][:64]] == pytest.approx(feature["value"])
        assert units[feature["name"][:64]] == _unit(feature["feature"]).value
    (use,) = group.get_qualitative_evaluations()
    assert use.value.meaning.startswith("Not for clinical use")


@pytest.mark.parametrize("kind", ["enhanced", "mammogram", "one slice"])
def test_other_dicom_images_have_results_too(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "image.dcm"
    if kind == "enhanced":
        made_up.enhanced(made_up.tissue()).save_as(file)
    elif kind == "one slice":
        made_up.series(made_up.tissue())[10].save_as(file)
    else:
        image = made_up.dicom(DigitalMammographyXRayImageStorageForPresentation, "MG", "1.2.3.99")
        made_up.put_pixels(image, np.random.default_rng(0).integers(0, 4000, (120, 100)))
        image.PixelRepresentation, image.ImagerPixelSpacing = 0, [0.1, 0.1]
        del image.FrameOfReferenceUID
        image.save_as(file)
    volume = read_image(file, mammogram=kind == "mammogram")
    inside = np.zeros(tuple(reversed(volume.image.GetSize())), np.uint8)
    inside[len(inside) // 3 : len(inside) // 2 + 1, 12:20, 7:19] = 1
    region = segmentation_of(file, made_up.like(inside, volume.image), "case")
    region.save_as(tmp_path / "seg.dcm")
    again = read_region(tmp_path / "seg.dcm", "", volume)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(again.mask), inside)
    answer = {"id": "case", "probability": 0.3, "named_model": {"interval_90": [0.1, 0.5]}, "features": [], "notes": []}
    report_of(file, region, answer, "malignant").save_as(tmp_path / "sr.dcm")
    content = highdicom.sr.srread(tmp_path / "sr.dcm").content
    groups = content.get_volumetric_roi_measurement_groups() + content.get_planar_roi_measurement_groups()
    assert len(groups) == 1
    assert [each.value for each in groups[0].get_measurements()] == [0.3, 0.1, 0.5]


def test_what_cannot_be_predicted_says_why_and_leaves_no_older_result(
    home: Path, predictor: StudyPredictor, tmp_path: Path
) -> None:
    case = Case(1, "c0", home / "image0.nrrd", home / "mask.nrrd")
    predictor.predict(case, tmp_path, site=None, seg=False, sr=False)
    with pytest.raises(InputError, match="this image is not DICOM"):
        predictor.predict(case, tmp_path, site=None, seg=True, sr=False)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="cannot name a file"):
        predictor.predict(Case(1, "../c0", case.image, case.mask), tmp_path, site=None, seg=False, sr=False)
    empty = made_up.save(made_up.sphere() * 0, tmp_path / "empty.nrrd")
    with pytest.raises(InputError, match="the mask is empty"):
        predictor.predict(Case(1, "c0", case.image, empty), tmp_path, site=None, seg=False, sr=False)


def test_a_table_that_was_measured_elsewhere_takes_no_image(home: Path, tmp_path: Path) -> None:
    kept = home / "study/table/models/final" / IMAGE_SETTINGS
    content = kept.read_bytes()
    kept.unlink()
    try:
        with pytest.raises(InputError, match="was not measured by `radprompt images`"):
            StudyPredictor(home / "study/table")
    finally:
        kept.write_bytes(content)


def test_the_command(home: Path, tmp_path: Path) -> None:
    model = ["--model", str(home / "study/table"), "--out", str(tmp_path / "out")]
    one = ["predict", str(home / "image0.nrrd"), "--mask", str(home / "mask.nrrd"), "--id", "first", *model]
    done = CliRunner().invoke(app, one)
    assert done.exit_code == 0, done.output
    assert "probability of 'malignant'" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"first.json", "first.html"}
    done = CliRunner().invoke(app, ["predict", "--table", str(home / "cases.csv"), *model])
    assert done.exit_code == 0, done.output
    assert f"{CASES} predicted" in done.output
    wrong = CliRunner().invoke(app, [*one, "--box", "1,2,3,4"])
    assert isinstance(wrong.exception, InputError)
    assert "--box: not for the model of a study of images" in str(wrong.exception)


def test_lengths_areas_and_volumes_have_units_in_a_report() -> None:
    spoken = spoken_names(f"original_shape_{name}" for name in PYRADIOMICS_SHAPE)
    for name, unit in PYRADIOMICS_SHAPE.items():
        for key in (f"original_shape_{name}", spoken[f"original_shape_{name}"]):
            assert _unit(key).value == unit, key
    for key in ("original_firstorder_Mean", "wavelet-HLH_glcm_Contrast", "original_shape_Sphericity"):
        assert _unit(key).value == "1", key


PYRADIOMICS_SHAPE = {
    "MeshVolume": "mm3",
    "VoxelVolume": "mm3",
    "SurfaceArea": "mm2",
    "SurfaceVolumeRatio": "/mm",
    "Maximum3DDiameter": "mm",
    "Maximum2DDiameterSlice": "mm",
    "Maximum2DDiameterColumn": "mm",
    "Maximum2DDiameterRow": "mm",
    "MajorAxisLength": "mm",
    "MinorAxisLength": "mm",
    "LeastAxisLength": "mm",
}
"""As PyRadiomics' documentation has them."""
