"""Score every model of a setting on its test split, test them against the reference model, and draw their curves.

    python stages/evaluate.py inbreast_adapted

Reads   params.yaml (seed, evaluation); data/predictions/<setting>/*.csv, whoever wrote them
Writes  metrics/evaluation/<setting>.json, keyed <setting>.<model>.<metric>, with <metric>_low and <metric>_high;
        metrics/evaluation/<setting>.csv, a row for each model and metric, with differences and p-values;
        plots/evaluation/<setting>/{roc,calibration,decision,scores,confusion}.csv and .svg
Takes   time that grows with resamples, repeats, seeds and models
Expect  stages/summary.py puts the settings together
"""

from pathlib import Path

from radprompt.core.outputs import atomic_folder, write_csv, write_json
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.evaluation.figures import confusion, curves, draw
from radprompt.evaluation.model_comparison import compare
from radprompt.evaluation.tables import summary
from radprompt.evaluation.thresholds import choose_thresholds
from radprompt.pages.drawing import write_svg
from radprompt.study.settings import load_settings
from radprompt.tables.predictions import RUN, read_predictions

TITLES = {
    "roc": "ROC",
    "calibration": "Calibration",
    "decision": "Decision curve",
    "scores": "Probabilities",
    "confusion": "Confusion",
}


def main(name: str) -> None:
    """Write metrics and plots of one setting."""
    params, setting = load_params(), load_settings()[name]
    predictions = read_predictions(Path("data/predictions", name).glob("*.csv"), {name: setting.repeated}, name)
    comparison = compare(predictions, params)
    test = predictions[predictions["split"] == "test"]
    cuts = choose_thresholds(predictions, params.evaluation)
    drawn = curves(test, params.evaluation.calibration_bins, params.evaluation.reference)
    calls = confusion(test, cuts, params.evaluation)
    if calls.shape[1] > 1:  # without validation rows there may be no threshold to call by
        drawn["confusion"] = calls
    sample = "test half of repeat 0" if setting.repeated else "test split"
    write_json(f"metrics/evaluation/{name}.json", summary(comparison))
    write_csv(f"metrics/evaluation/{name}.csv", comparison)
    with atomic_folder(f"plots/evaluation/{name}") as folder:
        for kind, points in drawn.items():
            write_csv(folder / f"{kind}.csv", points)
            write_svg(folder / f"{kind}.svg", draw(kind, points, f"{TITLES[kind]}, {name}, {sample}"))
    runs = test[RUN].drop_duplicates()
    uncut = runs[[run not in cuts for run in runs.itertuples(index=False, name=None)]]["model"].value_counts(sort=False)
    if len(uncut):
        names = ", ".join(f"{model} ({count} run{'s'[: count > 1]})" for model, count in uncut.items())
        print(f"evaluate: no validation rows of both classes, so no thresholds chosen on them: {names}")
    if params.evaluation.reference not in set(test["model"]):
        print(f"evaluate: {name} has no model {params.evaluation.reference!r}, so nothing to compare with")
    counts = f"{test['model'].nunique()} models, {test['repeat'].nunique()} test sample(s)"
    print(f"evaluate: {name}, {counts}; metrics/evaluation/{name}.json and .csv, plots/evaluation/{name}/")


if __name__ == "__main__":
    run(main, "setting")
