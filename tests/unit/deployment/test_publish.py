"""An exported model is copied or uploaded whole, where that was asked, and read again from there; all offline."""

import os
import shutil
import subprocess
import sys

import huggingface_hub
import numpy as np
import pandas as pd
import pytest
from huggingface_hub import ModelCard
from typer.testing import CliRunner

from radprompt.cli import app
from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.export.export import export_model
from radprompt.export.manifest import check_manifest, describe
from radprompt.export.publish import copy_model
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.named.classifier import NamedClassifier

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def uploads(monkeypatch):
    """What would have reached the hub."""
    calls = []

    class Hub:
        def __init__(self, **options):
            calls.append(("made", options))

        def create_repo(self, target, **options):
            calls.append(("repository", target, options))

        def upload_folder(self, **options):
            calls.append(("upload", options))
            return type("Commit", (), {"oid": COMMIT})

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    return calls


def test_the_card_is_one_that_hubs_read(exported):
    card = ModelCard.load(exported / "README.md")
    data = card.data.to_dict()
    assert data["library_name"] == "radprompt"
    assert data["base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert data["license"] == "apache-2.0"
    assert data["inference"] is False
    assert "widget" not in data
    assert {"research-only", "not-for-clinical-use", "synthetic-data"} <= set(data["tags"])
    assert card.text.lstrip().startswith("# Model card: radprompt, VinDr-Mammo")


def test_figures_of_the_card_are_those_of_the_run(own_repository, tmp_path):
    row = {"setting": "vindr", "model": "llm", "metric": "auc", "value": 0.8125, "low": 0.6875, "high": 0.90625}
    counts = {"lesions": 16, "patients": 12, "malignant": 7, "repeats": 1, "repeat_sd": np.nan, "seeds": 1}
    write_csv("metrics/comparison.csv", pd.DataFrame([row | counts]))
    export_model(tmp_path / "model", "vindr", 0)
    (result,) = ModelCard.load(tmp_path / "model" / "README.md").data.eval_results
    assert (result.metric_type, result.metric_value) == ("roc_auc", 0.8125)
    assert (result.dataset_type, result.dataset_split) == ("vindr_mammo", "test")
    assert result.dataset_name == "VinDr-Mammo, drawn by a phantom"
    assert result.metric_args == {"confidence": 0.95, "low": 0.6875, "high": 0.9062, "lesions": 16, "patients": 12}


def test_a_copy_is_the_model_file_by_file_and_replaces_nothing_else(exported, tmp_path):
    done = CliRunner().invoke(app, ["push", str(exported), str(tmp_path / "share" / "model")])
    assert done.exit_code == 0, done.output
    sha256 = check_manifest(exported)
    assert sha256 in done.output
    assert describe(tmp_path / "share" / "model") == describe(exported)
    copy_model(exported, tmp_path / "share" / "model")  # the same once more
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is no exported model"):
        copy_model(exported, tmp_path / "notes")
    assert (tmp_path / "notes" / "mine.txt").read_text() == "mine"


def test_nothing_is_uploaded_that_was_not_agreed_to(exported, uploads):
    done = CliRunner().invoke(app, ["push", str(exported), "hospital/breast-masses"], input="n\n")
    assert done.exit_code == 1
    assert uploads == []
    for part in ("It learned from", "readable by whom you let?", "README.md"):
        assert part in done.output


def test_an_altered_model_is_not_uploaded(own_export, uploads):
    (own_export / "scaler.json").write_text("{}")
    done = CliRunner().invoke(app, ["push", str(own_export), "hospital/breast-masses", "--yes"])
    assert isinstance(done.exception, InputError)
    assert "altered" in done.exception.what
    assert uploads == []


@pytest.mark.parametrize("public", [False, True])
def test_what_is_uploaded_is_private_unless_it_is_said(exported, uploads, public):
    options = ["--yes", *(["--public"] if public else [])]
    done = CliRunner().invoke(app, ["push", str(exported), "hospital/breast-masses", *options])
    assert done.exit_code == 0, done.output
    assert COMMIT in done.output
    _, repository, upload = uploads
    assert repository == ("repository", "hospital/breast-masses", {"private": not public, "exist_ok": True})
    assert upload[1]["repo_id"] == "hospital/breast-masses"
    assert sorted(upload[1]["allow_patterns"]) == sorted(describe(exported))


def test_both_models_come_back_from_a_folder(exported, tmp_path):
    """From a copy elsewhere: nothing of the repository, and no relative path, is needed."""
    copy_model(exported, tmp_path / "model")
    table = pd.read_csv(exported / "background.csv")
    here = LanguageModelClassifier.from_pretrained(exported)
    there = LanguageModelClassifier.from_pretrained(tmp_path / "model", device="cpu")
    assert np.array_equal(here.predict_proba(table), there.predict_proba(table))
    named, again = (NamedClassifier.from_pretrained(place) for place in (exported, tmp_path / "model" / "named"))
    columns = list(named.feature_names_in_)
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(5, len(columns))), columns=columns)
    assert np.array_equal(named.predict_proba(X), again.predict_proba(X))


def test_what_is_no_model_says_what_to_name(tmp_path):
    with pytest.raises(InputError, match=r"neither named.json nor named/named.json"):
        NamedClassifier.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        NamedClassifier.from_pretrained(tmp_path / "absent")
    with pytest.raises(InputError, match="a hub id without its commit"):
        NamedClassifier.from_pretrained("hospital/breast-masses")


def test_the_hubs_cache_is_read_without_a_network(exported, tmp_path):
    """What ``radprompt push`` uploads, as the hub's library keeps it."""
    snapshots = tmp_path / "models--hospital--breast-masses" / "snapshots"
    shutil.copytree(exported, snapshots / COMMIT)

    def read(commit):
        code = (
            "from radprompt.named.classifier import NamedClassifier\n"
            f"model = NamedClassifier.from_pretrained('hospital/breast-masses', revision='{commit}')\n"
            "print(model.classes_.tolist())"
        )
        environment = os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

    assert read(COMMIT).stdout == "[0, 1]\n"
    refused = read(COMMIT[::-1]).stderr
    assert f"hospital/breast-masses, {COMMIT[::-1]}: not on the hub, or the hub cannot be reached" in refused
    assert "Fix: check id, commit, login and network" in refused
