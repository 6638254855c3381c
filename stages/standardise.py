"""Turn a setting's features into z-scores with its training lesions' mean and standard deviation.

    python stages/standardise.py vindr

Reads   params.yaml (adaptation.scaler); data/lesions/<dataset>.csv and data/features/<dataset>.csv of the setting's
        data sets; data/halves/inbreast.csv where it is repeated; models/vindr/scaler/ if adaptation.scaler is vindr.
Writes  models/<setting>/scaler/<repeat>.json (mean, sd, the lesions they come from), data/standardised/<setting>.csv
        (repeat, lesion_id, split, label and 67 z-scores of every training, validation and test lesion).
Takes   3 s on the demo.
Expect  no constant feature; training columns of mean 0 and sd 1.
"""

import pandas as pd

from radprompt.datasets.halves import read_halves
from radprompt.lesions import read_lesions
from radprompt.outputs import whole_folder, write_csv
from radprompt.params import load_params
from radprompt.radiomics.names import FEATURES
from radprompt.radiomics.scaling import FeatureScaler
from radprompt.radiomics.table import read_features
from radprompt.settings import HALVED, SETTINGS, find, gather
from radprompt.stage import run


def main(name: str) -> None:
    """Standardise one setting."""
    params, setting = load_params(), find(name)
    lesions = {dataset: read_lesions(f"data/lesions/{dataset}.csv") for dataset in setting.datasets}
    features = {dataset: read_features(f"data/features/{dataset}.csv") for dataset in setting.datasets}
    halves = read_halves(f"data/halves/{HALVED}.csv") if setting.repeated else None
    rows = gather(setting, lesions, features, halves)
    borrowed = None
    if setting.repeated and params.adaptation.scaler == "vindr":
        borrowed = FeatureScaler.load(SETTINGS["vindr"].scaler_file(0))
    parts, constant = [], set()
    with whole_folder(setting.scaler_file(0).parent) as folder:
        for repeat in rows["repeat"].unique():
            own = rows[rows["repeat"] == repeat]
            raw = own.set_index("lesion_id")[list(FEATURES)]
            scaler = borrowed or FeatureScaler.fit(raw[(own["split"] == "train").to_numpy()])
            scaler.save(folder / setting.scaler_file(repeat).name)
            z = scaler.transform(raw).reset_index(drop=True)
            leading = own[["repeat", "lesion_id", "split", "label"]].reset_index(drop=True)
            parts.append(pd.concat([leading, z], axis=1))
            constant |= set(scaler.constant)
    write_csv(f"data/standardised/{name}.csv", pd.concat(parts))
    if constant:
        print(f"{name}: constant over the training lesions, z = 0 everywhere: {', '.join(sorted(constant))}")
    first = rows[rows["repeat"] == 0]["split"].value_counts(sort=False).items()
    counts = ", ".join(f"{count} {split}" for split, count in first)
    print(f"{name}: {len(parts)} repeat(s), in the first {counts}: data/standardised/{name}.csv")


if __name__ == "__main__":
    run(main, "setting")
