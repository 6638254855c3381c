"""Write a setting's prompts: one sentence for each lesion, naming the selected features beside their z-scores.

    python stages/prompts.py vindr

Reads   data/standardised/<setting>.csv, models/<setting>/selection.json.
Writes  data/prompts/<setting>.jsonl (lesion_id, split, prompt, label).
Takes   1 s on the demo.
Expect  one line for each row of the standardised table.
"""

from radprompt.params import load_params
from radprompt.prompts import render_frame, write_prompts
from radprompt.radiomics.table import read_standardised
from radprompt.selection.record import Selection
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Write one setting's prompts."""
    setting = find(name)
    table = read_standardised(f"data/standardised/{setting.name}.csv")
    selection = Selection.load(f"models/{setting.name}/selection.json")
    named = table.set_index("lesion_id")[list(selection.features)].set_axis(list(selection.names), axis=1)
    prompts = render_frame(named, load_params().prompt)
    write_prompts(f"data/prompts/{setting.name}.jsonl", table.assign(prompt=prompts))
    print(f"{setting.name}: {len(prompts)} prompts: data/prompts/{setting.name}.jsonl")


if __name__ == "__main__":
    run(main, "setting")
