"""Halve the second site's patients, several times, and draw the lesions of settings that say so.

Reads   settings.yaml (halved; drawn of each setting); params.yaml (seed, data, adaptation); data/lesions/<dataset>.csv
        of each halved data set, whose own halves are repeat 0, and of each setting that draws
Writes  data/halves/<dataset or setting>.csv: repeat, lesion_id, patient_id, split (train and val: the half that
        adapts, or the setting's own; test)
Takes   little more than the time to start; grows with repeats
Expect  as many repeats as the models that want most of them; no patient on two sides of one, unless drawn.by is lesion
"""

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.study.halves import draw_halves, draw_repeats
from radprompt.study.settings import load_settings
from radprompt.tables.lesions import from_table, read_lesions


def main() -> None:
    """Draw them."""
    params, settings = load_params(), load_settings()
    repeats = params.adaptation.repeats
    if repeats.llm > repeats.baselines:
        what = f"llm is {repeats.llm}, more than baselines, {repeats.baselines}: no pairs to compare"
        raise InputError(what, where="params.yaml, adaptation.repeats", fix="raise baselines")
    fractions = (params.data.adaptation_fraction, params.adaptation.validation_fraction)
    with atomic_folder("data/halves") as folder:
        for name in settings.halved:
            lesions = list(from_table(read_lesions(f"data/lesions/{name}.csv")))
            table = draw_halves(lesions, repeats.baselines, *fractions, params.seed)
            write_csv(folder / f"{name}.csv", table)
            counts = table[table["repeat"] == 0]["split"].value_counts(sort=False).to_dict()
            patients = table["patient_id"].nunique()
            print(f"{name}: {repeats.baselines} halves of {patients} patients; lesions in the first: {counts}")
        for setting in settings.drawn:
            assert setting.drawn is not None
            assert setting.draws is not None
            lesions = list(from_table(read_lesions(f"data/lesions/{setting.train.dataset}.csv")))
            table = draw_repeats(lesions, setting.drawn, setting.draws, params.seed)
            write_csv(folder / f"{setting.name}.csv", table)
            counts = table[table["repeat"] == 0]["split"].value_counts(sort=False).to_dict()
            print(f"{setting.name}: drawn {setting.draws} times by {setting.drawn.by}; lesions in the first: {counts}")


if __name__ == "__main__":
    run(main)
