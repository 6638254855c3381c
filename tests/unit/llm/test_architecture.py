"""Any decoder becomes a classifier, cut where that works and whole where not; what cannot is refused in words."""

import warnings

import numpy as np
import pytest
from tiny_models import ARCHITECTURES, SIZES, character_tokenizer, write_model
from transformers import AutoConfig, AutoModelForSequenceClassification

from radprompt.core.errors import InputError
from radprompt.llm.backbone import load_backbone, write_backbone
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.lora import trainable
from radprompt.llm.split import SplitModel


@pytest.mark.parametrize(("kind", "layers"), [*((kind, 2) for kind in ARCHITECTURES), ("gpt2", "all"), ("gpt2", 0)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_decoder_learns_and_survives_being_saved(kind, layers, table, tmp_path):
    write_model(tmp_path / "weights", kind)
    (tmp_path / "backbone").mkdir()
    record = write_backbone(str(tmp_path / "weights"), None, tmp_path / "backbone")
    assert record["config"] == {"model_type": kind, "layers": 4, "hidden_size": 32}
    X, y = table
    how = {"tuning": "head"} if layers == 0 else {"layers": layers}
    model = LanguageModelClassifier(
        tmp_path / "backbone", **how, rank=2, readout="last", epochs=1, device="cpu", precision="fp32"
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="cut at layer")
        model.fit(X, y)
    learning = [name for name in trainable(model._split.model) if "lora_A" in name]
    numbers = {int(part) for name in learning for part in name.split(".") if part.isdigit()}
    assert numbers == {0: set(), 2: {2, 3}, "all": {0, 1, 2, 3}}[layers]
    assert not any("vision" in name for name in learning)
    said_before = model.predict_proba(X)[:, 1]
    assert np.isfinite(said_before).all()
    assert said_before.std() > 0
    model.save(tmp_path / "saved")
    again = LanguageModelClassifier.load(tmp_path / "saved")
    np.testing.assert_allclose(again.predict_proba(X)[:, 1], said_before, rtol=1e-5)


def test_a_model_that_cannot_be_cut_runs_whole_and_learns_the_same(backbone, table, monkeypatch):
    X, y = table
    how = {"layers": 2, "rank": 2, "epochs": 2, "device": "cpu", "precision": "fp32"}
    cut = LanguageModelClassifier(backbone, **how).fit(X, y)
    trunk = SplitModel.trunk
    monkeypatch.setattr(SplitModel, "trunk", lambda self, *given: trunk(self, *given) + 1)  # a trunk that lies
    with pytest.warns(UserWarning, match=r"cut at layer 2, this backbone's logits change by .* slower"):
        whole = LanguageModelClassifier(backbone, **how).fit(X, y)
    assert (cut._split.cut, whole._split.cut) == (2, 0)
    assert trainable(whole._split.model).keys() == trainable(cut._split.model).keys()
    np.testing.assert_allclose(whole.predict_proba(X), cut.predict_proba(X), rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("albert", "AlbertForSequenceClassification has no list of 4 layers to split"),
        ("t5", "has no head called score or classifier"),
        ("cohere", "cannot build a cohere classifier: Transformers has no classifier of this architecture"),
    ],
)
def test_a_model_that_cannot_become_a_classifier_is_refused_by_the_first_stage(tmp_path, kind, message):
    more = {"d_model": 32, "num_layers": 4, "num_heads": 4, "d_kv": 8, "d_ff": 64} if kind == "t5" else {}
    AutoConfig.for_model(kind, **SIZES | more).save_pretrained(tmp_path / "weights")
    character_tokenizer().save_pretrained(tmp_path / "weights")
    (tmp_path / "record").mkdir()
    with pytest.raises(InputError, match=message) as refused:
        write_backbone(str(tmp_path / "weights"), None, tmp_path / "record")
    assert "LLaMA, Mistral or Qwen" in refused.value.fix
    assert list((tmp_path / "record").iterdir()) == []


def _padded_by(folder, **tokens):
    tokenizer = character_tokenizer()
    tokenizer.add_special_tokens(tokens)
    tokenizer.save_pretrained(folder)


def test_a_padding_token_without_an_embedding_gives_way_to_the_end_of_text(tmp_path):
    write_model(tmp_path / "weights", "gpt2")
    _padded_by(tmp_path / "weights", pad_token="[PAD]", eos_token="<unk>")
    config = AutoConfig.from_pretrained(tmp_path / "weights", vocab_size=102)
    config.num_labels = 1
    AutoModelForSequenceClassification.from_config(config).save_pretrained(tmp_path / "weights")
    (tmp_path / "record").mkdir()
    write_backbone(str(tmp_path / "weights"), None, tmp_path / "record")
    model, tokenizer = load_backbone(tmp_path / "record", bf16=False)
    assert tokenizer.pad_token == "<unk>"
    assert model.config.pad_token_id == tokenizer.pad_token_id == 1


def test_without_a_padding_token_that_has_an_embedding_the_first_stage_stops(tmp_path):
    write_model(tmp_path / "weights", "gpt2", vocab_size=102)
    _padded_by(tmp_path / "weights", pad_token="[PAD]")
    (tmp_path / "record").mkdir()
    with pytest.raises(InputError, match=r"neither .* '\[PAD\]' \(102\) nor .* None \(None\) is among .* 102"):
        write_backbone(str(tmp_path / "weights"), None, tmp_path / "record")
