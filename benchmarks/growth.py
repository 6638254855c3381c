"""Time and memory of extraction, validation and evaluation with 1, 4 and 16 times the lesions.

    python benchmarks/growth.py [lesions]

Reads   params.yaml; INbreast's images, lesions and masks of the demo, as often as needed under other names
Writes  nothing: it prints a row each, which `make bench` puts into benchmarks/results.json
Expect  16 times the lesions in at most 16 times the CPU time (column `ratio` near 1 or above: a fixed part weighs
        less), in hardly more memory. CPU time counts, since it does not depend on what else the machine does. Loaders
        of lesion tables are measured up to 20,000 rows by benchmarks/lesion_tables.py.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measuring import Row, apart, peak_mb

BASE = 24
TIMES = (1, 4, 16)
MODELS, DRAWS = 4, 500


def lesions(count: int, folder: Path) -> list[Any]:
    """Return so many lesions: INbreast's, each copy with links to image and mask, so that nothing is shared."""
    from radprompt.tables.lesions import from_table, read_lesions

    known = [lesion for lesion in from_table(read_lesions("data/lesions/inbreast.csv")) if lesion.mask_path][:BASE]
    found = []
    for number in range(count):
        lesion, copy = known[number % len(known)], number // len(known)
        image, mask = folder / f"{copy}_{Path(lesion.image_path).name}", folder / f"{copy}_{lesion.lesion_id}.png"
        for link, target in ((image, lesion.image_path), (mask, lesion.mask_path)):
            if not link.is_symlink():
                link.symlink_to(Path(target).resolve())
        name = f"{copy}_{lesion.lesion_id}"
        patient = f"{copy}_{lesion.patient_id}"
        found.append(replace(lesion, lesion_id=name, patient_id=patient, image_path=str(image), mask_path=str(mask)))
    return found


def extraction(count: int, folder: Path) -> Callable[[], Any]:
    """Decode and measure every lesion."""
    from radprompt.core.params import Compute, load_params
    from radprompt.mammograms.radiomics.cohort import measure

    given, settings = lesions(count, folder), load_params().radiomics
    return lambda: measure(given, lambda lesion: Path(lesion.mask_path), Compute("threading", 1), settings)


def validation(count: int, folder: Path) -> Callable[[], Any]:
    """Check the masks of every lesion beside its image."""
    from radprompt.core.params import Compute, load_params
    from radprompt.gates.masks import measured_masks, reference_masks_suite
    from radprompt.gates.running import run_suites

    given, bounds = lesions(count, folder), load_params().validation.masks

    def check() -> None:
        measured = measured_masks(given, [Path(lesion.mask_path) for lesion in given], Compute("threading", 1))
        run_suites([reference_masks_suite("inbreast", measured, bounds)])

    return check


def evaluation(count: int, folder: Path) -> Callable[[], Any]:
    """Score and compare four models on three times as many test lesions, patients of three lesions each."""
    from radprompt.core.params import load_params
    from radprompt.evaluation.model_comparison import compare

    rng = np.random.default_rng(0)
    params = load_params()
    params = replace(params, evaluation=replace(params.evaluation, bootstrap_draws=DRAWS))
    rows = []
    for split, size in (("val", BASE), ("test", 3 * count)):
        label = np.arange(size) // 3 % 2
        keys = [f"{split}{number}" for number in range(size)]
        for model in ["llm", *(f"model{number}" for number in range(1, MODELS))]:
            probability = np.clip(0.3 * label + rng.uniform(0, 0.7, size), 0, 1)
            common = {"setting": "vindr", "repeat": 0, "model": model, "seed": params.seed, "split": split}
            patients = [f"{split}{number // 3}" for number in range(size)]
            columns = {"lesion_id": keys, "patient_id": patients, **common, "label": label, "probability": probability}
            rows.append(pd.DataFrame(columns))
    predictions = pd.concat(rows, ignore_index=True)
    return lambda: compare(predictions, params)


PARTS = {"extraction": extraction, "validation": validation, "evaluation": evaluation}


def measured(part: str, count: int) -> dict[str, float]:
    """Return CPU time and peak memory of one size, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        PARTS[part](2, Path(folder))()  # imports do not grow
        work = PARTS[part](count, Path(folder))
        before = os.times()
        start = time.perf_counter()
        work()
        after = os.times()
    cpu = after.user + after.system - before.user - before.system
    return {"cpu_s": cpu, "wall_s": time.perf_counter() - start, "peak_mb": peak_mb()}


def main(base: int = BASE) -> list[Row]:
    """Measure each part at each size, each in a process of its own."""
    rows = []
    for part in PARTS:
        found = [apart(__file__, part, str(base * times)) for times in TIMES]
        for unit, key in (("s", "cpu_s"), ("MB", "peak_mb")):
            values = [each[key] for each in found]
            sizes = ", ".join(f"{times}x: {value:.3g} {unit}" for times, value in zip(TIMES, values, strict=True))
            linear = values[0] * TIMES[-1] if unit == "s" else values[0]
            what = f"{part}, {TIMES[-1]}x the lesions, {'linear' if unit == 's' else 'flat'} beside measured"
            rows.append(Row(what, "s" if unit == "s" else "MB", linear, values[-1], None, sizes))
    return rows


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
    else:
        for row in main(int(sys.argv[1]) if len(sys.argv) > 1 else BASE):
            print(json.dumps(row._asdict() | {"ratio": row.ratio}))
