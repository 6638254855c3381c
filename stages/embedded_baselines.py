"""Fit conventional models on the language model's embeddings of one setting's prompts, and let them predict.

    python stages/embedded_baselines.py vindr

Reads   params.yaml (seed, evaluation.seeds, baselines); data/prompts/<setting>.jsonl; models/<setting>/language_model/;
        models/backbone/; data/lesions/<dataset>.csv for the patients
Writes  data/predictions/<setting>/embedded.csv: rows of models ``embedding_<name>`` for the splits val and test
Takes   35 s on the demo, nearly all of it the language model's reading of every prompt
Expect  on vindr, AUCs near the language model's: its training rows, which it knows, are what these are fitted on
"""

import pandas as pd

from radprompt.baselines.embedded import PREFIX, fit_predict_embedded
from radprompt.baselines.rows import prediction_rows, read_patients, with_patients
from radprompt.evaluation.predictions import write_predictions
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.params import load_params
from radprompt.prompts import read_prompts
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Embed, train and predict one setting."""
    params, setting = load_params(), find(name)
    source = f"data/prompts/{setting.name}.jsonl"
    table = with_patients(read_prompts(source), read_patients(setting), source)
    classifier = LanguageModelClassifier.load(f"models/{setting.name}/language_model")
    embedding = classifier.embed(table["prompt"].tolist())
    train, new = ((table["split"].isin(splits)).to_numpy() for splits in (["train"], ["val", "test"]))
    labels = table.loc[train, "label"].to_numpy()
    parts = []
    for model in params.baselines.on_embeddings:
        for seed in params.seeds:
            probability = fit_predict_embedded(model, embedding[train], labels, embedding[new], params.baselines, seed)
            parts.append(prediction_rows(table[new], setting.name, PREFIX + model, seed, probability))
    path = f"data/predictions/{setting.name}/embedded.csv"
    write_predictions(path, pd.concat(parts))
    models = f"{len(params.baselines.on_embeddings)} models"
    print(f"{setting.name}: {models} on embeddings of {embedding.shape[1]} dimensions: {path}")


if __name__ == "__main__":
    run(main, "setting")
