"""The page of evidence, its table, and what the README says of them."""

import re
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]


def test_the_readme_shows_the_pages_summary_as_it_came():
    page = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    lines = page.split("## In three lines\n\n")[1].split("\n\n")[0]
    assert len(lines.splitlines()) == 3
    assert f"<!-- text: evidence -->\n{lines}\n<!-- end -->" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_ranks_and_means_on_the_page_are_those_of_its_table():
    studies = pd.read_csv(ROOT / "docs/evidence.csv")
    wide = studies[studies["protocol"] == "tables"].pivot_table(index="table", columns="model", values="auc")
    common = wide.dropna(axis=1).drop(columns="majority")
    ranks, means = common.rank(axis=1, ascending=False).mean(), common.mean()
    page = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    assert f"| **named model, all features** | {ranks['named_all']:.2f} | {means['named_all']:.3f} |" in page
    assert f"Over {len(common)} tables" in page


def test_no_models_name_begins_outside_the_drawing_of_ranks():
    drawn = (ROOT / "docs/assets/evidence_ranks.svg").read_text(encoding="utf-8")
    starts = [float(x) for x in re.findall(r'<g style="fill: #\w+" transform="translate\((-?[\d.]+) ', drawn)]
    assert len(starts) >= 13  # one a model
    assert min(starts) >= 0
