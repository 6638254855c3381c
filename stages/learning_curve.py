"""AUC at the second site against the number of its lesions that the models may learn from.

Reads   params.yaml (seed, features, prompt, llm, baselines, adaptation); data/halves, data/lesions and data/features of
        INbreast; models/vindr/language_model/; models/backbone/; predictions of the settings that end the lines
Writes  metrics/learning_curve.csv (line, model, lesions, all, repeat, auc), plots/learning_curve.svg
Takes   2 min on the demo
Expect  the line that goes on learning starts higher than the one that begins again; few lesions, wide scatter
"""

from typing import get_args

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from radprompt.baselines.classical import Conventional
from radprompt.core.outputs import write_csv
from radprompt.core.params import Learner, load_params
from radprompt.core.stage import run
from radprompt.evaluation.learning_curve import COLUMNS, best_baseline, curve_ends, draw, few_lesions, nested_order
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.pages.drawing import write_svg
from radprompt.study.halves import read_halves
from radprompt.study.recipe import Recipe
from radprompt.study.settings import SETTINGS, gather, run_name
from radprompt.tables.features import read_features
from radprompt.tables.lesions import read_lesions
from radprompt.tables.predictions import read_predictions

FOLDER = "data/predictions"
UNADAPTED, EXTENDED, SCRATCH = (f"inbreast_{name}" for name in ("unadapted", "extended", "scratch"))


def main() -> None:
    """Train at every point and put the ends of the lines beside."""
    params, setting = load_params(), SETTINGS[EXTENDED]
    lesions, features = read_lesions("data/lesions/inbreast.csv"), read_features("data/features/inbreast.csv")
    halves = read_halves("data/halves/inbreast.csv")
    rows = gather(setting, {"inbreast": lesions}, {"inbreast": features}, halves)
    families = {name: [f"{FOLDER}/{name}/{f}.csv" for f in ("llm", "baselines")] for name in (UNADAPTED, SCRATCH)}
    predicted = {name: read_predictions(files) for name, files in families.items()}
    predicted[EXTENDED] = read_predictions([f"{FOLDER}/{EXTENDED}/llm.csv"])
    rival = best_baseline(predicted[SCRATCH], [m for m in params.baselines.models if m in get_args(Learner)])
    start = f"models/vindr/language_model/{run_name(0, params.seed)}"
    fresh = LanguageModelClassifier.from_params(params.llm, params.prompt, "models/backbone", params.seed)
    points: list[tuple[str, str, int, bool, int, float]] = []
    for repeat in setting.repeats(params.adaptation.repeats.llm):
        train, test = (rows[(rows["repeat"] == repeat) & (rows["split"] == split)] for split in ("train", "test"))
        order = nested_order(train["label"].to_numpy(), [params.seed, repeat])
        for count in (count for count in params.adaptation.curve if count < len(train)):
            few = few_lesions(train.iloc[np.sort(order[:count])], test, params.features)
            labels, features_used = few.train["label"].to_numpy(), list(few.selection.features)
            z = [part.set_index("lesion_id") for part in (few.train, few.test)]
            recipe = Recipe(params.prompt, params.seed, few.selection, few.scaler)
            prompts = [recipe.prompts(part) for part in z]
            fresh.fit(prompts[0], labels)
            going_on = LanguageModelClassifier.load(start, trunk=fresh.trunk_).adapt(prompts[0], labels)
            conventional = Conventional(rival, params.baselines, params.seed).fit(z[0][features_used], labels)
            scores = {
                ("extended", "llm"): going_on.decision_function(prompts[1]),
                ("scratch", "llm"): fresh.decision_function(prompts[1]),
                (rival, rival): conventional.predict_proba(z[1][features_used])[:, 1],
            }
            for (line, model), score in scores.items():
                points.append((line, model, count, False, repeat, float(roc_auc_score(few.test["label"], score))))
        ends = curve_ends(predicted[UNADAPTED], predicted[EXTENDED], predicted[SCRATCH], rival, repeat)
        points += [(line, model, len(train) * whole, whole, repeat, auc) for line, model, whole, auc in ends]
    table = pd.DataFrame(points, columns=COLUMNS).sort_values(["line", "repeat", "lesions"], ignore_index=True)
    write_csv("metrics/learning_curve.csv", table)
    write_svg("plots/learning_curve.svg", draw(table, "INbreast: what few lesions teach"))
    print(f"{len(table)} points of three lines, the rival being {rival}: metrics/learning_curve.csv")


if __name__ == "__main__":
    run(main)
