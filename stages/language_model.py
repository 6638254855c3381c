"""Train the language model on a setting's prompts, keep the epoch best on validation, predict validation and test rows.

    python stages/language_model.py inbreast_adapted

Reads   settings.yaml; params.yaml (llm, prompt, seed, evaluation.seeds, adaptation.repeats); data/prompts/ and
        data/cohorts/ of the setting; models/backbone/; models/language_model/ of the setting whose model it starts from
Writes  models/language_model/<setting>/<run>/ (of each repeat and seed: peft adapter, lesions.json with the lesions it
        learned from, embeddings.safetensors and probabilities.csv of its cohort), data/predictions/<setting>/llm.csv,
        metrics/training/<setting>.json (what validation rows say), plots/training/<setting>/ (DVCLive curves of the
        first run)
Takes   time that grows with epochs, layers with LoRA and tokens of all training prompts; interrupted, it
        continues from .radprompt/<setting>/ at the epoch it reached
Expect  validation AUC well above 0.5, below or near that of logistic regression. A setting that trains nothing gets a
        copy of the model that it starts from. With llm.tuning none every output says that it was left out
"""

import shutil
from contextlib import nullcontext
from pathlib import Path

import pandas as pd

from radprompt.core.outputs import atomic_folder, write_json
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.curves import live_curves
from radprompt.llm.runs import apply_run, copy_run, leave_out, train_run, write_run
from radprompt.llm.training import validation_scores
from radprompt.study.cohort import cohort_of
from radprompt.study.settings import load_settings, run_name
from radprompt.tables.left_out import WORDS
from radprompt.tables.predictions import prediction_rows, write_predictions
from radprompt.tables.prompts import read_prompts


def main(name: str) -> None:
    """Train and predict one setting: every repeat with every seed."""
    params, settings = load_study_params(), load_settings()
    if params.llm.tuning == "none":
        leave_out(name)
        print(f"{name}: {WORDS}")
        return
    setting, checkpoints = settings[name], Path(".radprompt") / name
    patients = cohort_of(setting)[["repeat", "lesion_id", "split", "patient_id"]]
    prompts = read_prompts(f"data/prompts/{name}.jsonl")
    table = prompts.merge(patients, on=["repeat", "lesion_id", "split"], validate="one_to_one")
    runs = [(repeat, seed) for seed in params.seeds for repeat in setting.repeats(params.adaptation.repeats.llm)]
    parts, kept = [], []
    classifier = LanguageModelClassifier.from_params(params.llm, params.prompt, "models/backbone", params.seed)
    with atomic_folder(f"models/language_model/{name}") as models:
        for repeat, seed in runs:
            label, rows = run_name(repeat, seed), table[table["repeat"] == repeat]
            start = settings[setting.start].model_folder(0, seed) if setting.start else None
            if start and (setting.trains or repeat == 0):
                classifier = LanguageModelClassifier.load(start)
            first = (repeat, seed) == runs[0]
            with live_curves(f"plots/training/{name}") if first else nullcontext() as on_epoch:
                if start and not setting.trains:
                    answers = apply_run(classifier, rows, start)
                    copy_run(models / label, start, rows, answers)
                    if on_epoch:
                        list(map(on_epoch, classifier.state_.history))
                else:
                    fitted = classifier if start else classifier.set_params(seed=seed)
                    checkpoint = checkpoints / label
                    answers = train_run(fitted, rows, adapt=bool(start), checkpoint=checkpoint, on_epoch=on_epoch)
                    write_run(models / label, classifier, rows, answers)
            scored = (rows["split"] != "train").to_numpy()
            parts.append(prediction_rows(rows[scored], name, repeat, "llm", seed, answers.probability[scored]))
            kept.append(classifier.state_.history[classifier.state_.best_epoch - 1])
            scores = ", ".join(f"{k} {v:.3f}" for k, v in kept[-1].items() if k.endswith(("loss", "auc")))
            print(f"{name}, {label}: epoch {kept[-1]['epoch']} of {len(classifier.state_.history)} kept; {scores}")
    write_predictions(f"data/predictions/{name}/llm.csv", pd.concat(parts))
    write_json(f"metrics/training/{name}.json", {name: validation_scores(kept)})
    shutil.rmtree(checkpoints, ignore_errors=True)


if __name__ == "__main__":
    run(main, "setting")
