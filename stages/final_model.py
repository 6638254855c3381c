"""Fit the named model on every case of a user's table, for new ones.

Reads   data/cases.csv, data/features/table.csv, data/columns.json, data/measured/; params.yaml (seed, features, named,
        prompt.names); models/names/; with features.min_icc data/repeated.csv
Writes  models/final/: scaler.json, selection.json, named/ and named_all/ (safetensors and JSON), columns.json
        and table.json (how a new table is read), ranges.csv (each feature's least, median and largest value),
        README.md; images.json where the table comes of images; agreement.csv with features.min_icc
Takes   less than a fold's models
Expect  `radprompt table new.csv --apply FOLDER` predicts with it
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd

from radprompt.core.outputs import atomic_folder, write_csv, write_json, write_text
from radprompt.core.stage import run
from radprompt.core.table_params import load_table_params
from radprompt.evaluation.stability import judge_stability, read_repeated, unstable
from radprompt.named.variants import SELECTED, build, columns_of, variants
from radprompt.own_table.applying import AGREEMENT, IMAGE_SETTINGS
from radprompt.own_table.card import facts, final_card
from radprompt.own_table.encoding import COLUMNS
from radprompt.own_table.measured import kept_settings
from radprompt.own_table.store import CASES, FEATURES, read_json
from radprompt.selection.choose import choose_features
from radprompt.study.scaling import FeatureScaler
from radprompt.tables.embeddings import read_embeddings
from radprompt.tables.features import read_features

FOLDER = Path("models/final")


def main() -> None:
    """Fit and write."""
    params = load_table_params()
    cases = pd.read_csv(CASES, dtype={"lesion_id": str, "patient_id": str, "site": str}, keep_default_na=False)
    raw = read_features(FEATURES).set_index("lesion_id")
    raw, judged = _stable(raw, params.features.min_icc)
    scaler = FeatureScaler.fit(raw)
    train = cases[["lesion_id", "label"]].join(scaler.transform(raw), on="lesion_id")
    selection = choose_features(train, params.features)
    vectors = read_embeddings("models/names/states.safetensors")
    directions = json.loads(Path("models/names/directions.json").read_text(encoding="utf-8")) or None
    sites = cases["site"].to_numpy()
    with atomic_folder(FOLDER) as folder:
        scaler.save(folder / "scaler.json")
        for variant in variants(vectors, second_site=False, seed=params.seed):
            columns = columns_of(train, selection if variant.model == SELECTED else None, params.prompt, params.seed)
            if variant.model == SELECTED:  # under the names that the model knows
                replace(selection, names=tuple(columns.names)).save(folder / "selection.json")
            classifier = build(variant, params.named, directions, params.seed)
            classifier.fit(columns.of(train), train["label"].to_numpy(), site=sites).save(folder / variant.model)
        shutil.copyfile(COLUMNS, folder / "columns.json")
        write_json(folder / "table.json", facts(params, read_json(Path(COLUMNS))))
        ranges = raw.quantile([0, 0.5, 1]).T.set_axis(["least", "median", "largest"], axis=1)
        write_csv(folder / "ranges.csv", ranges.rename_axis("feature").reset_index())
        if judged is not None:
            write_csv(folder / AGREEMENT, judged)
        if settings := kept_settings(Path()):
            write_json(folder / IMAGE_SETTINGS, settings)
        write_text(folder / "README.md", final_card(params, cases, selection, images=bool(settings)))
    print(f"{len(train)} cases, {len(selection.features)} of {raw.shape[1]} features: {FOLDER}/")


def _stable(raw: pd.DataFrame, min_icc: float | None) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Leave out the features that are unstable over all cases; also return how they agree."""
    if min_icc is None:
        return raw, None
    judged = judge_stability(raw, read_repeated(), set(raw.index), min_icc)
    return raw.drop(columns=unstable(judged)), judged


if __name__ == "__main__":
    run(main)
