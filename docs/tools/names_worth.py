"""What names bought and what they did not: a paragraph that the figures write."""

import csv
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

import metric_tables

from radprompt.pages.wording import listing, number, p_value
from radprompt.tables.model_names import model_name

_COMPARED = ("named_permuted", "named_without_names", "pooled_logistic")
_ABSENT = "Not measured yet: `dvc repro named evaluate summary named_curve` does."


def names_worth(metrics: Path) -> str:
    """Return the paragraph; it says of what was not measured that it was not."""
    path = metrics / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    said = [
        *(_continued(setting, summary.get(setting, {})) for setting in metric_tables.SECOND_SITE),
        _few_lesions(metrics / "named_curve.csv"),
        _evidence(metrics),
        _first_site(summary.get("vindr", {})),
    ]
    found = [sentence for sentence in said if sentence]
    note = (
        "No test stands behind differences between these AUCs." if any("AUC" in sentence for sentence in found) else ""
    )
    return " ".join([*(found or [_ABSENT]), *([note] if note else [])])


def _continued(setting: str, scores: dict[str, Any]) -> str:
    """Put the names as they are beside names permuted and left out, where a model is continued."""
    others = [key for key in _COMPARED if key in scores]
    if "named" not in scores or "named_permuted" not in others:
        return ""
    gain = scores["named"]["auc"] - scores["named_permuted"]["auc"]
    shown = listing(f"{model_name(key).removeprefix('named model, ')} {number(scores[key]['auc'])}" for key in others)
    worth = (
        f"{'bought' if gain > 0 else 'cost'} {number(abs(gain))} of AUC over" if round(gain, 3) else "gave the AUC of"
    )
    return f"In `{setting}` the names {worth} permuted ones: named model {number(scores['named']['auc'])}, {shown}."


def _few_lesions(path: Path) -> str:
    """Put the lines of the named curve side by side where lesions are few."""
    if not path.is_file():
        return ""
    points: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["all"] != "True":
                points[int(row["lesions"])][row["line"]].append(float(row["auc"]))
    parts = []
    for lesions, lines in sorted(points.items()):
        if "named" not in lines:
            continue
        rivals = {"named_restarted": "restarted", "pooled_logistic": model_name("pooled_logistic")}
        beside = [f"{words} {number(mean(lines[line]))}" for line, words in rivals.items() if line in lines]
        parts.append(
            f"with {lesions or 'no'} labelled lesions {number(mean(lines['named']))}"
            + (f" ({', '.join(beside)})" if beside else "")
        )
    return f"Continued at the second site the named model has these mean AUCs: {listing(parts)}." if parts else ""


def _evidence(metrics: Path) -> str:
    """Say in which settings the names tell something, by the test of the evidence."""
    tested = {
        name: models["named"] for name, models in metric_tables.named_metrics(metrics).items() if "named" in models
    }
    if not tested:
        return ""
    clear = {name for name, own in tested.items() if own["names_p"] < metric_tables.ALPHA}
    shown = {name: f"`{name}` (p {p_value(own['names_p'])})" for name, own in tested.items()}
    yes, no = ([words for name, words in shown.items() if (name in clear) == side] for side in (True, False))
    parts = [f"the names tell something in {listing(yes)}"] if yes else []
    parts += [f"no sign that the names tell anything in {listing(no)}"] if no else []
    return f"By the evidence: {'; '.join(parts)}."


def _first_site(scores: dict[str, Any]) -> str:
    """Say that within a site the named model stands beside its rivals by its values alone."""
    if "named" not in scores or "normal_scores_logistic" not in scores:
        return ""
    rivals = ("normal_scores_logistic", "logistic_regression", "llm")
    shown = listing(f"{model_name(key)} {number(scores[key]['auc'])}" for key in rivals if key in scores)
    return f"Within `vindr` its AUC is {number(scores['named']['auc'])}, beside {shown}."
