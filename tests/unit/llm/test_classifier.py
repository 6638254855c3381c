"""LanguageModelClassifier: learns, repeats, resumes, saves, adapts to other columns."""

import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from radprompt import LanguageModelClassifier
from radprompt.core.errors import InputError
from radprompt.llm import inference
from radprompt.llm.backbone import load_backbone
from radprompt.llm.split import SplitModel


def _classifier(backbone, **changes):
    settings = {"layers": 2, "rank": 4, "alpha": 8, "epochs": 3, "batch_size": 8, "precision": "fp32", "device": "cpu"}
    return LanguageModelClassifier(backbone, **(settings | {"learning_rate": 5e-3, "seed": 7} | changes))


def test_it_learns_a_rule_written_in_the_prompt(backbone, table):
    X, y = table
    classifier = _classifier(backbone, epochs=25, layers="all").fit(X, y)
    probability = classifier.predict_proba(X)
    assert roc_auc_score(y, probability[:, 1]) > 0.9
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    assert classifier.state_.history[-1]["train_loss"] < 0.8 * classifier.state_.history[0]["train_loss"]


def test_two_fits_with_one_seed_are_bitwise_equal_and_another_seed_differs(backbone, table):
    X, y = table
    first, second, other = (_classifier(backbone, seed=s).fit(X, y).decision_function(X) for s in (7, 7, 8))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


@pytest.mark.parametrize(
    "changes", [{"layers": 2}, {"layers": "all"}, {"tuning": "head"}, {"layers": 2, "readout": "features"}]
)
def test_training_the_tail_on_the_cache_equals_training_the_whole_model(backbone, table, changes, monkeypatch):
    X, y = table
    cached = _classifier(backbone, **changes).fit(X, y)
    monkeypatch.setattr("radprompt.llm.split.SplitModel.trunk", lambda self, ids, *_: torch.zeros(*ids.shape, 1))
    original = cached._split.logits.__func__
    monkeypatch.setattr(
        "radprompt.llm.split.SplitModel.logits",
        lambda self, ids, mask, w=None, hidden=None: original(self, ids, mask, w),
    )
    whole = _classifier(backbone, **changes).fit(X, y)
    np.testing.assert_allclose(
        [e["train_loss"] for e in cached.state_.history], [e["train_loss"] for e in whole.state_.history], rtol=1e-4
    )


def test_head_tuning_leaves_every_layer_as_it_was(backbone, table):
    classifier = _classifier(backbone, tuning="head").fit(*table)
    pretrained, _ = load_backbone(backbone, bf16=False)
    now = classifier._split.model.state_dict()
    for name, weight in pretrained.model.state_dict().items():
        torch.testing.assert_close(now[f"model.{name}"], weight, rtol=0, atol=0)


def test_saved_and_loaded_classifier_predicts_the_same(backbone, table, tmp_path):
    X, y = table
    fitted = _classifier(backbone).fit(X, y)
    fitted.save(tmp_path / "model")
    assert {p.name for p in (tmp_path / "model").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "classifier.json",
    }
    loaded = LanguageModelClassifier.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.decision_function(X), fitted.decision_function(X))
    assert loaded.state_.history == fitted.state_.history
    assert "tmp" not in (tmp_path / "model" / "adapter_config.json").read_text()


