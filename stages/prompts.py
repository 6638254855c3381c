"""Write a setting's prompts: one sentence for each lesion, naming the selected features beside their z-scores.

    python stages/prompts.py vindr

Reads   params.yaml (seed, prompt); data/standardised/<setting>.csv; models/<setting>/selection/ of the setting whose
        features are named; models/<setting>/scaler/.
Writes  data/prompts/<setting>.jsonl (repeat, lesion_id, split, prompt, label).
Takes   1 s on the demo.
Expect  one line for each row of the standardised table.
"""

import pandas as pd

from radprompt.params import load_params
from radprompt.prompts import write_prompts
from radprompt.radiomics.scaling import FeatureScaler
from radprompt.radiomics.table import read_standardised
from radprompt.selection.record import Selection
from radprompt.settings import find
from radprompt.stage import run
from radprompt.study.recipe import Recipe


def main(name: str) -> None:
    """Write one setting's prompts."""
    params, setting = load_params(), find(name)
    parts = []
    standardised = read_standardised(f"data/standardised/{setting.name}.csv")
    for repeat in standardised["repeat"].unique():
        own = standardised[standardised["repeat"] == repeat]
        selection = Selection.load(setting.selection_file(repeat))
        recipe = Recipe(params.prompt, params.seed, selection, FeatureScaler.load(setting.scaler_file(repeat)))
        parts.append(own.assign(prompt=recipe.prompts(own.set_index("lesion_id"))))
    table = pd.concat(parts)
    write_prompts(f"data/prompts/{setting.name}.jsonl", table)
    print(f"{setting.name}: {len(table)} prompts: data/prompts/{setting.name}.jsonl")


if __name__ == "__main__":
    run(main, "setting")
