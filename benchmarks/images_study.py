"""200 made-up cases from images to report, in the one command that a user types, and how long it takes.

    python benchmarks/images_study.py [--cases 200] [--workers 2] [--preset ct] [--engine pyradiomics] [--out FOLDER]

Reads   nothing: ellipsoids of 8 to 20 mm in volumes of 64 x 64 x 32 voxels of 1 x 1 x 2 mm, as NIfTI, two cases a
        patient; the second class is a little brighter, coarser in texture and less round
Writes  a folder that is deleted at the end, unless --out names one; the seconds of `radprompt images ... --table` on
        the screen: measured, and from the features to the report
Takes   minutes; memory of two PyRadiomics processes
Expect  the figures in docs/speed.md
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE, SPACING = (32, 64, 64), (2.0, 1.0, 1.0)


def write_cases(folder: Path, cases: int) -> Path:
    """Write images, masks and the table of cases; return the table."""
    import SimpleITK
    from scipy.ndimage import gaussian_filter

    grid = np.stack(np.meshgrid(*(np.arange(side) for side in SIZE), indexing="ij"), -1) * SPACING
    lines = ["case,patient,label,image,mask"]
    for number in range(cases):
        rng = np.random.default_rng([2025, number])
        malignant = number // 2 % 2
        centre = np.array(SIZE) * SPACING / 2 + rng.uniform(-4, 4, 3)
        radii = rng.uniform(8, 20) * np.exp(rng.normal(0, 0.12 + 0.08 * malignant, 3))
        ragged = 0.12 * gaussian_filter(rng.normal(size=SIZE), 2) / 0.03
        inside = np.linalg.norm((grid - centre) / radii, axis=-1) + 0.1 * ragged < 1
        texture = gaussian_filter(rng.normal(size=SIZE), 1.0 + 0.1 * malignant + rng.uniform(0, 0.6))
        values = 40 + 30 * texture / texture.std() + inside * rng.normal(40 + 12 * malignant, 15)
        for kind, array in (("image", np.round(values).astype(np.int16)), ("mask", inside.astype(np.uint8))):
            made = SimpleITK.GetImageFromArray(array)
            made.SetSpacing(SPACING[::-1])
            SimpleITK.WriteImage(made, str(folder / f"{kind}{number:03d}.nii.gz"))
        label = ("benign", "malignant")[malignant]
        lines.append(f"c{number:03d},p{number // 2:03d},{label},image{number:03d}.nii.gz,mask{number:03d}.nii.gz")
    table = folder / "cases.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return table


def main() -> None:
    """Make the cases and run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--preset", default="ct")
    parser.add_argument("--engine", default="pyradiomics")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        home = asked.out or Path(room)
        home.mkdir(parents=True, exist_ok=True)
        table = write_cases(home, asked.cases)
        command = [sys.executable, "-m", "radprompt", "images", str(table), "--preset", asked.preset, "--table"]
        command += ["--out", str(home / "study"), "--workers", str(asked.workers), "--engine", asked.engine]
        command += ["--positive", "malignant"]
        environment = os.environ | {"DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        start = time.time()
        subprocess.run(command, env=environment, check=True)  # noqa: S603
        whole = time.time() - start
        measured = (home / "study/features.csv").stat().st_mtime - start
        report = home / "study/table/reports/index.html"
        if not report.is_file():
            raise SystemExit("no report was written")
        words = f"{asked.cases} cases, preset {asked.preset}, engine {asked.engine}, {asked.workers} workers"
        print(
            f"{words}: {whole:.0f} s; {measured:.0f} s of them to the features, {whole - measured:.0f} s to the report"
        )


if __name__ == "__main__":
    main()
