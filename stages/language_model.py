"""Train the language model on a setting's prompts, keep the epoch best on validation, predict validation and test rows.

    python stages/language_model.py inbreast_adapted

Reads   params.yaml (llm, prompt, seed, evaluation.seeds, adaptation.repeats); data/prompts/<setting>.jsonl;
        data/lesions/*.csv (patients); models/backbone/; for a setting that goes on from another, that one's models
Writes  models/<setting>/language_model/<run>/ (peft adapter of each repeat and seed, and lesions.json: which it learned
        from), data/embeddings/<setting>/<run>.safetensors, data/predictions/<setting>/llm.csv,
        metrics/training/<setting>.json (what validation rows say), plots/training/<setting>/ (DVCLive curves of the
        first run)
Takes   1 to 2 min a setting on the demo; interrupted, it goes on from .radprompt/<setting>/ at the epoch it had reached
Expect  validation AUC well above 0.5, below or near that of logistic regression
"""

import shutil
from contextlib import nullcontext
from pathlib import Path

import pandas as pd

from radprompt.baselines.rows import prediction_rows, read_patients, with_patients
from radprompt.embeddings import write_embeddings
from radprompt.evaluation.predictions import write_predictions
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.curves import live_curves
from radprompt.llm.training import validation_scores
from radprompt.outputs import whole_folder, write_json
from radprompt.params import load_params
from radprompt.prompts import read_prompts
from radprompt.settings import find, run_name
from radprompt.stage import run


def main(name: str) -> None:
    """Train and predict one setting: every repeat with every seed."""
    params, setting = load_params(), find(name)
    source = f"data/prompts/{name}.jsonl"
    table = with_patients(read_prompts(source), read_patients(setting), source)
    checkpoints = Path(".radprompt") / name
    runs = [(repeat, seed) for seed in params.seeds for repeat in setting.repeats(params.adaptation.repeats.llm)]
    parts, kept = [], []
    classifier = LanguageModelClassifier.from_params(params.llm, params.prompt, "models/backbone", params.seed)
    with whole_folder(f"models/{name}/language_model") as models, whole_folder(f"data/embeddings/{name}") as embedded:
        for repeat, seed in runs:
            label, rows = run_name(repeat, seed), table[table["repeat"] == repeat]
            train, val, scored = (rows[rows["split"].isin(s)] for s in (["train"], ["val"], ["val", "test"]))
            if setting.start:
                classifier = LanguageModelClassifier.load(f"models/{setting.start}/language_model/{run_name(0, seed)}")
            learn = classifier.adapt if setting.start else classifier.set_params(seed=seed).fit
            with live_curves(f"plots/training/{name}") if (repeat, seed) == runs[0] else nullcontext() as on_epoch:
                learn(
                    train["prompt"].tolist(),
                    train["label"].to_numpy(),
                    val["prompt"].tolist(),
                    val["label"].to_numpy(),
                    on_epoch=on_epoch,
                    checkpoint=checkpoints / label,
                )
            classifier.save(models / label)
            seen = {part["split"].iloc[0]: part["lesion_id"].tolist() for part in (train, val)}
            write_json(models / label / "lesions.json", seen)
            path = embedded / f"{label}.safetensors"
            write_embeddings(path, rows["lesion_id"].tolist(), classifier.embed(rows["prompt"].tolist()))
            probability = classifier.predict_proba(scored["prompt"].tolist())[:, 1]
            parts.append(prediction_rows(scored, name, repeat, "llm", seed, probability))
            kept.append(classifier.state_.history[classifier.state_.best_epoch - 1])
            scores = ", ".join(f"{k} {v:.3f}" for k, v in kept[-1].items() if k.endswith(("loss", "auc")))
            print(f"{name}, {label}: epoch {kept[-1]['epoch']} of {len(classifier.state_.history)} kept; {scores}")
    write_predictions(f"data/predictions/{name}/llm.csv", pd.concat(parts))
    write_json(f"metrics/training/{name}.json", {name: validation_scores(kept)})
    shutil.rmtree(checkpoints, ignore_errors=True)


if __name__ == "__main__":
    run(main, "setting")
