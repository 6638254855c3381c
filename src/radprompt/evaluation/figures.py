"""Figures of a setting's models: ROC, calibration, decision and confusion, and the distribution of probabilities.

Each is a table (for ``dvc plots``) and a drawing. Curves are those of one trained model on one test sample: of several
repeats, repeat 0 stands for all, and of several seeds the lowest. Areas in a legend are of that run, not the mean.
"""

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from radprompt.core.params import Evaluation
from radprompt.evaluation.calibration import decision_curve, reliability_curve
from radprompt.evaluation.scores import decide
from radprompt.evaluation.thresholds import Cuts, main_threshold
from radprompt.tables.model_names import model_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ALL, NONE = "work up all", "work up none"
_THRESHOLDS = np.arange(1, 100) / 100
# Okabe and Ito's colours, told apart by colour-blind readers.
COLOURS = {"named": "#0072B2", "llm": "#D55E00"}
BASELINE, OTHER = "#009E73", "#B4B4B4"
_BENIGN, _MALIGNANT = "#56B4E9", "#D55E00"
_WRAP = 24
"""Characters of a panel's title on a line."""


def curves(rows: pd.DataFrame, bins: int, reference: str) -> dict[str, pd.DataFrame]:
    """Points of every curve of one setting.

    Parameters
    ----------
    rows
        Test rows of one setting, from the predictions table; those of repeat 0 are used.
    bins
        Equal-width bins of the reliability curve and the histogram.
    reference
        The model that comes first; the others follow by name.

    Returns
    -------
    dict
        ``roc`` (fpr, tpr), ``calibration`` (predicted, observed, lesions), ``decision`` (threshold, net_benefit; also
        for working up all lesions or none) and ``scores`` (label, low, high, lesions: the histogram), each with
        ``model``. ``roc`` and ``decision`` are left out where the rows hold one class only.
    """
    points: dict[str, list[pd.DataFrame]] = {"roc": [], "calibration": [], "decision": [], "scores": []}
    both = rows.loc[rows["repeat"] == 0, "label"].nunique() == 2
    for name, own in _models(rows, reference):
        labels, probabilities = own["label"].to_numpy(), own["probability"].to_numpy()
        named = {"model": name}
        points["calibration"].append(reliability_curve(labels, probabilities, bins).assign(**named))
        points["scores"].append(_histogram(labels, probabilities, bins).assign(**named))
        if both:
            fpr, tpr, _ = roc_curve(labels, probabilities, drop_intermediate=True)
            points["roc"].append(pd.DataFrame({"fpr": fpr, "tpr": tpr, **named}))
            points["decision"].append(decision_curve(labels, probabilities, _THRESHOLDS).assign(**named))
    if both:
        everyone = np.ones(len(labels))
        points["decision"].append(decision_curve(labels, everyone, _THRESHOLDS).assign(model=ALL))
        points["decision"].append(pd.DataFrame({"threshold": _THRESHOLDS, "net_benefit": 0.0, "model": NONE}))
    return {kind: pd.concat(parts, ignore_index=True) for kind, parts in points.items() if parts}


def confusion(rows: pd.DataFrame, cuts: Cuts, evaluation: Evaluation) -> pd.DataFrame:
    """List what each lesion is and what each model calls it at the main threshold.

    Parameters
    ----------
    rows
        Test rows of one setting, from the predictions table; those of repeat 0 are used.
    cuts, evaluation
        Say each run's threshold; a model that has none is left out.

    Returns
    -------
    pandas.DataFrame
        One row a lesion: ``actual``, and a column for each model, the reference first; ``benign`` or ``malignant``.
    """
    kinds = np.array(["benign", "malignant"])
    columns: dict[str, np.ndarray] = {}
    for name, own in _models(rows.sort_values("lesion_id"), evaluation.reference):
        columns.setdefault("actual", kinds[own["label"]])
        threshold = main_threshold((own["setting"].iloc[0], 0, name, int(own["seed"].iloc[0])), cuts, evaluation)
        if threshold is not None:
            columns[name] = kinds[decide(own["probability"].to_numpy(), threshold).astype(int)]
    return pd.DataFrame(columns)


