"""What a model is worth after few lesions of the second site: the picture of what names buy.

Everything at a point is fitted on its lesions alone: means and deviations, the selection of features, the model. No
validation rows are spent, so the last epoch is kept. The points with all training lesions are the settings themselves.
"""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from radprompt.core.outputs import write_text
from radprompt.core.params import Features
from radprompt.selection.choose import choose_features
from radprompt.selection.record import Selection
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import Curve, Settings
from radprompt.tables.left_out import WORDS, write_head
from radprompt.tables.model_names import model_name
from radprompt.tables.predictions import read_predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["line", "model", "lesions", "all", "repeat", "auc"]
LINES = {
    "extended": "language model, continued",
    "scratch": "language model, restarted",
    "named": "named model, continued",
    "named_restarted": "named model, restarted",
    "pooled_logistic": "logistic regression on both sites",
}
"""Names of lines in words."""

_LEFT_OUT = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="40" viewBox="0 0 720 40">'
    '<text x="8" y="25" font-family="sans-serif" font-size="13" fill="#555">{words}</text></svg>\n'
)
# Okabe and Ito's colours, told apart by colour-blind readers: one a model.
_LOOKS = {
    "extended": ("#D55E00", "-"),
    "scratch": ("#D55E00", "--"),
    "named": ("#0072B2", "-"),
    "named_restarted": ("#0072B2", "--"),
    "pooled_logistic": ("#009E73", "-"),
}
_OTHER = ("#6E6E6E", "--")


class FewLesions(NamedTuple):
    """Training and test rows (``lesion_id``, ``label``, z-scores); scaler and selection were fitted on the former."""

    train: pd.DataFrame
    test: pd.DataFrame
    scaler: FeatureScaler
    selection: Selection


def nested_order(labels: NDArray, seed: Sequence[int]) -> NDArray[np.int_]:
    """Return an order of lesions whose beginnings keep the share of malignant ones, within one lesion.

    Parameters
    ----------
    labels
        0 or 1, shape (lesions,).
    seed
        Random seed; with it the lesions of a class come in random order.
    """
    labels = np.asarray(labels)
    generator = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in (0, 1):
        own = np.flatnonzero(labels == label)
        place[generator.permutation(own)] = (np.arange(len(own)) + 0.5) / max(len(own), 1)
    return np.argsort(place, kind="stable")


def few_lesions(train: pd.DataFrame, test: pd.DataFrame, options: Features) -> FewLesions:
    """Scale and select on ``train`` alone; both have ``lesion_id``, ``label`` and raw features."""
    features = [name for name in train.columns if name not in ("lesion_id", "label")]
    scaler = FeatureScaler.fit(train.set_index("lesion_id")[features])
    few, rest = (
        part[["lesion_id", "label"]].join(scaler.transform(part[features])).reset_index(drop=True)
        for part in (train, test)
    )
    return FewLesions(few, rest, scaler, choose_features(few, options))


def best_baseline(predictions: pd.DataFrame, candidates: Sequence[str]) -> str:
    """Return the candidate with the highest mean AUC on the validation rows of all repeats; the first of equal ones.

    Test rows are not looked at. A repeat whose validation rows are of one class does not count.
    """
    rows = predictions[(predictions["split"] == "val") & predictions["model"].isin(candidates)]
    aucs = pd.Series({model: _mean_auc(rows[rows["model"] == model]) for model in candidates}, dtype=float)
    return str(aucs.fillna(0).idxmax())


def read_ends(curve: Curve, settings: Settings) -> dict[str, pd.DataFrame]:
    """Read the predictions at both ends of the language model's lines, by setting."""
    known = {name: own.repeated for name, own in settings.items()}
    families = {
        curve.none: ("llm", "baselines"),
        curve.restarted: ("llm", "baselines"),
        curve.continued: ("llm",),
    }
    return {
        name: read_predictions([f"data/predictions/{name}/{family}.csv" for family in own], known)
        for name, own in families.items()
    }


def curve_ends(
    unadapted: pd.DataFrame, extended: pd.DataFrame, scratch: pd.DataFrame, rival: str, repeat: int
) -> list[tuple[str, str, bool, float]]:
    """Return where the lines begin (no lesion) and end (all of the half's): line, model, whether all, AUC.

    Parameters
    ----------
    unadapted, extended, scratch
        Predictions of the settings of those names.
    rival
        The baseline: without lesions it is what VinDr taught it. A language model that restarts knows nothing: 0.5.
    repeat
        Which half.
    """
    return [
        ("extended", "llm", False, model_auc(unadapted, "llm", repeat)),
        ("extended", "llm", True, model_auc(extended, "llm", repeat)),
        ("scratch", "llm", False, 0.5),
        ("scratch", "llm", True, model_auc(scratch, "llm", repeat)),
        (rival, rival, False, model_auc(unadapted, rival, repeat)),
        (rival, rival, True, model_auc(scratch, rival, repeat)),
    ]


def model_auc(predictions: pd.DataFrame, model: str, repeat: int) -> float:
    """Return a model's AUC on the test rows of a repeat, of its lowest seed."""
    rows = predictions[predictions["split"] == "test"]
    rows = rows[(rows["model"] == model) & (rows["repeat"] == repeat)]
    return _mean_auc(rows[rows["seed"] == rows["seed"].min()])


def _mean_auc(rows: pd.DataFrame) -> float:
    """Return the mean AUC of one model's runs; those whose rows are of one class do not count."""
    runs = [own for _, own in rows.groupby(["repeat", "seed"]) if own["label"].nunique() == 2]
    return float(np.mean([roc_auc_score(own["label"], own["probability"]) for own in runs])) if runs else np.nan


def leave_out(title: str) -> None:
    """Write the outputs of ``stages/learning_curve.py`` where there is no language model: each says so."""
    write_head("metrics/learning_curve.csv", COLUMNS)
    write_text("plots/learning_curve.svg", _LEFT_OUT.format(words=escape(f"{title}. {WORDS}")))


def line_name(line: str) -> str:
    """Return a line's name in words; a line that has no name of its own is a model that restarts."""
    return LINES.get(line, f"{model_name(line)}, restarted")


def draw(points: pd.DataFrame, title: str) -> "Figure":
    """Draw each line's mean AUC over the repeats, and each repeat as a dot; the legend lies below the panel.

    A model has one colour: continued its line is solid, restarted dashed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.6), layout="constrained")
    axes = figure.subplots()
    for line, own in points.groupby("line", sort=False):
        colour, style = _LOOKS.get(str(line), _OTHER)
        # Halves differ by a few training lesions; their ends are drawn where the mean is.
        lesions = own["lesions"].where(~own["all"], own.loc[own["all"], "lesions"].mean())
        mean = own["auc"].groupby(lesions).mean()
        axes.plot(mean.index, mean, marker="o", color=colour, linestyle=style, label=line_name(str(line)))
        axes.scatter(lesions, own["auc"], s=9, alpha=0.5, color=colour, linewidths=0)
    axes.axhline(0.5, color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="training lesions of the second site", ylabel="AUC on its test half", title=title)
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure
