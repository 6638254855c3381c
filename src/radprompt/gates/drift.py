"""How far the second site's features lie from the first's: the shift that adaptation answers.

Raw values, before any scaler: the training lesions of the first site, which its models come from, against all of the
second site's, since over the repeats each of them is adapted on and tested on.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from radprompt.core.params import Drift
from radprompt.evaluation.comparisons import holm
from radprompt.tables.feature_names import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = [
    *("feature", "name", "reference_mean", "reference_sd", "other_mean", "other_sd"),
    *("difference", "ks", "p", "p_holm", "shifted", "selected"),
]
YES, NO = "yes", "no"

_SHIFTED, _ALIKE, _REACH = "#D55E00", "#0072B2", 3.0
_CLASSES = {"shape": "Shape", "firstorder": "First order", "glcm": "GLCM", "glszm": "GLSZM"}


def compare_sites(
    reference: pd.DataFrame, other: pd.DataFrame, limits: Drift, selected: tuple[str, ...]
) -> pd.DataFrame:
    """Compare two sites feature by feature.

    Parameters
    ----------
    reference, other
        Raw features of the two sites, one row a lesion, the same columns.
    limits
        Thresholds from which a feature counts as shifted.
    selected
        Features that the first site's prompts name.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`, the largest difference first. ``difference`` is standardised: the other's mean less the
        reference's over the pooled standard deviation (Cohen's d), 0 where all values are one, infinite where each site
        has one value of its own. ``ks`` is the Kolmogorov-Smirnov statistic, ``p`` its two-sided p-value, ``p_holm``
        the same after Holm's correction over all features. ``shifted`` needs both: a difference that is large enough
        and a distribution that differs by more than chance. Lesions count as independent, though a patient can have
        several: the p-values are too small rather than too large.
    """
    from scipy.stats import ks_2samp

    rows = []
    for feature in reference.columns:
        # Sorted, so that the order of rows changes no rounding.
        first, second = np.sort(reference[feature].to_numpy()), np.sort(other[feature].to_numpy())
        test = ks_2samp(first, second)
        means, deviations = (first.mean(), second.mean()), (first.std(ddof=1), second.std(ddof=1))
        rows.append(
            (
                *(feature, readable(feature), means[0], deviations[0], means[1], deviations[1]),
                *(standardised_difference(first, second), test.statistic, test.pvalue),
            )
        )
    table = pd.DataFrame(rows, columns=COLUMNS[:9])
    table["p_holm"] = holm(table["p"].to_numpy())
    shifted = (table["difference"].abs() >= limits.difference) & (table["p_holm"] < limits.alpha)
    table["shifted"] = np.where(shifted, YES, NO)
    table["selected"] = np.where(table["feature"].isin(selected), YES, NO)
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)[COLUMNS]


def standardised_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the second sample's mean less the first's, over their pooled standard deviation (n - 1)."""
    freedom = len(first) - 1, len(second) - 1
    squares = freedom[0] * first.var(ddof=1) + freedom[1] * second.var(ddof=1)
    difference = second.mean() - first.mean()
    pooled = np.sqrt(squares / sum(freedom))
    if pooled > 0:
        return float(difference / pooled)
    return float(np.sign(difference) * np.inf) if difference else 0.0


def summarise(table: pd.DataFrame, reference: int, other: int, limits: Drift) -> dict[str, float]:
    """Count: lesions of the sites, features, those with a large difference, a significant one, and both."""
    shifted = table["shifted"] == YES
    return {
        "reference_lesions": reference,
        "other_lesions": other,
        "features": len(table),
        "large_difference": int((table["difference"].abs() >= limits.difference).sum()),
        "significant": int((table["p_holm"] < limits.alpha).sum()),
        "shifted": int(shifted.sum()),
        "selected": int((table["selected"] == YES).sum()),
        "selected_shifted": int((shifted & (table["selected"] == YES)).sum()),
        "median_absolute_difference": round(float(table["difference"].abs().median()), 6),
    }


def draw_drift(table: pd.DataFrame, limits: Drift, sites: str) -> "Figure":
    """Draw every feature's difference as a dot, by class; diamonds and bold names are selected ones.

    Differences beyond three standard deviations are drawn at three. Colours are told apart by colour-blind readers, and
    filled against hollow says the same. ``sites`` says which site less which.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    prefixes = table["feature"].str.split("_").str[0]
    order = [key for key in _CLASSES if (prefixes == key).any()] + sorted(set(prefixes) - set(_CLASSES))
    classes = {_CLASSES.get(key, key): table[prefixes == key] for key in order}
    figure = Figure(figsize=(7.2, 0.17 * len(table) + 2.2), layout="constrained")
    panels = figure.subplots(len(classes), 1, sharex=True, height_ratios=[len(own) + 1 for own in classes.values()])
    for axes, (title, own) in zip(panels, classes.items(), strict=True):
        own = own.sort_values(["difference", "name"], kind="stable")
        columns = zip(own["difference"].clip(-_REACH, _REACH), own["shifted"], own["selected"], strict=True)
        for height, (difference, shifted, selected) in enumerate(columns):
            colour = _SHIFTED if shifted == YES else _ALIKE
            axes.plot(
                difference,
                height,
                marker="D" if selected == YES else "o",
                markersize=6 if selected == YES else 4.5,
                color=colour,
                markerfacecolor=colour if shifted == YES else "white",
                linestyle="none",
            )
        axes.set(yticks=range(len(own)), yticklabels=own["name"], ylim=(-0.8, len(own) - 0.2))
        axes.set_title(title, fontsize=9, loc="left")
        axes.tick_params(axis="y", labelsize=7, length=0)
        for label, chosen in zip(axes.get_yticklabels(), own["selected"] == YES, strict=True):
            label.set_fontweight("bold" if chosen else "normal")
        axes.axvline(0, color="grey", linewidth=0.8)
        for bound in (-limits.difference, limits.difference):
            axes.axvline(bound, color="grey", linewidth=0.8, linestyle=":")
        axes.grid(axis="y", alpha=0.25)
    panels[-1].set_xlabel(f"Standardised mean difference, {sites}")
    keys = (
        ("shifted", "o", _SHIFTED, _SHIFTED),
        ("not shifted", "o", _ALIKE, "white"),
        ("in the prompts", "D", "grey", "grey"),
    )
    handles = [
        Line2D([], [], marker=marker, color=edge, markerfacecolor=face, linestyle="none", label=label)
        for label, marker, edge, face in keys
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), frameon=False, fontsize=8)
    return figure
