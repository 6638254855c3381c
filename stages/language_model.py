"""Train the language model on a setting's prompts, keep the epoch best on validation, predict validation and test rows.

Reads   data/prompts/<setting>.jsonl, models/backbone/, data/lesions/*.csv (patients),
        params.yaml (llm, prompt, seed, evaluation.seeds)
Writes  models/<setting>/language_model/ (peft adapter of the first seed), data/predictions/<setting>/llm.csv (all
        seeds), plots/training/<setting>/ (DVCLive curves of the first seed)
Takes   3 min a seed on the demo; interrupted, it goes on from .radprompt/<setting>/ at the epoch it had reached
Expect  validation AUC well above 0.5, below or near that of logistic regression
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pandas as pd
from dvclive import Live

from radprompt.baselines.rows import prediction_rows, read_patients, with_patients
from radprompt.evaluation.predictions import write_predictions
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.outputs import whole_folder
from radprompt.params import load_params
from radprompt.prompts import read_prompts
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Train and predict one setting, seed after seed."""
    params, setting = load_params(), find(name)
    source = f"data/prompts/{setting.name}.jsonl"
    table = with_patients(read_prompts(source), read_patients(setting), source)
    train, validation = table[table["split"] == "train"], table[table["split"] == "val"]
    scored = table[table["split"].isin(["val", "test"])]
    checkpoints = Path(".radprompt") / name
    parts = []
    for seed in params.seeds:
        first = seed == params.seed
        classifier = LanguageModelClassifier.from_params(params.llm, params.prompt, "models/backbone", seed)
        with curves(f"plots/training/{name}") if first else nullcontext() as live:
            classifier.fit(
                train["prompt"].tolist(),
                train["label"].to_numpy(),
                validation["prompt"].tolist(),
                validation["label"].to_numpy(),
                on_epoch=partial(log, live) if live else None,
                checkpoint=checkpoints / str(seed),
            )
        if first:
            classifier.save(f"models/{name}/language_model")
        probability = classifier.predict_proba(scored["prompt"].tolist())[:, 1]
        parts.append(prediction_rows(scored, setting.name, "llm", seed, probability))
        history, best = classifier.state_.history, classifier.state_.history[classifier.state_.best_epoch - 1]
        scores = ", ".join(f"{k} {v:.3f}" for k, v in best.items() if k.endswith(("loss", "auc")))
        print(f"{name}, seed {seed}: epoch {best['epoch']} of {len(history)} kept; {scores}")
    write_predictions(f"data/predictions/{name}/llm.csv", pd.concat(parts))
    shutil.rmtree(checkpoints, ignore_errors=True)


@contextmanager
def curves(folder: str) -> Iterator[Live]:
    """Open DVCLive's curves; they take their place when training has ended."""
    with whole_folder(folder) as part, Live(str(part), save_dvc_exp=False, report=None, dvcyaml=None) as live:
        yield live


def log(live: Live, entry: dict[str, float]) -> None:
    """Add an epoch to the curves."""
    live.step = int(entry["epoch"])
    for metric in sorted(entry.keys() - {"epoch"}):
        live.log_metric(metric, entry[metric])


if __name__ == "__main__":
    run(main, "setting")
