"""Turn a setting's features into z-scores with its training lesions' mean and standard deviation.

    python stages/standardise.py vindr

Reads   data/lesions/<dataset>.csv and data/features/<dataset>.csv of the setting's data sets.
Writes  models/<setting>/scaler.json (mean, sd, the lesions they come from), data/standardised/<setting>.csv
        (lesion_id, split, label and 67 z-scores of every training, validation and test lesion).
Takes   3 s on the demo.
Expect  no constant feature; training columns of mean 0 and sd 1.
"""

import pandas as pd

from radprompt.lesions import read_lesions
from radprompt.outputs import write_csv
from radprompt.radiomics.names import FEATURES
from radprompt.radiomics.scaling import FeatureScaler
from radprompt.radiomics.table import read_features
from radprompt.settings import find, gather
from radprompt.stage import run


def main(name: str) -> None:
    """Standardise one setting."""
    setting = find(name)
    lesions = {dataset: read_lesions(f"data/lesions/{dataset}.csv") for dataset in setting.datasets}
    features = {dataset: read_features(f"data/features/{dataset}.csv") for dataset in setting.datasets}
    rows = gather(setting, lesions, features)
    raw = rows.set_index("lesion_id")[list(FEATURES)]
    scaler = FeatureScaler.fit(raw[(rows["split"] == "train").to_numpy()])
    z = scaler.transform(raw).reset_index(drop=True)
    scaler.save(f"models/{name}/scaler.json")
    write_csv(f"data/standardised/{name}.csv", pd.concat([rows[["lesion_id", "split", "label"]], z], axis=1))
    if scaler.constant:
        print(f"{name}: constant over the training lesions, z = 0 everywhere: {', '.join(scaler.constant)}")
    counts = ", ".join(f"{count} {split}" for split, count in rows["split"].value_counts(sort=False).items())
    print(f"{name}: {counts}: data/standardised/{name}.csv")


if __name__ == "__main__":
    run(main, "setting")
