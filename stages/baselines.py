"""Train the baselines of one setting and let them predict, on the features and splits of the language model.

    python stages/baselines.py inbreast_extended

Reads   settings.yaml; params.yaml (seed, evaluation.seeds, adaptation.repeats, baselines, prompt.names);
        data/standardised/<setting>.csv and models/selection/<setting>/
Writes  data/predictions/<setting>/baselines.csv: rows of every model and repeat for the splits val and test
Takes   time that grows with the rows of all fits: repeats, seeds and models; TransTab takes most of it
Expect  on vindr, logistic regression near the top; the majority class at an AUC of 0.5

Conventional models cannot continue on other columns: at the second site they restart, so that their rows of
inbreast_extended are those of inbreast_scratch. TransTab reads names: where the language model continues from VinDr, it
does too. What restarts from the same training rows in every repeat (inbreast_unadapted) is trained once.
"""

import pandas as pd
from joblib import effective_n_jobs

from radprompt.baselines.trainings import Training, jobs, predict, trainings
from radprompt.core.compute import by_processes, parallel_map
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting, of_start
from radprompt.tables.features import read_standardised
from radprompt.tables.predictions import write_predictions


def main(name: str) -> None:
    """Train and predict one setting."""
    params, setting = load_study_params(), load_settings()[name]
    source = f"data/standardised/{name}.csv"
    table = read_standardised(source)
    repeats = setting.repeats(params.adaptation.repeats.baselines)
    selections = {repeat: Selection.load(setting.selection_file(repeat)) for repeat in repeats}
    own = trainings(of_setting(table), selections, source)
    origin: Training | None = None
    if setting.continues:
        (origin,) = trainings(of_start(table), {0: Selection.load(setting.selection_file("start"))}, source)
    todo = jobs(own, params, origin, effective_n_jobs(params.compute.workers), labelled=setting.labelled)
    compute = by_processes(params.compute)
    done = parallel_map(predict, todo, compute, f"Baselines of {name}", unit="job", setting=name, params=params)
    left_out = {job.model for job, each in zip(todo, done, strict=True) if each.left_out}
    parts = [each.rows for job, each in zip(todo, done, strict=True) if job.model not in left_out]
    path = f"data/predictions/{name}/baselines.csv"
    write_predictions(path, pd.concat(parts or [pd.DataFrame()]))
    for reason in dict.fromkeys(reason for each in done for reason in each.left_out):
        print(f"{name}: {reason}")
    print(f"{name}: {len({job.model for job in todo} - left_out)} models, {sum(map(len, parts))} rows: {path}")


if __name__ == "__main__":
    run(main, "setting")
