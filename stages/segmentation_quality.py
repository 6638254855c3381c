"""Score the masks against the reference contours, beside the ellipse inscribed in the box.

Reads     settings.yaml (data_sets); data/lesions/{cbis_ddsm,inbreast}.csv with their reference masks,
          data/masks/{cbis_ddsm,inbreast}; a data set that is not read is left out
Writes    metrics/segmentation.json (cbis_test.nnunet.dice, inbreast.ellipse.hd95_mm, ...;
          src/radprompt/mammograms/segmentation/ quality.py defines each), data/segmentation_quality.csv (per lesion)
Takes     time that grows with lesions that have a reference contour
Expect    a higher mean Dice for nnU-Net than for the ellipse on cbis_test
Run       python stages/segmentation_quality.py
"""

from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.segmentation.quality import compare, summarise
from radprompt.mammograms.segmentation.review import read_sources
from radprompt.study.settings import load_settings
from radprompt.tables.lesions import Lesion, from_table, read_lesions

COHORTS = {"cbis_test": "cbis_ddsm", "inbreast": "inbreast"}
METRICS, TABLE = "metrics/segmentation.json", "data/segmentation_quality.csv"


def score(lesion: Lesion, *, folder: Path) -> dict[str, Any]:
    """Score one lesion's mask."""
    mask, reference = read_mask(folder / f"{lesion.lesion_id}.png"), read_mask(lesion.mask_path)
    scores = compare(mask, reference, lesion.box)
    return {"lesion_id": lesion.lesion_id, "patient_id": lesion.patient_id, "spacing_mm": lesion.spacing_mm, **scores}


def main() -> None:
    """Score every cohort and sum each up."""
    params, settings = load_params(), load_settings()
    tables, summary = [], {}
    for cohort, dataset in COHORTS.items():
        if dataset not in settings.data_sets:
            continue
        drawn = read_sources(f"data/masks/{dataset}.csv")
        lesions = read_lesions(f"data/lesions/{dataset}.csv")
        chosen = list(from_table(lesions[lesions["lesion_id"].isin(drawn.index)]))
        rows = parallel_map(score, chosen, params.compute, f"Quality of {cohort}", folder=Path("data/masks") / dataset)
        table = pd.DataFrame(rows).join(drawn, on="lesion_id")
        table.insert(0, "cohort", cohort)
        tables.append(table)
        summary[cohort] = summarise(
            table,
            draws=params.evaluation.bootstrap_draws,
            confidence=params.evaluation.confidence,
            seed=params.seed,
        )
    write_csv(TABLE, pd.concat(tables, ignore_index=True))
    write_json(METRICS, summary)
    for cohort, scores in summary.items():
        rivals = ", ".join(f"{rival} {scores[rival]['dice']:.3f}" for rival in ("nnunet", "ellipse") if rival in scores)
        print(f"{METRICS}: {cohort}, {scores['lesions']} lesions, mean Dice {rivals}")


if __name__ == "__main__":
    run(main)
