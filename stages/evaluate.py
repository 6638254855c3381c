"""Score every model of every setting on the test split, test them against the reference model, and draw their curves.

Reads   params.yaml (seed, evaluation); data/predictions/<setting>/*.csv, whoever wrote them
Writes  metrics/summary.json, keyed <setting>.<model>.<metric>, with <metric>_low and <metric>_high;
        metrics/comparison.csv, a row for each setting, model and metric, with differences and p-values;
        plots/evaluation/<setting>_{roc,calibration,decision,scores,confusion}.csv and .svg
Takes   8 s on the demo for a setting of eleven models
Expect  `radprompt summary` shows the table
"""

from pathlib import Path

from radprompt.evaluation.figures import confusion, curves, draw, write_svg
from radprompt.evaluation.model_comparison import compare
from radprompt.evaluation.predictions import RUN, read_predictions
from radprompt.evaluation.tables import summary
from radprompt.evaluation.thresholds import choose_thresholds
from radprompt.outputs import whole_folder, write_csv, write_json
from radprompt.params import load_params
from radprompt.stage import run

TITLES = {
    "roc": "ROC",
    "calibration": "Calibration",
    "decision": "Decision curve",
    "scores": "Probabilities",
    "confusion": "Confusion",
}


def main() -> None:
    """Write metrics and plots."""
    params = load_params()
    predictions = read_predictions(Path("data/predictions").glob("*/*.csv"))
    comparison = compare(predictions, params)
    write_json("metrics/summary.json", summary(comparison))
    write_csv("metrics/comparison.csv", comparison)
    test = predictions[predictions["split"] == "test"]
    cuts = choose_thresholds(predictions, params.evaluation)
    with whole_folder("plots/evaluation") as folder:
        for setting, rows in test.groupby("setting"):
            drawn = curves(rows, params.evaluation.calibration_bins, params.evaluation.reference)
            calls = confusion(rows, cuts, params.evaluation)
            if calls.shape[1] > 1:  # without validation rows there may be no threshold to call by
                drawn["confusion"] = calls
            for kind, points in drawn.items():
                write_csv(folder / f"{setting}_{kind}.csv", points)
                write_svg(
                    folder / f"{setting}_{kind}.svg", draw(kind, points, f"{TITLES[kind]}, {setting}, test split")
                )
    models = test.groupby("setting")["model"].nunique()
    counts = ", ".join(f"{setting} ({count} models)" for setting, count in models.items())
    runs = sorted(set(test[RUN].itertuples(index=False, name=None)) - set(cuts))
    if runs:
        names = ", ".join(f"{model} ({setting}, seed {seed})" for setting, model, seed in runs)
        print(f"evaluate: no validation rows of both classes, so no thresholds chosen on them: {names}")
    print(f"evaluate: {counts}; metrics/summary.json, metrics/comparison.csv, plots/evaluation/")


if __name__ == "__main__":
    run(main)
