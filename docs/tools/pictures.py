"""Draw the pictures of docs/index.md, one for each reader.

    python docs/tools/pictures.py

They are made of what git holds: metrics/, docs/stage_times.csv, a drawn mass, and scikit-learn's table of real ones.
Backgrounds are transparent and lines of a middle grey, so that they can be read on light and dark pages.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer

from radprompt import NamedClassifier
from radprompt.core.params import load_params
from radprompt.mammograms.phantom.cohort import exposures
from radprompt.mammograms.phantom.vindr_mammo import draw_breasts, draw_image
from radprompt.pages.drawing import write_svg
from radprompt.study.settings import load_settings
from radprompt.tables.model_names import model_name

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "docs/assets"
GREY, BLUE, ORANGE, GREEN = "#7d8590", "#3b8fd9", "#e07a3f", "#2aa876"
STYLE = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    **{"font.size": 9, "axes.titlesize": 9, "savefig.transparent": True},
}
SIZE = (5.2, 2.9)
SENTENCE = """The 'Sphericity' feature
is measured at 0.985 .
The 'Zone Percentage'
feature is measured
at 0.196 . ..."""


def table() -> Figure:
    """Draw what a table's features do: the largest coefficients of the named model on 569 real masses."""
    data = load_breast_cancer(as_frame=True)
    model = NamedClassifier().fit(data.data, data.target.map({0: "malignant", 1: "benign"}))
    found = model.coefficients()
    largest = found.reindex(found["mean"].abs().sort_values(ascending=False, kind="stable").index)[:8].iloc[::-1]
    figure, axes = _panel()
    _whiskers(axes, largest["mean"], range(8), largest["low"], largest["high"], BLUE)
    axes.axvline(0, color=GREY, linewidth=0.6)
    axes.set(yticks=range(8), yticklabels=largest["name"], xlabel="benign  ←  coefficient, 90 % interval  →  malignant")
    return figure


def images() -> Figure:
    """Draw a mass of the phantom with the box that is given and its contour, and the sentence that is read."""
    params = load_params(ROOT / "params.yaml")
    shots = [shot for shot in exposures(draw_breasts(params.seed, params.phantom)) if shot.breast.shows(shot.view)]
    mammogram, _ = draw_image(shots[4], params.seed, params.phantom)
    truth = mammogram.truths[0]
    box = truth.extent
    margin = 1.1 * max(box.xmax - box.xmin, box.ymax - box.ymin)
    centre = np.array([(box.xmin + box.xmax) / 2, (box.ymin + box.ymax) / 2])
    figure = Figure(figsize=SIZE, layout="constrained")
    picture, words = figure.subplots(1, 2, width_ratios=(1, 1.15))
    low, high = (np.clip((centre + side * margin).astype(int), 0, None) for side in (-1, 1))
    crop = mammogram.signal[low[1] : high[1], low[0] : high[0]]
    picture.imshow(crop, cmap="gray", extent=(low[0], low[0] + crop.shape[1], low[1] + crop.shape[0], low[1]))
    picture.plot(*truth.outline.T, color=ORANGE, linewidth=1.4)
    x, y = [box.xmin, box.xmax, box.xmax, box.xmin, box.xmin], [box.ymin, box.ymin, box.ymax, box.ymax, box.ymin]
    picture.plot(x, y, color=BLUE, linewidth=1.0, linestyle="--")
    for axes in (picture, words):
        axes.axis("off")
    words.text(0, 1, "box → contour → 67 features →", color=GREY, va="top", transform=words.transAxes)
    sentence = (
        "The 'Sphericity' feature\nis measured at 0.985 .\nThe 'Zone Percentage'\nfeature is measured\nat 0.196 . ..."
    )
    words.text(0, 0.82, sentence, va="top", style="italic", linespacing=1.5, transform=words.transAxes)
    words.text(0, 0.12, "→ probability, shares, page", color=GREY, transform=words.transAxes)
    return figure


def paper() -> Figure:
    """Draw the AUC of three models in every setting, with intervals."""
    comparison = pd.read_csv(ROOT / "metrics/comparison.csv")
    auc = comparison[comparison["metric"] == "auc"].set_index(["setting", "model"])
    settings = load_settings(ROOT / "settings.yaml")
    figure, axes = _panel()
    for place, (model, colour) in enumerate({"llm": ORANGE, "named": BLUE, "logistic_regression": GREEN}.items()):
        rows = auc.loc[[(name, model) for name in settings]]
        heights = [len(settings) - number - 0.22 * (place - 1) for number in range(len(settings))]
        _whiskers(axes, rows["value"], heights, rows["low"], rows["high"], colour, model_name(model))
    axes.axvline(0.5, color=GREY, linewidth=0.6, linestyle=":")
    titles = [setting.title for setting in settings.values()]
    axes.set(yticks=range(len(settings), 0, -1), yticklabels=titles, xlabel="AUC on synthetic masses, 95 % interval")
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.3, 1.16), ncols=3, columnspacing=1)
    return figure


def operate() -> Figure:
    """Draw where the time of a run goes."""
    times = pd.read_csv(ROOT / "docs/stage_times.csv", comment="#").sort_values("seconds", kind="stable")
    shown = times[-9:]
    figure, axes = _panel()
    axes.barh(shown["stage"], shown["seconds"] / 60, color=BLUE, height=0.62)
    rest = times["seconds"].sum() - shown["seconds"].sum()
    axes.set(xlabel=f"minutes on two cores; the other {len(times) - len(shown)} stages take {rest / 60:.0f} together")
    return figure


def _panel() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.subplots()


def _whiskers(
    axes: Axes, x: pd.Series, y: object, low: pd.Series, high: pd.Series, colour: str, label: str = ""
) -> None:
    reach = [x - low, high - x]
    axes.errorbar(x, y, xerr=reach, fmt="o", markersize=4, linewidth=1.2, color=colour, label=label or None)


PICTURES = {"table": table, "images": images, "paper": paper, "operate": operate}

if __name__ == "__main__":
    with rc_context(STYLE):
        for name, draw in PICTURES.items():
            write_svg(ASSETS / f"{name}.svg", draw())
