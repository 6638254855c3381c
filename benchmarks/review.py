"""The reader's page at the size of VinDr-Mammo: the list, the next lesion beside reading its image, memory, nnU-Net.

    python benchmarks/review.py [--lesions 1226] [--steps 30] [--segmenter models/segmenter]

Makes a study of that many lesions on twelve mammograms of 3518 x 2800 pixels, serves it in a process of its own, and
does over HTTP what the page does: list, lesion, pictures, and the next one ahead. Printed are seconds until the list,
the median and largest time of a next lesion, its ratio to reading the image, the server's memory after a third and
after all steps, and, with a segmenter, the seconds from a new box to its contour.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import psutil
from pydicom.uid import ExplicitVRLittleEndian

from radprompt.core.outputs import write_csv
from radprompt.mammograms.imaging.contours import inscribed_ellipse, write_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.phantom.encoding import uid, write_dicom
from radprompt.tables.lesions import Box, Lesion, to_table

SHAPE, IMAGES, DATASET = (3518, 2800), 12, "vindr_mammo"
ROOT = Path(__file__).parents[1]


def make_study(root: Path, count: int) -> None:
    """Write images, lesion and mask tables, and masks; lesions that follow each other lie in different images."""
    generator = np.random.default_rng(1)
    for number in range(IMAGES):
        pixels = generator.normal(1500, 300, (SHAPE[0] // 8 + 1, SHAPE[1] // 8)).clip(0, 4095)
        pixels = np.kron(pixels, np.ones((8, 8)))[: SHAPE[0], : SHAPE[1]].astype(np.uint16)
        ids = {name: uid(f"{name} {number}") for name in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")}
        write_dicom(root / f"images/{number}.dcm", pixels, ExplicitVRLittleEndian, bits=12, attributes=ids)
    lesions, rows = [], []
    box = Box(1200, 1400, 1500, 1650)
    mask = inscribed_ellipse(box, SHAPE)
    first = root / f"data/masks/{DATASET}/l0000.png"
    write_mask(first, mask)
    for number in range(count):
        name, path = f"l{number:04d}", f"images/{number % IMAGES}.dcm"
        if number:
            shutil.copy(first, first.with_name(f"{name}.png"))
        who = f"p{number % IMAGES}"
        lesions.append(Lesion(name, who, who, DATASET, path, "CC", "L", "4", 1, "train", *box, "", 0.1, "table"))
        rows.append((name, "nnunet", "", int(mask.sum()), 0.9, 1, 0.0, mask_digest(mask), ""))
    columns = ["lesion_id", "source", "flag", "area_px", "certainty", "parts", "outside", "contour", "unusable"]
    write_csv(root / f"data/lesions/{DATASET}.csv", to_table(lesions))
    write_csv(root / f"data/masks/{DATASET}.csv", pd.DataFrame(rows, columns=columns))
    (root / "data/review" / DATASET).mkdir(parents=True)


def seconds(action) -> tuple[float, object]:
    """Return how long an action took, and its result."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def main() -> None:
    """Make the study, serve it, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lesions", type=int, default=1226)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--segmenter", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="radprompt-review-") as folder:
        root = Path(folder)
        make_study(root, options.lesions)
        if options.segmenter:
            shutil.copytree(options.segmenter, root / "models/segmenter")
            shutil.copy(ROOT / "params.yaml", root)
        reading = min(seconds(lambda: read_mammogram(root / "images/0.dcm"))[0] for _ in range(3))
        command = [sys.executable, "-m", "radprompt", "review", DATASET, "--serve", "--reader", "ann"]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
            try:
                measure(server, options.steps, reading, bool(options.segmenter))
            finally:
                server.terminate()


def measure(server: "subprocess.Popen[str]", steps: int, reading: float, segmenter: bool) -> None:
    """Ask as the page does and print."""
    assert server.stdout is not None
    address = next(line.strip() for line in server.stdout if line.startswith("http"))
    origin = address.rsplit("/", 2)[0]
    process = psutil.Process(server.pid)
    with httpx.Client(base_url=address, headers={"origin": origin}, timeout=600, trust_env=False) as client:
        listed, answer = seconds(lambda: client.get("worklist"))
        ids = [entry["id"] for entry in answer.json()["lesions"]]

        def region(state: dict) -> None:
            client.get(f"lesions/{state['id']}/region/{'/'.join(map(str, state['region']))}").raise_for_status()

        def ahead(name: str) -> None:
            region(client.get(f"lesions/{name}").json())
            client.get(f"lesions/{name}/whole").raise_for_status()

        first, _ = seconds(lambda: ahead(ids[0]))
        waits, memory = [], []
        for name in ids[1 : steps + 1]:
            ahead(name)  # while the reader looks at the one before
            took, state = seconds(lambda name=name: client.get(f"lesions/{name}").json())
            waits.append(took + seconds(lambda state=state: region(state))[0])
            memory.append(process.memory_info().rss / 2**20)
        print(
            f"list of {len(ids)} lesions {listed:.2f} s, first lesion {first:.2f} s, reading an image {reading:.2f} s"
        )
        median, most = float(np.median(waits)), max(waits)
        print(f"next lesion: median {median:.3f} s, largest {most:.3f} s, {median / reading:.2f} of reading its image")
        print(
            f"server's memory: {memory[steps // 3]:.0f} MB after {steps // 3} lesions, {memory[-1]:.0f} MB after {steps}"
        )
        if segmenter:
            loading, _ = seconds(lambda: ask(client, ids[0], 0))
            again = [seconds(lambda shift=shift: ask(client, ids[0], shift))[0] for shift in range(1, 11)]
            print(f"nnU-Net in a new box: first {loading:.1f} s (loading), then median {np.median(again):.2f} s")


def ask(client: httpx.Client, lesion: str, shift: int) -> None:
    """Ask nnU-Net for the contour in a box that is moved."""
    box = [1200 + shift, 1400, 1500 + shift, 1650]
    content = {"box": box, "region": [1200, 1000, 1900, 1700]}
    client.post(f"lesions/{lesion}/drawing", json=content).raise_for_status()


if __name__ == "__main__":
    main()
