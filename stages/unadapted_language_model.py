"""Let the language model that another setting trained predict a setting's lesions as it is.

    python stages/unadapted_language_model.py inbreast_unadapted

Reads   params.yaml (seed, evaluation.seeds, adaptation.repeats); data/prompts/<setting>.jsonl; data/lesions/*.csv
        (patients); models/backbone/; of the setting that it starts from the models, and what they said of its lesions
Writes  data/embeddings/<setting>/<run>.safetensors, data/predictions/<setting>/llm.csv
Takes   30 s on the demo, the trunk's reading of every prompt once
Expect  an AUC on the test halves near that on VinDr's test split, or below it: scanners differ
"""

import pandas as pd

from radprompt.baselines.rows import prediction_rows, read_patients, with_patients
from radprompt.embeddings import read_embeddings, write_embeddings
from radprompt.evaluation.predictions import read_predictions, write_predictions
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.outputs import whole_folder
from radprompt.params import load_params
from radprompt.prompts import read_prompts
from radprompt.settings import find, run_name
from radprompt.stage import run


def main(name: str) -> None:
    """Predict every repeat by every seed's model."""
    params, setting = load_params(), find(name)
    source = f"data/prompts/{name}.jsonl"
    table = with_patients(read_prompts(source), read_patients(setting), source)
    parts = []
    first = read_predictions([f"data/predictions/{setting.start}/llm.csv"])
    with whole_folder(f"data/embeddings/{name}") as embedded:
        for seed in params.seeds:
            start = run_name(0, seed)
            classifier = LanguageModelClassifier.load(f"models/{setting.start}/language_model/{start}")
            known = read_embeddings(f"data/embeddings/{setting.start}/{start}.safetensors")
            said = first[first["seed"] == seed].set_index("lesion_id")["probability"]
            for repeat in setting.repeats(params.adaptation.repeats.llm):
                rows = table[table["repeat"] == repeat]
                tested, prompts = (
                    rows.loc[rows["split"] == "test", column].tolist() for column in ("lesion_id", "prompt")
                )
                vectors = pd.concat([known, pd.DataFrame(classifier.embed(prompts), tested)])
                malignant = pd.concat([said, pd.Series(classifier.predict_proba(prompts)[:, 1], tested)])
                ids, scored = rows["lesion_id"].tolist(), rows[rows["split"] != "train"]
                write_embeddings(embedded / f"{run_name(repeat, seed)}.safetensors", ids, vectors.loc[ids].to_numpy())
                probability = malignant[scored["lesion_id"]].to_numpy()
                parts.append(prediction_rows(scored, name, repeat, "llm", seed, probability))
    target = f"data/predictions/{name}/llm.csv"
    write_predictions(target, pd.concat(parts))
    print(f"{name}: {len(parts)} run(s) of the models that {setting.start} trained: {target}")


if __name__ == "__main__":
    run(main, "setting")
