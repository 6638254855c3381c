"""Check the lesion tables and the data sets' own contours before anything learns from them.

    python stages/validate_lesions.py

Reads   settings.yaml (data_sets, measured); params.yaml (data, validation.masks); data/lesions/: <dataset>.csv,
        <dataset>_flow.json, <dataset>_masks/; the images' headers, and the official splits in the data sets' tables
Writes  metrics/validation/lesions.json (a count for each suite), data/validation/lesions/ (Great Expectations' results)
Takes   mostly the import of Great Expectations; grows with lesions and contours
Expect  no error; one stops here and names suite, column and lesions
"""

import json
from pathlib import Path

from radprompt.core.compute import parallel_map
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.expectations import read_cells
from radprompt.gates.lesions import lesion_suite
from radprompt.gates.masks import image_shape, light, measured_masks, reference_masks_suite, with_boxes
from radprompt.gates.official import official_splits
from radprompt.gates.results import conclude
from radprompt.mammograms.datasets.splits import splits_of
from radprompt.study.settings import load_settings

FOLDER = Path("data/lesions")


def main() -> None:
    """Check every data set's table."""
    params, settings = load_params(), load_settings()
    suites = []
    for dataset in settings.data_sets:
        table = read_cells(FOLDER / f"{dataset}.csv")
        flow = json.loads((FOLDER / f"{dataset}_flow.json").read_text(encoding="utf-8"))
        official = official_splits(dataset, Path(params.data.root, dataset))
        images = sorted({str(path) for path in table.get("image_path", ()) if path})
        shapes = parallel_map(image_shape, images, light(params.compute), f"Headers of {dataset}")
        splits = splits_of(dataset, classified=dataset in settings.measured)
        suites.append(lesion_suite(dataset, table, flow, dict(zip(images, shapes, strict=True)), official, splits))
        drawn = [lesion for lesion in with_boxes(table) if lesion.mask_path]
        if drawn:
            files = [Path(lesion.mask_path) for lesion in drawn]
            measurements = measured_masks(drawn, files, params.compute)
            suites.append(reference_masks_suite(dataset, measurements, params.validation.masks))
    print(conclude("lesions", suites))


if __name__ == "__main__":
    run(main)
