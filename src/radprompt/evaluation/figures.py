"""Figures of a setting's models: ROC, calibration, decision and confusion, and the distribution of probabilities.

Each is a table (for ``dvc plots``) and a drawing. Curves are those of one trained model on one test sample: of several
repeats, repeat 0 stands for all, and of several seeds the lowest. Areas in a legend are of that run, not the mean.
"""

from collections.abc import Iterator
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
# Okabe and Ito's colours, told apart by colour-blind readers; line styles tell the second round from the first.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C00", "#000000")
_STYLES = ("-", "--", ":")


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
        for working up all masses or none) and ``scores`` (label, low, high, lesions: the histogram), each with
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
    """Put beside what every mass is what each model calls it, at the main threshold.

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
        DVC's ``confusion`` template takes ``actual`` as x and any of the others as y.
    """
    kinds = np.array(["benign", "malignant"])
    columns: dict[str, np.ndarray] = {}
    for name, own in _models(rows.sort_values("lesion_id"), evaluation.reference):
        columns.setdefault("actual", kinds[own["label"]])
        threshold = main_threshold((own["setting"].iloc[0], 0, name, int(own["seed"].iloc[0])), cuts, evaluation)
        if threshold is not None:
            columns[name] = kinds[decide(own["probability"].to_numpy(), threshold).astype(int)]
    return pd.DataFrame(columns)


def draw(kind: str, points: pd.DataFrame, title: str) -> "Figure":
    """Draw what :func:`curves` returns under the key ``kind``, or for ``confusion`` what :func:`confusion` returns."""
    painters = {
        "roc": _draw_roc,
        "calibration": _draw_calibration,
        "decision": _draw_decision,
        "scores": _draw_scores,
        "confusion": _draw_confusion,
    }
    return painters[kind](points, title)


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


def _lines(points: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, dict]]:
    """Yield each model with its points and its line; the first, the reference, is the heaviest."""
    for number, (name, own) in enumerate(points.groupby("model", sort=False)):
        colour, style = _COLOURS[number % len(_COLOURS)], _STYLES[number // len(_COLOURS) % len(_STYLES)]
        weight = {"linewidth": 1.3, "zorder": 2.0} if number else {"linewidth": 2.8, "zorder": 3.0}
        yield str(name), own, {"color": colour, "linestyle": style, **weight}


def _overlay(title: str, entries: int) -> tuple["Figure", "Axes"]:
    """Return a figure whose one panel holds every model, high enough for its legend."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, max(4.8, 0.21 * entries + 0.4)), layout="constrained")
    axes = figure.subplots()
    figure.suptitle(title, wrap=True)
    axes.grid(alpha=0.25)
    return figure, axes


def _panels(points: pd.DataFrame, title: str, x: str, y: str) -> tuple["Figure", Iterator[tuple[pd.DataFrame, "Axes"]]]:
    """Return a figure with one panel for each model, and the panels beside the models' points."""
    from matplotlib.figure import Figure

    models = [own for _, own in points.groupby("model", sort=False)]
    columns = min(4, len(models))
    rows = -(-len(models) // columns)
    figure = Figure(figsize=(2.4 * columns + 0.8, 2.1 * rows + 0.8), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[len(models) :]:
        spare.set_axis_off()
    for own, panel in zip(models, axes, strict=False):
        panel.set_title(model_name(own["model"].iloc[0]), fontsize=9)
        panel.set(xlim=(-0.02, 1.02), xticks=(0, 0.5, 1))
    figure.suptitle(title, wrap=True)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    return figure, zip(models, axes, strict=False)


def _draw_roc(points: pd.DataFrame, title: str) -> "Figure":
    figure, axes = _overlay(title, points["model"].nunique())
    for name, own, line in _lines(points):
        area = np.trapezoid(own["tpr"], own["fpr"])
        axes.plot(own["fpr"], own["tpr"], label=f"{model_name(name)} ({area:.3f})", **line)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_aspect("equal", anchor="W")  # a centred square would leave no room for its label beside a wide legend
    figure.legend(title="Model (AUC)", loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _draw_decision(points: pd.DataFrame, title: str) -> "Figure":
    figure, axes = _overlay(title, points["model"].nunique())
    for name, own, line in _lines(points[~points["model"].isin([ALL, NONE])]):
        axes.plot(own["threshold"], own["net_benefit"], label=model_name(name), **line)
    for rival, style in ((ALL, ":"), (NONE, "-")):
        own = points[points["model"] == rival]
        axes.plot(own["threshold"], own["net_benefit"], color="grey", linewidth=0.8, linestyle=style, label=rival)
    top = points["net_benefit"].max()
    axes.set(xlabel="Threshold probability", ylabel="Net benefit", xlim=(0, 1), ylim=(-0.15 * top, 1.05 * top))
    figure.legend(loc="outside right upper", frameon=False, fontsize=9)
    return figure


def _draw_calibration(points: pd.DataFrame, title: str) -> "Figure":
    figure, panels = _panels(points, title, "Mean probability of malignancy", "Malignant, fraction")
    most = points["lesions"].max()
    for own, panel in panels:
        panel.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        panel.plot(own["predicted"], own["observed"], color=_COLOURS[0], linewidth=0.8)
        panel.scatter(own["predicted"], own["observed"], s=4 + 60 * own["lesions"] / most, color=_COLOURS[0])
        panel.set(ylim=(-0.05, 1.05), yticks=(0, 0.5, 1))
    return figure


def _draw_scores(points: pd.DataFrame, title: str) -> "Figure":
    figure, panels = _panels(points, title, "Probability of malignancy", "Masses")
    for own, panel in panels:
        for label, colour, name in ((0, _COLOURS[5], "benign"), (1, _COLOURS[1], "malignant")):
            bars = own[own["label"] == label]
            edges = np.r_[bars["low"], bars["high"].iloc[-1]]
            panel.stairs(bars["lesions"], edges, fill=True, alpha=0.55, color=colour, label=name)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", frameon=False, fontsize=9)
    return figure


def _draw_confusion(points: pd.DataFrame, title: str) -> "Figure":
    calls = points.melt("actual", var_name="model", value_name="called")
    figure, panels = _panels(calls, title, "Called", "Actual")
    kinds = ["benign", "malignant"]
    for own, panel in panels:
        counts = pd.crosstab(own["actual"], own["called"]).reindex(index=kinds, columns=kinds, fill_value=0).to_numpy()
        share = counts / counts.sum(axis=1, keepdims=True).clip(1)
        panel.imshow(share, cmap="Blues", vmin=0, vmax=2)  # black digits stay readable
        for (row, column), count in np.ndenumerate(counts):
            panel.text(column, row, f"{count}\n{share[row, column]:.0%}", ha="center", va="center", fontsize=9)
        panel.set(xlim=(-0.5, 1.5), xticks=(0, 1), xticklabels=kinds, yticks=(0, 1), yticklabels=kinds)
        panel.tick_params(labelsize=8, length=0)
    return figure
