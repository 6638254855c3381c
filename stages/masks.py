"""Draw a mask for every lesion of a data set: nnU-Net's, or a reader's corrected one where there is one.

Reads     data/lesions/<dataset>.csv with its images, models/segmenter/, data/review/<dataset>/*.png and reviews.csv
Writes    data/masks/<dataset>/<lesion_id>.png (8-bit, 0 and 255, the image's size), data/masks/<dataset>.csv
          (lesion_id, source: nnunet, ellipse or review, flag: why the ellipse, area_px, certainty: mean probability
          over nnU-Net's mask, parts, outside: how far it leaves its box, contour: the mask's digest, unusable: why a
          reader excludes the lesion)
Takes     time that grows with lesions and the megapixels decoded, after nnU-Net is imported
Expect    no or few ellipses; CBIS-DDSM is drawn on its test split only, since nnU-Net learnt from the rest
Run       python stages/masks.py cbis_ddsm|vindr_mammo|inbreast
"""

from functools import lru_cache

import pandas as pd
from tqdm import tqdm

from radprompt.core.outputs import atomic_group, write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.mammograms.imaging.contours import write_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.imaging.mask_measures import count_parts, leaves_box, mask_digest
from radprompt.mammograms.segmentation.review import find_reviewed, read_reviewed
from radprompt.mammograms.segmentation.segmenter import Drawing, Segmenter
from radprompt.tables.lesions import from_table, read_lesions
from radprompt.tables.reviews import ACCEPTED, UNUSABLE, counted_reviews

COLUMNS = ["lesion_id", "source", "flag", "area_px", "certainty", "parts", "outside", "contour", "unusable"]


def main(dataset: str) -> None:
    """Draw, or take the corrected mask, one lesion after the other."""
    threshold = load_params().segmentation.threshold
    table = read_lesions(f"data/lesions/{dataset}.csv")
    if dataset == "cbis_ddsm":
        table = table[table["split"] == "test"]
    reviewed = find_reviewed(f"data/review/{dataset}", table["lesion_id"])
    decided = counted_reviews(f"data/review/{dataset}", table["lesion_id"], reviewed)
    segmenter = Segmenter.load("models/segmenter")
    read = lru_cache(maxsize=1)(read_mammogram)  # neighbours in the table often share an image
    rows, changed = [], 0
    with atomic_group(f"data/masks/{dataset}", f"data/masks/{dataset}.csv") as (folder, written):
        folder.mkdir()
        for lesion in tqdm(list(from_table(table)), desc=f"Masks of {dataset}", unit="lesion", mininterval=1.0):
            pixels = read(lesion.image_path).pixels
            if lesion.lesion_id in reviewed:
                drawing = Drawing(read_reviewed(reviewed[lesion.lesion_id], pixels.shape), "review", "")
            else:
                drawing = segmenter.draw(pixels, lesion.box, threshold)
            write_mask(folder / f"{lesion.lesion_id}.png", drawing.mask)
            review = decided.get(lesion.lesion_id)
            if review and review.decision == ACCEPTED:
                changed += review.contour != mask_digest(drawing.mask)
            excluded = f"reader {review.reader}: {review.reason}" if review and review.decision == UNUSABLE else ""
            measured = count_parts(drawing.mask), round(leaves_box(drawing.mask, lesion.box), 3)
            area, certainty, digest = int(drawing.mask.sum()), round(drawing.certainty, 3), mask_digest(drawing.mask)
            rows.append((lesion.lesion_id, drawing.source, drawing.flag, area, certainty, *measured, digest, excluded))
        drawn = pd.DataFrame(rows, columns=COLUMNS)
        write_csv(written, drawn)
    counts = ", ".join(f"{count} {source}" for source, count in sorted(drawn["source"].value_counts().items()))
    unusable = (drawn["unusable"] != "").sum()
    print(f"data/masks/{dataset}: {len(drawn)} masks ({counts}), {unusable} unusable to a reader")
    if changed:
        print(f"{changed} contours differ from what a reader accepted: `radprompt review {dataset} --serve` lists them")


if __name__ == "__main__":
    run(main, "dataset")
