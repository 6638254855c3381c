"""Check every mask that was drawn before features are measured inside it.

    python stages/validate_masks.py

Reads   settings.yaml (data_sets); params.yaml (validation.masks); data/lesions/<dataset>.csv;
        data/masks/<dataset>.csv and data/masks/<dataset>/; the headers of the images
Writes  metrics/validation/masks.json (a count for each suite), data/validation/masks/ (Great Expectations' results)
Takes   time that grows with the megapixels of the masks, after Great Expectations is imported
Expect  warnings for ellipses that took nnU-Net's place; an error stops here and names the lesions
"""

from pathlib import Path

from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.expectations import read_cells
from radprompt.gates.masks import drawn_masks_suite, measured_masks, with_boxes
from radprompt.gates.results import conclude
from radprompt.study.settings import load_settings


def main() -> None:
    """Check the masks of every data set."""
    params = load_params()
    suites = []
    for dataset in load_settings().data_sets:
        lesions = with_boxes(read_cells(f"data/lesions/{dataset}.csv"))
        wanted = [lesion for lesion in lesions if dataset != "cbis_ddsm" or lesion.split == "test"]
        table = read_cells(f"data/masks/{dataset}.csv")
        named = set(table.get("lesion_id", ()))
        drawn = [lesion for lesion in wanted if lesion.lesion_id in named]
        files = [Path("data/masks", dataset, f"{lesion.lesion_id}.png") for lesion in drawn]
        measurements = measured_masks(drawn, files, params.compute)
        suites.append(drawn_masks_suite(dataset, table, measurements, len(wanted), params.validation.masks))
    print(conclude("masks", suites))


if __name__ == "__main__":
    run(main)