def draw(kind: str, points: pd.DataFrame, title: str, highlighted: Sequence[str] | None = None) -> "Figure":
    """Draw what :func:`curves` returns under the key ``kind``, or for ``confusion`` what :func:`confusion` returns.

    Parameters
    ----------
    kind
        ``roc``, ``calibration``, ``decision``, ``scores`` or ``confusion``.
    points
        The table to draw.
    title
        Heading of the drawing.
    highlighted
        Models in colour, such as the named model, the language model and the best baseline. Curves of the others are
        grey, and where each model has a panel of its own the others have none. Default: the first model and, where
        they are there, ``named`` and ``llm``.
    """
    painters = {
        "roc": _draw_roc,
        "calibration": _draw_calibration,
        "decision": _draw_decision,
        "scores": _draw_scores,
        "confusion": _draw_confusion,
    }
    if kind == "confusion":
        points = points.melt("actual", var_name="model", value_name="called")
    models = [str(name) for name in dict.fromkeys(points["model"]) if name not in (ALL, NONE)]
    wanted = [*models[:1], *COLOURS] if highlighted is None else highlighted
    chosen = [name for name in dict.fromkeys(wanted) if name in models] or models[:1]
    return painters[kind](points, title, chosen)


def _models(rows: pd.DataFrame, reference: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each model, the reference first, with the rows of its lowest seed in repeat 0."""
    for name in sorted(set(rows["model"]), key=lambda name: (name != reference, name)):
        own = rows[(rows["model"] == name) & (rows["repeat"] == 0)]
        yield name, own[own["seed"] == own["seed"].min()]


def _histogram(labels: np.ndarray, probabilities: np.ndarray, bins: int) -> pd.DataFrame:
    edges = np.linspace(0, 1, bins + 1)
    parts = [
        pd.DataFrame({"label": label, "low": edges[:-1], "high": edges[1:], "lesions": counts})
        for label in (0, 1)
        for counts in [np.histogram(probabilities[labels == label], edges)[0]]
    ]
    return pd.concat(parts)


def _colour(model: str) -> str:
    return COLOURS.get(model, BASELINE)


def _plot_lines(axes: "Axes", points: pd.DataFrame, x: str, y: str, highlighted: Sequence[str], areas: bool) -> None:
    """Plot one line a model: grey ones first, under one entry of the legend, then those in colour."""
    own = {str(name): part for name, part in points.groupby("model", sort=False)}
    area = {name: float(np.trapezoid(part[y], part[x])) for name, part in own.items()}
    others = [name for name in own if name not in highlighted]
    for number, name in enumerate(others):
        label = None
        if number == 0:
            label = "1 other model" if len(others) == 1 else f"{len(others)} other models"
            low, high = min(area[name] for name in others), max(area[name] for name in others)
            label += (f" ({low:.3f} to {high:.3f})" if len(others) > 1 else f" ({low:.3f})") if areas else ""
        axes.plot(own[name][x], own[name][y], color=OTHER, linewidth=0.9, zorder=1.5, label=label)
    for place, name in enumerate(highlighted):
        label = model_name(name) + (f" ({area[name]:.3f})" if areas else "")
        axes.plot(own[name][x], own[name][y], color=_colour(name), linewidth=2.2, zorder=3 - 0.1 * place, label=label)


def _overlay(title: str) -> tuple["Figure", "Axes"]:
    """Return a figure whose one panel holds every model, with room for a legend below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 5.3), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(title, wrap=True, fontsize=11)
    axes.grid(alpha=0.25)
    return figure, axes


def _legend_below(figure: "Figure", axes: "Axes", title: str | None = None) -> None:
    """Show the legend below the panel, the grey lines last."""
    handles, labels = axes.get_legend_handles_labels()
    last = [number for number, label in enumerate(labels) if " other model" in label]
    order = [number for number in range(len(labels)) if number not in last] + last
    figure.legend(
        [handles[number] for number in order],
        [labels[number] for number in order],
        title=title,
        loc="outside lower center",
        frameon=False,
        fontsize=9,
    )


