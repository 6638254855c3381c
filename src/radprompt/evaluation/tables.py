"""The metrics file, and the long table of ``radprompt summary --full``.

Nothing heavy is imported: ``radprompt summary`` starts at once.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from radprompt.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced",
    "f1": "F1",
    "sensitivity": "Sens.",
    "specificity": "Spec.",
}
_AT_CHOSEN = ("threshold", "sensitivity", "specificity")  # the rest, at thresholds chosen on validation, is in the CSV
_NAME = 22  # characters of a model's name on a line: with six metrics, 80 columns, which a pipe or a log has
_SUFFIXES = {"": "value", "_low": "low", "_high": "high", "_repeat_sd": "repeat_sd", "_sd": "seed_sd"}
_DIFFERENCES = {f"_{column}": column for column in ("difference", "difference_low", "difference_high")}
_DECIMALS = 6  # sums differ between processors in the last bits, and a metrics file is compared line by line


def summary(comparison: "pd.DataFrame") -> dict[str, Any]:
    """Nest a comparison as ``{setting: {model: {metric, metric_low, metric_high, ...}}}``, finite numbers only.

    ``comparison`` is what :func:`radprompt.evaluation.model_comparison.compare` returns. Each model also has the counts
    of test ``lesions``, ``patients`` and ``malignant`` lesions in repeat 0; where there are several, ``repeats`` and
    ``metric_repeat_sd``, and ``metric_sd`` where there are several seeds. A model that is compared with the reference
    has ``auc_difference`` (the reference's minus its own, paired) with ``_low`` and ``_high``. At the thresholds chosen
    on validation rows, only sensitivity, specificity and the threshold itself are taken over.
    """
    nested: dict[str, Any] = {}
    for row in comparison.to_dict("records"):
        name, at, _ = row["metric"].partition("_at_")
        if at and name not in _AT_CHOSEN:
            continue
        counts = {name: int(row[name]) for name in ("lesions", "patients", "malignant")}
        if row["repeats"] > 1:
            counts["repeats"] = int(row["repeats"])
        model = nested.setdefault(row["setting"], {}).setdefault(row["model"], counts)
        columns = _SUFFIXES | (_DIFFERENCES if row["metric"] == "auc" else {})
        for suffix, column in columns.items():
            if math.isfinite(row[column]):
                model[f"{row['metric']}{suffix}"] = round(float(row[column]), _DECIMALS)
    return nested


def read_summary(path: str | Path) -> dict[str, Any]:
    """Read ``metrics/summary.json``, or the file of one setting, which has the same form.

    Raises
    ------
    InputError
        When the file is absent or is not such a summary.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        valid = all(models and all(_is_model(metrics) for metrics in models.values()) for models in content.values())
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
    except (ValueError, AttributeError):
        valid = False
    if not valid:
        raise InputError("not a summary of metrics", where=str(path), fix="run `dvc repro summary`")
    return content


def render_summary(metrics: Mapping[str, Any]) -> Table:
    """Show a summary as a table for the terminal: a block a setting, a row a model, value over interval.

    Of a model that was tried on several halves of the patients, they are those of the mean over them, and ``×n`` beside
    its name counts them.
    """
    table = Table(box=SIMPLE_HEAD, padding=0, title="Test split: each value over its patient-bootstrap interval")
    table.add_column("Model", max_width=_NAME, overflow="fold")
    captions = []
    for title in _SHOWN.values():
        table.add_column(title, justify="right")
    for setting, models in metrics.items():
        table.add_section()
        first = next(iter(models.values()))
        halves = max(own.get("repeats", 1) for own in models.values())
        sample = f"{setting}, half 1 of {halves}" if halves > 1 else setting
        captions.append(
            f"{sample}: {first['lesions']} masses, {first['malignant']} malignant, {first['patients']} patients"
        )
        table.add_row(f"[bold]{setting}[/]")
        for name, own in models.items():
            counted = f" [dim]×{own['repeats']}[/]" if "repeats" in own else ""
            table.add_row(escape(name.replace("_", " ")) + counted, *(_cell(own, metric) for metric in _SHOWN))
    if any("repeats" in own for models in metrics.values() for own in models.values()):
        captions.insert(0, "×n: the mean over n halves of the patients, and the interval of that mean")
    table.caption = "\n".join(captions)
    return table


def _is_model(metrics: Any) -> bool:
    return isinstance(metrics, dict) and metrics.keys() >= {"lesions", "malignant", "patients"}


def _cell(metrics: dict[str, float], metric: str) -> str:
    if metric not in metrics:
        return "-"
    # Without leading zeros the interval is no wider than the metric's title.
    bounds = [metrics.get(f"{metric}_{end}") for end in ("low", "high")]
    between = "–".join("?" if bound is None else f"{bound:.2f}".removeprefix("0") for bound in bounds)
    return f"{metrics[metric]:.3f}\n[dim]{between}[/]"
