"""The whole pipeline on the tiny profile, by real DVC, in a copy of the repository's files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def _run(*command: str, cwd: Path, expect: int = 0) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(cwd / "src"),
        "DVC_NO_ANALYTICS": "1",
        "COLUMNS": "120",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == expect, f"{command} -> {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository of its own, on the tiny profile, reproduced once."""
    home = tmp_path_factory.mktemp("clone") / "radprompt"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("metrics/", "plots/")) and name not in ("dvc.lock",):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / name)
    for lock in home.rglob("dvc.lock"):
        lock.unlink()
    _run("git", "init", "-q", cwd=home)
    for key, value in (("user.name", "tests"), ("user.email", "tests@example.org"), ("commit.gpgsign", "false")):
        _run("git", "config", key, value, cwd=home)
    _run("radprompt", "profile", "tiny", cwd=home)
    _run("git", "add", "-A", cwd=home)
    _run("git", "commit", "-qm", "tiny", cwd=home)
    _run("dvc", "repro", cwd=home)
    _run("git", "add", "-A", cwd=home)
    _run("git", "commit", "-qm", "reproduced", "--allow-empty", cwd=home)
    return home


def test_second_repro_runs_no_stage_and_status_is_clean(repository):
    assert "Running stage" not in _run("dvc", "repro", cwd=repository)
    assert json.loads(_run("dvc", "status", "--json", cwd=repository)) == {}


def test_every_stage_left_its_outputs_and_the_summary_is_finite(repository):
    summary = json.loads((repository / "metrics/summary.json").read_text())
    for model in ("llm", "logistic_regression"):
        scores = summary["vindr"][model]
        for metric in ("auc", "accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity"):
            assert 0 <= scores[f"{metric}_low"] <= scores[metric] <= scores[f"{metric}_high"] <= 1, (model, metric)
    assert "logistic" in _run("radprompt", "summary", cwd=repository).lower()


def test_no_patient_is_on_both_sides_of_a_split(repository):
    for dataset in ("cbis_ddsm", "vindr_mammo", "inbreast"):
        lesions = pd.read_csv(repository / f"data/lesions/{dataset}.csv", dtype=str)
        assert (lesions.groupby("patient_id")["split"].nunique() == 1).all(), dataset
        assert lesions["split"].nunique() >= 2, dataset


def test_scaler_and_selection_saw_training_rows_only(repository):
    lesions = pd.read_csv(repository / "data/lesions/vindr_mammo.csv", dtype=str).set_index("lesion_id")
    for record in ("scaler", "selection"):
        fitted_on = json.loads((repository / f"models/vindr/{record}.json").read_text())["fitted_on"]
        assert set(lesions.loc[fitted_on, "split"]) == {"train"}, record
        assert len(fitted_on) == (lesions["split"] == "train").sum(), record


def test_flow_accounts_for_every_row_of_the_source(repository):
    for dataset in ("cbis_ddsm", "vindr_mammo", "inbreast"):
        flow = json.loads((repository / f"data/lesions/{dataset}_flow.json").read_text())
        excluded = sum(count for step, count in flow.items() if step.startswith("excluded"))
        assert flow["rows"] == flow["lesions"] + excluded, dataset
        assert excluded == len(pd.read_csv(repository / f"data/lesions/{dataset}_exclusions.csv")), dataset


def test_predictions_and_prompts_hold_the_same_lesions(repository):
    prompts = pd.read_json(repository / "data/prompts/vindr.jsonl", lines=True, dtype={"lesion_id": str})
    scored = set(prompts.loc[prompts["split"] != "train", "lesion_id"])
    for family in ("llm", "baselines", "transtab", "embedded"):
        table = pd.read_csv(repository / f"data/predictions/vindr/{family}.csv", dtype={"lesion_id": str})
        for _, rows in table.groupby("model"):
            assert set(rows["lesion_id"]) == scored, family


def test_a_rank_ablation_reruns_the_language_model_and_what_follows_only(repository):
    log = _run("dvc", "exp", "run", "-S", "llm.lora.rank=2", "-n", "rank-two", cwd=repository)
    ran = {line.split("'")[1] for line in log.splitlines() if line.startswith("Running stage")}
    assert ran == {"language_model@vindr", "embedded_baselines@vindr", "evaluate", "paper_comparison", "report"}
    shown = _run("dvc", "exp", "show", "--csv", "--no-pager", cwd=repository)
    assert "rank-two" in shown
    _run("git", "checkout", "-q", "--", ".", cwd=repository)
    _run("dvc", "checkout", "-q", cwd=repository)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    rank: 4", "    rnak: 4", "unknown key 'llm.lora.rnak'"),
        ("  decimals: 3", "  decimals: three", "prompt.decimals: Input should be a valid integer; found 'three' (str)"),
    ],
)
def test_a_wrong_params_file_stops_the_stage_and_leaves_outputs(repository, old, new, message):
    params = repository / "params.yaml"
    text = params.read_text()
    assert old in text
    before = (repository / "data/predictions/vindr/llm.csv").read_bytes()
    try:
        params.write_text(text.replace(old, new))
        assert message in _run("dvc", "repro", cwd=repository, expect=255)
        assert (repository / "data/predictions/vindr/llm.csv").read_bytes() == before
        assert (repository / "data/prompts/vindr.jsonl").is_file()
    finally:
        params.write_text(text)
    assert "Running stage" not in _run("dvc", "repro", cwd=repository)
