"""Read a data set as it was released into the lesion table, every row that is no lesion accounted for.

Call    python stages/lesions.py cbis_ddsm | vindr_mammo | inbreast
Reads   params.yaml (seed, compute, data); settings.yaml (measured); <data.root>/<dataset>/
Writes  data/lesions/<dataset>.csv, <dataset>_exclusions.csv, <dataset>_flow.json and the reference masks,
        <dataset>_masks/<lesion_id>.png (an empty folder for VinDr-Mammo, which has none)
Takes   time that grows with the megapixels decoded, JPEG 2000 most, spread over compute.workers
Expect  the printed counts add up, rows - excluded = lesions: as many masses as params.yaml asks of the phantom, less
        a few that are broken on purpose
"""

from pathlib import Path

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group, write_csv, write_json
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.datasets.splits import assign, summary
from radprompt.mammograms.imaging.dicom import FOR_PROCESSING
from radprompt.study.settings import load_settings
from radprompt.tables.lesions import to_table, write_exclusions

LOADERS = {module.DATASET: module.load for module in (cbis_ddsm, inbreast, vindr_mammo)}
FOLDER = Path("data/lesions")


def main(dataset: str) -> None:
    """Write the lesion table of one data set."""
    if dataset not in LOADERS:
        raise InputError(f"unknown data set {dataset!r}", fix=f"one of {', '.join(sorted(LOADERS))}")
    params = load_params()
    root = Path(params.data.root) / dataset
    targets = [FOLDER / f"{dataset}{end}" for end in ("_masks", ".csv", "_exclusions.csv", "_flow.json")]
    with atomic_group(*targets) as (masks, table, exclusions, flow):
        masks.mkdir()
        found = LOADERS[dataset](root, masks, params.compute)
        if not found.lesions:
            raise InputError(
                f"no lesion can be used\n{found.counts_with_reasons()}",
                where=str(root),
                fix="mend what the first reasons name; the folder should hold the data set as it was released",
            )
        classified = dataset in load_settings().measured
        lesions = assign(dataset, found.lesions, params.data, params.seed, classified=classified)
        write_csv(table, to_table(lesions))
        write_exclusions(exclusions, found.exclusions)
        write_json(flow, {**found.flow, "splits": summary(lesions)})
    for step, count in found.flow.items():
        print(f"{count:6d}  {step}")
    if raw := sum(lesion.presentation == FOR_PROCESSING for lesion in lesions):
        print(f"{raw:6d}  lesions in images {FOR_PROCESSING}: grey levels as the detector measured them")
    print(f"{len(lesions)} lesions in {FOLDER / dataset}.csv")


if __name__ == "__main__":
    run(main, "dataset")
