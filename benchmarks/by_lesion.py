"""What it is worth to a model's AUC that patients are on both sides: drawn by mass against drawn by patient.

    radprompt profile by_lesion; dvc repro; python benchmarks/by_lesion.py      (in a clone that may be changed)

Reads metrics/evaluation/ and metrics/leakage/settings/ of both settings; prints how many test masses share a patient,
and a row for each model: mean AUC over the draws either way, their difference, and its interval at the confidence of
params.yaml. The interval is Nadeau and Bengio's for draws of one sample, on differences of draws with one seed.
"""

import json
from pathlib import Path

import pandas as pd

from radprompt.core.params import load_params
from radprompt.evaluation.comparisons import resampled_interval
from radprompt.evaluation.scores import scores
from radprompt.study.settings import Setting, load_settings
from radprompt.tables.model_names import model_name
from radprompt.tables.predictions import read_predictions

BY_PATIENT, BY_LESION = "vindr_by_patient", "vindr_by_lesion"


def main() -> None:
    """Print the counts and the table."""
    settings, confidence = load_settings(), load_params().evaluation.confidence
    first, second = settings[BY_PATIENT], settings[BY_LESION]
    counts = json.loads(Path(f"metrics/leakage/settings/{BY_LESION}.json").read_text(encoding="utf-8"))[BY_LESION]
    for key in ("patient", "study", "image"):
        own = counts[f"shared_{key}"]
        print(f"test masses whose {key} also trains or validates: {own['found']} of {own['compared']}")
    print("| model | by patient | by mass | difference |\n|---|---|---|---|")
    tables = [_aucs(setting, settings.shared) for setting in (first, second)]
    for model in sorted(tables[0].columns, key=lambda name: -tables[0][name].mean()):
        one, two = tables[0][model], tables[1][model]
        low, high = resampled_interval((two - one).to_numpy(), first.ratio, confidence) or (float("nan"),) * 2
        difference = f"{(two - one).mean():+.3f} ({low:+.3f} to {high:+.3f})"
        print(f"| {model_name(model)} | {one.mean():.3f} | {two.mean():.3f} | {difference} |")


def _aucs(setting: Setting, shared: list[str]) -> pd.DataFrame:
    """Return the test AUC of each model (columns) in each draw (rows), the mean over its seeds."""
    files = Path("data/predictions", setting.name).glob("*.csv")
    table = read_predictions(files, {setting.name: True}, setting.name, shared)
    runs = table[table["split"] == "test"].groupby(["repeat", "model", "seed"])[["label", "probability"]]
    auc = runs.apply(lambda rows: scores(rows["label"].to_numpy(), rows["probability"].to_numpy(), 0.5, 10)["auc"])
    return auc.rename("auc").reset_index().pivot_table("auc", "repeat", "model")


if __name__ == "__main__":
    main()