def _panels(
    points: pd.DataFrame, title: str, x: str, y: str, models: Sequence[str]
) -> tuple["Figure", Iterator[tuple[pd.DataFrame, "Axes"]]]:
    """Return a figure with one panel for each of ``models``, and the panels beside the models' points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.0 * len(models) + 0.6, 2.75), layout="constrained")
    axes = figure.subplots(1, len(models), squeeze=False).ravel()
    for model, panel in zip(models, axes, strict=True):
        panel.set_title(fill(model_name(model), _WRAP), fontsize=8)
        panel.set(xlim=(-0.02, 1.02), xticks=(0, 0.5, 1))
        panel.set_box_aspect(1)
    figure.suptitle(title, wrap=True, fontsize=11)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    return figure, zip((points[points["model"] == model] for model in models), axes, strict=True)


def _draw_roc(points: pd.DataFrame, title: str, highlighted: Sequence[str]) -> "Figure":
    figure, axes = _overlay(title)
    _plot_lines(axes, points, "fpr", "tpr", highlighted, areas=True)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_aspect("equal")
    _legend_below(figure, axes, "Model (AUC)")
    return figure


def _draw_decision(points: pd.DataFrame, title: str, highlighted: Sequence[str]) -> "Figure":
    figure, axes = _overlay(title)
    policies = points["model"].isin([ALL, NONE])
    _plot_lines(axes, points[~policies], "threshold", "net_benefit", highlighted, areas=False)
    for policy, style in ((ALL, ":"), (NONE, "-")):
        own = points[points["model"] == policy]
        axes.plot(own["threshold"], own["net_benefit"], color="black", linewidth=0.8, linestyle=style, label=policy)
    top = points["net_benefit"].max()
    axes.set(xlabel="Threshold probability", ylabel="Net benefit", xlim=(0, 1), ylim=(-0.15 * top, 1.05 * top))
    _legend_below(figure, axes)
    return figure


def _draw_calibration(points: pd.DataFrame, title: str, highlighted: Sequence[str]) -> "Figure":
    figure, panels = _panels(points, title, "Mean probability of malignancy", "Malignant, fraction", highlighted)
    most = points["lesions"].max()
    for own, panel in panels:
        colour = _colour(str(own["model"].iloc[0]))
        panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        panel.plot(own["predicted"], own["observed"], color=colour, linewidth=0.8)
        panel.scatter(own["predicted"], own["observed"], s=4 + 60 * own["lesions"] / most, color=colour)
        panel.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    return figure


def _draw_scores(points: pd.DataFrame, title: str, highlighted: Sequence[str]) -> "Figure":
    figure, panels = _panels(points, title, "Probability of malignancy", "Lesions", highlighted)
    for own, panel in panels:
        for label, colour, name in ((0, _BENIGN, "benign"), (1, _MALIGNANT, "malignant")):
            bars = own[own["label"] == label]
            edges = np.r_[bars["low"], bars["high"].iloc[-1]]
            panel.stairs(bars["lesions"], edges, fill=True, alpha=0.55, color=colour, label=name)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    return figure


def _draw_confusion(points: pd.DataFrame, title: str, highlighted: Sequence[str]) -> "Figure":
    figure, panels = _panels(points, title, "Called", "Actual", highlighted)
    kinds = ["benign", "malignant"]
    for own, panel in panels:
        counts = pd.crosstab(own["actual"], own["called"]).reindex(index=kinds, columns=kinds, fill_value=0).to_numpy()
        share = counts / counts.sum(axis=1, keepdims=True).clip(1)
        panel.imshow(share, cmap="Blues", vmin=0, vmax=2)  # black digits stay readable
        for (row, column), count in np.ndenumerate(counts):
            panel.text(column, row, f"{count}\n{share[row, column]:.0%}", ha="center", va="center", fontsize=9)
        panel.set(xlim=(-0.5, 1.5), xticks=(0, 1), xticklabels=kinds, yticks=(0, 1), yticklabels=kinds)
        panel.tick_params(labelsize=8, length=0)
        panel.set_yticklabels(kinds, rotation=90, va="center")
    return figure
