"""Put the settings' metrics together.

Reads   params.yaml (evaluation.reference); metrics/evaluation/<setting>.{json,csv} of every setting
Writes  metrics/summary.json, keyed <setting>.<model>.<metric>;
        metrics/comparison.csv, a row for each setting, model and metric, with differences and p-values
Takes   little more than the time to start; grows with settings and models
Expect  `radprompt summary` shows the table
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.study.settings import load_settings


def main() -> None:
    """Write the summary and the comparison."""
    reference = load_params().evaluation.reference
    metrics: dict[str, Any] = {}
    parts = []
    for name in load_settings():
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
    write_json("metrics/summary.json", metrics)
    write_csv("metrics/comparison.csv", comparison)
    print(f"summary: {len(metrics)} settings, {len(models)} models; metrics/summary.json, metrics/comparison.csv")


if __name__ == "__main__":
    run(main)
