"""Hash the images that lesions lie in, so that the leakage gate finds one image under two names.

Reads   settings.yaml (data_sets); params.yaml (compute); data/lesions/<dataset>.csv and the images that they name
Writes  data/validation/hashes.csv (dataset, image_path, and two perceptual hashes of 256 bits: of the whole image and
        of the breast; src/radprompt/gates/hashes.py says what they see through)
Takes   time that grows with the megapixels decoded, spread over compute.workers
Expect  one row an image; copies differ in up to 20 bits, different patients' images in 50 or more
"""

import pandas as pd

from radprompt.core.compute import parallel_map
from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.hashes import COLUMNS, TABLE, Hashes, hash_image
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.study.settings import load_settings
from radprompt.tables.lesions import read_lesions


def hash_file(path: str) -> Hashes:
    """Decode and hash one image."""
    return hash_image(read_mammogram(path).pixels)


def main() -> None:
    """Hash every image once."""
    lesions = pd.concat([read_lesions(f"data/lesions/{dataset}.csv") for dataset in load_settings().data_sets])
    images = lesions[["dataset", "image_path"]].drop_duplicates().sort_values(["dataset", "image_path"])
    paths = images["image_path"].tolist()
    hashes = parallel_map(hash_file, paths, load_params().compute, "Hashes", unit="image")
    columns = dict(zip(Hashes._fields, zip(*hashes, strict=True), strict=True))
    write_csv(TABLE, images.assign(**{name: list(values) for name, values in columns.items()})[COLUMNS])
    print(f"{len(paths)} images hashed: {TABLE}")


if __name__ == "__main__":
    run(main)
