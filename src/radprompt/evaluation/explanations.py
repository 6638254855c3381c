"""The features' shares in the language model's logits, for a cohort: a table of what pushes where, and drawings."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from radprompt.tables.left_out import mark_left_out, write_head

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["lesion_id", "label", "probability", "logit", "base", "feature", "name", "value", "share"]
SUMMARY = ["feature", "name", "lesions", "mean_share", "mean_absolute_share", "correlation", "pushes"]
CLEAR = 0.5
"""Rank correlation of value and share from which on a feature is said to push one way."""


def choose_lesions(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Draw lesions, as many of each class as there are to be had; ``rows`` has ``lesion_id`` and ``label``."""
    generator = np.random.default_rng(seed)
    drawn: list[str] = []
    for label, wanted in ((1, count - count // 2), (0, count // 2)):
        own = sorted(rows.loc[rows["label"] == label, "lesion_id"])
        drawn += list(generator.permutation(own)[:wanted])
    return rows[rows["lesion_id"].isin(drawn)]


def summarise(explanations: pd.DataFrame) -> pd.DataFrame:
    """Sum up each feature's shares over the lesions, the weightiest first.

    Parameters
    ----------
    explanations
        One row for each lesion and feature, :data:`COLUMNS`.

    Returns
    -------
    DataFrame
        ``feature``, ``name``, ``lesions``, ``mean_share`` and ``mean_absolute_share`` (in logits; above 0 is towards
        malignant), ``correlation`` (Spearman's of z-score and share; NaN if either is constant) and ``pushes``: which
        way high values push, where the correlation is at least :data:`CLEAR`.
    """
    records = []
    for (feature, name), own in explanations.groupby(["feature", "name"], sort=False):
        varies = np.ptp(own["value"]) > 0 and np.ptp(own["share"]) > 0
        correlation = float(spearmanr(own["value"], own["share"]).statistic) if varies else np.nan
        pushes = "neither"
        if abs(correlation) >= CLEAR:
            pushes = "malignant when high" if correlation > 0 else "benign when high"
        records.append(
            {
                "feature": feature,
                "name": name,
                "lesions": len(own),
                "mean_share": own["share"].mean(),
                "mean_absolute_share": own["share"].abs().mean(),
                "correlation": correlation,
                "pushes": pushes,
            }
        )
    return pd.DataFrame(records).sort_values("mean_absolute_share", ascending=False, ignore_index=True, kind="stable")


def leave_out(setting: str) -> None:
    """Write the outputs of ``stages/explain.py`` where there is no language model to explain: each says so."""
    mark_left_out("plots/explanations")
    write_head(f"data/explanations/{setting}.csv", COLUMNS)
    write_head("metrics/explanations.csv", SUMMARY)


def draw_cohort(explanations: pd.DataFrame, title: str) -> "Figure":
    """Draw every lesion's share of every feature, coloured by the z-score; the weightiest feature on top."""
    from matplotlib.figure import Figure

    order = summarise(explanations)["name"].tolist()[::-1]
    figure = Figure(figsize=(6.8, 0.42 * len(order) + 1.3), layout="constrained")
    axes = figure.subplots()
    limit = max(1.0, float(explanations["value"].abs().quantile(0.95)))
    for height, name in enumerate(order):
        own = explanations[explanations["name"] == name].sort_values("share")
        spread = 0.3 * np.sin(np.arange(len(own)) * 2.4)  # apart, and the same each time
        drawn = axes.scatter(
            own["share"], height + spread, c=own["value"], cmap="coolwarm", vmin=-limit, vmax=limit, s=16,
            edgecolors="#555555", linewidths=0.3,
        )  # fmt: skip
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set(
        yticks=range(len(order)), yticklabels=order, title=title, xlabel="share in the logit: benign < 0 < malignant"
    )
    axes.grid(axis="x", alpha=0.25)
    figure.colorbar(drawn, ax=axes, label="z-score", shrink=0.8)
    return figure


def draw_lesions(explanations: pd.DataFrame, count: int) -> "Figure":
    """Draw the shares of single lesions as bars: the most and the least suspicious ones, as many of each."""
    from matplotlib.figure import Figure

    logits = explanations.drop_duplicates("lesion_id").sort_values(["logit", "lesion_id"])
    chosen = list(dict.fromkeys([*logits["lesion_id"][::-1][: count // 2], *logits["lesion_id"][: count - count // 2]]))
    figure = Figure(figsize=(7.2, 2.5 * -(-len(chosen) // 2)), layout="constrained")
    panels = figure.subplots(-(-len(chosen) // 2), 2, squeeze=False, sharex=True).ravel()
    for axes, lesion in zip(panels, chosen, strict=False):
        own = explanations[explanations["lesion_id"] == lesion].iloc[::-1]
        labels = [f"{name} {value:.2f}" for name, value in zip(own["name"], own["value"], strict=True)]
        axes.barh(labels, own["share"], color=["#D55E00" if share > 0 else "#0072B2" for share in own["share"]])
        axes.axvline(0, color="grey", linewidth=0.8)
        first = own.iloc[0]
        truth = "malignant" if first["label"] else "benign"
        axes.set_title(f"{truth}, p = {first['probability']:.2f}", fontsize=9)
        axes.tick_params(labelsize=7)
    for axes in panels[: len(chosen)][-2:]:  # the lowest of each column, with or without a hidden one below
        axes.tick_params(labelbottom=True)
    for axes in panels[len(chosen) :]:
        axes.axis("off")
    figure.supxlabel("share in the logit: benign < 0 < malignant", fontsize=9)
    return figure
