"""Radiomics: plain PyRadiomics on full images beside ours, by the engines `pyradiomics` (the image cut first) and `fast`.

    python benchmarks/bench.py radiomics [--flash PYTHON]

The plain way is `RadiomicsFeatureExtractor.execute` on the whole image and the whole mask, with the same settings; the
image is handed over read and converted, so that only `execute` counts. Ours counts everything after decoding. Each way
runs in a process of its own with one thread, of ITK, OpenMP and BLAS alike; one row has two of ITK. Images and masks
are made here: 24 masses of 6 to 21 mm in 3500 x 2800 pixels, one lesion of some 60,000 voxels in 256 x 256 x 100.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Row, apart, median_s, peak_mb

SHAPE, SPACING = (3500, 2800), 0.07
VOLUME, VOXEL = (100, 256, 256), (0.8, 0.8, 1.5)
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}
CLASSES: dict[str, list[str] | None] = dict.fromkeys(("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))
TYPES: dict[str, dict[str, dict[str, Any]]] = {
    "original": {"Original": {}},
    "filtered": {"Original": {}, "Wavelet": {}, "LoG": {"sigma": [2.0, 4.0]}},
}
FLASH = Path(__file__).with_name("flash_radiomics_lesion.py")


def inputs(folder: Path, lesions: int) -> None:
    """Write a picture with breast-like texture, masks of 6 to 21 mm, a volume and the mask of its lesion."""
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
    volume = gaussian_filter(rng.normal(size=VOLUME).astype(np.float32), (1, 2, 2))
    np.save(folder / "volume.npy", np.round(100 * volume / volume.std()).astype(np.int16))
    z, y, x = np.ogrid[: VOLUME[0], : VOLUME[1], : VOLUME[2]]
    radii = np.sqrt(((z - 50) * 1.2) ** 2 + (y - 120) ** 2 + (x - 140) ** 2)
    lobes = 1 + 0.12 * np.cos(5 * np.arctan2(y - 120, x - 140)) + 0.05 * np.cos(4 * z / 9)
    np.save(folder / "lesion.npy", radii < 25.3 * lobes)


def masses(folder: Path, repeats: int, way: str) -> dict[str, Any]:
    """Time the 67 features of each mass; its mask is loaded, and converted for the plain way, when its turn comes."""
    return _by_mass(_plain_mass(folder) if way == "plain" else _our_mass(folder, way), _masks(folder), repeats)


def _by_mass(prepare: Callable[[Path], Callable[[], dict]], masks: list[Path], repeats: int) -> dict[str, Any]:
    values, times = [], []
    for file in masks:
        measured = prepare(file)
        found: dict = {}
        times.append(median_s(lambda measured=measured, found=found: found.update(measured()), repeats))
        values.append(found)
    return {"values": values, "seconds": times, "peak_mb": peak_mb()}


def _plain_mass(folder: Path) -> Callable[[Path], Callable[[], dict]]:
    import SimpleITK

    classes: dict[str, list[str] | None] = dict.fromkeys(("shape2D", "firstorder", "glcm", "glszm"))
    execute = _extractor({"binCount": 32, "force2D": False}, TYPES["original"], classes)
    image = SimpleITK.GetImageFromArray(np.load(folder / "pixels.npy").astype(np.float64))
    image.SetSpacing((SPACING, SPACING))

    def prepare(file: Path) -> Callable[[], dict]:
        mask = SimpleITK.GetImageFromArray(np.load(file).astype(np.uint8))
        mask.SetSpacing((SPACING, SPACING))
        return lambda: {
            key.removeprefix("original_").replace("shape2D_", "shape_"): value
            for key, value in execute(image, mask).items()
        }

    return prepare


def _our_mass(folder: Path, way: str) -> Callable[[Path], Callable[[], dict]]:
    from radprompt.mammograms.radiomics.extraction import extract

    settings, pixels = _radiomics(way), np.load(folder / "pixels.npy")

    def prepare(file: Path) -> Callable[[], dict]:
        mask = np.load(file)
        return lambda: extract(pixels, mask, SPACING, settings)

    return prepare


def spread(folder: Path, repeats: int, workers: int) -> dict[str, Any]:
    """Time the engine fast on all masses with several workers; their start is not counted."""
    from radprompt.core.compute import parallel_map
    from radprompt.core.params import Compute

    masks = _masks(folder)
    compute, constants = Compute("loky", workers), {"folder": folder, "settings": _radiomics("fast")}
    parallel_map(_one, masks, compute, "start", **constants)
    seconds = median_s(lambda: parallel_map(_one, masks, compute, "radiomics", **constants), repeats)
    return {"seconds": [seconds / len(masks)] * len(masks)}


def _one(file: Path, folder: Path, settings: Any) -> dict:
    from radprompt.mammograms.radiomics.extraction import extract

    pixels, mask = (np.load(place, mmap_mode="r") for place in (folder / "pixels.npy", file))
    return extract(pixels, mask, SPACING, settings)


def _radiomics(way: str) -> Any:
    from dataclasses import replace

    from radprompt.core.params import load_params

    return replace(load_params().radiomics, engine="fast" if way == "fast" else "pyradiomics")


def lesion(folder: Path, repeats: int, way: str, types: str) -> dict[str, Any]:
    """Time all classes of the lesion in the volume, of the original image or of filtered ones as well."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.load(folder / "volume.npy"))
    mask = SimpleITK.GetImageFromArray(np.load(folder / "lesion.npy").astype(np.uint8))
    for part in (image, mask):
        part.SetSpacing(VOXEL)
    if way == "plain":
        execute = _extractor({"binWidth": 25}, TYPES[types], CLASSES)
        measured: Callable[[], dict] = lambda: execute(image, mask)  # noqa: E731
    else:
        from radprompt.images.measuring import measure
        from radprompt.images.settings import Settings

        engine = "fast" if way == "fast" else "pyradiomics"
        settings = Settings({"binWidth": 25}, TYPES[types], CLASSES, engine=engine)
        measured = lambda: measure(image, mask, settings)  # noqa: E731
    values = measured()  # which also imports, and asks PyRadiomics for the mesh's tables
    return {"values": [values], "seconds": [median_s(measured, repeats)], "peak_mb": peak_mb()}


