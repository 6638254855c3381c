"""Conventional models on embeddings, through the stage, with a backbone small enough for a test."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.baselines.embedded import fit_predict_embedded
from radprompt.errors import InputError
from radprompt.evaluation.predictions import read_predictions
from radprompt.lesions import Lesion, to_table
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.outputs import write_csv
from radprompt.params import load_params
from radprompt.prompts import write_prompts

ROOT = Path(__file__).parents[3]
SPLITS = ["train"] * 16 + ["val"] * 4 + ["test"] * 4


def _run() -> None:
    spec = importlib.util.spec_from_file_location("stage_embedded_baselines", ROOT / "stages/embedded_baselines.py")
    assert spec is not None
    assert spec.loader is not None
    stage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stage)
    stage.main("vindr")


def test_stage_predicts_what_the_models_say_of_the_embeddings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbone: Path, table: tuple[pd.DataFrame, np.ndarray]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    X, y = table
    ids = [f"lesion{number:02d}" for number in range(len(X))]
    prompts = [f"Sphericity is {value:.2f}." for value in X["Sphericity"]]
    rows = pd.DataFrame({"lesion_id": ids, "split": SPLITS, "prompt": prompts, "label": y})
    write_prompts("data/prompts/vindr.jsonl", rows)
    lesions = [
        Lesion(
            key, f"p{key}", key, "vindr_mammo", "i", "CC", "L", "4", int(label), split, 0, 0, 9, 9, "", 0.1, "unknown"
        )
        for key, label, split in zip(ids, y, SPLITS, strict=True)
    ]
    write_csv("data/lesions/vindr_mammo.csv", to_table(lesions))
    with pytest.raises(InputError, match="no saved classifier"):
        _run()
    assert not Path("data/predictions").exists()

    model = LanguageModelClassifier(backbone, layers=1, rank=2, epochs=1, device="cpu", precision="fp32")
    model.fit(prompts[:16], y[:16]).save("models/vindr/language_model")
    _run()
    predictions = read_predictions(["data/predictions/vindr/embedded.csv"])
    params = load_params("params.yaml")
    assert set(predictions["model"]) == {f"embedding_{name}" for name in params.baselines.on_embeddings}
    embedding = model.embed(prompts)
    for name in params.baselines.on_embeddings:
        own = predictions[predictions["model"] == f"embedding_{name}"]
        assert own["lesion_id"].tolist() == ids[16:]
        assert own["split"].tolist() == SPLITS[16:]
        assert own["label"].tolist() == y[16:].tolist()
        assert (own["patient_id"] == "p" + own["lesion_id"]).all()
        expected = fit_predict_embedded(name, embedding[:16], y[:16], embedding[16:], params.baselines, params.seed)
        assert own["probability"].to_numpy() == pytest.approx(expected, abs=1e-4)
