"""flash-radiomics on the lesion of `bench_radiomics.py`, run by the interpreter of an environment that has it.

It is timed with one thread and a new image object a call, since it keeps inputs by their identity; the HDF5 file that
each call writes counts, as it cannot be turned off.
"""

import json
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import SimpleITK
from flash_radiomics import RadiomicsFeatureExtractor

CLASSES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def main(folder: Path, repeats: int, spacing: tuple[float, ...]) -> dict:
    """Return seconds and values."""
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    volume, lesion = np.load(folder / "volume.npy"), np.load(folder / "lesion.npy").astype(np.uint8)
    times, values = [], {}
    with tempfile.TemporaryDirectory() as written:
        for number in range(repeats + 1):  # the first one starts up
            image, mask = (SimpleITK.GetImageFromArray(part) for part in (volume, lesion))
            for part in (image, mask):
                part.SetSpacing(spacing)
            extractor = RadiomicsFeatureExtractor(backend="cpu", num_threads=1, binWidth=25, additionalInfo=False)
            extractor.enabledFeatures = {name: [] for name in CLASSES}
            start = time.perf_counter()
            found = extractor.execute(image, mask, label=1, output_hdf5_path=f"{written}/{number}.h5")
            times.append(time.perf_counter() - start)
            values = {key: float(value) for key, value in found.items() if np.ndim(value) == 0 and "diag" not in key}
    return {"seconds": [statistics.median(times[1:])], "values": [values], "version": version("flash-radiomics")}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), tuple(map(float, sys.argv[3:])))))
