"""The tables of the documentation say what metrics/ says."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = runpy.run_path(str(ROOT / "docs/tools/metric_tables.py"))["TABLES"]
GAP = "\N{NO-BREAK SPACE}"


def test_the_readme_says_what_metrics_say():
    """Remake it by ``python docs/tools/readme.py``."""
    written = runpy.run_path(str(ROOT / "docs/tools/readme.py"))["written"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("<!-- table: ") == 4
    assert written(readme, ROOT / "metrics") == readme


def _cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.fixture
def metrics(tmp_path):
    scores = {"auc": 0.66134, "auc_low": 0.5158, "auc_high": 0.8192, "balanced_accuracy": 0.5}
    rival = {"auc": 0.8, "auc_low": 0.7, "auc_high": 0.9}
    first = {"llm": {"lesions": 69, "patients": 30, "malignant": 34, **scores}, "svm": rival}
    site = {
        "llm": {"repeats": 2, "auc": 0.7, "auc_repeat_sd": 0.07},
        "svm": {"repeats": 20, "auc": 0.6, "auc_repeat_sd": 0.1},
    }
    names = ("inbreast_unadapted", "inbreast_adapted", "inbreast_extended", "inbreast_scratch")
    (tmp_path / "summary.json").write_text(json.dumps({"vindr": first, **dict.fromkeys(names, site)}))
    return tmp_path


def test_models_stand_by_auc_with_their_intervals(metrics):
    text = TABLES["vindr"](metrics)
    rows = _cells(text)
    assert [row[0] for row in rows] == ["SVM", "**language model**"]
    assert rows[1][1:3] == [f"0.661 (0.52{GAP}to{GAP}0.82)", f"0.500 (–{GAP}to{GAP}–)"]
    assert "69 masses, 34 malignant, of 30 patients. From `metrics/summary.json`." in text


def test_second_site_shows_halves_and_spread(metrics):
    assert _cells(TABLES["second-site"](metrics)) == [
        ["**language model**", "2", *["0.700 ± 0.07"] * 4],
        ["SVM", "20", *["0.600 ± 0.10"] * 4],
    ]


@pytest.mark.parametrize("name", TABLES)
def test_committed_metrics_fill_every_table(name):
    """As the site does; each row has as many cells as the head."""
    lines = [line for line in TABLES[name](ROOT / "metrics").splitlines() if line.startswith("|")]
    head, _, *rows = [line.count(" | ") for line in lines]
    assert len(lines) > 2
    assert set(rows) == {head} or name == "ablations"
    assert not any(word in "".join(lines) for word in (" nan", "NaN", "None"))
