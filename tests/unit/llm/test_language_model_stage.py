"""The stage that trains the language model: several seeds, one model saved, curves, no checkpoint left behind."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.evaluation.predictions import read_predictions
from radprompt.llm.classifier import LanguageModelClassifier


@pytest.fixture
def two_seeds(setting_folder: pd.DataFrame, backbone: Path) -> pd.DataFrame:
    shutil.copytree(backbone, "models/backbone")
    params = Path("params.yaml")
    text = params.read_text(encoding="utf-8")
    for old, new in [
        ("  seeds: 1 ", "  seeds: 2 "),
        ("    layers: 8 ", "    layers: 2 "),
        ("  epochs: 12 ", "  epochs: 3 "),
        ("  precision: auto ", "  precision: fp32 "),
    ]:
        assert old in text
        text = text.replace(old, new)
    params.write_text(text, encoding="utf-8")
    return setting_folder


def test_every_seed_predicts_and_the_first_is_saved(two_seeds: pd.DataFrame, run_stage: Callable[[str], None]) -> None:
    run_stage("language_model")
    table = read_predictions(["data/predictions/vindr/llm.csv"])
    by_seed = table.pivot_table(index="lesion_id", columns="seed", values="probability")
    assert list(by_seed.columns) == [2025, 2026]
    assert len(by_seed) == 8
    assert (by_seed[2025] - by_seed[2026]).abs().max() > 1e-4

    scored = two_seeds[two_seeds["split"] != "train"].sort_values("lesion_id")
    saved = LanguageModelClassifier.load("models/vindr/language_model").predict_proba(scored["prompt"].tolist())
    np.testing.assert_allclose(by_seed[2025], saved[:, 1], atol=1e-6)

    curve = pd.read_csv("plots/training/vindr/plots/metrics/val_loss.tsv", sep="\t")
    assert curve["step"].tolist() == [1, 2, 3]
    assert not Path(".radprompt/vindr").exists()


def test_two_runs_write_the_same_bytes(two_seeds: pd.DataFrame, run_stage: Callable[[str], None]) -> None:
    written = []
    for _ in range(2):
        run_stage("language_model")
        files = sorted(p for folder in ("models/vindr", "data/predictions", "plots") for p in Path(folder).rglob("*.*"))
        written.append({p: p.read_bytes() for p in files if p.is_file()})
    assert len(written[0]) >= 8
    assert written[0] == written[1]
