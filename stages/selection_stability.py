"""Repeat a setting's feature selection on resampled training patients and count how often each feature is picked.

    python stages/selection_stability.py vindr

Reads   params.yaml (seed, features); data/standardised/<setting>.csv.
Writes  metrics/selection_stability_<setting>.csv (feature, name, share; the most often picked first), of repeat 0.
Takes   time that grows with resamples and training rows
Expect  few shares above 0.5 on 160 masses; even the feature picked first can have a low one if others tell the same.
"""

import pandas as pd

from radprompt.core.outputs import write_csv
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.selection.mrmr import MRMRSelector
from radprompt.selection.stability import selection_shares
from radprompt.tables.feature_names import readable
from radprompt.tables.features import feature_columns, read_standardised


def main(name: str) -> None:
    """Measure one setting's stability."""
    params = load_study_params()
    source, target = f"data/standardised/{name}.csv", f"metrics/selection_stability_{name}.csv"
    table = read_standardised(source)
    train = table[(table["split"] == "train") & (table["repeat"] == 0)]
    mrmr = params.features.mrmr
    selector = MRMRSelector(params.features.count, mrmr.scheme, mrmr.bins)
    shares = selection_shares(
        train[list(feature_columns(train))],
        train["label"].to_numpy(),
        train["patient_id"].to_numpy(),
        selector,
        mrmr.stability_draws,
        params.seed,
    )
    result = pd.DataFrame({"feature": shares.index, "name": [readable(key) for key in shares.index], "share": shares})
    write_csv(target, result.sort_values("share", ascending=False, kind="stable"))
    often = int((shares >= 0.5).sum())
    print(f"{name}: {often} features are picked in half of {mrmr.stability_draws} resamples or more: {target}")


if __name__ == "__main__":
    run(main, "setting")
