"""What leaves the repository, what stays there, and what is not exported at all."""

import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.export.export import export_model
from radprompt.export.manifest import check_manifest
from radprompt.export.predictor import Predictor
from radprompt.llm.backbone import write_backbone

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def _set(section: str, key: str, value: object) -> None:
    yaml = YAML(typ="safe")
    content = yaml.load(Path("params.yaml").read_text())
    content[section][key] = value
    with open("params.yaml", "w") as file:
        yaml.dump(content, file)


def test_one_folder_holds_all_that_prediction_needs(exported):
    files = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert files == {
        *("README.md", "manifest.json", "background.csv", "model.json", "scaler.json", "selection.json"),
        *(f"segmenter/{name}" for name in ("dataset.json", "plans.json", "segmenter.json", "weights.safetensors")),
        *(f"adapter/{name}" for name in ("adapter_config.json", "adapter_model.safetensors", "classifier.json")),
        *(f"backbone/{name}" for name in ("config.json", "generation_config.json", "model.safetensors", "source.json")),
        *(f"named/{name}" for name in ("named.json", "named.safetensors")),
        *(f"backbone/{name}" for name in ("tokenizer.json", "tokenizer_config.json")),
    }


def test_no_lesion_patient_or_path_of_the_machine_leaves_the_repository(exported, repository):
    text = "".join(path.read_text() for path in exported.rglob("*") if path.suffix in (".json", ".md", ".csv"))
    assert not re.search(r"image\d\d|patient\d|toy \d", text)
    assert str(repository) not in text
    assert str(repository.parent) not in text


def test_the_same_model_gives_the_same_bytes(own_repository, exported, tmp_path):
    first, again = tmp_path / "a" / "model.zip", tmp_path / "b" / "model.zip"
    done = export_model(first, "vindr", 0)
    assert export_model(again, "vindr", 0).sha256 == done.sha256 == check_manifest(exported)
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as archive:
        archive.extractall(tmp_path / "c")
    assert check_manifest(tmp_path / "c" / "model") == done.sha256


def test_an_earlier_export_is_replaced_and_nothing_else(own_repository, tmp_path):
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.md").write_text("years of work")
    (tmp_path / "thesis.zip").write_bytes(b"PK years of work")
    for target in (other, tmp_path / "thesis.zip", own_repository):
        with pytest.raises(InputError, match=r"exists, and is no exported model"):
            export_model(target, "vindr", 0)
    assert (other / "chapter.md").read_text() == "years of work"
    target = tmp_path / "model"
    export_model(target, "vindr", 0)
    (target / "stray.json").write_text("{}")
    export_model(target, "vindr", 0)
    check_manifest(target)
    export_model(tmp_path / "model.zip", "vindr", 0)
    export_model(tmp_path / "model.zip", "vindr", 0)


def test_nothing_is_left_behind_by_a_refusal(own_repository, tmp_path):
    before = sorted(tmp_path.iterdir())
    shutil.rmtree("models/backbone")
    with pytest.raises(InputError, match=r"models/backbone/source\.json: no such file"):
        export_model(tmp_path / "model", "vindr", 0)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("llm", "learning_rate", 0.5, r"language_model.*made with learning_rate 0\.001; params\.yaml.*now says 0\.5"),
        ("llm", "backbone", {"source": "a/b", "revision": "c"}, r"models/backbone: made with revision None.*says 'c'"),
        ("prompt", "decimals", 2, r"made with decimals 3; params\.yaml, llm or prompt, now says 2"),
        ("segmentation", "context", 0.25, r"models/segmenter: made with context 0\.5"),
        ("prompt", "names", "censored", r"the pipeline wrote .*the exported model would read .*Feature A"),
        ("prompt", "values", "raw", r"data/prompts/vindr\.jsonl: the pipeline wrote"),
    ],
)
def test_artefacts_of_other_params_are_not_exported(own_repository, tmp_path, section, key, value, message):
    _set(section, key, value)
    with pytest.raises(InputError, match=rf"(?s){message}.*dvc repro"):
        export_model(tmp_path / "model", "vindr", 0)


def test_a_model_of_other_lesions_is_not_exported(own_repository, tmp_path):
    path = next(Path("models/language_model/vindr").glob("*/lesions.json"))
    path.write_text(json.dumps({"train": ["someone"], "val": []}))
    with pytest.raises(InputError, match=r"trained on other lesions"):
        export_model(tmp_path / "model", "vindr", 0)


def test_features_measured_again_are_noticed(own_repository, tmp_path):
    path = Path("data/features/vindr_mammo.csv")
    lines = path.read_text().splitlines()
    lines[1] = re.sub(r",[0-9.]+", ",1.5", lines[1])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"the pipeline wrote"):
        export_model(tmp_path / "model", "vindr", 0)


@pytest.mark.parametrize(
    ("setting", "half", "message"),
    [
        ("vinder", 0, r"no setting is called 'vinder'"),
        ("vindr", 1, r"no half 1\nFix: setting vindr has one sample: half 0"),
        ("inbreast_adapted", 7, r"no half 7\nFix: setting inbreast_adapted has halves 0 to 1"),
        ("inbreast_adapted", 0, r"language_model/inbreast_adapted/.*no trained language model"),
    ],
)
def test_a_model_that_is_not_there_is_said_so(own_repository, tmp_path, setting, half, message):
    shutil.copy(ROOT / "settings.yaml", own_repository)
    with pytest.raises(InputError, match=message):
        export_model(tmp_path / "model", setting, half)


