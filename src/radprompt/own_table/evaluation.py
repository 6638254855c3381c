"""Every model of every setting on the same test cases, and what the cases of other sites are worth."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast, get_args

import pandas as pd
from sklearn.metrics import roc_auc_score

from radprompt.core.params import Learner, Params
from radprompt.evaluation.learning_curve import COLUMNS, best_baseline, draw
from radprompt.evaluation.model_comparison import compare
from radprompt.own_table.language_model import EXTENDED, MODEL, SCRATCH
from radprompt.own_table.lessons import Lesson
from radprompt.own_table.params import OwnParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = {"extended": EXTENDED, "scratch": SCRATCH}


def compare_settings(predictions: pd.DataFrame, settings: Iterable[str], params: OwnParams) -> pd.DataFrame:
    """Score the settings in their order; see :func:`radprompt.evaluation.model_comparison.compare`.

    The reference is the language model: at other sites the one that goes on from the first.
    """
    parts = []
    for setting in settings:
        own = predictions[predictions["setting"] == setting]
        if own.empty:
            continue
        reference = EXTENDED if EXTENDED in set(own["model"]) else MODEL
        own_params = replace(params, evaluation=replace(params.evaluation, reference=reference))
        # compare reads seed and evaluation, which both kinds of params have.
        parts.append(compare(own, cast("Params", own_params)))
    return pd.concat(parts, ignore_index=True)


def rivals(predictions: pd.DataFrame, lessons: Iterable[Lesson], params: OwnParams) -> dict[str, str]:
    """Return each other site's rival: the conventional model that is best on its validation cases.

    Those choose after learning from all training cases, so the rival has an advantage in lessons of few.
    """
    candidates = [model for model in params.baselines.models if model in get_args(Learner)]
    whole = {lesson.site: lesson.setting for lesson in lessons if lesson.cases is None}
    found = {}
    for site, setting in whole.items():
        own = predictions[predictions["setting"] == setting]
        present = [model for model in candidates if model in set(own["model"])]
        if present:
            found[site] = best_baseline(own, present)
    return found


def learning_curve(
    predictions: pd.DataFrame, lessons: Iterable[Lesson], rival: Mapping[str, str], trained: Mapping[str, int]
) -> pd.DataFrame:
    """Return the test AUC of each other site's three lines at each lesson.

    Parameters
    ----------
    predictions
        Of every model.
    lessons
        Of the other sites.
    rival
        From :func:`rivals`.
    trained
        Training cases of each site.

    Returns
    -------
    pandas.DataFrame
        ``site`` and the columns of :data:`radprompt.evaluation.learning_curve.COLUMNS`; ``repeat`` is the draw,
        ``lesions`` the number of training cases. Of several seeds the first one.
    """
    test = predictions[predictions["split"] == "test"]
    test = test[test["seed"] == test["seed"].min()]
    points = []
    for lesson in lessons:
        lines = LINES | {rival[lesson.site]: rival[lesson.site]} if lesson.site in rival else LINES
        own = test[(test["setting"] == lesson.setting) & (test["repeat"] == lesson.draw)]
        for line, model in lines.items():
            asked = MODEL if lesson.cases == 0 and line == "extended" else model
            rows = own[own["model"] == asked]
            if len(rows):
                auc = float(roc_auc_score(rows["label"], rows["probability"]))
                count = trained[lesson.site] if lesson.cases is None else lesson.cases
                points.append((lesson.site, line, model, count, lesson.cases is None, lesson.draw, auc))
    table = pd.DataFrame(points, columns=["site", *COLUMNS])
    return table.sort_values(["site", "line", "lesions", "repeat"], ignore_index=True)


def draw_curve(points: pd.DataFrame, site: str) -> "Figure":
    """Draw one site's lines."""
    figure = draw(points[points["site"] == site], f"{site}: what few cases teach")
    figure.axes[0].set(xlabel=f"training cases of {site}", ylabel="AUC on its test cases")
    return figure
