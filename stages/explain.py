"""Share the language model's logits out among the features that the prompts name.

    python stages/explain.py vindr

Reads   params.yaml (seed, prompt, explain); data/standardised/<setting>.csv; models/<setting>/selection/ and
        language_model/ (the first repeat and seed); models/backbone/
Writes  data/explanations/<setting>.csv (a row for each test lesion and feature; base plus its shares is a lesion's
        logit), metrics/explanations.csv, plots/explanations/{cohort,lesions}.svg
Takes   1 min on the demo: 16 prompts a lesion, all through the trunk
Expect  shares with a direction for some features; the paper's discussion has high sphericity push to benign
"""

import numpy as np
import pandas as pd

from radprompt.evaluation.figures import write_svg
from radprompt.explanations import COLUMNS, choose_lesions, draw_cohort, draw_lesions, summarise
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.outputs import whole_folder, write_csv
from radprompt.params import load_params
from radprompt.prompts import shown_names
from radprompt.radiomics.table import read_standardised
from radprompt.selection.record import Selection
from radprompt.settings import find, run_name
from radprompt.stage import run


def main(name: str) -> None:
    """Explain one setting's test lesions."""
    params, setting = load_params(), find(name)
    table = read_standardised(f"data/standardised/{name}.csv")
    test = table[(table["repeat"] == 0) & (table["split"] == "test")]
    chosen = choose_lesions(test, params.explain.lesions, params.seed).set_index("lesion_id")
    selection = Selection.load(setting.selection_file(0))
    shown = shown_names(selection.names, params.prompt.names, params.seed)
    named = chosen[list(selection.features)].set_axis(shown, axis=1)
    classifier = LanguageModelClassifier.load(f"models/{name}/language_model/{run_name(0, params.seed)}")
    explained = classifier.explain(named, permutations=params.explain.permutations)
    logits = explained.base + explained.shares.sum(axis=1).to_numpy()
    parts = [
        pd.DataFrame(
            {
                "lesion_id": chosen.index,
                "label": chosen["label"].to_numpy(),
                "probability": 1 / (1 + np.exp(-logits)),
                "logit": logits,
                "base": explained.base,
                "feature": feature,
                "name": name_shown,
                "value": named[name_shown].to_numpy(),
                "share": explained.shares[name_shown].to_numpy(),
            }
        )
        for feature, name_shown in zip(selection.features, shown, strict=True)
    ]
    rows = pd.concat(parts).sort_values("lesion_id", kind="stable", ignore_index=True)[COLUMNS]
    write_csv(f"data/explanations/{name}.csv", rows)
    write_csv("metrics/explanations.csv", summarise(rows))
    with whole_folder("plots/explanations") as folder:
        write_svg(folder / "cohort.svg", draw_cohort(rows, f"{len(chosen)} test masses, setting {name}"))
        write_svg(folder / "lesions.svg", draw_lesions(rows, 6))
    print(f"{name}: {len(chosen)} lesions explained: data/explanations/{name}.csv, metrics/explanations.csv")


if __name__ == "__main__":
    run(main, "setting")
