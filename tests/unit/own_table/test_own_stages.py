"""The stages one after the other on two small sites with a tiny language model, in one process."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.own_table.stages import STAGES, read_lessons, run_stage
from radprompt.tables.prompts import read_prompts


@pytest.fixture(scope="module")
def folder(tmp_path_factory, backbone, tiny_params, two_sites):
    """A folder in which every stage ran; the working directory of this module's tests."""
    home = tmp_path_factory.mktemp("own")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        Path("data").mkdir()
        two_sites.to_csv("data/table.csv", index=False)
        with Path("params.yaml").open("w", encoding="utf-8") as stream:
            YAML().dump(tiny_params, stream)
        for name in STAGES:
            run_stage(name)
        yield home
    torch.set_num_threads(threads)


def test_the_first_sites_prompts_name_words_and_what_is_missing(folder):
    prompts = read_prompts("data/prompts.jsonl").set_index("lesion_id")["prompt"]
    assert len(prompts) == 30
    assert "The 'shape' feature is missing ." in prompts["N03"]
    assert "The 'tone' feature is missing ." in prompts["N04"]
    assert all(prompt.count(" feature is ") == 3 for prompt in prompts)


def test_every_lesson_scales_and_selects_on_its_own_cases_alone(folder):
    about = pd.read_csv("data/cases.csv").set_index("case")
    lessons = read_lessons()
    assert [lesson.key for lesson in lessons] == ["South_8_cases_0", "South_8_cases_1", "South_all_cases_0"]
    for lesson in lessons:
        encoder = json.loads(Path(f"models/other_sites/{lesson.key}/encoder.json").read_text())
        selection = json.loads(Path(f"models/other_sites/{lesson.key}/selection.json").read_text())
        assert encoder["scaler"]["fitted_on"] == selection["fitted_on"]
        fitted = about.loc[selection["fitted_on"]]
        assert set(fitted["site"]) == {"South"}
        assert set(fitted["split"]) == {"train"}
        assert len(fitted) == (lesson.cases or 16)
        prompts = read_prompts(f"data/other_sites/{lesson.key}.jsonl")
        assert sorted(prompts.loc[prompts["split"] == "train", "lesion_id"]) == sorted(selection["fitted_on"])
        assert "area" not in encoder["features"], "a column of the other hospital alone"
    notes = json.loads(Path("data/other_sites/lessons.json").read_text())["notes"]
    assert len(notes) == 1
    assert notes[0].startswith("Site South lacks ")


def test_every_model_is_scored_on_the_same_test_cases(folder):
    comparison = pd.read_csv("metrics/comparison.csv")
    auc = comparison[comparison["metric"] == "auc"].set_index(["setting", "model"])
    first = auc.loc["North"]
    assert set(first.index) == {"llm", "logistic_regression", "svm", "majority", "transtab"}
    few = auc.loc["South_8_cases"]
    models = {"llm_extended", "llm_scratch", "transtab_extended", "transtab_scratch", "logistic_regression", "majority"}
    assert models <= set(few.index)
    assert (few["lesions"] == 9).all()
    assert (few["repeats"] == 2).all()
    assert first.loc["majority", "value"] == 0.5
    assert few.loc["llm_scratch", "reference"] == "llm_extended"
    assert np.isfinite(few.loc["llm_scratch", "difference"])


def test_the_curve_has_three_lines(folder):
    points = pd.read_csv("metrics/learning_curve.csv")
    assert set(points["line"]) >= {"extended", "scratch"}
    assert points["line"].nunique() == 3
    assert points.groupby("line")["lesions"].agg(list).map(tuple).unique().tolist() == [(8, 8, 16)]


def test_going_on_is_not_beginning_again(folder):
    table = pd.read_csv("data/predictions/other_sites_llm.csv")
    whole = table[table["setting"] == "South_all_cases"].pivot_table(
        index="lesion_id", columns="model", values="probability"
    )
    assert (whole["llm_extended"] - whole["llm_scratch"]).abs().max() > 1e-4
    assert Path("models/adapted/South_all_cases/llm_extended_seed_2025/adapter_model.safetensors").is_file()


def test_the_page_has_everything_and_loads_nothing(folder):
    page = Path("reports/index.html").read_text(encoding="utf-8")
    for text in ("benign or malignant", "language model, going on", "South, 8 cases", "The &#39;shape&#39; feature is"):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert str(folder) not in page.replace(str(folder.parent), "") or "backbone" in page


def test_a_stage_again_gives_the_same_bytes(folder):
    names = [
        "data/cases.csv",
        "data/columns.json",
        "data/standardised.csv",
        "models/selection.json",
        "data/prompts.jsonl",
    ]
    before = [Path(name).read_bytes() for name in names]
    for stage in ("check", "standardise", "select", "prompts"):
        run_stage(stage)
    assert [Path(name).read_bytes() for name in names] == before


def test_another_models_predictions_are_compared(folder):
    table = pd.read_csv("data/predictions/llm.csv").assign(model="mine")
    table.to_csv("data/predictions/mine.csv", index=False)
    run_stage("evaluate")
    summary = json.loads(Path("metrics/summary.json").read_text())
    assert summary["North"]["mine"]["auc"] == summary["North"]["llm"]["auc"]
    Path("data/predictions/mine.csv").unlink()


def test_without_other_sites_the_stages_have_nothing_to_do(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "one", ignore=shutil.ignore_patterns("other_sites*", "adapted"))
    monkeypatch.chdir(tmp_path / "one")
    table = pd.read_csv("data/table.csv")
    table[table["site"] == "North"].to_csv("data/table.csv", index=False)
    for stage in STAGES:
        if stage not in ("backbone", "language_model"):
            run_stage(stage)
    assert list(json.loads(Path("metrics/summary.json").read_text())) == ["North"]
    assert "Other sites" not in Path("reports/index.html").read_text(encoding="utf-8")


def test_the_same_columns_at_another_site_need_no_case_of_its_own(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "same")
    monkeypatch.chdir(tmp_path / "same")
    table = pd.read_csv("data/table.csv")
    south = table["site"] == "South"
    table.loc[south, ["area", "tone"]] = table.loc[south, ["worst area", "worst tone"]].to_numpy()
    table.drop(columns=["worst area", "worst tone"]).to_csv("data/table.csv", index=False)
    for stage in STAGES:
        if stage not in ("backbone", "language_model", "report"):
            run_stage(stage)
    assert read_lessons()[0].cases == 0
    summary = json.loads(Path("metrics/summary.json").read_text())
    assert {"llm", "logistic_regression", "transtab"} <= set(summary["South_0_cases"])
    points = pd.read_csv("metrics/learning_curve.csv")
    assert set(points.loc[points["lesions"] == 0, "line"]) == {"extended", "logistic_regression"} & set(points["line"])


def test_another_stage_and_another_folder_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no stage is called 'segment'"):
        run_stage("segment")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"params.yaml: no such file"):
        run_stage("check")
