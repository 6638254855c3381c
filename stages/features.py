"""Measure the 67 radiomics features of every mass of a data set.

    python stages/features.py vindr_mammo

Reads   settings.yaml (measured); data/lesions/<dataset>.csv, its images, and the masks that radiomics.masks names:
        data/masks/<dataset>/*.png (predicted, reviewed ones included) or the data set's own contours (reference).
        data/masks/<dataset>.csv names the lesions that a reader found unusable: they are excluded with the reason.
Writes  data/features/<dataset>.csv (lesion_id and 67 raw values), data/features/<dataset>_exclusions.csv (reasons).
Takes   time that grows with the megapixels decoded and with lesions; spread over compute.workers
Expect  no or very few exclusions: the segmenter has replaced empty masks by ellipses.
"""

from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group, write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.mammograms.radiomics.cohort import measure
from radprompt.mammograms.segmentation.review import read_unusable
from radprompt.study.settings import load_settings
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.lesions import Exclusion, Lesion, from_table, read_lesions, write_exclusions


def predicted_mask(lesion: Lesion) -> Path:
    """Return where the segmenter's contour of a lesion lies."""
    return Path("data/masks") / lesion.dataset / f"{lesion.lesion_id}.png"


def reference_mask(lesion: Lesion) -> Path:
    """Return where the data set's own contour lies."""
    return Path(lesion.mask_path)


def main(dataset: str) -> None:
    """Measure one data set."""
    params, known = load_params(), load_settings().measured
    if dataset not in known:
        what = f"no setting uses {dataset!r}, so no features are measured there"
        raise InputError(what, where="settings.yaml", fix=f"use {' or '.join(known)}")
    predicted = getattr(params.radiomics.masks, dataset) == "predicted"
    source = f"data/lesions/{dataset}.csv"
    lesions = list(from_table(read_lesions(source)))
    unusable = read_unusable(f"data/masks/{dataset}.csv")
    usable = [lesion for lesion in lesions if lesion.lesion_id not in unusable]
    measured = measure(usable, predicted_mask if predicted else reference_mask, params.compute, params.radiomics)
    by_id = {**measured, **unusable}
    outcomes = {lesion.lesion_id: by_id[lesion.lesion_id] for lesion in lesions}

    rows = [{"lesion_id": key, **values} for key, values in outcomes.items() if isinstance(values, dict)]
    excluded = [
        Exclusion(source, row, key, reason)
        for row, (key, reason) in enumerate(outcomes.items(), start=1)
        if isinstance(reason, str)
    ]
    if not rows:
        raise InputError("none of the lesions can be measured", where=source, fix=f"the first: {excluded[:1]}")
    target = f"data/features/{dataset}.csv"
    with atomic_group(target, f"data/features/{dataset}_exclusions.csv") as (values, left_out):
        write_csv(values, pd.DataFrame(rows, columns=["lesion_id", *FEATURES]))
        write_exclusions(left_out, excluded)
    print(f"{dataset}: {len(rows)} lesions x {len(FEATURES)} features, {len(excluded)} excluded: {target}")


if __name__ == "__main__":
    run(main, "dataset")
