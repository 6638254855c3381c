"""Share the language model's logits out among the features that the prompts name.

    python stages/explain.py vindr

Reads   params.yaml (seed, prompt, explain); data/standardised/<setting>.csv;
        models/{scaler,selection,language_model}/<setting>/ (the first repeat and seed); models/backbone/
Writes  data/explanations/<setting>.csv (a row for each test lesion and feature; base plus its shares is a lesion's
        logit), metrics/explanations.csv, plots/explanations/{cohort,lesions}.svg
Takes   time that grows with explained lesions, background lesions and orders: each prompt passes all layers
Expect  shares with a direction for some features; stops if they count from a logit that training lesions do not have
"""

import numpy as np
import pandas as pd
from scipy.special import logit

from radprompt.core.outputs import atomic_folder, write_csv
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.evaluation.explanations import COLUMNS, choose_lesions, draw_cohort, draw_lesions, leave_out, summarise
from radprompt.evaluation.shapley import check_base, choose_background, explain
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.saved import read_probabilities
from radprompt.pages.drawing import write_svg
from radprompt.selection.record import Selection
from radprompt.study.recipe import Recipe
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import load_settings
from radprompt.tables.features import read_standardised
from radprompt.tables.left_out import WORDS, is_left_out


def main(name: str) -> None:
    """Explain one setting's test lesions."""
    params, setting = load_study_params(), load_settings()[name]
    if is_left_out(f"models/language_model/{name}"):
        leave_out(name)
        print(f"{name}: nothing to explain. {WORDS}")
        return
    scaler, selection = FeatureScaler.load(setting.scaler_file(0)), Selection.load(setting.selection_file(0))
    model = setting.model_folder(0, params.seed)
    recipe = Recipe(params.prompt, params.seed, selection, scaler)
    table = read_standardised(f"data/standardised/{name}.csv")
    table = table[table["repeat"] == 0]
    train = table[table["split"] == "train"]
    chosen = choose_lesions(table[table["split"] == "test"], params.explain.lesions, params.seed)
    background = choose_background(train, params.explain.background, params.seed)
    values, others = (recipe.values(rows.set_index("lesion_id")) for rows in (chosen, background))
    logits = LanguageModelClassifier.load(model).decision_function
    explained = explain(values, others, recipe.sentences, logits, params.explain.orders, params.seed, progress=True)
    learned = logit(read_probabilities(model)[train["lesion_id"]])
    check_base(explained.base, learned.to_numpy(), f"setting {name}")
    total, z = explained.base + explained.shares.sum(axis=1).to_numpy(), chosen.set_index("lesion_id")
    parts = [
        pd.DataFrame(
            {
                "lesion_id": z.index,
                "label": z["label"].to_numpy(),
                "probability": 1 / (1 + np.exp(-total)),
                "logit": total,
                "base": explained.base,
                "feature": feature,
                "name": shown,
                "value": values[real].to_numpy(),
                "share": explained.shares[real].to_numpy(),
            }
        )
        for feature, real, shown in zip(selection.features, selection.names, recipe.shown, strict=True)
    ]
    rows = pd.concat(parts).sort_values("lesion_id", kind="stable", ignore_index=True)[COLUMNS]
    write_csv(f"data/explanations/{name}.csv", rows)
    write_csv("metrics/explanations.csv", summarise(rows))
    with atomic_folder("plots/explanations") as folder:
        write_svg(folder / "cohort.svg", draw_cohort(rows, f"{len(z)} test masses: {setting.title}"))
        write_svg(folder / "lesions.svg", draw_lesions(rows, 6))
    print(f"{name}: {len(z)} lesions explained: data/explanations/{name}.csv, metrics/explanations.csv")


if __name__ == "__main__":
    run(main, "setting")
