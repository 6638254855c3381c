"""Fit conventional models on the language models' embeddings of one setting's prompts, and let them predict.

    python stages/embedded_baselines.py vindr

Reads   settings.yaml; params.yaml (seed, evaluation.seeds, adaptation.repeats, baselines); data/cohorts/<setting>.csv;
        embeddings of every repeat and seed in models/language_model/<setting>/
Writes  data/predictions/<setting>/embedded.csv: rows of models ``embedding_<name>`` for the splits val and test
Takes   time that grows with repeats, seeds and the width of the embeddings
Expect  on vindr, AUCs near the language model's: its training rows, which it knows, are what these are fitted on
"""

import pandas as pd

from radprompt.baselines.embedded import PREFIX, fit_predict_embedded
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.llm.saved import EMBEDDINGS
from radprompt.study.cohort import cohort_of
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting
from radprompt.tables.embeddings import embeddings_of
from radprompt.tables.left_out import WORDS, is_left_out
from radprompt.tables.predictions import prediction_rows, write_left_out, write_predictions


def main(name: str) -> None:
    """Train and predict one setting."""
    params, setting = load_params(), load_settings()[name]
    path, models = f"data/predictions/{name}/embedded.csv", f"models/language_model/{name}"
    if is_left_out(models):
        write_left_out(path)
        print(f"{name}: no embeddings. {WORDS}")
        return
    table, parts = of_setting(cohort_of(setting)), []
    for repeat in setting.repeats(params.adaptation.repeats.llm):
        rows = table[table["repeat"] == repeat]
        train, new = (rows["split"].isin(splits).to_numpy() for splits in (["train"], ["val", "test"]))
        labels = rows.loc[train, "label"].to_numpy()
        for seed in params.seeds:
            X = embeddings_of(rows["lesion_id"], setting.model_folder(repeat, seed) / EMBEDDINGS)
            for model in params.baselines.on_embeddings:
                probability = fit_predict_embedded(model, X[train], labels, X[new], params.baselines, seed)
                parts.append(prediction_rows(rows[new], name, repeat, PREFIX + model, seed, probability))
    write_predictions(path, pd.concat(parts))
    counts = f"{len(params.baselines.on_embeddings)} models on embeddings of {X.shape[1]} dimensions"
    print(f"{name}: {counts}, {len(parts)} trainings: {path}")


if __name__ == "__main__":
    run(main, "setting")
