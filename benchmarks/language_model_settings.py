"""Which readout, LoRA on how many layers, at which rate? Decided on VinDr's validation rows alone, over several seeds.

    python benchmarks/language_model_settings.py

Reads   params.yaml; data/prompts/vindr.jsonl; models/backbone/ (`dvc repro language_model@vindr` leaves them)
Writes  metrics/ablations/language_model_settings.csv: mean and spread over seeds of the kept epoch's validation loss
        and AUC, and of the last epoch's loss, which no choice of epoch flatters. Test rows are not read.
Takes   15 min on two cores; a configuration that the table holds already is not run again
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.inference import Readout
from radprompt.tables.prompts import read_prompts

TABLE = Path("metrics/ablations/language_model_settings.csv")
SEEDS = 5
RATES = (0.0003, 0.001, 0.003)
# Readout, layers (0 being the head alone) and rate. The costly ones are tried where the cheap ones pointed.
CONFIGURATIONS: tuple[tuple[Readout, int, float], ...] = (
    *(("features", 0, rate) for rate in RATES),
    *(("features", 2, rate) for rate in RATES),
    *(("last", 0, rate) for rate in RATES),
    ("last", 2, 0.001),
)


def main() -> None:
    """Train every configuration with every seed."""
    params = load_params()
    table = read_prompts("data/prompts/vindr.jsonl")
    train, val = table[table["split"] == "train"], table[table["split"] == "val"]
    done = pd.read_csv(TABLE).to_dict("records") if TABLE.is_file() else []
    trunk = None
    for readout, layers, rate in CONFIGURATIONS:
        key = {"readout": readout, "layers": layers, "learning_rate": rate}
        if any(all(row[name] == value for name, value in key.items()) for row in done):
            continue
        llm = replace(
            params.llm,
            readout=readout,
            learning_rate=rate,
            tuning="lora" if layers else "head",
            lora=replace(params.llm.lora, layers=layers or 1),
        )
        classifier = LanguageModelClassifier.from_params(llm, params.prompt, "models/backbone", params.seed)
        classifier.trunk_ = trunk
        kept, last = [], []
        for seed in range(params.seed, params.seed + SEEDS):
            classifier.set_params(seed=seed)
            classifier.fit(train["prompt"].tolist(), train["label"], val["prompt"].tolist(), val["label"])
            history = classifier.state_.history
            kept.append(history[classifier.state_.best_epoch - 1])
            last.append(history[-1]["val_loss"])
        trunk = classifier.trunk_
        row: dict[str, object] = {**key, "seeds": SEEDS}
        for metric, values in (
            ("val_loss", [epoch["val_loss"] for epoch in kept]),
            ("val_auc", [epoch["val_auc"] for epoch in kept]),
            ("last_loss", last),
        ):
            scores = pd.Series(values)
            row |= {metric: round(float(scores.mean()), 4), f"{metric}_sd": round(float(scores.std()), 4)}
        done.append(row)
        write_csv(TABLE, pd.DataFrame(done))
        print(row, flush=True)


if __name__ == "__main__":
    main()
