"""Put the settings' metrics together.

Reads   params.yaml (evaluation.reference, baselines.models); metrics/evaluation/<setting>.{json,csv} of every setting;
        data/predictions/<setting>/baselines.csv, validation rows only; metrics/segmentation.json
Writes  metrics/summary.json, keyed <setting>.<model>.<metric>;
        metrics/comparison.csv, a row for each setting, model and metric, with differences and p-values;
        metrics/headline.json, at most 24 numbers: all that `dvc metrics show` prints
Takes   little more than the time to start; grows with settings and models
Expect  `radprompt summary` shows the table
"""

import json
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from radprompt.core.baseline_params import Learner
from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.evaluation.headline import best_by_validation, headline
from radprompt.study.settings import load_settings
from radprompt.tables.predictions import read_predictions

SEGMENTATION = Path("metrics/segmentation.json")


def main() -> None:
    """Write the summary, the comparison and the headline."""
    params, settings = load_study_params(), load_settings()
    reference = params.evaluation.reference
    metrics: dict[str, Any] = {}
    parts = []
    for name in settings:
        source = Path("metrics/evaluation", f"{name}.json")
        try:
            metrics |= json.loads(source.read_text(encoding="utf-8"))
            source = source.with_suffix(".csv")
            parts.append(pd.read_csv(source, dtype=str, keep_default_na=False))  # as text, digits stay as they are
        except FileNotFoundError:
            fix = f"run `python stages/evaluate.py {name}` (`dvc repro` does), or `dvc pull`"
            raise InputError("no such file", where=str(source), fix=fix) from None
    comparison = pd.concat(parts, ignore_index=True)
    models = sorted(set(comparison["model"]))
    if reference not in models:
        what = f"no setting has predictions of model {reference!r}"
        raise InputError(what, where="params.yaml, evaluation.reference", fix=f"name one of {', '.join(models)}")
    files = [path for name in settings if (path := Path("data/predictions", name, "baselines.csv")).is_file()]
    best: dict[str, str] = {}
    if files:
        predictions = read_predictions(files, {name: own.repeated for name, own in settings.items()})
        learners = [model for model in params.baselines.models if model in get_args(Learner)]
        best = best_by_validation(predictions, learners)
    segmentation = json.loads(SEGMENTATION.read_text(encoding="utf-8")) if SEGMENTATION.is_file() else {}
    write_json("metrics/summary.json", metrics)
    write_csv("metrics/comparison.csv", comparison)
    write_json("metrics/headline.json", headline(metrics, best, segmentation))
    for setting, model in best.items():
        print(f"{setting}: of the conventional models, {model} is best on validation rows")
    print(f"{len(metrics)} settings, {len(models)} models: metrics/summary.json, comparison.csv and headline.json")


if __name__ == "__main__":
    run(main)
