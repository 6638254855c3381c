"""Write each setting's prompts: one sentence for each lesion, naming the selected features beside their values.

Reads   settings.yaml; params.yaml (seed, prompt); data/standardised/; models/selection/, models/scaler/
Writes  data/prompts/<setting>.jsonl (repeat, lesion_id, split, prompt, label)
Takes   time that grows with rows, repeats and settings
Expect  one line for each row that the setting trains, validates and tests on
"""

import pandas as pd

from radprompt.core.outputs import atomic_folder
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.selection.record import Selection
from radprompt.study.recipe import Recipe
from radprompt.study.scaling import FeatureScaler
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting
from radprompt.tables.features import read_standardised
from radprompt.tables.prompts import write_prompts


def main() -> None:
    """Write all settings' prompts."""
    params = load_study_params()
    with atomic_folder("data/prompts") as folder:
        for name, setting in load_settings().items():
            parts = []
            for repeat, rows in of_setting(read_standardised(f"data/standardised/{name}.csv")).groupby("repeat"):
                number = int(str(repeat))
                scaler = FeatureScaler.load(setting.scaler_file(number))
                recipe = Recipe(params.prompt, params.seed, Selection.load(setting.selection_file(number)), scaler)
                parts.append(rows.assign(prompt=recipe.prompts(rows.set_index("lesion_id"))))
            table = pd.concat(parts)
            write_prompts(folder / f"{name}.jsonl", table)
            print(f"{name}: {len(table)} prompts: data/prompts/{name}.jsonl")


if __name__ == "__main__":
    run(main)
