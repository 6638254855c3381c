"""The named model's coefficients as a drawing: each name with its interval, site by site."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73")


def draw_coefficients(coefficients: pd.DataFrame, title: str) -> "Figure":
    """Draw a model's coefficients, the largest at the last site on top.

    Parameters
    ----------
    coefficients
        ``name``, ``site``, ``mean``, ``low`` and ``high``, a row for each name and site.
    title
        Heading of the drawing.
    """
    from matplotlib.figure import Figure

    sites = list(dict.fromkeys(coefficients["site"]))
    largest = coefficients.assign(size=coefficients["mean"].abs()).groupby("name")["size"].max()
    names = largest.sort_values(kind="stable").index.tolist()
    figure = Figure(figsize=(7.0, 0.32 * len(names) + 1.4), layout="constrained")
    axes = figure.subplots()
    for number, site in enumerate(sites):
        own = coefficients[coefficients["site"] == site]
        heights = [names.index(name) + 0.22 * (number - (len(sites) - 1) / 2) for name in own["name"]]
        reach = [own["mean"] - own["low"], own["high"] - own["mean"]]
        axes.errorbar(
            own["mean"], heights, xerr=reach, fmt="o", markersize=4, linewidth=1.2,
            color=_COLOURS[number % len(_COLOURS)], label=f"{site} site" if len(sites) > 1 else None,
        )  # fmt: skip
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set(
        yticks=range(len(names)),
        yticklabels=names,
        title=title,
        xlabel="coefficient with 90 % interval: logits a standard deviation",
    )
    axes.grid(axis="x", alpha=0.25)
    if len(sites) > 1:
        axes.legend(frameon=False, fontsize=8)
    return figure
