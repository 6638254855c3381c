"""`radprompt summary`: one screen, its forms, and which files it reads."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from radprompt.cli import app
from radprompt.core.errors import InputError
from radprompt.evaluation.summary_screen import as_latex, as_markdown, choose, current_metrics, render, screen
from radprompt.tables.left_out import mark_left_out

ROOT = Path(__file__).parents[3]
AUCS = {
    "vindr": {"llm": 0.65, "svm": 0.7, "mlp": 0.8, "named": 0.75, "late_model": None},
    "inbreast_adapted": {"llm": 0.9, "svm": 0.8, "named": 0.6, "late_model": 0.5},
}


def _metrics(aucs: dict[str, dict[str, float | None]]) -> dict[str, Any]:
    counts = {"lesions": 40, "patients": 20, "malignant": 18}
    return {
        setting: {
            model: counts
            if auc is None
            else {**counts, "auc": auc, "auc_low": auc - 0.1, "auc_high": auc + 0.1, "brier": auc / 2}
            for model, auc in models.items()
        }
        for setting, models in aucs.items()
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with settings.yaml, a summary and the files that it merges."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "settings.yaml", tmp_path)
    (tmp_path / "metrics" / "evaluation").mkdir(parents=True)
    for setting, models in _metrics(AUCS).items():
        (tmp_path / "metrics" / "evaluation" / f"{setting}.json").write_text(json.dumps({setting: models}))
    (tmp_path / "metrics" / "summary.json").write_text(json.dumps(_metrics(AUCS)))
    return tmp_path


def _call(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["summary", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_named_and_language_model_on_top_then_by_the_first_setting() -> None:
    content = screen(_metrics(AUCS), "auc")
    assert list(content.rows) == ["named", "llm", "mlp", "svm", "late_model"]
    assert content.rows["mlp"] == [0.8, None]
    assert content.best == [0.8, 0.9]
    assert content.rows["late_model"] == [None, 0.5]


def test_less_is_better_for_errors() -> None:
    content = screen(_metrics(AUCS), "brier")
    assert list(content.rows) == ["named", "llm", "svm", "mlp", "late_model"]
    assert content.best == [0.325, 0.25]


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"no metric 'lesions'\s.*auc, brier"):
        screen(_metrics(AUCS), "lesions")
    with pytest.raises(InputError, match=r"no setting 'vindir'\s.*vindr, inbreast_adapted"):
        choose(_metrics(AUCS), ["vindir"])


def test_five_settings_of_the_demo_fit_eighty_columns(folder: Path) -> None:
    shutil.copytree(ROOT / "metrics" / "evaluation", folder / "metrics" / "evaluation", dirs_exist_ok=True)
    metrics, _ = current_metrics()
    assert len(metrics) == 5
    with (folder / "out").open("w") as out:
        console = Console(width=80, record=True, file=out)
        console.print(render(screen(metrics, "auc")))
    text = console.export_text()
    assert "…" not in text
    assert "VinDr-Mammo," in text
    assert len(text.splitlines()) <= 12 + max(map(len, metrics.values()))
    best = max(models["auc"] for models in metrics["vindr"].values())
    assert f"*{best:.3f}" in text


def test_the_screen_has_titles_a_star_and_a_dash(folder: Path) -> None:
    lines = [line.split() for line in _call().splitlines()]
    assert ["mlp", "*0.800", "-"] in lines
    assert ["llm", "0.650", "*0.900"] in lines
    assert "adapted" in _call()
    assert "adapted" not in _call("--setting", "vindr")


def test_a_setting_that_was_evaluated_again_is_shown_and_the_older_summary_named(folder: Path) -> None:
    assert current_metrics() == (_metrics(AUCS), "")
    again = _metrics({"vindr": {"llm": 0.99}})
    (folder / "metrics/evaluation/vindr.json").write_text(json.dumps(again))
    shown, note = current_metrics()
    assert shown["vindr"] == again["vindr"]
    assert shown["inbreast_adapted"] == _metrics(AUCS)["inbreast_adapted"]
    assert note.startswith("metrics/summary.json is older than metrics/evaluation/vindr.json, shown here")
    output = _call()
    assert "*0.990" in output
    assert note in output
    assert "*0.990" not in _call("--metrics", "metrics/summary.json")


def test_a_mean_over_few_halves_is_told_from_one_over_many() -> None:
    metrics = _metrics(AUCS)
    assert screen(metrics, "auc").repeats == []
    metrics["inbreast_adapted"]["llm"] |= {"repeats": 2}
    metrics["inbreast_adapted"]["svm"] |= {"repeats": 20}
    content = screen(metrics, "auc")
    assert content.repeats == [2, 20]
    assert "the mean over 2, for other models 20, halves" in str(render(content).caption)


def test_without_the_settings_files_the_summary_is_read(folder: Path) -> None:
    shutil.rmtree(folder / "metrics" / "evaluation")
    assert current_metrics() == (_metrics(AUCS), "")
    (folder / "metrics" / "summary.json").unlink()
    with pytest.raises(InputError, match="no such file"):
        current_metrics()


def test_markdown_and_latex_have_the_best_in_bold(folder: Path) -> None:
    content = screen(_metrics(AUCS), "auc")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in as_markdown(content).splitlines()]
    assert rows[0] == ["Model", "VinDr-Mammo, internal test", "INbreast, adapted"]
    assert rows[4] == ["mlp", "**0.800**", "-"]
    latex = as_latex(content)
    assert latex.startswith("\\begin{tabular}{lrr}")
    assert "0.650 & \\textbf{0.900}" in " ".join(latex.split())
    assert "late model" in latex


def test_json_has_the_interval_too(folder: Path) -> None:
    found = json.loads(_call("--json", "--setting", "inbreast_adapted"))
    assert list(found) == ["inbreast_adapted"]
    assert list(found["inbreast_adapted"]) == ["named", "llm", "svm", "late_model"]
    assert found["inbreast_adapted"]["svm"] == {"auc": 0.8, "auc_low": 0.8 - 0.1, "auc_high": 0.8 + 0.1}


def test_full_is_the_table_with_intervals(folder: Path) -> None:
    output = _call("--full", "--setting", "vindr")
    assert ".70–.90" in output
    assert "vindr: 40 masses, 18 malignant, 20 patients" in output
    with pytest.raises(InputError, match="several forms"):
        CliRunner().invoke(app, ["summary", "--full", "--md"], catch_exceptions=False)


def test_a_language_model_that_was_left_out_is_said_to_be(folder: Path) -> None:
    assert current_metrics()[1] == ""
    mark_left_out(folder / "plots/training/vindr")
    assert current_metrics()[1] == "The language model was left out of this run (llm.tuning: none)."
