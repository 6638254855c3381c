"""The stages themselves: what they write, and that bad predictions leave their outputs alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[3]
SETTINGS = list(load_settings(ROOT / "settings.yaml"))
KINDS = ("roc", "calibration", "decision", "scores", "confusion")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with params.yaml, settings.yaml and predictions of two models."""
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, tmp_path)
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


def halve(place: Path, setting: str) -> None:
    """Give a setting on INbreast the predictions of vindr: repeat 0 tests the even patients, repeat 1 the odd ones."""
    for source in (place / "data" / "predictions" / "vindr").iterdir():
        table = pd.read_csv(source).assign(setting=setting)
        parts = []
        for repeat in (0, 1):
            tested = table["patient_id"] % 2 == repeat
            parts.append(table.assign(repeat=repeat, split=np.where(tested, "test", "val")))
        target = place / "data" / "predictions" / setting / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        pd.concat(parts).to_csv(target, index=False)


def stage(place: Path, name: str, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "stages" / f"{name}.py"), *arguments]
    return subprocess.run(
        command, cwd=place, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "2"}
    )


def keep_settings(place: Path, *names: str) -> None:
    """Leave only some settings in settings.yaml, since the stage of figures draws all that there are."""
    yaml = YAML(typ="safe")
    content = yaml.load((place / "settings.yaml").read_text())
    content = {key: content[key] for key in ("settings", "halved", "data_sets")} | {"explained": [names[0]]}
    kept = {name: own for name, own in content["settings"].items() if name in names}
    content["settings"] = {name: own | {"start": "pretrained", "selection": name} for name, own in kept.items()}
    yaml.dump(content, place / "settings.yaml")


def contents(place: Path) -> dict[str, bytes]:
    files = [path for folder in ("metrics", "plots") for path in (place / folder).rglob("*") if path.is_file()]
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


def test_outputs_and_a_refusal_that_leaves_them(place: Path) -> None:
    keep_settings(place, "vindr")
    done = stage(place, "evaluate", "vindr")
    assert done.returncode == 0, done.stderr
    drawn = stage(place, "figures")
    assert drawn.returncode == 0, drawn.stderr
    written = contents(place)
    plots = {f"plots/evaluation/{name}" for k in KINDS for name in (f"points/{k}/vindr.csv", f"vindr/{k}.svg")}
    assert set(written) == {"metrics/evaluation/vindr.json", "metrics/evaluation/vindr.csv"} | plots
    assert "no validation rows of both classes" in done.stdout
    assert "llm (1 run), logistic_regression (1 run)" in done.stdout
    # What is shown has names in words: in drawings, and in the tables that DVC draws.
    assert b"ROC: VinDr-Mammo, internal test" in written["plots/evaluation/vindr/roc.svg"]
    assert b"language model (" in written["plots/evaluation/vindr/roc.svg"]
    models = {b"model", b"language model", b"logistic regression"}
    for kind, column in (("roc", -1), ("confusion", 1)):
        rows = written[f"plots/evaluation/points/{kind}/vindr.csv"].splitlines()
        assert {row.split(b",")[column] for row in rows} == models
    metrics = json.loads(written["metrics/evaluation/vindr.json"])["vindr"]["llm"]
    for name in ("accuracy", "balanced_accuracy", "f1", "auc", "sensitivity", "specificity"):
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]

    path = place / "data" / "predictions" / "vindr" / "llm.csv"
    table = pd.read_csv(path)
    table.loc[4, "probability"] = 1.2
    table.to_csv(path, index=False)
    refused = stage(place, "evaluate", "vindr")
    assert refused.returncode == 1
    assert "llm.csv, row 5: probability '1.2'" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert contents(place) == written


