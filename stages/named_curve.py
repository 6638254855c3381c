"""AUC of the named model and other models against the number of the second site's lesions that they learn from.

Reads   settings.yaml (curves); params.yaml (seed, features, prompt, named, baselines, adaptation); data/cohorts,
        data/standardised and data/features of the second site; models/selection/; models/names/; predictions of the
        settings that end the lines
Writes  metrics/named_curve.csv (line, model, lesions, all, repeat, auc), plots/named_curve.svg
Takes   time that grows with repeats and the curve's points
Expect  a first point without any labelled lesion, which no conventional model on other columns has
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.baselines.transfer import POOLED
from radprompt.core.compute import parallel_map
from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.evaluation.few_cases import LOGISTIC, RESTARTED, SecondSite, first_site, points_of
from radprompt.evaluation.learning_curve import COLUMNS, draw, model_auc
from radprompt.named.variants import SELECTED
from radprompt.pages.drawing import write_svg
from radprompt.selection.record import Selection
from radprompt.study.cohort import cohort_of
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting, of_start
from radprompt.tables.embeddings import read_embeddings
from radprompt.tables.features import read_features, read_standardised
from radprompt.tables.predictions import read_predictions


def main() -> None:
    """Fit at every point of every repeat, and put the ends of the lines beside."""
    params, settings = load_params(), load_settings()
    curve = settings.require_curve()
    setting = settings[curve.continued]
    start = of_start(read_standardised(f"data/standardised/{setting.name}.csv"))
    given: dict[str, Any] = {
        "vectors": read_embeddings("models/names/states.safetensors"),
        "directions": json.loads(Path("models/names/directions.json").read_text(encoding="utf-8")) or None,
        "params": params,
    }
    selection = Selection.load(setting.selection_file("start"))
    first = first_site(start[start["split"] == "train"], selection, **given)
    cohort = of_setting(cohort_of(setting))[["repeat", "lesion_id", "split", "label"]]
    features = read_features(f"data/features/{setting.train.dataset}.csv")
    rows = cohort.merge(features, on="lesion_id", validate="many_to_one")
    sites = []
    for repeat in setting.repeats(params.adaptation.repeats.baselines):
        own = rows[rows["repeat"] == repeat]
        train, test = (own[own["split"] == split].drop(columns=["repeat", "split"]) for split in ("train", "test"))
        sites.append(SecondSite(repeat, train, test))
    found = parallel_map(
        points_of, sites, params.compute, "Points of the curve", unit="repeat", light=True, first=first, **given
    )
    points = [(model, model, count, False, repeat, auc) for own in found for model, count, repeat, auc in own]
    known = {name: own.repeated for name, own in settings.items()}
    ends = {SELECTED: curve.continued, RESTARTED: curve.restarted, LOGISTIC: curve.restarted, POOLED: curve.continued}
    for line, name in ends.items():
        model = SELECTED if line == RESTARTED else line
        family = "named" if model == SELECTED else "baselines"
        predicted = read_predictions([f"data/predictions/{name}/{family}.csv"], known)
        if model not in set(predicted["model"]):
            continue
        for site in sites:
            points.append((line, model, len(site.train), True, site.repeat, model_auc(predicted, model, site.repeat)))
    table = pd.DataFrame(points, columns=COLUMNS).sort_values(["line", "repeat", "lesions"], ignore_index=True)
    write_csv("metrics/named_curve.csv", table)
    write_svg("plots/named_curve.svg", draw(table, curve.title))
    print(f"{len(table)} points of {table['line'].nunique()} lines over {len(sites)} repeats: metrics/named_curve.csv")


if __name__ == "__main__":
    run(main)
