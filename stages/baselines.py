"""Train the conventional models of one setting and let them predict, on the features and splits of the language model.

    python stages/baselines.py vindr

Reads   params.yaml (seed, evaluation.seeds, baselines); data/standardised/<setting>.csv;
        models/<setting>/selection.json; data/lesions/<dataset>.csv for the patients
Writes  data/predictions/<setting>/baselines.csv: rows of every model for the splits val and test
Takes   5 s on the demo for ten models
Expect  on vindr, logistic regression near the top; the majority class at an AUC of 0.5
"""

import pandas as pd

from radprompt.baselines.classical import features_of, fit_predict
from radprompt.baselines.rows import prediction_rows, read_patients, with_patients
from radprompt.evaluation.predictions import write_predictions
from radprompt.params import load_params
from radprompt.radiomics.names import FEATURES
from radprompt.radiomics.table import read_standardised
from radprompt.selection.record import Selection
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Train and predict one setting."""
    params, setting = load_params(), find(name)
    source = f"data/standardised/{setting.name}.csv"
    table = with_patients(read_standardised(source), read_patients(setting), source)
    selected = Selection.load(f"models/{setting.name}/selection.json").features
    train, new = table[table["split"] == "train"], table[table["split"].isin(["val", "test"])]
    parts = []
    for model in params.baselines.models:
        columns = features_of(model, selected, FEATURES)
        labels = train["label"].to_numpy()
        for seed in params.seeds:
            probability = fit_predict(model, train[columns], labels, new[columns], params.baselines, seed)
            parts.append(prediction_rows(new, setting.name, model, seed, probability))
    path = f"data/predictions/{setting.name}/baselines.csv"
    write_predictions(path, pd.concat(parts))
    models = f"{len(params.baselines.models)} models"
    print(f"{setting.name}: {models} trained on {len(train)} lesions, {len(new)} predicted by each: {path}")


if __name__ == "__main__":
    run(main, "setting")
