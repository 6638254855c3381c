"""The table that ends ``radprompt table``: every model of every setting, each value over its interval."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from radprompt.core.errors import InputError

_SHOWN = {"auc": "AUC", "balanced_accuracy": "Balanced", "sensitivity": "Sens.", "specificity": "Spec."}


def render_results(folder: Path) -> Table:
    """Return ``metrics/summary.json`` of a folder for the terminal, models by falling AUC."""
    path = folder / "metrics/summary.json"
    try:
        content: dict[str, dict[str, dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix=f"cd {folder}; dvc repro") from None
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), title="Test cases: each value with its patient-bootstrap interval")
    table.add_column("Model", overflow="fold")
    for title in _SHOWN.values():
        table.add_column(title, justify="right")
    for setting, models in content.items():
        first = next(iter(models.values()))
        table.add_section()
        table.add_row(f"[bold]{escape(setting)}[/] [dim]{first['lesions']} cases, {first['malignant']} of class 1[/]")
        for name, metrics in sorted(models.items(), key=lambda item: (-item[1].get("auc", 0), item[0])):
            draws = f" [dim]×{metrics['repeats']}[/]" if "repeats" in metrics else ""
            table.add_row(escape(name.replace("_", " ")) + draws, *(_cell(metrics, metric) for metric in _SHOWN))
    perfect = perfect_scores(content)
    table.caption = "\n".join(["×n: the mean over n draws of so many training cases", *map(escape, perfect)])
    return table


def perfect_scores(content: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """Return a remark on models whose AUC is shown as 1.000, an empty list where there are none.

    Parameters
    ----------
    content
        ``metrics/summary.json``: metrics by setting and model.
    """
    found = [
        name.replace("_", " ")
        for models in content.values()
        for name, metrics in models.items()
        if metrics.get("auc", 0) >= 0.9995
    ]
    if not found:
        return []
    names = ", ".join(dict.fromkeys(found))
    return [f"An AUC of 1.000 ({names}) is rare in medicine: does a column tell the class, or name the patient?"]


def _cell(metrics: dict[str, Any], metric: str) -> str:
    if metric not in metrics:
        return "-"
    bounds = [metrics.get(f"{metric}_{end}") for end in ("low", "high")]
    between = "-".join("?" if bound is None else f"{bound:.2f}".removeprefix("0") for bound in bounds)
    return f"{metrics[metric]:.3f} [dim]{between}[/]"
