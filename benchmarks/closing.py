"""Readout `closing` and today's readouts on the demo's development rows: which predicts held-out patients better?

    python benchmarks/closing.py            # decides, on training and validation rows; rows of the table stay
    python benchmarks/closing.py --test     # afterwards: AUC on the test rows, of models that choose nothing there

Reads   params.yaml; data/prompts/vindr.jsonl; data/cohorts/vindr.csv; models/backbone/
Writes  metrics/ablations/closing.csv: means over five folds of the first site's training and validation patients, the
        same for every readout, each with a seed of its own; `to_features` is the difference in loss, fold by fold, from
        the readout `features` with LoRA on two layers, whose spread is known only where both ran together. For
        readouts that are trained, `val_loss` is that of the last epoch, which no choice of epoch flatters. With --test
        the column `test_auc` of one fit on the training rows.
Takes   10 minutes on two idle cores, and 6 with --test; rows are written one after the other
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold

from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.tables.cohort import read_cohort
from radprompt.tables.prompts import read_prompts

TABLE = Path("metrics/ablations/closing.csv")
FOLDS = 5
KEY = ["readout", "layer", "lora_layers"]
CONFIGURATIONS = (
    ("features", "last", 2),
    ("features", "last", 0),
    ("last", "last", 0),
    ("closing", "4", 0),
    ("closing", "8", 0),
    ("closing", "16", 0),
    ("closing", "last", 0),
)
"""Readout, layer that is read, layers with LoRA."""


def build(readout: str, layer: str, lora_layers: int, seed: int) -> LanguageModelClassifier:
    """Return the classifier of a configuration; what it leaves open is as in params.yaml."""
    params = load_params()
    llm = replace(
        params.llm,
        readout=readout,
        tuning="lora" if lora_layers else "head",
        lora=replace(params.llm.lora, layers=lora_layers or 1),
        closing_layer=None if layer == "last" else int(layer),
    )
    return LanguageModelClassifier.from_params(llm, params.prompt, "models/backbone", seed)


def fold_scores(table: pd.DataFrame, configuration: tuple[str, str, int], seed: int) -> list[dict[str, float]]:
    """Return the last epoch's scores on each held-out fold."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    found, trunk = [], None
    for fold, (train, val) in enumerate(folds.split(table, table["label"], table["patient_id"])):
        classifier = build(*configuration, seed + fold)
        classifier.trunk_ = trunk
        learned, held_out = table.iloc[train], table.iloc[val]
        classifier.fit(learned["prompt"].tolist(), learned["label"], held_out["prompt"].tolist(), held_out["label"])
        found.append(classifier.state_.history[-1])
        trunk = classifier.trunk_
    return found


def decide(table: pd.DataFrame, seed: int) -> None:
    """Compare the configurations that are not in the table yet, on the development rows."""
    known = pd.read_csv(TABLE, dtype={"layer": str}) if TABLE.is_file() else pd.DataFrame(columns=[*KEY, "val_loss"])
    rows: list[dict[str, object]] = [
        {str(key): value for key, value in row.items()} for row in known.to_dict("records")
    ]
    done = set(known[KEY].itertuples(index=False, name=None))
    reference: np.ndarray | float = float(known["val_loss"].iloc[0]) if rows else 0.0
    for configuration in CONFIGURATIONS:
        if configuration in done:
            continue
        found = fold_scores(table[table["split"] != "test"], configuration, seed)
        loss, auc = (np.array([entry[key] for entry in found]) for key in ("val_loss", "val_auc"))
        reference = loss if not rows else reference
        row: dict[str, object] = dict(zip(KEY, configuration, strict=True)) | {"folds": FOLDS}
        for name, values in (("val_loss", loss), ("to_features", loss - reference), ("val_auc", auc)):
            row |= {name: round(float(values.mean()), 4), f"{name}_sd": round(float(values.std(ddof=1)), 4)}
        if isinstance(reference, float):
            del row["to_features_sd"]
        rows.append(row)
        write_csv(TABLE, pd.DataFrame(rows))
        print(row, flush=True)


def test(table: pd.DataFrame, seed: int) -> None:
    """Add the AUC on the test rows, after the decision."""
    train, val, test = (table[table["split"] == split] for split in ("train", "val", "test"))
    found = pd.read_csv(TABLE, dtype={"layer": str})
    aucs = []
    for configuration in found[KEY].itertuples(index=False, name=None):
        classifier = build(*configuration, seed)
        classifier.fit(train["prompt"].tolist(), train["label"], val["prompt"].tolist(), val["label"])
        logits = classifier.decision_function(test["prompt"].tolist())
        aucs.append(round(float(roc_auc_score(test["label"], logits)), 4))
        print(configuration, aucs[-1], flush=True)
    write_csv(TABLE, found.assign(test_auc=aucs))


if __name__ == "__main__":
    patients = read_cohort("data/cohorts/vindr.csv")[["lesion_id", "patient_id"]].drop_duplicates()
    prompts = read_prompts("data/prompts/vindr.jsonl").merge(patients, on="lesion_id", validate="many_to_one")
    (test if "--test" in sys.argv else decide)(prompts, load_params().seed)
