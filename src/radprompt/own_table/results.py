"""The table that ends ``radprompt table``: models by falling AUC, with what is uncertain about each."""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from radprompt.core.errors import InputError
from radprompt.study.settings import load_settings
from radprompt.tables.model_names import model_name

PERFECT = 0.9995


def render_results(folder: Path) -> Table:
    """Return the AUCs of a study for the terminal."""
    path = folder / "metrics/comparison.csv"
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix=f"cd {folder}; dvc repro")
    comparison, settings = pd.read_csv(path), load_settings(folder / "settings.yaml")
    auc = comparison[comparison["metric"] == "auc"]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), title="AUC on cases that a model did not see")
    table.add_column("Model", overflow="fold")
    for title in ("AUC", "patients", "splits", "p"):
        table.add_column(title, justify="right")
    for setting, rows in auc.groupby("setting", sort=False):
        first = rows.iloc[0]
        table.add_section()
        tested = f"{int(first['lesions'])} test cases in each of {int(rows['repeats'].max())} repeats"
        table.add_row(f"[bold]{escape(settings.title(str(setting)))}[/] [dim]{tested}[/]")
        for _, row in rows.sort_values(["value", "model"], ascending=[False, True]).iterrows():
            p = row["p_resampled_holm"] if row["repeats"] > 1 else row["p_clustered_holm"]
            shown = "" if math.isnan(p) else f"{p:.3f}"
            bounds = (_between(row["low"], row["high"]), _between(row["repeat_low"], row["repeat_high"]))
            table.add_row(escape(model_name(row["model"])), f"{row['value']:.3f}", *bounds, shown)
    aucs = {str(model): float(value) for model, value in zip(auc["model"], auc["value"], strict=True)}
    reference = model_name(str(auc["reference"].dropna().iloc[0])) if auc["reference"].notna().any() else "reference"
    caption = [
        "patients: 95 % interval over patients drawn again; splits: over training sets, too; "
        f"p: of the difference from the {reference}"
    ]
    table.caption = "\n".join([*caption, *map(escape, perfect_scores(aucs))])
    return table


def perfect_scores(aucs: Mapping[str, float]) -> list[str]:
    """Return a remark on models whose AUC is shown as 1.000, an empty list where there are none."""
    found = [model_name(model) for model, value in aucs.items() if value >= PERFECT]
    if not found:
        return []
    names = ", ".join(dict.fromkeys(found))
    return [f"An AUC of 1.000 ({names}) is rare in medicine: does a column tell the class, or name the patient?"]


def _between(low: float, high: float) -> str:
    if math.isnan(low):
        return "-"
    return f"[dim]{max(low, 0):.2f} to {min(high, 1):.2f}[/]"