def test_saved_adapter_is_a_standard_peft_adapter(backbone, table, tmp_path):
    X, y = table
    fitted = _classifier(backbone, readout="last").fit(X, y)
    fitted.save(tmp_path / "model")
    model, tokenizer = load_backbone(backbone, bf16=False)
    tokens = tokenizer(fitted.sentences(X), padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = PeftModel.from_pretrained(model, tmp_path / "model")(**tokens).logits[:, 0]
    np.testing.assert_allclose(logits.numpy(), fitted.decision_function(X), rtol=1e-4, atol=1e-5)


class _StopError(Exception):
    pass


def test_interrupted_training_goes_on_where_it_was(backbone, table, tmp_path):
    X, y = table
    straight = _classifier(backbone, epochs=5, dropout=0.1).fit(X[:16], y[:16], X[16:], y[16:])

    def stop_after_two(entry):
        if entry["epoch"] == 2:
            raise _StopError

    with pytest.raises(_StopError):
        _classifier(backbone, epochs=5, dropout=0.1).fit(
            X[:16], y[:16], X[16:], y[16:], on_epoch=stop_after_two, checkpoint=tmp_path / "c"
        )
    seen = []
    resumed = _classifier(backbone, epochs=5, dropout=0.1).fit(
        X[:16], y[:16], X[16:], y[16:], on_epoch=lambda e: seen.append(e["epoch"]), checkpoint=tmp_path / "c"
    )
    assert seen == [1, 2, 3, 4, 5]
    assert resumed.state_.history == straight.state_.history
    np.testing.assert_array_equal(resumed.decision_function(X), straight.decision_function(X))


def test_a_checkpoint_of_another_run_is_ignored(backbone, table, tmp_path):
    X, y = table
    _classifier(backbone).fit(X, y, checkpoint=tmp_path / "c")
    changed = _classifier(backbone, learning_rate=1e-4)
    changed.fit(X, y, checkpoint=tmp_path / "c")
    fresh = _classifier(backbone, learning_rate=1e-4).fit(X, y)
    assert changed.state_.history == fresh.state_.history


def test_a_checkpoint_from_another_backbone_is_ignored(backbone, table, tmp_path):
    X, y = table
    _classifier(backbone).fit(X, y, checkpoint=tmp_path / "c")
    other = tmp_path / "other"
    shutil.copytree(backbone, other)
    record = json.loads((other / "source.json").read_text())
    weights = tmp_path / "weights"
    shutil.copytree(record["source"], weights)
    tensors = load_file(weights / "model.safetensors")
    save_file(
        {n: v * 1.5 if "mlp" in n else v for n, v in tensors.items()}, weights / "model.safetensors", {"format": "pt"}
    )
    (other / "source.json").write_text(json.dumps(record | {"source": str(weights)}))
    resumed = _classifier(other).fit(X, y, checkpoint=tmp_path / "c")
    assert resumed.state_.history == _classifier(other).fit(X, y).state_.history


def test_adapt_does_not_resume_the_fit_it_starts_from(backbone, table, tmp_path):
    X, y = table
    fitted = _classifier(backbone).fit(X, y, checkpoint=tmp_path / "c")
    first = fitted.state_.history
    assert fitted.adapt(X, y, checkpoint=tmp_path / "c").state_.history != first


@pytest.mark.parametrize("criterion", ["auc", "loss"])
def test_the_epoch_best_on_validation_is_kept(backbone, table, criterion):
    X, y = table
    classifier = _classifier(backbone, epochs=6, best_epoch_by=criterion).fit(X[:12], y[:12], X[12:], y[12:])
    history = pd.DataFrame(classifier.state_.history)
    best = history["val_auc"].max() if criterion == "auc" else history["val_loss"].min()
    kept = history.loc[history["epoch"] == classifier.state_.best_epoch, f"val_{criterion}"].item()
    assert kept == best
    probability = classifier.predict_proba(X[12:])[:, 1]
    assert roc_auc_score(y[12:], probability) == pytest.approx(
        history.loc[history["epoch"] == classifier.state_.best_epoch, "val_auc"].item()
    )


def test_training_stops_after_epochs_without_a_better_one(backbone, table, tmp_path):
    X, y = table
    patient = _classifier(backbone, epochs=9, learning_rate=1e-3, best_epoch_by="loss", patience=2)
    # Validation labels that contradict the training rows make every epoch worse than the one before.
    patient.fit(X[:12], y[:12], X[:12], 1 - y[:12], checkpoint=tmp_path / "c")
    assert patient.state_.best_epoch == 1
    assert [entry["epoch"] for entry in patient.state_.history] == [1, 2, 3]
    again = _classifier(backbone, epochs=9, learning_rate=1e-3, best_epoch_by="loss", patience=2)
    again.fit(X[:12], y[:12], X[:12], 1 - y[:12], checkpoint=tmp_path / "c")  # the checkpoint has had enough, too
    assert again.state_.history == patient.state_.history


def test_columns_a_to_h_then_d_to_k_in_another_order_in_one_classifier(backbone):
    """Issue 4: what a model that reads names can do."""
    rng = np.random.default_rng(2)
    first = pd.DataFrame(rng.normal(size=(24, 8)), columns=[f"Feature {c}" for c in "ABCDEFGH"])
    second = pd.DataFrame(rng.normal(size=(16, 8)), columns=[f"Feature {c}" for c in "KFDJHIGE"])
    y = (first["Feature A"] > 0).astype(int).to_numpy()
    classifier = _classifier(backbone, readout="features", columns="any").fit(first, y)
    np.testing.assert_array_equal(
        classifier.decision_function(first), classifier.decision_function(first[first.columns[::-1]])
    )
    before = classifier.decision_function(second)
    adapted = classifier.adapt(second, (second["Feature K"] > 0).astype(int).to_numpy())
    after = adapted.decision_function(second)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_array_equal(after, adapted.decision_function(second[sorted(second.columns)]))


def test_a_classifier_fitted_again_reads_no_prompt_through_its_trunk_twice(backbone, table, monkeypatch):
    X, y = table
    read = []
    original = SplitModel.trunk
    monkeypatch.setattr(SplitModel, "trunk", lambda self, ids, *_: read.append(len(ids)) or original(self, ids, *_))
    classifier = _classifier(backbone).fit(X, y)
    first = len(read)
    classifier.set_params(seed=8).fit(X, y).embed(X)
    assert len(read) == first + 1  # the check that the split model is the whole one
    fresh = _classifier(backbone, seed=8).fit(X, y)
    np.testing.assert_array_equal(classifier.decision_function(X), fresh.decision_function(X))
    other = _classifier(backbone, layers=1).fit(X, y)
    assert other.trunk_.origin != fresh.trunk_.origin


def test_it_adapts_to_a_site_with_other_columns(backbone, table):
    X, y = table
    classifier = _classifier(backbone).fit(X, y)
    before = {n: p.clone() for n, p in classifier._split.model.state_dict().items() if "lora_" in n}
    other = pd.DataFrame({"Elongation": X["Sphericity"], "Mean": X["Mean"]})
    classifier.adapt(other, y)
    assert classifier.predict_proba(other).shape == (24, 2)
    assert any(not torch.equal(before[n], p) for n, p in classifier._split.model.state_dict().items() if n in before)


def test_embedding_times_the_head_is_the_logit(backbone, table):
    X, y = table
    classifier = _classifier(backbone).fit(X, y)
    vectors = classifier.embed(X)
    assert vectors.shape == (24, 32)
    weight = next(p for n, p in classifier._split.model.score.named_parameters() if "default" in n).detach().numpy()
    np.testing.assert_allclose(vectors @ weight[0], classifier.decision_function(X), rtol=1e-4, atol=1e-5)


def test_clone_keeps_every_parameter(backbone):
    classifier = _classifier(backbone, instruction="Read this.", decimals=1)
    assert clone(classifier).get_params() == classifier.get_params()


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 1, 2] * 8, "multiclass: 3 classes, 0, 1, 2"), ([0, 1], "24 rows but labels")]
)
def test_wrong_labels_are_refused(backbone, table, labels, message):
    with pytest.raises(InputError, match=message):
        _classifier(backbone).fit(table[0], labels)