def _extractor(setting: dict, types: dict, classes: dict[str, list[str] | None]) -> Callable[..., dict[str, float]]:
    """Return PyRadiomics' `execute` as its documentation calls it."""
    import logging

    from radiomics.featureextractor import RadiomicsFeatureExtractor

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    extractor = RadiomicsFeatureExtractor(additionalInfo=False, **setting)
    extractor.enabledImagetypes = types
    extractor.enabledFeatures = {name: [] for name in classes}
    return lambda image, mask: {key: float(value) for key, value in extractor.execute(image, mask).items()}


def _masks(folder: Path) -> list[Path]:
    return sorted(folder.glob("mask*.npy"), key=lambda file: int(file.stem[4:]))


def main(flash: str = "", lesions: int = 24, repeats: int = 3) -> list[Row]:
    """Compare them; ``flash`` is the interpreter of an environment that has flash-radiomics."""
    from radprompt.radiomics_engine.checking import require_equal

    os.environ |= THREADS
    with tempfile.TemporaryDirectory() as folder:
        inputs(Path(folder), lesions)
        count = int(np.count_nonzero(np.load(Path(folder) / "lesion.npy")))

        def run(what: str, way: str, threads: int = 1) -> dict[str, Any]:
            return apart(__file__, folder, str(repeats), what, way, str(threads))

        results = {way: run("mass", way) for way in ("plain", "pyradiomics", "fast")}
        parallel, threaded = run("mass", "2"), run("mass", "plain", 2)
        others = {types: {way: run(types, way) for way in ("plain", "pyradiomics", "fast")} for types in TYPES}
        rival = apart(str(FLASH), folder, str(repeats), *map(str, VOXEL), python=flash) if flash else None
    for ways in (results, *others.values()):
        for way in ("pyradiomics", "fast"):
            require_equal(*(_sorted(ways[one]["values"]) for one in (way, "plain")))
    seconds = {way: float(np.mean(result["seconds"])) for way, result in results.items()}
    mass, equal = "mass in 3500 x 2800", "values equal to 1e-9; ITK: 1 thread"
    rows = [
        Row(f"{mass}, engine pyradiomics", "s", seconds["plain"], seconds["pyradiomics"], 10, equal),
        Row(f"{mass}, engine fast", "s", seconds["plain"], seconds["fast"], 60, equal),
        Row(f"{mass}, fast beside pyradiomics", "s", seconds["pyradiomics"], seconds["fast"], 4, "plain: cut first"),
        Row(
            f"{mass}, fast, ITK 2 threads", "s", float(np.mean(threaded["seconds"])), seconds["fast"], None, "plain: 2"
        ),
        Row(f"{mass}, fast, 2 workers", "s", seconds["plain"], float(np.mean(parallel["seconds"])), None, "plain: 1"),
        *_memory(mass, results, "one mask at a time; image 39 MB"),
    ]
    for ways, words, goal in zip(others.values(), ("all classes", "with wavelet and LoG"), (4, 3), strict=True):
        name = f"lesion of {count:,} voxels, {words}"
        plain = ways["plain"]["seconds"][0]
        number = f"{len(ways['plain']['values'][0])} features, {equal}"
        rows += [
            Row(f"{name}, engine pyradiomics", "s", plain, ways["pyradiomics"]["seconds"][0], None, number),
            Row(f"{name}, engine fast", "s", plain, ways["fast"]["seconds"][0], goal, number),
            *_memory(name, ways, "volume 256 x 256 x 100"),
        ]
    return [*rows, _beside_flash(f"lesion of {count:,} voxels", rival, others["original"])]


def _sorted(values: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {str(number): {key: each[key] for key in sorted(each)} for number, each in enumerate(values)}


def _memory(name: str, ways: dict[str, dict[str, Any]], note: str) -> list[Row]:
    plain = ways["plain"]["peak_mb"]
    return [
        Row(f"{name}, engine {way}, peak memory", "MB", plain, ways[way]["peak_mb"], None, note)
        for way in ("pyradiomics", "fast")
    ]


def _beside_flash(name: str, rival: dict[str, Any] | None, ways: dict[str, dict[str, Any]]) -> Row:
    fast, seconds = ways["fast"], ways["fast"]["seconds"][0]
    if rival is None:
        return Row(f"{name}, fast beside flash-radiomics", "s", None, seconds, 1, "flash-radiomics was not installed")
    ours, theirs = fast["values"][0], rival["values"][0]
    both = [key for key in ours if key in theirs]
    alike = sum(abs(ours[key] - theirs[key]) <= 1e-6 * abs(ours[key]) + 1e-12 for key in both)
    note = f"plain: flash-radiomics {rival['version']}, 1 thread; {alike} of {len(both)} values equal to 1e-6"
    return Row(f"{name}, fast beside flash-radiomics", "s", rival["seconds"][0], seconds, 1, note)


if __name__ == "__main__":
    import SimpleITK

    place, count, what, how, threads = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(int(threads))
    if what == "mass":
        print(json.dumps(spread(place, count, int(how)) if how.isdigit() else masses(place, count, how)))
    else:
        print(json.dumps(lesion(place, count, how, what)))
