"""Put the settings' metrics together.

Reads   params.yaml (seed, evaluation, baselines.models); metrics/evaluation/<setting>.{json,csv} of every setting;
        data/predictions/<setting>/{named,llm,baselines}.csv; metrics/segmentation.json
Writes  metrics/summary.json, keyed <setting>.<model>.<metric>;
        metrics/comparison.csv, a row for each setting, model and metric, with differences and p-values;
        metrics/against_best.csv, the named model and the language model beside each setting's best baseline, which
        validation rows choose (src/radprompt/evaluation/against_best.py says what the columns are);
        metrics/headline/<setting>.json and dice_<test set>.json, at most 24 numbers: all that `dvc metrics show` prints
Takes   seconds a setting; grows with repeats and resamples
Expect  `radprompt summary` shows the table
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_csv, write_json
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.evaluation.against_best import COLUMNS, against_best, best_by_validation
from radprompt.evaluation.headline import headline
from radprompt.study.settings import load_settings
from radprompt.tables.predictions import read_predictions

SEGMENTATION = Path("metrics/segmentation.json")
FAMILIES = ("named", "llm", "baselines")


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
    beside, best = pd.DataFrame(columns=COLUMNS), {}
    families = [Path("data/predictions", name, f"{family}.csv") for name in settings for family in FAMILIES]
    if files := [path for path in families if path.is_file()]:
        repeated = {name: own.repeated for name, own in settings.items()}
        predictions = read_predictions(files, repeated, shared=settings.shared)
        best = best_by_validation(predictions, params.baselines.models)
        beside = against_best(predictions, best, params)
    segmentation = json.loads(SEGMENTATION.read_text(encoding="utf-8")) if SEGMENTATION.is_file() else {}
    write_json("metrics/summary.json", metrics)
    write_csv("metrics/comparison.csv", comparison)
    write_csv("metrics/against_best.csv", beside)
    with atomic_folder("metrics/headline") as folder:
        for name, numbers in headline(metrics, best, segmentation).items():
            write_json(folder / f"{name}.json", numbers)
    for setting, model in best.items():
        print(f"{setting}: of the baselines, {model} is best on validation rows")
    print(f"{len(metrics)} settings, {len(models)} models: metrics/summary.json, comparison.csv, headline/")


if __name__ == "__main__":
    run(main)
