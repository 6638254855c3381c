"""AUC at the second site against the number of its lesions that the models may learn from.

Reads   settings.yaml (curves); params.yaml (seed, features, prompt, llm, baselines, adaptation); models/backbone;
        data/cohorts and data/features of the second site; the model that is continued; the lines' ends' predictions
Writes  metrics/learning_curve.csv (line, model, lesions, all, repeat, auc), plots/learning_curve.svg
Takes   time that grows with epochs, repeats and the lesions at the curve's points
Expect  the line that continues starts higher than the one that restarts; few lesions, wide scatter
"""

from typing import get_args

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from radprompt.baselines.classical import Conventional
from radprompt.core.baseline_params import Learner
from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.evaluation import learning_curve as lines
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.pages.drawing import write_svg
from radprompt.study.cohort import cohort_of
from radprompt.study.recipe import Recipe
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting
from radprompt.tables.features import read_features
from radprompt.tables.left_out import WORDS


def main() -> None:
    """Train at every point and put the ends of the lines beside."""
    params, settings = load_params(), load_settings()
    curve = settings.require_curve()
    if params.llm.tuning == "none":
        lines.leave_out(curve.title)
        print(f"no curve. {WORDS}")
        return
    setting = settings[curve.continued]
    start = settings[curve.start].model_folder(0, params.seed)
    features = read_features(f"data/features/{setting.train.dataset}.csv")
    about = of_setting(cohort_of(setting))[["repeat", "lesion_id", "split", "label"]]
    rows = about.merge(features, on="lesion_id", validate="many_to_one")
    predicted = lines.read_ends(curve, settings)
    learners = [model for model in params.baselines.models if model in get_args(Learner)]
    rival = lines.best_baseline(predicted[curve.restarted], learners)
    fresh = LanguageModelClassifier.from_params(params.llm, params.prompt, "models/backbone", params.seed)
    points: list[tuple[str, str, int, bool, int, float]] = []
    for repeat in setting.repeats(params.adaptation.repeats.llm):
        own = rows[rows["repeat"] == repeat]
        train, test = (own[own["split"] == split].drop(columns=["repeat", "split"]) for split in ("train", "test"))
        order = lines.nested_order(train["label"].to_numpy(), [params.seed, repeat])
        for count in (count for count in params.adaptation.curve if count < len(train)):
            few = lines.few_lesions(train.iloc[np.sort(order[:count])], test, params.features)
            labels, features_used = few.train["label"].to_numpy(), list(few.selection.features)
            z = [part.set_index("lesion_id") for part in (few.train, few.test)]
            recipe = Recipe(params.prompt, params.seed, few.selection, few.scaler)
            prompts = [recipe.prompts(part) for part in z]
            fresh.fit(prompts[0], labels)
            continued = LanguageModelClassifier.load(start, trunk=fresh.trunk_).adapt(prompts[0], labels)
            conventional = Conventional(rival, params.baselines, params.seed).fit(z[0][features_used], labels)
            scores = {
                ("extended", "llm"): continued.decision_function(prompts[1]),
                ("scratch", "llm"): fresh.decision_function(prompts[1]),
                (rival, rival): conventional.predict_proba(z[1][features_used])[:, 1],
            }
            for (line, model), score in scores.items():
                points.append((line, model, count, False, repeat, float(roc_auc_score(few.test["label"], score))))
        unadapted, extended, scratch = (predicted[each] for each in (curve.none, curve.continued, curve.restarted))
        ends = lines.curve_ends(unadapted, extended, scratch, rival, repeat)
        points += [(line, model, len(train) * whole, whole, repeat, auc) for line, model, whole, auc in ends]
    table = pd.DataFrame(points, columns=lines.COLUMNS).sort_values(["line", "repeat", "lesions"], ignore_index=True)
    write_csv("metrics/learning_curve.csv", table)
    write_svg("plots/learning_curve.svg", lines.draw(table, curve.title))
    print(f"{len(table)} points of three lines, the rival being {rival}: metrics/learning_curve.csv")


if __name__ == "__main__":
    run(main)
