"""Figures of the named model's first trials beside what the product gives today, with its rivals' intervals."""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import metric_tables

from radprompt.pages.wording import number
from radprompt.tables.model_names import model_name


class Trial(NamedTuple):
    """A figure of a trial: on what, which model of the product it was of, where that one's scores are.

    ``source`` and ``setting`` are keys of :func:`_scores`; ``why`` says what is known of a difference.
    """

    data: str
    auc: float
    model: str
    source: str
    setting: str
    rivals: tuple[str, ...]
    why: str = ""


_SITES = ("pooled_logistic", "source_logit", "named_permuted", "named_without_names", "logistic_regression")
_FEW = ("named_permuted", "named_without_names", "logistic_regression")
_HOSPITALS = ("pooled_logistic", "normal_scores_logistic", *_FEW)
_EIGHT = "the trial's eight features are not known; all 984 give "
TRIALS = (
    Trial(
        "demo, VinDr, 8 features", 0.795, "named", "demo", "vindr", ("logistic_regression", "normal_scores_logistic")
    ),
    Trial(
        "demo, VinDr, 67 features",
        0.814,
        "named_all",
        "demo",
        "vindr",
        ("normal_scores_logistic", "gradient_boosting", "all_features_logistic"),
    ),
    Trial("demo, INbreast adapted (trial: 8 halves)", 0.803, "named", "demo", "inbreast_adapted", _SITES),
    Trial("demo, INbreast extended (trial: 8 halves)", 0.756, "named", "demo", "inbreast_extended", _SITES),
    *(
        Trial(f"Wisconsin, B, {cases} labelled cases", auc, "named_all", "wisconsin", str(cases), _FEW)
        for cases, auc in ((0, 0.938), (5, 0.943), (10, 0.976), (20, 0.982))
    ),
    *(
        Trial(f"lung CT, A to B, {cases} cases, 8 features", auc, "named", "hospitals", f"b_{key}", _HOSPITALS, _EIGHT)
        for cases, key, auc in (
            ("10", "10_cases", 0.655),
            ("20", "20_cases", 0.637),
            ("50", "50_cases", 0.636),
            ("half of the", "half", 0.639),
        )
    ),
)
TABLES_TRIAL, TABLES_RIVAL = 0.656, 0.663
"""Mean AUC over 26 tables: the trial on normal scores, and logistic regression on them."""


def trials(metrics: Path) -> str:
    """Return the table; a trial's figure is met where it lies in the product's interval, or the product's is higher."""
    known = _scores(metrics)
    rows = []
    for trial in TRIALS:
        models = known.get((trial.source, trial.setting), {})
        own = models.get(trial.model, {})
        rivals = [f"{model_name(name)} {_with_interval(models[name])}" for name in trial.rivals if name in models]
        rows.append([trial.data, f"{trial.auc:.3f}", _with_interval(own), _met(trial, own, models), "; ".join(rivals)])
    rows.append(_real_tables(metrics.parent / "docs/evidence.csv"))
    note = (
        "AUC with the 95 % interval over patients. Met: the trial's figure is not above the interval. From "
        "`metrics/summary.json`, `benchmarks/wisconsin.csv` (by `benchmarks/named.py --wisconsin`) and "
        "`docs/evidence.csv`."
    )
    return f"{metric_tables.markdown_table(('data', 'trial', 'product', 'met', 'rivals'), rows)}\n\n{note}"


def _met(trial: Trial, own: dict[str, float], models: dict[str, dict[str, float]]) -> str:
    if not own:
        return "not measured"
    if trial.auc <= own["auc_high"]:
        return "yes"
    every = models.get("named_all", {})
    return f"no: {trial.why}{_with_interval(every)}" if trial.why and every else "no"


def _with_interval(scores: dict[str, float]) -> str:
    return metric_tables.with_interval(scores, "auc")


def _scores(metrics: Path) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """Return scores by source and setting, then by model: ``auc``, ``auc_low``, ``auc_high``."""
    summary = json.loads((metrics / "summary.json").read_text(encoding="utf-8"))
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    found |= {("demo", setting): models for setting, models in summary.items()}
    root = metrics.parent
    for row in _rows(root / "docs/evidence.csv"):
        if row["protocol"] == "hospitals":
            found["hospitals", row["setting"]][row["model"]] = _score(row)
    for row in _rows(root / "benchmarks/wisconsin.csv"):
        found["wisconsin", row["cases"]][row["model"]] = _score(row)
    return found


def _score(row: dict[str, str]) -> dict[str, float]:
    return {
        f"auc{end}": float(row[key]) if row[key] else math.nan
        for end, key in (("", "auc"), ("_low", "low"), ("_high", "high"))
    }


def _real_tables(path: Path) -> Sequence[str]:
    """Return the row on real tables: mean AUC over all, and mean differences with their standard errors."""
    by_model: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _rows(path):
        if row["protocol"] == "tables":
            by_model[row["model"]][row["table"]] = float(row["auc"])
    own = by_model["named_all"]
    rivals = []
    for name in ("normal_scores_logistic", "random_forest", "all_features_logistic"):
        less = [own[table] - auc for table, auc in by_model[name].items()]
        error = number(stdev(less) / math.sqrt(len(less)))
        rivals.append(
            f"{model_name(name)} {number(mean(by_model[name].values()))} (difference {number(mean(less))} ± {error})"
        )
    found = mean(own.values())
    return [
        f"{len(own)} real radiomics tables, all features (trial: 26 and 37)",
        f"{TABLES_TRIAL:.3f} (rival {TABLES_RIVAL:.3f})",
        number(found),
        "yes" if found >= TABLES_TRIAL else "no",
        "; ".join(rivals),
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