def test_the_card_has_figures_ranges_limits_and_the_warning(exported):
    card = (exported / "README.md").read_text()
    assert "**Not for clinical use." in card
    assert "Trained on synthetic images" in card
    assert "| AUC | 0.625 | 0.50 to 0.75 |" in card
    assert "SVM 0.625 (0.50 to 0.75)" in card
    assert "| training | VinDr-Mammo | 12 | 6 |" in card
    assert "LoRA of rank 2 on the last 1 layer" in card
    for name in json.loads((exported / "selection.json").read_text())["names"]:
        assert f"| {name} | `" in card


def test_without_metrics_the_card_says_so(own_repository, tmp_path):
    Path("metrics/comparison.csv").unlink()
    export_model(tmp_path / "model", "vindr", 0)
    assert "Not evaluated in this run" in (tmp_path / "model" / "README.md").read_text()
    assert json.loads((tmp_path / "model" / "model.json").read_text())["tested"] is None


def test_a_threshold_that_validation_rows_chose_is_this_models_own(own_repository, tmp_path):
    import pandas as pd

    _set("evaluation", "threshold", "youden")
    path = Path("data/predictions/vindr/llm.csv")
    table = pd.read_csv(path)
    val = table["split"] == "val"
    table.loc[val, "probability"] = table.loc[val, "label"] * 0.4 + 0.3
    table.to_csv(path, index=False)
    export_model(tmp_path / "model", "vindr", 0)
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    assert record["threshold"] == pytest.approx(0.7)
    assert "Youden" in record["rule"]


@pytest.fixture
def licensed(own_repository, tmp_path):
    """Make the backbone a licensed folder outside of the repository; returns it and the export."""
    folder = tmp_path / "Licensed-7b"
    shutil.move("models/backbone", folder)
    (folder / "source.json").unlink()
    Path("models/backbone").mkdir()
    write_backbone(str(folder), None, Path("models/backbone"))
    _set("llm", "backbone", {"source": str(folder), "revision": None})
    done = export_model(tmp_path / "model", "vindr", 0)
    assert done.licensed == "Licensed-7b"
    return folder, tmp_path / "model"


def test_a_licensed_backbone_stays_where_it_is_and_is_only_named(licensed):
    folder, model = licensed
    assert [path.name for path in (model / "backbone").iterdir()] == ["source.json"]
    assert str(folder.parent) not in (model / "backbone" / "source.json").read_text()
    assert "The backbone is licensed and not in this folder" in (model / "README.md").read_text()
    with Predictor(model, backbone=folder).package.backbone(folder) as place:
        assert json.loads((place / "source.json").read_text())["source"] == str(folder)


def test_other_weights_than_the_licensed_ones_are_refused(licensed, exported):
    folder, model = licensed
    package = Predictor(model).package
    with pytest.raises(InputError, match=r"Licensed-7b is licensed and not in.*\n.*--backbone"), package.backbone(None):
        pass
    with (folder / "model.safetensors").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(InputError, match=r"model\.safetensors: not the file.*Licensed-7b"), package.backbone(folder):
        pass
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: no such file"), package.backbone(folder):
        pass
    own = Predictor(exported).package
    with pytest.raises(InputError, match=r"carries its backbone"), own.backbone(folder):
        pass


def _last_byte(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


@pytest.mark.parametrize(
    "change",
    [
        _last_byte,
        lambda folder: (folder / "model-00002.safetensors").write_bytes(b""),
        lambda folder: (folder / "generation_config.json").unlink(),
        lambda folder: (folder / "generation_config.json").rename(folder / "generation.json"),
    ],
    ids=["another byte", "one more file", "one file less", "another name"],
)
def test_a_licensed_folder_that_changed_since_it_was_prepared_is_not_exported(licensed, tmp_path, change):
    folder, model = licensed
    before = check_manifest(model)
    change(folder)
    for target in (model, tmp_path / "model.zip"):
        with pytest.raises(InputError, match=r"Licensed-7b: its files are not those that `dvc repro` found") as refused:
            export_model(target, "vindr", 0)
    assert refused.value.where == str(folder)
    assert json.loads(Path("models/backbone/source.json").read_text())["sha256"] in refused.value.what
    assert "`dvc repro --force backbone`, then `dvc repro`" in refused.value.fix
    assert check_manifest(model) == before
    assert not (tmp_path / "model.zip").exists()
    write_backbone(str(folder), None, Path("models/backbone"))
    assert export_model(model, "vindr", 0).licensed == "Licensed-7b"


def test_a_folder_of_which_no_digest_was_recorded_is_not_exported(licensed):
    _, model = licensed
    path = Path("models/backbone/source.json")
    record = json.loads(path.read_text())
    del record["sha256"]
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"models/backbone/source\.json says none"):
        export_model(model, "vindr", 0)
