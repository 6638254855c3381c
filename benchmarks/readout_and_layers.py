"""Which readout, and LoRA on how many layers? Decided on VinDr's validation rows alone, over several seeds.

    python benchmarks/readout_and_layers.py

Reads   params.yaml; data/prompts/vindr.jsonl; models/backbone/ (`dvc repro language_model@vindr` leaves them)
Writes  metrics/ablations/readout_and_layers.csv: mean and spread over seeds of the kept epoch's validation AUC and
        loss, and of the last epoch's AUC, which no choice of epoch flatters. Test rows are not read.
Takes   40 min on two cores; a configuration that the table holds already is not run again
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.outputs import write_csv
from radprompt.params import load_params
from radprompt.prompts import read_prompts

TABLE = Path("metrics/ablations/readout_and_layers.csv")
SEEDS = 5
# Readout and layers, 0 being the head alone. Four layers, twice the cost, were tried for the better readout only.
CONFIGURATIONS = (("features", 0), ("last", 0), ("features", 2), ("last", 2), ("features", 4))


def main() -> None:
    """Train every configuration with every seed."""
    params = load_params()
    table = read_prompts("data/prompts/vindr.jsonl")
    train, val = table[table["split"] == "train"], table[table["split"] == "val"]
    done = pd.read_csv(TABLE).to_dict("records") if TABLE.is_file() else []
    for readout, layers in CONFIGURATIONS:
        if any(row["readout"] == readout and row["layers"] == layers for row in done):
            continue
        llm = replace(
            params.llm,
            readout=readout,
            tuning="lora" if layers else "head",
            lora=replace(params.llm.lora, layers=layers or 1),
        )
        classifier = LanguageModelClassifier.from_params(llm, params.prompt, "models/backbone", params.seed)
        kept, last = [], []
        for seed in range(params.seed, params.seed + SEEDS):
            classifier.set_params(seed=seed)
            classifier.fit(train["prompt"].tolist(), train["label"], val["prompt"].tolist(), val["label"])
            history = classifier.state_.history
            kept.append(history[classifier.state_.best_epoch - 1])
            last.append(history[-1]["val_auc"])
        chosen = pd.DataFrame(kept)
        row = {"readout": readout, "layers": layers, "seeds": SEEDS}
        for metric in ("val_auc", "val_loss"):
            row |= {metric: chosen[metric].mean(), f"{metric}_sd": chosen[metric].std()}
        row |= {"last_auc": pd.Series(last).mean(), "last_auc_sd": pd.Series(last).std()}
        done.append({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()})
        write_csv(TABLE, pd.DataFrame(done))
        print(done[-1])


if __name__ == "__main__":
    main()
