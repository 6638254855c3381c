"""Conventional models on embeddings, through the stage, with a backbone small enough for a test."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from radprompt.baselines.embedded import fit_predict_embedded
from radprompt.errors import InputError
from radprompt.evaluation.predictions import read_predictions
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.params import load_params


def test_stage_predicts_what_the_models_say_of_the_embeddings(
    setting_folder: pd.DataFrame, backbone: Path, run_stage: Callable[[str], None]
) -> None:
    prompts, y = setting_folder["prompt"].tolist(), setting_folder["label"].to_numpy()
    with pytest.raises(InputError, match="no saved classifier"):
        run_stage("embedded_baselines")
    assert not Path("data/predictions").exists()

    model = LanguageModelClassifier(backbone, layers=1, rank=2, epochs=1, device="cpu", precision="fp32")
    model.fit(prompts[:16], y[:16]).save("models/vindr/language_model")
    run_stage("embedded_baselines")
    predictions = read_predictions(["data/predictions/vindr/embedded.csv"])
    params = load_params("params.yaml")
    assert set(predictions["model"]) == {f"embedding_{name}" for name in params.baselines.on_embeddings}
    embedding = model.embed(prompts)
    for name in params.baselines.on_embeddings:
        own = predictions[predictions["model"] == f"embedding_{name}"]
        assert own["lesion_id"].tolist() == setting_folder["lesion_id"].tolist()[16:]
        assert own["split"].tolist() == setting_folder["split"].tolist()[16:]
        assert own["label"].tolist() == y[16:].tolist()
        assert (own["patient_id"] == "p" + own["lesion_id"]).all()
        expected = fit_predict_embedded(name, embedding[:16], y[:16], embedding[16:], params.baselines, params.seed)
        assert own["probability"].to_numpy() == pytest.approx(expected, abs=1e-4)
