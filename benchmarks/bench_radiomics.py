"""Radiomics: plain PyRadiomics on full images against ours, 24 masses in a 3500 x 2800 image.

The plain way is `RadiomicsFeatureExtractor.execute` on the whole image and the whole mask, with the same settings; the
image is handed over read and converted, so that only `execute` counts. Ours counts everything after decoding.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import Row, apart, median_s, peak_mb

SHAPE = (3500, 2800)
SPACING = 0.07


def inputs(folder: Path, lesions: int) -> None:
    """Write a picture with breast-like texture and masks of 6 to 21 mm."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    texture = sum(gaussian_filter(rng.normal(size=SHAPE).astype(np.float32), s) * s for s in (1, 4, 16))
    texture = (texture - texture.min()) / (texture.max() - texture.min())
    np.save(folder / "pixels.npy", texture.astype(np.float32))
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    for number in range(lesions):
        radius = 40 + 110 * number / max(1, lesions - 1)
        y, x = rng.uniform(200, SHAPE[0] - 200), rng.uniform(200, SHAPE[1] - 200)
        angle = np.arctan2(rows - y, columns - x)
        wavy = radius * (1 + 0.15 * np.cos(7 * angle))
        np.save(folder / f"mask{number}.npy", np.hypot(rows - y, columns - x) < wavy)


def plain(folder: Path, repeats: int) -> dict:
    """Time PyRadiomics as its documentation calls it."""
    import logging

    import SimpleITK
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    extractor = RadiomicsFeatureExtractor(binCount=32, force2D=False, additionalInfo=False)
    extractor.disableAllFeatures()
    for name in ("shape2D", "firstorder", "glcm", "glszm"):
        extractor.enableFeatureClassByName(name)
    image = SimpleITK.GetImageFromArray(np.load(folder / "pixels.npy").astype(np.float64))
    image.SetSpacing((SPACING, SPACING))
    values, times = [], []
    for file in _masks(folder):
        mask = SimpleITK.GetImageFromArray(np.load(file).astype(np.uint8))
        mask.SetSpacing((SPACING, SPACING))
        found: dict = {}
        times.append(median_s(lambda mask=mask, found=found: found.update(extractor.execute(image, mask)), repeats))
        values.append({k.removeprefix("original_").replace("shape2D_", "shape_"): float(v) for k, v in found.items()})
    return {"values": values, "seconds": times, "peak_mb": peak_mb()}


def ours(folder: Path, repeats: int, workers: int) -> dict:
    """Time radprompt, spread over so many workers."""
    from radprompt.core.compute import parallel_map
    from radprompt.core.params import Compute, load_params
    from radprompt.mammograms.radiomics.extraction import extract

    settings = load_params().radiomics
    pixels, masks = np.load(folder / "pixels.npy"), [np.load(file) for file in _masks(folder)]
    if workers == 1:
        values = [extract(pixels, mask, SPACING, settings) for mask in masks]
        times = [median_s(lambda mask=mask: extract(pixels, mask, SPACING, settings), repeats) for mask in masks]
        return {"values": values, "seconds": times, "peak_mb": peak_mb()}
    compute, constants = Compute("loky", workers), {"folder": folder, "settings": settings}
    parallel_map(_one, range(len(masks)), compute, "start", **constants)  # processes and their imports
    seconds = median_s(lambda: parallel_map(_one, range(len(masks)), compute, "radiomics", **constants), repeats)
    return {"seconds": [seconds / len(masks)] * len(masks)}


def _one(number: int, folder: Path, settings: object) -> dict:
    from radprompt.mammograms.radiomics.extraction import extract

    pixels, mask = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("pixels", f"mask{number}"))
    return extract(pixels, mask, SPACING, settings)


def _masks(folder: Path) -> list[Path]:
    return sorted(folder.glob("mask*.npy"), key=lambda file: int(file.stem[4:]))


def main(lesions: int = 24, repeats: int = 3) -> list[Row]:
    """Compare them, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        inputs(Path(folder), lesions)
        there = [__file__, folder, str(repeats)]
        results = {way: apart(*there, way) for way in ("plain", "1", "2")}
    apart_by = max(
        abs(one[key] - other[key]) / max(1.0, abs(one[key]))
        for one, other in zip(results["1"]["values"], results["plain"]["values"], strict=True)
        for key in one
    )
    if apart_by > 1e-9:
        raise SystemExit(f"radiomics: values differ by {apart_by:.2g}")
    each = {way: float(np.mean(result["seconds"])) for way, result in results.items()}
    note = f"values equal to {apart_by:.0e} relative"
    return [
        Row("radiomics of a mass, 1 worker", "s", each["plain"], each["1"], 10, note),
        Row("radiomics of a mass, 2 workers", "s", each["plain"], each["2"], None, "plain: 1 process"),
        Row("radiomics, peak memory", "MB", results["plain"]["peak_mb"], results["1"]["peak_mb"], None, "image 39 MB"),
    ]


if __name__ == "__main__":
    place, count, way = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    print(json.dumps(plain(place, count) if way == "plain" else ours(place, count, int(way))))
