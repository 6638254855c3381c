"""`radprompt profile open; radprompt doctor; dvc repro` on drawn films where the real ones would lie, by real DVC."""

import json
import shutil
import sys

import pandas as pd
import pytest
from tiny import copied, run, started, tiny_repository, untuned

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A repository on the open profile, reproduced once; what the doctor found before; the stages that ran."""
    home = tiny_repository(tmp_path_factory.mktemp("clone") / "radprompt")
    params = home / "params.yaml"
    params.write_text(params.read_text().replace("cbis_ddsm: 14 ", "cbis_ddsm: 60 "))
    run(sys.executable, "stages/phantom.py", "cbis_ddsm", cwd=home)
    (home / "data/raw").mkdir(exist_ok=True)
    (home / "data/phantom/raw/cbis_ddsm").rename(home / "data/raw/cbis_ddsm")
    shutil.rmtree(home / "data/phantom/raw")
    run("radprompt", "profile", "open", cwd=home)
    run("radprompt", "profile", "tiny", cwd=home)  # smaller again
    found = json.loads(run("radprompt", "doctor", "--json", cwd=home, expect=1))
    return home, found, set(started(run("dvc", "repro", cwd=home)))


def test_the_open_profile_runs_on_cbis_alone(opened):
    home, found, ran = opened
    data = [each for each in found["findings"] if each["area"] == "data"]
    # Drawn films are fewer than the real ones: the doctor says so, of this data set and no other.
    assert [(each["subject"], each["state"]) for each in data] == [("CBIS-DDSM", "error")]
    assert "of 1,318 training rows" in data[0]["found"]
    assert [each["subject"] for each in found["findings"] if each["state"] == "error"] == ["CBIS-DDSM"]
    assert {"lesions@cbis_ddsm", "features@cbis_ddsm", "named@cbis", "baselines@cbis", "explain@cbis", "report"} <= ran
    assert {name.partition("@")[2] for name in ran} == {"", "cbis_ddsm", "cbis"}
    lesions = pd.read_csv(home / "data/lesions/cbis_ddsm.csv", dtype=str)
    assert set(lesions["split"]) == {"train", "val", "test"}
    official = {
        split: set(pd.read_csv(home / f"data/raw/cbis_ddsm/mass_case_description_{split}_set.csv")["patient_id"])
        for split in ("train", "test")
    }
    for split, own in lesions.groupby("split"):
        assert set(own["patient_id"]) <= official["test" if split == "test" else "train"]
    (scores,) = json.loads((home / "metrics/summary.json").read_text()).values()
    assert {"llm", "named", "named_all", "logistic_regression", "embedding_svm"} <= set(scores)
    page = "".join((home / "reports" / name).read_text() for name in ("index.html", "audit.html"))
    assert "Labels of CBIS-DDSM are pathology" in page
    assert "readers' BI-RADS categories" not in page
    drawn = run("dvc", "plots", "show", "--json", cwd=home)
    assert "failed to load" not in drawn
    assert "plots/evaluation/points/roc/cbis.csv" in drawn
    assert "vindr" not in drawn
    assert "metrics/headline/cbis.json" in run("dvc", "metrics", "show", cwd=home)
    assert "Running stage" not in run("dvc", "repro", cwd=home)


def test_a_run_without_a_tuned_language_model_says_so_everywhere(opened, tmp_path):
    copy = copied(opened[0], tmp_path / "radprompt")
    untuned(copy / "params.yaml")
    ran = {name.partition("@")[0] for name in started(run("dvc", "repro", cwd=copy))}
    assert {"language_model", "embedded_baselines", "explain", "summary", "report"} <= ran
    assert not ran & {"named", "baselines", "names", "features", "backbone"}
    for models in json.loads((copy / "metrics/summary.json").read_text()).values():
        assert {"named", "logistic_regression"} <= set(models)
        assert not {"llm", "embedding_svm"} & set(models)
    headline = json.loads((copy / "metrics/headline/cbis.json").read_text())
    assert "named" in headline
    assert "llm" not in headline
    words = "The language model was left out of this run (llm.tuning: none)."
    assert words in run("radprompt", "summary", cwd=copy)
    page = "".join((copy / "reports" / name).read_text() for name in ("index.html", "audit.html"))
    assert words in page
    for what in ("The table of shares", "The training curve of cbis"):
        assert f"{what} is not there: the language model was left out of this run" in page
    assert words in run("radprompt", "export", "model", cwd=copy, expect=1)
    assert "Running stage" not in run("dvc", "repro", cwd=copy)
