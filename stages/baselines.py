"""Train the baselines of one setting and let them predict, on the features and splits of the language model.

    python stages/baselines.py inbreast_extended

Reads   params.yaml (seed, evaluation.seeds, adaptation.repeats, baselines, prompt.names); data/lesions/<dataset>.csv
        for the patients; data/standardised/<setting>.csv and the selections of its repeats in models/; for a TransTab
        that is transferred, the same of the setting that it starts from
Writes  data/predictions/<setting>/baselines.csv: rows of every model and repeat for the splits val and test
Takes   20 s on the demo where one training serves all, 50 s for twenty halves; TransTab takes most of it
Expect  on vindr, logistic regression near the top; the majority class at an AUC of 0.5

Conventional models cannot go on learning on other columns: at the second site they start again, so that their rows of
inbreast_extended are those of inbreast_scratch. TransTab reads names: where the language model goes on from VinDr, it
does too. What starts anew from VinDr's training rows in every repeat (inbreast_unadapted) is trained once.
"""

from dataclasses import replace

import pandas as pd
from joblib import effective_n_jobs

from radprompt.baselines.rows import read_patients, with_patients
from radprompt.baselines.trainings import Training, jobs, predict, trainings
from radprompt.compute import for_each
from radprompt.evaluation.predictions import write_predictions
from radprompt.params import Params, load_params
from radprompt.radiomics.table import read_standardised
from radprompt.selection.record import Selection
from radprompt.settings import Setting, find
from radprompt.stage import run


def main(name: str) -> None:
    """Train and predict one setting."""
    params, setting = load_params(), find(name)
    origin = None
    if "transtab" in params.baselines.models and setting.trains and setting.start:
        (origin,) = read_trainings(find(setting.start), params)
    todo = jobs(read_trainings(setting, params), params, origin, effective_n_jobs(params.compute.workers))
    # Not threads: how many of them a sum takes, torch's generator and the working directory are a process's own.
    compute = replace(params.compute, backend="loky") if params.compute.backend == "threading" else params.compute
    parts = for_each(predict, todo, compute, f"Baselines of {name}", unit="job", setting=name, params=params)
    path = f"data/predictions/{name}/baselines.csv"
    write_predictions(path, pd.concat(parts))
    print(f"{name}: {len(params.baselines.models)} models, {sum(map(len, parts))} rows: {path}")


def read_trainings(setting: Setting, params: Params) -> list[Training]:
    """Read what the setting's baselines are trained on."""
    source = f"data/standardised/{setting.name}.csv"
    table = with_patients(read_standardised(source), read_patients(setting), source)
    repeats = setting.repeats(params.adaptation.repeats.baselines)
    return trainings(table, {repeat: Selection.load(setting.selection_file(repeat)) for repeat in repeats}, source)


if __name__ == "__main__":
    run(main, "setting")
