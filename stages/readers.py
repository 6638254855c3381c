"""Compare readers with each other, and the contours that they corrected with those that were drawn.

Reads     settings.yaml; data/review/<dataset>/, data/masks/, data/lesions/, data/features/, data/cohorts/; images of
          lesions with several contours
Writes    metrics/readers.json (for each data set that a reader looked at: decisions, Dice, ICC of features of each pair
          of readers and of drawn and corrected contours; for each setting with corrected lesions the AUC before and
          after), metrics/readers.csv (each feature's ICC(2,1) with its interval, and how far it is shifted)
Takes     time that grows with the contours that readers disagree on or corrected; next to none without a reader
Expect    empty tables until a reader has decided; agreement needs two (`radprompt review <dataset> --serve --reader`)
Run       python stages/readers.py
"""

from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.outputs import atomic_group, write_csv, write_json
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.evaluation.contour_change import auc_change
from radprompt.mammograms.radiomics.contour_effects import COLUMNS, contour_effects
from radprompt.study.cohort import cohort_of
from radprompt.study.settings import load_settings
from radprompt.tables.features import read_features
from radprompt.tables.lesions import from_table, read_lesions

METRICS, TABLE = "metrics/readers.json", "metrics/readers.csv"


def main() -> None:
    """Compare, data set by data set, then setting by setting."""
    params, settings = load_params(), load_settings()
    summaries: dict[str, Any] = {}
    aucs: dict[str, Any] = {}
    tables, drawn = [pd.DataFrame(columns=COLUMNS)], dict[str, pd.DataFrame]()
    after = {name: read_features(f"data/features/{name}.csv").set_index("lesion_id") for name in settings.measured}
    for dataset in settings.data_sets:
        if not Path("data/review", dataset, "reviews.csv").is_file():
            continue
        lesions = {lesion.lesion_id: lesion for lesion in from_table(read_lesions(f"data/lesions/{dataset}.csv"))}
        drawable = dataset in after and getattr(params.radiomics.masks, dataset) == "predicted"
        features = after[dataset] if drawable else None
        effects = contour_effects(dataset, lesions, features, params.compute, params.radiomics)
        if effects is not None:
            summaries[dataset] = effects.summary
            tables += [effects.features] if len(effects.features) else []
            drawn |= {dataset: effects.drawn} if len(effects.drawn) else {}
    if drawn:
        corrected = pd.concat(after, names=["dataset"])
        before = corrected.copy()
        before.update(pd.concat(drawn, names=["dataset"]))
        for name, setting in settings.items():
            if drawn.keys() & set(setting.datasets):
                repeats = setting.repeats(params.adaptation.repeats.baselines)
                options = (params.baselines, params.seed, params.evaluation.confidence)
                change = auc_change(cohort_of(setting), before, corrected, repeats, *options)
                aucs |= {name: change} if change and change["corrected"] else {}
    with atomic_group(METRICS, TABLE) as (metrics, table):
        write_json(metrics, {"data_sets": summaries, "auc": aucs})
        write_csv(table, pd.concat([t for t in tables if len(t)] or tables, ignore_index=True)[COLUMNS])
    for dataset, found in summaries.items():
        readers = f"{len(found['readers'])} reader(s), {len(found['pairs'])} pair(s) with lesions in common"
        print(f"{dataset}: {found['lesions']} contours decided, {found['corrected']} corrected; {readers}: {METRICS}")
    if not summaries:
        print(f"no reader has decided on a contour; both tables are empty: {METRICS}")


if __name__ == "__main__":
    run(main)
