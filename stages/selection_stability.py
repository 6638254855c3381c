"""Repeat a setting's feature selection on resampled training patients and count how often each feature is picked.

    python stages/selection_stability.py vindr

Reads   params.yaml (seed, features); data/standardised/<setting>.csv; data/lesions/<dataset>.csv for the patients.
Writes  metrics/selection_stability_<setting>.csv (feature, name, share; the most often picked first), of repeat 0.
Takes   6 s on the demo.
Expect  few shares above 0.5 on 160 masses; even the feature picked first can have a low one if others tell the same.
"""

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.selection.mrmr import MRMRSelector
from radprompt.selection.stability import selection_shares
from radprompt.study.settings import find
from radprompt.tables.feature_names import FEATURES, readable
from radprompt.tables.features import read_standardised
from radprompt.tables.lesions import read_lesions


def main(name: str) -> None:
    """Measure one setting's stability."""
    params, setting = load_params(), find(name)
    source, target = f"data/standardised/{setting.name}.csv", f"metrics/selection_stability_{setting.name}.csv"
    table = read_standardised(source)
    train = table[(table["split"] == "train") & (table["repeat"] == 0)]
    lesions = read_lesions(f"data/lesions/{setting.train.dataset}.csv").set_index("lesion_id")["patient_id"]
    unknown = sorted(set(train["lesion_id"]) - set(lesions.index))
    if unknown:
        what = f"training lesion {unknown[0]!r} is in no lesion table of the setting"
        raise InputError(what, where=source, fix="run `dvc repro` again: the two tables come from different runs")
    mrmr = params.features.mrmr
    selector = MRMRSelector(params.features.count, mrmr.scheme, mrmr.bins)
    shares = selection_shares(
        train[list(FEATURES)],
        train["label"].to_numpy(),
        lesions.loc[train["lesion_id"]].to_numpy(),
        selector,
        mrmr.stability_draws,
        params.seed,
    )
    result = pd.DataFrame({"feature": shares.index, "name": [readable(key) for key in shares.index], "share": shares})
    write_csv(target, result.sort_values("share", ascending=False, kind="stable"))
    often = int((shares >= 0.5).sum())
    print(f"{setting.name}: {often} features are picked in half of {mrmr.stability_draws} resamples or more: {target}")


if __name__ == "__main__":
    run(main, "setting")
