"""Parameter files of PyRadiomics and the presets."""

from pathlib import Path

import pytest

from radprompt.core.errors import InputError
from radprompt.images.settings import PRESETS, load_settings

EXAMPLE = """\
imageType:
  Original: {}
  LoG: {sigma: [2.0, 4.0]}
featureClass:
  firstorder: [Mean, Entropy]
  glcm:
setting:
  binWidth: 10
  label: 2
  correctMask: true
  resampledPixelSpacing: [1, 1, 1]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "Params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_parameter_file_is_taken_as_pyradiomics_takes_it(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, EXAMPLE))
    assert settings.setting == {"binWidth": 10, "label": 2, "resampledPixelSpacing": [1, 1, 1]}
    assert settings.image_types == {"Original": {}, "LoG": {"sigma": [2.0, 4.0]}}
    assert settings.classes == {"firstorder": ["Mean", "Entropy"], "glcm": None}
    assert settings.notes == (
        "setting correctMask has no effect: masks on another grid are resampled and reported anyway",
    )


def test_classes_and_images_left_out_are_those_of_pyradiomics(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "setting: {binCount: 32}\n"))
    assert settings.image_types == {"Original": {}}
    assert set(settings.classes) == {"shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"}


def test_all_faults_are_named_at_once_with_their_keys(tmp_path: Path) -> None:
    text = (
        "setting: {binWidth: -5, nomalize: true, distances: [0]}\nfeatureClass: {glcn: }\nimageType: {Wavelets: {}}\n"
    )
    with pytest.raises(InputError) as refused:
        load_settings(write(tmp_path, text))
    said = refused.value.what
    for part in ("/setting/binWidth", "nomalize", "/setting/distances/0", "glcn", "Wavelets"):
        assert part in said, said
    assert refused.value.where.endswith("Params.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no parameters in the file"),
        ("- binWidth\n", "no parameters in the file"),
        ("setting: {binWidth: 5\n", "not YAML"),
        ("settings: {binWidth: 5}\n", "settings"),
        ("imageType: {LoG: {}}\n", "LoG without sigma"),
        ("setting: {interpolator: linear}\n", "linear"),
        ("imageType: {Wavelet: {wavelet: coif99}}\n", "coif99"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load_settings(write(tmp_path, text))
    assert said in refused.value.what


@pytest.mark.parametrize(("params", "preset"), [(None, ""), (Path("Params.yaml"), "ct"), (None, "pet")])
def test_settings_come_from_one_place(params: Path | None, preset: str) -> None:
    with pytest.raises(InputError) as refused:
        load_settings(params, preset)
    assert "ct" in refused.value.fix


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_obeys_pyradiomics_schema_and_is_its_own(preset: str) -> None:
    others = {load_settings(preset=other).digest for other in PRESETS if other != preset}
    assert load_settings(preset=preset).digest not in others


def test_the_engine_is_named_and_changes_what_finished_records_are_taken_for() -> None:
    fast, plain = load_settings(preset="ct", engine="fast"), load_settings(preset="ct")
    assert (fast.engine, plain.engine) == ("fast", "pyradiomics")
    assert fast.digest != plain.digest
    assert plain.as_params() == {key: value for key, value in fast.as_params().items() if key != "engine"}
    with pytest.raises(InputError, match=r"no engine 'quick'[\s\S]*one of pyradiomics, fast"):
        load_settings(preset="ct", engine="quick")
