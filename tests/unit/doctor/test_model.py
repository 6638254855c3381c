"""Is the pretrained model here and whole?"""

import json

import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from radprompt.core.params import Backbone
from radprompt.repository.doctor import model
from radprompt.repository.doctor.shape import LLAMA2_7B, SMOLLM2, Shape


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model of two shards, of 100,000 bytes each for its 172,416 weights."""
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "models" / "mine"
    place.mkdir(parents=True)
    config = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2}
    config |= {"num_attention_heads": 4, "vocab_size": 640}
    (place / "config.json").write_text(json.dumps(config), encoding="utf-8")
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"weight_map": {"a": names[0], "b": names[1], "c": names[1]}}
    (place / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    for name in names:
        (place / name).write_bytes(b"x" * 100_000)
    tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "a": 1}, unk_token="a"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(place)
    return place


def check(source="models/mine", revision=None):
    return model.check_model(Backbone(source=source, revision=revision))


def test_the_packaged_model_is_here():
    found, shape = check("smollm2")
    assert (found.state, shape) == ("ok", SMOLLM2)


def test_a_whole_folder(folder):
    found, shape = check()
    assert (found.state, shape) == ("ok", Shape(64, 256, 2, 4, 4, 16, 640))
    assert shape.linear + shape.other == 172_416
    assert "llama, 2 weight file(s)" in found.found


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("config.json", "config.json"),
        ("model-00002-of-00002.safetensors", "1 of 2 weight files missing: model-00002-of-00002"),
        ("tokenizer.json", "tokenizer"),
    ],
)
def test_what_is_missing_is_named(folder, file, message):
    (folder / file).unlink()
    found, _ = check()
    assert found.state == "error"
    assert message in found.found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "cohere"}, "cannot build a cohere classifier: Transformers has no classifier of this"),
        (
            {"model_type": "llama", "num_attention_heads": 5},
            "hidden size (64) is not a multiple of the number of attention",
        ),
        ({"model_type": "albert"}, "AlbertForSequenceClassification has no list of 2 layers to split"),
        ({"model_type": "unheard_of"}, "cannot read model and tokenizer"),
        (
            {"vocab_size": 0},
            "neither padding token '<pad>' (0) nor end-of-text token None (None) is among the model's 0",
        ),
    ],
)
def test_a_model_that_cannot_become_a_classifier_is_an_error_before_anything_runs(folder, changes, message):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    found, _ = check()
    assert found.state == "error"
    assert message in found.found
    assert found.fix


def test_the_shape_of_a_model_of_images_is_its_text_parts(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    text = config | {"model_type": "gemma3_text", "head_dim": 16}
    both = {"model_type": "gemma3", "text_config": text, "vision_config": {"num_hidden_layers": 2}}
    (folder / "config.json").write_text(json.dumps(both), encoding="utf-8")
    found, shape = check()
    assert (found.state, shape) == ("ok", Shape(64, 256, 2, 4, 4, 16, 640)), found.found


def test_an_empty_weight_file_is_missing(folder):
    (folder / "model-00001-of-00002.safetensors").write_bytes(b"")
    assert check()[0].state == "error"


def test_pointers_in_place_of_weights_are_no_model(folder):
    for file in folder.glob("model-*"):
        file.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    found, shape = check()
    assert (found.state, shape is None) == ("error", False)
    assert "not downloaded to the end" in found.found
    assert "git-lfs" in found.fix


def test_a_damaged_index_is_an_error(folder):
    (folder / "model.safetensors.index.json").write_text("[1", encoding="utf-8")
    assert "index.json is damaged" in check()[0].found


def test_pickled_weights_are_refused(folder):
    for file in folder.glob("model*"):
        file.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"x")
    found, _ = check()
    assert found.state == "error"
    assert "pickled" in found.found


def test_the_papers_model_when_absent_says_where_to_get_it_and_is_reckoned_with(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, shape = check("models/Llama-2-7b-hf")
    assert (found.state, shape) == ("error", LLAMA2_7B)
    assert "hf download meta-llama/Llama-2-7b-hf --local-dir models/Llama-2-7b-hf" in found.fix
    assert "Llama 2 Community License" in found.fix


def test_a_hub_id_needs_a_revision_and_a_download(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    found, shape = check("someone/model")
    assert (found.state, shape) == ("error", None)
    assert "llm.backbone.revision" in found.found
    found, _ = check("someone/model", "0" * 40)
    assert (found.state, found.found) == ("error", "not downloaded")
    assert found.fix == f"hf download someone/model --revision {'0' * 40}"


@pytest.mark.parametrize("spec", [None, object()], ids=["absent", "installed"])
@pytest.mark.parametrize("gpu", [True, False], ids=["gpu", "cpu"])
def test_4bit_needs_both_the_package_and_a_gpu(monkeypatch, spec, gpu):
    monkeypatch.setattr(model.importlib.util, "find_spec", lambda _: spec)
    found = model.check_quantisation(Backbone("smollm2", None, "4bit"), gpu=gpu)
    assert found is not None
    assert found.state == ("ok" if spec and gpu else "error")
    assert ("bitsandbytes is not installed" in found.found) is (spec is None)
    assert ("CPU is not supported" in found.found) is (not gpu)
    assert model.check_quantisation(Backbone("smollm2", None), gpu=gpu) is None