def test_a_setting_of_several_halves(place: Path) -> None:
    halve(place, "inbreast_adapted")
    keep_settings(place, "inbreast_adapted")
    done = stage(place, "evaluate", "inbreast_adapted")
    assert done.returncode == 0, done.stderr
    assert stage(place, "figures").returncode == 0
    assert "inbreast_adapted, 2 models, 2 test sample(s)" in done.stdout
    assert "validation" not in done.stdout
    assert b"the first test half" in (place / "plots/evaluation/inbreast_adapted/roc.svg").read_bytes()
    rival = json.loads((place / "metrics/evaluation/inbreast_adapted.json").read_text())["inbreast_adapted"]
    assert rival["llm"]["repeats"] == rival["logistic_regression"]["repeats"] == 2
    bounds = [rival["logistic_regression"][f"auc_difference{end}"] for end in ("_low", "", "_high")]
    assert bounds == sorted(bounds)
    assert bounds[1] == pytest.approx(rival["llm"]["auc"] - rival["logistic_regression"]["auc"], abs=2e-6)
    comparison = pd.read_csv(place / "metrics/evaluation/inbreast_adapted.csv")
    tests = comparison.loc[comparison["difference"].notna(), ["p_bootstrap", "p_resampled", "p_delong"]]
    assert tests.notna().any().tolist() == [True, True, False]


def test_rows_of_another_setting_are_refused(place: Path) -> None:
    folder = place / "data" / "predictions"
    shutil.copytree(folder / "vindr", folder / "inbreast_adapted")
    refused = stage(place, "evaluate", "inbreast_adapted")
    assert refused.returncode == 1
    assert "inbreast_adapted/llm.csv, row 1: setting 'vindr' is not 'inbreast_adapted'" in refused.stderr
    assert not contents(place)


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    """A folder with params.yaml, settings.yaml and what the evaluate stage writes, in small, of every setting."""
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    folder = tmp_path / "metrics" / "evaluation"
    folder.mkdir(parents=True)
    for number, name in enumerate(SETTINGS):
        (folder / f"{name}.json").write_text(json.dumps({name: {"llm": {"auc": number / 10}}}))
        (folder / f"{name}.csv").write_text(f"setting,model,value,p_delong\n{name},llm,0.{number}23456789,\n")
    return tmp_path


def test_the_settings_are_put_together_in_their_order_and_to_the_digit(evaluated: Path) -> None:
    done = stage(evaluated, "summary")
    assert done.returncode == 0, done.stderr
    summary = json.loads((evaluated / "metrics/summary.json").read_text())
    assert list(summary) == SETTINGS
    assert summary["inbreast_unadapted"] == {"llm": {"auc": 0.1}}
    rows = [f"{name},llm,0.{number}23456789,\n" for number, name in enumerate(SETTINGS)]
    assert (evaluated / "metrics/comparison.csv").read_text() == "setting,model,value,p_delong\n" + "".join(rows)


@pytest.mark.parametrize("end", ["json", "csv"])
def test_a_setting_that_was_not_evaluated_is_named(evaluated: Path, end: str) -> None:
    (evaluated / f"metrics/evaluation/inbreast_scratch.{end}").unlink()
    before = contents(evaluated)
    refused = stage(evaluated, "summary")
    assert refused.returncode == 1
    assert f"metrics/evaluation/inbreast_scratch.{end}: no such file" in refused.stderr
    assert contents(evaluated) == before


def test_a_reference_that_nobody_trained(evaluated: Path) -> None:
    params = evaluated / "params.yaml"
    text = params.read_text()
    assert "reference: llm " in text
    params.write_text(text.replace("reference: llm ", "reference: lstm "))
    refused = stage(evaluated, "summary")
    assert refused.returncode == 1
    assert "evaluation.reference: no setting has predictions of model 'lstm'" in refused.stderr
    assert not (evaluated / "metrics/summary.json").exists()


def test_a_rule_that_no_model_can_follow_leaves_the_confusion_out(place: Path) -> None:
    params = place / "params.yaml"
    text = params.read_text()
    assert "evaluation:\n  threshold: 0.5 " in text
    params.write_text(text.replace("evaluation:\n  threshold: 0.5 ", "evaluation:\n  threshold: youden "))
    keep_settings(place, "vindr")
    done = stage(place, "figures")
    assert done.returncode == 0, done.stderr
    assert "plots/evaluation/vindr/roc.svg" in contents(place)
    assert not [name for name in contents(place) if "confusion" in name]
