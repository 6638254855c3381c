"""Train nnU-Net to draw the mass inside a bounding box.

Reads     data/lesions/cbis_ddsm.csv (all but the split test) with its images and reference masks
Writes    models/segmenter/ (plans.json, dataset.json, weights.safetensors, segmenter.json),
          plots/segmenter_training.csv
Takes     time that grows with epochs, iterations and pixels of a region
Expect    a validation Dice (a fifth of the training patients) above 0.9 on the demo
Run       python stages/segmenter.py
"""

import numpy as np

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import write_csv
from radprompt.core.params import Segmentation, load_params
from radprompt.core.stage import run
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.imaging.roi import crop, to_grid
from radprompt.mammograms.segmentation.nnunet import train
from radprompt.mammograms.segmentation.regions import Case, cut, training_boxes
from radprompt.tables.lesions import Lesion, from_table, read_lesions

MODEL, CURVE = "models/segmenter", "plots/segmenter_training.csv"


def read_cases(item: tuple[int, Lesion], *, seed: int, options: Segmentation) -> list[Case]:
    """Read a lesion's image and reference mask and cut both to the network's grid, once for each training box."""
    number, lesion = item
    pixels, reference = read_mammogram(lesion.image_path).pixels, read_mask(lesion.mask_path)
    cases = []
    for box in training_boxes(lesion.box, pixels.shape, options.box_slack, np.random.default_rng([seed, number])):
        roi = cut(pixels, box, options.context, options.roi_size)
        mask = to_grid(crop(reference, roi.region), options.roi_size, nearest=True) > 0.5
        cases.append(Case(lesion.lesion_id, lesion.patient_id, roi.image, roi.box, mask))
    return cases


def main() -> None:
    """Cut the regions, train, write the model and its curve."""
    params = load_params()
    options = params.segmentation
    table = read_lesions("data/lesions/cbis_ddsm.csv")
    lesions = list(from_table(table[table["split"] != "test"]))
    read = parallel_map(
        read_cases, list(enumerate(lesions)), params.compute, "Regions", seed=params.seed, options=options
    )
    segmenter, curve = train([case for cases in read for case in cases], options, params.seed)
    segmenter.save(MODEL)
    write_csv(CURVE, curve)
    print(f"{MODEL}: nnU-Net trained on {len(lesions)} lesions, validation Dice {curve['val_dice'].iloc[-1]:.3f}")


if __name__ == "__main__":
    run(main)
