"""Train the language model on a setting's prompts, keep the epoch best on validation, predict validation and test rows.

Reads   data/prompts/<setting>.jsonl, models/backbone/, data/lesions/*.csv (patients), params.yaml (llm, prompt, seed)
Writes  models/<setting>/language_model/ (peft adapter), data/predictions/<setting>/llm.csv,
        plots/training/<setting>/ (DVCLive curves)
Takes   4 min on the demo; interrupted, it goes on from .radprompt/<setting>/ at the epoch it had reached
Expect  validation AUC well above 0.5, below or near that of logistic regression
"""

import shutil
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
from dvclive import Live

from radprompt.evaluation.predictions import write_predictions
from radprompt.lesions import read_lesions
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.outputs import whole_folder
from radprompt.params import load_params
from radprompt.prompts import read_prompts
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Train and predict one setting."""
    params = load_params()
    setting = find(name)
    rows = read_prompts(Path(f"data/prompts/{name}.jsonl"))
    train, validation = rows[rows["split"] == "train"], rows[rows["split"] == "val"]
    scored = rows[rows["split"].isin(["val", "test"])]
    patients = pd.concat([read_lesions(f"data/lesions/{d}.csv") for d in setting.datasets]).set_index("lesion_id")

    checkpoint = Path(".radprompt") / name
    classifier = LanguageModelClassifier.from_params(params.llm, params.prompt, "models/backbone", params.seed)
    with ExitStack() as stack:
        curves = stack.enter_context(whole_folder(f"plots/training/{name}"))
        live = stack.enter_context(Live(str(curves), save_dvc_exp=False, report=None, dvcyaml=None))
        classifier.fit(
            train["prompt"].tolist(),
            train["label"].to_numpy(),
            validation["prompt"].tolist(),
            validation["label"].to_numpy(),
            on_epoch=lambda entry: log(live, entry),
            checkpoint=checkpoint,
        )
    classifier.save(f"models/{name}/language_model")
    probability = classifier.predict_proba(scored["prompt"].tolist())[:, 1]
    predictions = scored[["lesion_id", "split", "label"]].assign(
        patient_id=patients["patient_id"].loc[scored["lesion_id"]].to_numpy(),
        setting=name,
        model="llm",
        seed=params.seed,
        probability=probability,
    )
    write_predictions(f"data/predictions/{name}/llm.csv", predictions)
    shutil.rmtree(checkpoint, ignore_errors=True)
    best = classifier.state_.history[classifier.state_.best_epoch - 1]
    print(
        f"{name}: epoch {best['epoch']} of {len(classifier.state_.history)} kept; "
        + ", ".join(f"{k} {v:.3f}" for k, v in best.items() if k.endswith(("loss", "auc")))
    )


def log(live: Live, entry: dict[str, float]) -> None:
    """Add an epoch to the curves."""
    live.step = int(entry["epoch"])
    for metric in sorted(entry.keys() - {"epoch"}):
        live.log_metric(metric, entry[metric])


if __name__ == "__main__":
    run(main, "setting")