def test_missing_saved_model_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"no saved classifier[\s\S]*dvc pull"):
        LanguageModelClassifier.load(tmp_path)


def test_record_of_a_saved_classifier_holds_its_parameters(backbone, table, tmp_path):
    _classifier(backbone, rank=2).fit(*table).save(tmp_path / "m")
    record = json.loads((tmp_path / "m" / "classifier.json").read_text())
    assert record["parameters"]["rank"] == 2
    assert [e["epoch"] for e in record["history"]] == [1, 2, 3]


def test_a_loaded_classifier_with_dropout_on_all_layers_adapts(backbone, table, tmp_path):
    X, y = table
    LanguageModelClassifier(backbone, layers="all", dropout=0.3, epochs=1, precision="fp32").fit(X, y).save(tmp_path)
    loaded = LanguageModelClassifier.load(tmp_path)
    before = loaded.predict_proba(X)
    assert np.abs(loaded.adapt(X, y).predict_proba(X) - before).max() > 1e-6


def test_a_batch_in_pieces_is_the_batch(backbone, table, monkeypatch):
    X, y = table
    histories = []
    for tokens in (1, 400, 100_000):
        monkeypatch.setitem(inference._CPU_TOKENS, False, tokens)
        given = {"layers": 2, "epochs": 2, "batch_size": 10, "learning_rate": 1e-3, "precision": "fp32"}
        fitted = LanguageModelClassifier(backbone, **given).fit(X, y)
        histories.append([entry["train_loss"] for entry in fitted.state_.history])
    assert len(set(map(tuple, histories))) > 1  # they were computed in other parts
    np.testing.assert_allclose(histories[1:], [histories[0]] * 2, rtol=1e-5)


