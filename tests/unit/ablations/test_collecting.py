"""Experiments to a table: whose number goes where, and what is left empty."""

import dataclasses
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from radprompt.core.errors import InputError
from radprompt.repository.ablations.collecting import COLUMNS, Result, render, tabulate
from radprompt.repository.ablations.queue import stages_run
from radprompt.study.ablation_tables import Row, Table
from radprompt.study.settings import load_settings

SETTINGS = load_settings(Path(__file__).parents[3] / "settings.yaml")
TABLE = Table(
    title="Names",
    paper=5,
    targets=["evaluate@vindr"],
    settings=["vindr", "inbreast_adapted"],
    models=["llm", "transtab"],
    rows=[
        Row(name="censored", paper="censored_names", set={"prompt.names": "censored", "llm.lora.rank": 4}),
        Row(name="shuffled", set={"prompt.names": "shuffled"}),
    ],
    name="table5",
)


def _scores(offset):
    return pd.DataFrame(
        [
            {"model": model, "metric": metric, "value": value + offset, "low": value - 0.1, "high": value + 0.1}
            for model, value in (("llm", 0.6), ("transtab", 0.5), ("svm", 0.4))
            for metric in ("accuracy", "f1", "auc", "sensitivity", "balanced_accuracy", "accuracy_at_youden")
        ]
    )


def _result(**changes):
    params = {"prompt": {"names": "censored"}, "llm": {"lora": {"rank": 4}}}
    scores = {"vindr": _scores(0.0), "inbreast_adapted": _scores(0.25)}
    return Result(params, scores, 1.26, ["prompts@vindr", "evaluate@vindr"])._replace(**changes)


def test_each_line_has_its_own_scores_beside_the_papers():
    collected = tabulate(TABLE, {"censored": _result()}, SETTINGS)
    assert list(collected.columns) == COLUMNS
    lines = collected[collected["row"] == "censored"].set_index(["setting", "model"])
    assert list(lines.index) == [(s, m) for s in TABLE.settings for m in TABLE.models]
    line = lines.loc[("inbreast_adapted", "transtab")]
    assert (line["auc"], line["auc_low"], line["auc_high"]) == (0.75, 0.4, 0.6)
    assert line[["paper_accuracy", "paper_f1", "paper_auc", "paper_sensitivity"]].tolist() == [0.661, 0.796, 0.482, 1.0]
    assert lines.loc[("vindr", "llm"), "paper_auc"] == 0.695
    assert set(lines["params"]) == {"prompt.names=censored; llm.lora.rank=4"}
    assert set(lines["minutes"]) == {1.3}
    assert set(lines["rerun"]) == {"prompts@vindr evaluate@vindr"}


def test_what_is_not_there_is_empty_and_nothing_run_is_said():
    collected = tabulate(TABLE, {"censored": _result(rerun=[], minutes=None)}, SETTINGS).set_index("row")
    assert set(collected.loc["censored", "rerun"]) == {"nothing"}
    assert collected.loc["censored", "minutes"].isna().all()
    missing = collected.loc["shuffled"]
    assert set(missing["params"]) == {"prompt.names=shuffled"}
    assert missing.drop(columns=["table", "params", "setting", "model"]).isna().all(axis=None)


def test_parameters_are_those_that_the_experiment_recorded():
    recorded = {"prompt": {"names": "censored"}, "llm": {"lora": {"rank": 8}}}
    assert "llm.lora.rank=8" in tabulate(TABLE, {"censored": _result(params=recorded)}, SETTINGS)["params"].iloc[0]


def test_a_model_without_scores_names_the_experiment_and_the_models_there_are():
    without = {setting: _scores(0).query("model != 'transtab'") for setting in TABLE.settings}
    with pytest.raises(
        InputError, match=r"experiment 'table5-censored'.*no scores of model 'transtab'\n.*'llm', 'svm'"
    ):
        tabulate(TABLE, {"censored": _result(scores=without)}, SETTINGS)


def test_a_row_that_the_paper_does_not_have_is_an_error():
    odd = dataclasses.replace(TABLE, rows=[dataclasses.replace(TABLE.rows[0], paper="censored")])
    with pytest.raises(InputError, match="table 'table5': the paper's table 5 has no row 'censored'"):
        tabulate(odd, {}, SETTINGS)


def test_the_shown_table_has_value_interval_and_paper():
    console = Console(record=True, width=80, file=StringIO())
    console.print(render(TABLE, tabulate(TABLE, {"censored": _result()}, SETTINGS)))
    text = console.export_text()
    for part in ("shuffled", "0.600", ".50–.70", "0.695", "1.3", "inbreast_adapted"):
        assert part in text, part


def test_stages_are_read_from_what_the_experiment_printed(tmp_path):
    log = tmp_path / "x.out"
    log.write_text(
        "Stage 'segmenter' didn't change, skipping\nRunning stage 'language_model@vindr':\n> python\n"
        "Running stage 'data/phantom/dvc.yaml:phantom@x':\n"
    )
    assert stages_run(log) == ["language_model@vindr", "data/phantom/dvc.yaml:phantom@x"]
    assert stages_run(tmp_path / "none.out") is None
