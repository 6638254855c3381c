"""The model card and the record take names of settings and data sets from data; no stage runs for these tests."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.export.card import model_card
from radprompt.export.record import Record
from radprompt.export.sources import Sources
from radprompt.selection.record import Selection
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import load_settings
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.lesions import Lesion, to_table

ROOT = Path(__file__).parents[3]
THIRD = """
  third_adapted:
    title: Third site & co, adapted
    paper: null
    train: inbreast/train
    val: inbreast/val
    test: inbreast/test
    start: vindr
    trains: true
    selection: third_adapted

curves:"""
METRICS = {"value": 0.625, "low": 0.5, "high": 0.75, "repeats": 3, "repeat_sd": 0.03125, "lesions": 4, "patients": 4}


def _lesion(number):
    place = (10, 12, 30, 40, "", 0.1, "unknown")
    return Lesion(*(f"l{number}", f"p{number}", "s", "inbreast", "a.dcm", "CC", "L", "3", number % 2, "adapt", *place))


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A model of a sixth setting, in a working directory with what the card reads besides it."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    text = (ROOT / "settings.yaml").read_text(encoding="utf-8")
    assert text.count("\ncurves:") == 1
    Path("settings.yaml").write_text(text.replace("\ncurves:", THIRD), encoding="utf-8")
    write_csv("data/lesions/inbreast.csv", to_table([_lesion(number) for number in range(8)]))
    rows = [
        {"setting": setting, "model": model, "metric": "auc", "malignant": 2, **METRICS}
        for setting in ("vindr", "third_adapted")
        for model in ("llm", "svm")
    ]
    write_csv("metrics/comparison.csv", pd.DataFrame(rows))
    dice = {"nnunet": {"dice": 0.75}, "ellipse": {"dice": 0.5}, "lesions": 8}
    write_json("metrics/segmentation.json", {"cbis_test": dice, "inbreast": dice})
    parameters = {"tuning": "lora", "rank": 2, "layers": 1}
    write_json("models/language_model/a/classifier.json", {"parameters": parameters, "best_epoch": 3})
    values = np.random.default_rng(5).random((8, len(FEATURES)))
    raw = pd.DataFrame(values, columns=list(FEATURES), index=[f"l{number}" for number in range(8)])
    about = {"split": ["train"] * 4 + ["val"] * 2 + ["test"] * 2, "label": [0, 1] * 4}
    chosen = Selection(FEATURES[:2], ("First", "Second"), "mrmr", "MIQ", 5, tuple(raw.index[:4]))
    params, settings = load_params(), load_settings()
    params = replace(params, evaluation=replace(params.evaluation, threshold=0.5))
    table = raw.assign(**about).reset_index(names="lesion_id")
    scaler = FeatureScaler.fit(raw.iloc[:4])
    adapter = Path("models/language_model/a")
    return Sources(params, settings, settings["third_adapted"], 1, adapter, scaler, chosen, table)


def test_the_card_of_a_sixth_setting_names_it_and_its_data(sources):
    card = model_card(sources, None)
    assert "\n---\n\n# Model card: radprompt, Third site & co, adapted\n" in card
    assert "half 1 of the patients that are halved" in card
    assert "continued from the model of: VinDr-Mammo, internal test; epoch 3 kept" in card
    assert "| training | INbreast | 4 | 2 |" in card
    assert "Contours of nnU-Net: CBIS-DDSM test: mean Dice 0.750" in card
    assert "; INbreast: mean Dice 0.750" in card
    assert f"2 of {len(FEATURES)} |" in card
    assert "| AUC | 0.625, mean over 3 halves, SD 0.031 | 0.50 to 0.75 |" in card
    assert "SVM 0.625 (0.50 to 0.75)" in card
    assert "Not evaluated in this run: inbreast_adapted" in card
    assert "&amp;" not in card  # Markdown is not HTML
    assert "{{" not in card
    assert card.endswith(".\n")


@pytest.mark.parametrize(("layer", "words"), [(4, "after layer 4"), (None, "after the last layer")])
def test_a_readout_of_closing_tokens_keeps_no_epoch(sources, layer, words):
    record = sources.adapter / "classifier.json"
    parameters = {"tuning": "lora", "rank": 2, "layers": 1, "readout": "closing", "closing_layer": layer}
    write_json(record, {"parameters": parameters, "best_epoch": 1})
    card = model_card(sources, None)
    said = f"a Bayesian model reads its states at the features' closing tokens, {words}; nothing was trained"
    assert f"| Trained | {said}, continued from the model of: VinDr-Mammo, internal test |" in card
    assert "epoch 1" not in card
    assert "  - lora" not in card


def test_the_record_says_what_a_page_without_the_repository_shows(sources, tmp_path):
    sources.record().save(tmp_path / "model.json")
    record = Record.load(tmp_path / "model.json")
    assert (record.title, record.repeated) == ("Third site & co, adapted", True)
    content = json.loads((tmp_path / "model.json").read_text())
    assert content["format"] == 3