def test_two_processes_would_write_the_same_adapter_config(backbone, table, tmp_path):
    """peft keeps the names in a set, whose order is another in each process."""
    LanguageModelClassifier(backbone, layers=1, epochs=1, precision="fp32").fit(*table).save(tmp_path)
    names = json.loads((tmp_path / "adapter_config.json").read_text())["target_modules"]
    assert names == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


def test_weights_of_one_are_none_and_a_weight_of_zero_leaves_the_row_out(backbone, table):
    X, y = table
    logits = {}
    weights = {"none": None, "ones": np.ones(len(y)), "threes": np.full(len(y), 3.0)}
    weights |= {"zero": np.r_[np.zeros(4), np.ones(len(y) - 4)], "uneven": np.where(y == y[0], 5.0, 1.0)}
    for name, given in weights.items():
        model = LanguageModelClassifier(backbone, layers=1, epochs=2, device="cpu", precision="fp32", verbose=False)
        logits[name] = model.fit(X, y, sample_weight=given).decision_function(X)
    assert logits["ones"].tobytes() == logits["none"].tobytes() == logits["threes"].tobytes()
    model = LanguageModelClassifier(backbone, layers=1, epochs=2, device="cpu", precision="fp32")
    without = model.fit(X[4:], y[4:]).decision_function(X)
    assert logits["zero"].tobytes() == without.tobytes()
    assert logits["uneven"].mean() != pytest.approx(logits["none"].mean(), abs=1e-3)
    towards = np.sign(logits["uneven"].mean() - logits["none"].mean())
    assert towards == (1 if y[0] == model.classes_[1] else -1)  # the heavier class is what it leans to


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0], "weights of shape"), ("negative", r"weight -1.0 in row 0"), ("one class", "of one class")],
)
def test_wrong_weights_are_refused(backbone, table, weights, message):
    X, y = table
    weights = {"negative": np.r_[-1.0, np.ones(len(y) - 1)], "one class": (y == y[0]) * 1.0}.get(str(weights), weights)
    with pytest.raises(InputError, match=message):
        LanguageModelClassifier(backbone, layers=1, device="cpu").fit(X, y, sample_weight=weights)


def test_a_pickle_holds_what_was_learned_and_no_backbone(backbone, table, tmp_path):
    X, y = table
    fitted = LanguageModelClassifier(backbone, layers=1, epochs=1, device="cpu", precision="fp32").fit(X, y)
    sent = pickle.dumps(fitted)
    model = fitted._adapter.get_base_model()
    learned = sum(value.numel() for value in model.parameters() if value.requires_grad) * 4
    assert len(sent) < learned + 50_000
    again = pickle.loads(sent)
    assert again.decision_function(X).tobytes() == fitted.decision_function(X).tobytes()
    record = backbone / "source.json"
    kept = record.read_text()
    try:
        record.write_text(kept.replace("{", '{"other": true, ', 1))
        with pytest.raises(InputError, match="not the one that the pickled classifier was trained on"):
            pickle.loads(sent)
    finally:
        record.write_text(kept)
