"""Halve the second site's patients, several times: one half adapts a model, the other tests it.

Reads   params.yaml (seed, data, adaptation); data/lesions/inbreast.csv, whose own halves are repeat 0
Writes  data/halves/inbreast.csv: repeat, lesion_id, patient_id, split (train and val: the half that adapts; test)
Takes   2 s on the demo
Expect  as many repeats as the models that want most of them; no patient on two sides of one
"""

from radprompt.datasets.halves import draw_halves
from radprompt.errors import InputError
from radprompt.lesions import from_table, read_lesions
from radprompt.outputs import write_csv
from radprompt.params import load_params
from radprompt.settings import HALVED
from radprompt.stage import run


def main() -> None:
    """Draw the halves."""
    params = load_params()
    repeats = params.adaptation.repeats
    if repeats.llm > repeats.baselines:
        what = f"llm is {repeats.llm}, more than baselines, {repeats.baselines}: no pairs to compare"
        raise InputError(what, where="params.yaml, adaptation.repeats", fix="raise baselines")
    lesions = list(from_table(read_lesions(f"data/lesions/{HALVED}.csv")))
    fractions = (params.data.adaptation_fraction, params.adaptation.validation_fraction)
    table = draw_halves(lesions, repeats.baselines, *fractions, params.seed)
    write_csv(f"data/halves/{HALVED}.csv", table)
    counts = table[table["repeat"] == 0]["split"].value_counts(sort=False).to_dict()
    print(f"{repeats.baselines} halves of {table['patient_id'].nunique()} patients; lesions in the first: {counts}")


if __name__ == "__main__":
    run(main)
