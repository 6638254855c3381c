"""Score every model of a setting on its test split, and test them against the reference model.

    python stages/evaluate.py inbreast_adapted

Reads   settings.yaml; params.yaml (seed, evaluation); data/predictions/<setting>/*.csv, whoever wrote them
Writes  metrics/evaluation/<setting>.json, keyed <setting>.<model>.<metric>, with <metric>_low and <metric>_high;
        metrics/evaluation/<setting>.csv, a row for each model and metric, with differences and p-values
Takes   time that grows with resamples, repeats, seeds and models
Expect  stages/summary.py puts the settings together, stages/figures.py draws the curves
"""

from pathlib import Path

from radprompt.core.compute import by_processes
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.evaluation.model_comparison import compare
from radprompt.evaluation.tables import summary
from radprompt.evaluation.thresholds import choose_thresholds
from radprompt.study.settings import load_settings
from radprompt.tables.predictions import RUN, read_predictions


def main(name: str) -> None:
    """Write the metrics of one setting."""
    params, settings = load_study_params(), load_settings()
    setting, files = settings[name], Path("data/predictions", name).glob("*.csv")
    predictions = read_predictions(files, {name: setting.repeated}, name, settings.shared)
    comparison = compare(predictions, params, setting.ratio, by_processes(params.compute))
    write_json(f"metrics/evaluation/{name}.json", summary(comparison))
    write_csv(f"metrics/evaluation/{name}.csv", comparison)
    test, cuts = predictions[predictions["split"] == "test"], choose_thresholds(predictions, params.evaluation)
    runs = test[RUN].drop_duplicates()
    uncut = runs[[run not in cuts for run in runs.itertuples(index=False, name=None)]]["model"].value_counts(sort=False)
    if len(uncut):
        names = ", ".join(f"{model} ({count} run{'s'[: count > 1]})" for model, count in uncut.items())
        print(f"evaluate: no validation rows of both classes, so no thresholds chosen on them: {names}")
    if params.evaluation.reference not in set(test["model"]):
        print(f"evaluate: {name} has no model {params.evaluation.reference!r}, so nothing to compare with")
    counts = f"{test['model'].nunique()} models, {test['repeat'].nunique()} test sample(s)"
    print(f"evaluate: {name}, {counts}; metrics/evaluation/{name}.json and .csv")


if __name__ == "__main__":
    run(main, "setting")
