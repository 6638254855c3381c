"""Time each data set's loader at 1,250, 5,000 and 20,000 rows, every row a mass with files of its own.

    python benchmarks/lesion_tables.py
    python benchmarks/lesion_tables.py --rows 500 2000 --data-sets vindr_mammo --out table.json

Reads   nothing; the data sets are made in the temporary folder, of images of 50 x 40 px that are links to one file
Writes  a line a size on the standard output, and JSON with --out
Takes   about 5 min of CPU, 20,000 rows of all three
Expect  four times the rows in about four times the CPU time: the column `growth`, from the size before, over the growth
        in rows; 1 is linear. Real images add their decoding, about 1 s a core at 3,500 x 2,800 px in JPEG 2000
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/unit/datasets"))

from tiny_sets import Cbis, Inbreast, Vindr  # noqa: E402

from radprompt.core.params import Compute  # noqa: E402
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo  # noqa: E402

TRIANGLE = [(10, 8), (30, 8), (10, 38)]


def main() -> None:
    """Make, load and time one size after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_250, 5_000, 20_000])
    parser.add_argument("--data-sets", nargs="+", default=list(MAKERS), choices=list(MAKERS))
    parser.add_argument("--out", type=Path, help="JSON file")
    asked = parser.parse_args()
    measured: list[dict[str, Any]] = []
    print(f"{'data set':12} {'rows':>7} {'lesions':>8} {'CPU s':>8} {'ms a row':>9} {'growth':>7} {'peak MB':>8}")
    for name in asked.data_sets:
        before: dict[str, Any] | None = None
        for rows in sorted(asked.rows):
            line = measure(name, rows)
            if before:
                line["growth"] = round(line["cpu_s"] / before["cpu_s"] / (rows / before["rows"]), 3)
            before = line
            measured.append(line)
            growth = f"{line['growth']:.2f}" if "growth" in line else "-"
            print(
                f"{name:12} {rows:7,} {line['lesions']:8,} {line['cpu_s']:8.2f} {1e3 * line['cpu_s'] / rows:9.2f}"
                f" {growth:>7} {line['peak_mb']:8,.0f}",
                flush=True,
            )
    if asked.out:
        asked.out.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def measure(name: str, rows: int) -> dict[str, Any]:
    """Return CPU time and peak memory of a process that loads a data set of so many rows."""
    make, load = MAKERS[name]
    with tempfile.TemporaryDirectory() as folder:
        root = make(Path(folder) / name, rows)
        reader, writer = os.pipe()
        if (child := os.fork()) == 0:  # its peak memory is its own
            started = time.process_time()
            found = load(root, Path(folder) / "masks", Compute("loky", 1))
            spent = time.process_time() - started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            os.write(writer, json.dumps([len(found.lesions), found.flow["rows"], spent, peak]).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            lesions, counted, spent, peak = json.loads(pipe.read())
        os.waitpid(child, 0)
    assert lesions == counted == rows, "every row is a lesion"
    return {"data_set": name, "rows": rows, "lesions": lesions, "cpu_s": round(spent, 3), "peak_mb": round(peak)}


def _cbis(root: Path, rows: int) -> Path:
    made = Cbis(root)
    made.add("P_00000")
    files = [path for path in root.rglob("*.dcm")]
    for number in range(1, rows):
        patient = f"P_{number:05d}"
        made.rows["train"].append(
            {name: cell.replace("P_00000", patient) for name, cell in made.rows["train"][0].items()}
        )
        for file in files:
            _link(file, root / str(file.relative_to(root)).replace("P_00000", patient))
    return made.write()


def _vindr(root: Path, rows: int) -> Path:
    made = Vindr(root)
    made.add(f"{0:032x}", f"{0:032x}")
    (file,) = root.rglob("*.dicom")
    for number in range(1, rows):
        image = f"{number:032x}"
        made.rows.append(made.rows[0] | {"study_id": image, "image_id": image})
        _link(file, root / "images" / image / f"{image}.dicom")
    return made.write()


def _inbreast(root: Path, rows: int) -> Path:
    made = Inbreast(root)
    made.add("0", "p0", "5", [("Mass", TRIANGLE)])
    (image,), (outline,) = root.rglob("*.dcm"), root.rglob("*.xml")
    for number in range(1, rows):
        made.rows.append(made.rows[0] | {"File Name": str(number)})
        _link(image, image.with_name(f"{number}_p{number}_MG_R_ML_ANON.dcm"))
        _link(outline, outline.with_name(f"{number}.xml"))
    return made.write()


def _link(file: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    os.link(file, name)


MAKERS: dict[str, tuple[Callable[[Path, int], Path], Callable]] = {
    "cbis_ddsm": (_cbis, cbis_ddsm.load),
    "vindr_mammo": (_vindr, vindr_mammo.load),
    "inbreast": (_inbreast, inbreast.load),
}


if __name__ == "__main__":
    main()
