"""Readout closing: a weight vector a feature on its closing token's state, through fit, files, sites and the stage."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from radprompt import LanguageModelClassifier
from radprompt.core.errors import InputError
from radprompt.llm.backbone import load_backbone
from radprompt.llm.inference import TrunkCache
from radprompt.study.sentences import closings


def classifier(backbone: Path, **changes) -> LanguageModelClassifier:
    options = {"readout": "closing", "closing_layer": 2, "precision": "fp32", "device": "cpu"}
    return LanguageModelClassifier(backbone, **(options | changes))


@pytest.mark.parametrize(("closing_layer", "layer"), [(2, 2), (None, 4)])
def test_it_reads_each_sentences_closing_token_at_the_layer(backbone, table, closing_layer, layer):
    X, y = table
    fitted = classifier(backbone, closing_layer=closing_layer).fit(X, y)
    prompt = fitted.sentences(X)[5]
    assert isinstance(fitted.trunk_, TrunkCache)
    found = fitted.trunk_.stack([prompt], 3)[0]
    model, tokenizer = load_backbone(backbone, bf16=False)
    tokens = tokenizer(prompt, return_tensors="pt")
    reached = []
    model.model.layers[layer - 1].register_forward_hook(lambda *given: reached.append(given[2]))
    with torch.no_grad():
        model(**tokens)
    states = reached[0][0] if isinstance(reached[0], tuple) else reached[0]
    places = [end - 1 for end in closings(prompt)]  # this tokenizer's tokens are characters
    first = tokens.input_ids.shape[1] - len(prompt)
    torch.testing.assert_close(
        found, states.reshape(-1, states.shape[-1])[[first + p for p in places]], atol=1e-5, rtol=1e-4
    )
    np.testing.assert_allclose(fitted.embed(X)[5], found.mean(dim=0).numpy(), rtol=1e-5)


def test_it_learns_alike_twice_whatever_the_seed_and_the_columns_order(backbone, table):
    X, y = table
    fitted = classifier(backbone).fit(X[:16], y[:16], X[16:], y[16:])
    other = classifier(backbone, seed=9).fit(X[["Zone Entropy", "Sphericity", "Mean"]][:16], y[:16])
    np.testing.assert_array_equal(fitted.decision_function(X), other.decision_function(X))
    (entry,) = fitted.state_.history
    probability = fitted.predict_proba(X[16:])[:, 1]
    loss = -np.log(np.where(y[16:] == 1, probability, 1 - probability)).mean()
    assert entry["val_loss"] == pytest.approx(loss)
    assert entry["train_loss"] < np.log(2)


def test_saved_adapted_to_other_columns_and_saved_again_it_predicts_the_same(backbone, table, tmp_path):
    X, y = table
    classifier(backbone).fit(X[:16], y[:16]).save(tmp_path / "first")
    assert {path.name for path in (tmp_path / "first").iterdir()} == {
        "classifier.json",
        "closing.json",
        "closing.safetensors",
    }
    loaded = LanguageModelClassifier.load(tmp_path / "first")
    fresh = X[16:].rename(columns={"Mean": "Energy"})
    loaded.adapt(fresh, y[16:])
    loaded.save(tmp_path / "second")
    again = LanguageModelClassifier.load(tmp_path / "second")
    np.testing.assert_array_equal(again.decision_function(fresh), loaded.decision_function(fresh))
    alone = classifier(backbone).fit(fresh, y[16:])
    assert np.abs(again.decision_function(fresh) - alone.decision_function(fresh)).max() > 1e-3
    again.set_params(columns="any")
    with pytest.raises(InputError, match="features that were not learned: 'Mean'"):
        again.predict(X)


def test_what_cannot_be_read_is_refused_in_words(backbone, table, tmp_path):
    X, y = table
    with pytest.raises(InputError, match=r"layer 9 asked for; the backbone has 4"):
        classifier(backbone, closing_layer=9).fit(X, y)
    with pytest.raises(InputError, match="closing_layer: Input should be greater than 0; found 0"):
        classifier(backbone, closing_layer=0).fit(X, y)
    with pytest.raises(InputError, match="no feature's sentence in this prompt"):
        classifier(backbone).fit(["a mass", "another"], [0, 1])
    fitted = classifier(backbone).fit(X, y)
    with pytest.raises(InputError, match="readout was set after fit"):
        fitted.set_params(readout="features").adapt(X, y)
    fitted.set_params(readout="closing").save(tmp_path / "saved")
    record = json.loads((tmp_path / "saved/closing.json").read_text(encoding="utf-8"))
    record["sites"][0]["columns"].pop()
    (tmp_path / "saved/closing.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="not a readout of closing tokens: a site's arrays do not fit"):
        LanguageModelClassifier.load(tmp_path / "saved")


def test_the_stage_trains_at_the_first_site_and_adapts_at_the_second(settings_folder, backbone, run_stage):
    shutil.copytree(backbone, "models/backbone")
    params = Path("params.yaml")
    text = params.read_text(encoding="utf-8").replace("  readout: features", "  readout: closing")
    params.write_text(text.replace("closing_layer: 4", "closing_layer: 2"), encoding="utf-8")
    for path in Path("data/prompts").glob("*.jsonl"):
        said = path.read_text(encoding="utf-8")
        sentence = r"Classify. The 'Sphericity' feature is measured at \1 ."
        path.write_text(re.sub(r"Sphericity is ([-\d.]+)\.(?=\")", sentence, said), encoding="utf-8")
    for name in ("vindr", "inbreast_unadapted", "inbreast_adapted"):
        run_stage("language_model", name)
        folder = Path("models/language_model", name, "repeat_0_seed_2025")
        assert (folder / "closing.safetensors").is_file()
        predicted = pd.read_csv(f"data/predictions/{name}/llm.csv")
        assert predicted["probability"].between(0, 1).all()
    record = json.loads((folder / "closing.json").read_text(encoding="utf-8"))
    assert len(record["sites"]) == 2
    scores = json.loads(Path("metrics/training/vindr.json").read_text(encoding="utf-8"))
    assert scores["vindr"]["runs"] == 1
