"""Train TransTab on one setting's selected features, under their readable names, and let it predict.

    python stages/transtab.py vindr

Reads   params.yaml (seed, evaluation.seeds, baselines.transtab); data/standardised/<setting>.csv;
        models/<setting>/selection.json; data/lesions/<dataset>.csv for the patients
Writes  data/predictions/<setting>/transtab.csv: rows of the model ``transtab`` for the splits val and test
Takes   20 s on the demo, a third of it imports
Expect  on vindr, an AUC near that of logistic regression; validation keeps an epoch before the last
"""

import numpy as np
import pandas as pd

from radprompt.baselines.rows import prediction_rows, read_patients, with_patients
from radprompt.baselines.transtab import TransTabClassifier
from radprompt.evaluation.predictions import write_predictions
from radprompt.params import load_params
from radprompt.radiomics.table import read_standardised
from radprompt.selection.record import Selection
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Train and predict one setting."""
    params, setting = load_params(), find(name)
    source = f"data/standardised/{setting.name}.csv"
    table = with_patients(read_standardised(source), read_patients(setting), source)
    selection = Selection.load(f"models/{setting.name}/selection.json")
    X, y = table[list(selection.features)].set_axis(list(selection.names), axis=1), table["label"].to_numpy()
    train, val, new = ((table["split"].isin(splits)).to_numpy() for splits in (["train"], ["val"], ["val", "test"]))
    parts = []
    for seed in params.seeds:
        classifier = TransTabClassifier.from_params(params.baselines.transtab, seed)
        classifier.fit(X[train], y[train], X[val], y[val])
        probability = classifier.predict_proba(X[new])[:, 1]
        parts.append(prediction_rows(table[new], setting.name, "transtab", seed, probability))
        print(f"{setting.name}: transtab trained on {train.sum()} lesions, {_kept(classifier.history_)}")
    write_predictions(f"data/predictions/{setting.name}/transtab.csv", pd.concat(parts))


def _kept(history: list[float]) -> str:
    """Say which epoch validation chose; of several with the same AUC the package keeps the last."""
    if not history:
        return "last epoch kept"
    best = len(history) - int(np.argmax(history[::-1]))
    return f"epoch {best} of {len(history)} kept, validation AUC {max(history):.3f}"


if __name__ == "__main__":
    run(main, "setting")
