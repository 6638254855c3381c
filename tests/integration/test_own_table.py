"""`radprompt table` on a small table through real DVC, with a tiny language model."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from radprompt.own_table.folder import set_params

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

QUICK = {
    "llm": {"epochs": 1, "precision": "fp32", "device": "cpu", "lora": {"rank": 2, "alpha": 4}},
    "features": {"count": 3},
    "named": {"draws": 5},
    "adaptation": {"repeats": {"llm": 1}},
    "baselines": {"models": ["logistic_regression", "majority"]},
    "evaluation": {"bootstrap_draws": 50},
}


def _environment(cwd):
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CEILING_DIRECTORIES": str(cwd.parent),
        "DVC_NO_ANALYTICS": "1",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
    }


def _run(*command, cwd, expect=0):
    done = subprocess.run(command, cwd=cwd, env=_environment(cwd), capture_output=True, text=True)
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def _kill(*command, cwd, at):
    """Start a command, kill it with SIGKILL where it says ``at``, and wait for all that it started to be gone."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=cwd, env=_environment(cwd), **streams) as process:
        said = ""
        while at not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        started = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.stdout.read()  # ends when nobody has it open any more
    _, alive = psutil.wait_procs(started, timeout=60)
    assert alive == []


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a table and a backbone of a few layers."""
    home = tmp_path_factory.mktemp("own")
    place = ROOT / "tests/unit/llm/conftest.py"
    spec = importlib.util.spec_from_file_location("llm_conftest", place)
    fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixtures)
    fixtures._backbone("llama", home)
    rng = np.random.default_rng(0)
    values = pd.DataFrame(rng.normal(size=(40, 3)).round(3), columns=["Fläche", "tone", "edge"])
    values["diagnosis"] = np.where((values["Fläche"] > 0) ^ (np.arange(40) == 3), "M", "B")
    values["shape"] = rng.choice(["oval", "round"], 40)
    values.loc[[2, 7], "tone"] = np.nan
    values["patient"] = [f"p{number // 2}" for number in range(40)]
    values.to_csv(home / "mydata.csv", index=False, sep=";", encoding="utf-8-sig")
    return home


COMMAND = ["radprompt", "table", "mydata.csv", "--label", "diagnosis", "--group", "patient", "--out", "study"]


def test_a_table_becomes_a_pipeline_that_runs_once(home):
    command = [*COMMAND, "--folds", "2", "--repeats", "1", "--llm"]
    said = _run(*command, "--no-run", cwd=home)
    assert "study: a DVC pipeline, without git" in said
    assert "40 cases of 20 patients, 4 features, 'M' (" in said
    assert "tested by: 2-fold cross-validation" in said
    backbone = {"backbone": {"source": str(home / "weights")}}
    set_params(home / "study/params.yaml", QUICK | {"llm": QUICK["llm"] | backbone})
    command += ["--task", "Classify B or M of this mass."]
    _kill(*command, cwd=home, at="Running stage 'named@cross_validation'")
    said = _run(*command, cwd=home)
    assert "Stage 'select' didn't change, skipping" in said
    assert "Running stage 'select'" not in said
    assert "AUC on cases that a model did not see" in said
    assert "logistic regression" in said

    study = home / "study"
    summary = json.loads((study / "metrics/summary.json").read_text())
    assert set(summary["cross_validation"]) == {"named", "named_all", "llm", "logistic_regression", "majority"}
    prompts = (study / "data/prompts/cross_validation.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(prompts[0])["prompt"].startswith("Classify B or M of this mass. The '")
    assert (study / "reports/index.html").is_file()
    assert (study / "models/final/named/named.json").is_file()
    assert "Data and pipelines are up to date." in _run("dvc", "repro", "llm/dvc.yaml", "dvc.yaml", cwd=study)


def test_new_rows_are_predicted_by_the_final_model(home):
    rows = pd.read_csv(home / "mydata.csv", sep=";").drop(columns="diagnosis").head(5)
    rows.to_csv(home / "new.csv", index=False)
    said = _run("radprompt", "table", "new.csv", "--apply", "study", cwd=home)
    assert "5 cases: new_predictions.csv; probability of 'M'" in said
    assert pd.read_csv(home / "new_predictions.csv")["probability"].between(0, 1).all()


def test_another_parameter_reruns_what_it_touches(home):
    set_params(home / "study/params.yaml", {"baselines": {"logistic_regression": {"C": 0.5}}})
    said = _run("dvc", "repro", cwd=home / "study")
    ran = [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]
    assert ran == ["baselines@cross_validation", "evaluate@cross_validation", "figures", "summary", "report"]


def test_a_stage_that_cannot_go_on_says_why_in_one_screen(home):
    (home / "study/data/table.csv").write_text("diagnosis,a\nB,1\nM,2\nX,3\n", encoding="utf-8")
    _run("dvc", "add", "-q", "data/table.csv", cwd=home / "study")
    said = _run("dvc", "repro", cwd=home / "study", expect=255)
    assert "radprompt.stages.check_table stopped; its outputs are as they were." in said
    assert "Traceback" not in said
    assert "column is called 'patient'" in said
    assert (home / "study/data/cases.csv").is_file()


def test_a_wrong_table_leaves_nothing_behind(home):
    said = _run("radprompt", "table", "mydata.csv", "--label", "tone", "--out", "other", cwd=home, expect=1)
    assert "different values, and only two classes are supported so far" in said
    assert not (home / "other").exists()
