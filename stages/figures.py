"""Draw the curves of every setting: ROC, calibration, decision curve, probabilities and confusion.

Reads   settings.yaml; params.yaml (evaluation, baselines.models); data/predictions/<setting>/*.csv, whoever wrote them
Writes  plots/evaluation/points/{roc,calibration,decision,scores,confusion}/<setting>.csv: every model, for `dvc plots`;
        plots/evaluation/<setting>/<the same>.svg: the named model, the language model and the best baseline in colour
Takes   time that grows with settings and models
Expect  curves of one trained model on one test sample; of several repeats, repeat 0 stands for all, and of
        cross-validation the first round of folds
"""

from pathlib import Path

import pandas as pd

from radprompt.core.outputs import atomic_folder, write_csv
from radprompt.core.params import Evaluation
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.evaluation.against_best import MODELS, best_by_validation
from radprompt.evaluation.figures import confusion, curves, draw
from radprompt.evaluation.thresholds import choose_thresholds
from radprompt.pages.drawing import write_svg
from radprompt.study.settings import load_settings
from radprompt.tables.model_names import model_name
from radprompt.tables.predictions import read_predictions

TITLES = {
    "roc": "ROC",
    "calibration": "Calibration",
    "decision": "Decision curves",
    "scores": "Probabilities",
    "confusion": "Confusion",
}


def main() -> None:
    """Write all settings' drawings."""
    params, settings = load_study_params(), load_settings()
    with atomic_folder("plots/evaluation") as folder:
        for name, setting in settings.items():
            files = Path("data/predictions", name).glob("*.csv")
            predictions = read_predictions(files, {name: setting.repeated}, name, settings.shared)
            best = best_by_validation(predictions, params.baselines.models)
            highlighted = [*MODELS, *best.values()]
            title = setting.title + (", the first test half" if setting.repeated else "")
            if setting.folds:
                predictions, title = _pooled(predictions, setting.folds), f"{setting.title}, each case once"
            for kind, points in _points(predictions, params.evaluation).items():
                write_csv(folder / "points" / kind / f"{name}.csv", _in_words(points))
                write_svg(folder / name / f"{kind}.svg", draw(kind, points, f"{TITLES[kind]}: {title}", highlighted))
    print(f"figures: {len(settings)} settings: plots/evaluation/")


def _in_words(points: pd.DataFrame) -> pd.DataFrame:
    """Return the table with names of models as a reader sees them, for ``dvc plots``."""
    rows = points if "model" in points else points.melt("actual", var_name="model", value_name="called")
    return rows.assign(model=rows["model"].map(model_name))


def _pooled(predictions: pd.DataFrame, folds: int) -> pd.DataFrame:
    """Return the test rows of the first round of folds as those of one sample, of the models that ran on all of it."""
    rows = predictions[(predictions["split"] == "test") & (predictions["repeat"] < folds)]
    return rows[rows.groupby("model")["repeat"].transform("nunique") == folds].assign(repeat=0)


def _points(predictions: pd.DataFrame, evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    test = predictions[predictions["split"] == "test"]
    drawn = curves(test, evaluation.calibration_bins, evaluation.reference)
    calls = confusion(test, choose_thresholds(predictions, evaluation), evaluation)
    if calls.shape[1] > 1:  # without validation rows there may be no threshold to call by
        drawn["confusion"] = calls
    return drawn


if __name__ == "__main__":
    run(main)
