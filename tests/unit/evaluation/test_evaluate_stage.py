"""The stage itself: what it writes, and that bad predictions leave its outputs alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with params.yaml and predictions of two models."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    generator = np.random.default_rng(0)
    labels = np.tile([0, 1], 20)
    for model in ("llm", "logistic_regression"):
        table = pd.DataFrame({"lesion_id": [f"l{i:02d}" for i in range(40)], "patient_id": np.arange(40) // 2})
        table = table.assign(setting="vindr", model=model, seed=1, split="test", label=labels)
        table["probability"] = np.clip(generator.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
        path = tmp_path / "data" / "predictions" / "vindr" / f"{model}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False)
    return tmp_path


def evaluate(place: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "stages" / "evaluate.py")]
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "2"}
    )


def contents(place: Path) -> dict[str, bytes]:
    files = [path for folder in ("metrics", "plots") for path in (place / folder).rglob("*") if path.is_file()]
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


def test_outputs_and_a_refusal_that_leaves_them(place: Path) -> None:
    done = evaluate(place)
    assert done.returncode == 0, done.stderr
    written = contents(place)
    kinds = ("roc", "calibration", "decision", "scores", "confusion")
    plots = {f"plots/evaluation/vindr_{kind}.{end}" for kind in kinds for end in ("csv", "svg")}
    assert set(written) == {"metrics/summary.json", "metrics/comparison.csv"} | plots
    assert "no validation rows of both classes" in done.stdout
    assert "llm (vindr, seed 1), logistic_regression (vindr, seed 1)" in done.stdout
    metrics = json.loads(written["metrics/summary.json"])["vindr"]["llm"]
    for name in ("accuracy", "balanced_accuracy", "f1", "auc", "sensitivity", "specificity"):
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]

    path = place / "data" / "predictions" / "vindr" / "llm.csv"
    table = pd.read_csv(path)
    table.loc[4, "probability"] = 1.2
    table.to_csv(path, index=False)
    refused = evaluate(place)
    assert refused.returncode == 1
    assert "llm.csv, row 5: probability '1.2'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert contents(place) == written


def test_a_rule_that_no_model_can_follow_leaves_the_confusion_out(place: Path) -> None:
    params = place / "params.yaml"
    text = params.read_text()
    assert "evaluation:\n  threshold: 0.5 " in text
    params.write_text(text.replace("evaluation:\n  threshold: 0.5 ", "evaluation:\n  threshold: youden "))
    done = evaluate(place)
    assert done.returncode == 0, done.stderr
    assert "plots/evaluation/vindr_roc.svg" in contents(place)
    assert not [name for name in contents(place) if "confusion" in name]
