"""A small study with drawn contours, and the page served over HTTP on a free port."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import made_up
import numpy as np
import pandas as pd
import pytest
import uvicorn
from pydicom.uid import ExplicitVRLittleEndian
from review_study import DATASET, GRID, TOKEN, Served, drawn_table, measure_volumes

from radprompt.core.outputs import write_csv
from radprompt.loopback.listening import listen
from radprompt.mammograms.imaging.contours import inscribed_ellipse, write_mask
from radprompt.mammograms.imaging.mask_measures import count_parts, leaves_box, mask_digest
from radprompt.mammograms.phantom.cohort import Breast, Mass
from radprompt.mammograms.phantom.encoding import uid, write_dicom
from radprompt.mammograms.phantom.mammogram import draw_mammogram
from radprompt.mammograms.phantom.mass import Traits
from radprompt.review import redrawing
from radprompt.review.server import make_app
from radprompt.review.serving import desk_of
from radprompt.tables.lesions import Box, Lesion, to_table


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three patients with a mass in CC and MLO each: six lesions, one with an ellipse, one in two parts."""
    root, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(5)
    lesions, rows = [], {}
    for patient in (1, 2, 3):
        traits = Traits(0.8, 0.6 * patient, 0.2, 1.2, 0.4, 1.2, roundness=0.8)
        mass = Mass(0, traits, 0.8, 0.5, ("CC", "MLO"))
        breast = Breast(patient, "LR"[patient % 2], 1, (mass,))
        for view in ("CC", "MLO"):
            drawn, name = draw_mammogram(breast, view, GRID, rng), f"p{patient}_{view}"
            pixels = np.rint(np.clip(drawn.signal / 1.6, 0, 1) * 4095).astype(np.uint16)
            path = f"data/raw/{DATASET}/{patient}/{view}.dcm"
            ids = {"SOPInstanceUID": uid(name), "StudyInstanceUID": uid(str(patient)), "SeriesInstanceUID": uid(name)}
            seen = {"ImageLaterality": breast.laterality, "ViewPosition": view}
            write_dicom(root / path, pixels, ExplicitVRLittleEndian, bits=12, attributes=ids | seen)
            extent = drawn.truths[0].extent
            box = Box(*(int(edge) for edge in (extent.xmin - 4, extent.ymin - 4, extent.xmax + 4, extent.ymax + 4)))
            box = Box(max(box.xmin, 0), max(box.ymin, 0), min(box.xmax, GRID.columns), min(box.ymax, GRID.rows))
            mask, row = drawn.truths[0].mask, {"certainty": 0.7 + 0.04 * len(rows)}
            if name == "p2_CC":
                mask, row = (
                    inscribed_ellipse(box, GRID.shape),
                    {"source": "ellipse", "flag": "too little", "certainty": ""},
                )
            if name == "p3_MLO":
                mask = mask.copy()
                mask[box.ymax : box.ymax + 3, box.xmin : box.xmin + 8] = True
            row |= {"area_px": int(mask.sum()), "parts": count_parts(mask), "outside": round(leaves_box(mask, box), 3)}
            rows[name] = row | {"contour": mask_digest(mask)}
            write_mask(root / f"data/masks/{DATASET}/{name}.png", mask)
            who = f"patient{patient}"
            lesions.append(
                Lesion(name, who, who, DATASET, path, view, breast.laterality, "4", 1, "train", *box, "", 0.28, "table")
            )
    write_csv(root / f"data/lesions/{DATASET}.csv", to_table(lesions))
    write_csv(root / f"data/masks/{DATASET}.csv", drawn_table(rows))
    (root / "data/review" / DATASET).mkdir(parents=True)
    return root


@pytest.fixture
def study(_template: Path, tmp_path: Path) -> Path:
    """A copy of the study to write into."""
    return Path(shutil.copytree(_template, tmp_path / "study"))


@contextmanager
def serving(root: Path, reader: str, target: str | Path) -> Iterator[Served]:
    """Serve a data set of a repository, or a study's folder, to a reader."""
    (desk, pictures), listening = desk_of(target, reader, root), listen(0)
    host = f"127.0.0.1:{listening.getsockname()[1]}"
    app = make_app(desk, pictures, TOKEN, [host])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    address = f"http://{host}/{TOKEN}/"
    try:
        with httpx.Client(
            base_url=address, headers={"origin": f"http://{host}"}, timeout=20, trust_env=False
        ) as client:
            yield Served(client, desk, address)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(study: Path) -> Iterator[Callable[..., Served]]:
    """Serve the study to a reader; several servers may run side by side."""
    with ExitStack() as running:
        yield lambda reader="ann", target=DATASET: running.enter_context(serving(study, reader, target))


@pytest.fixture(scope="module")
def attacked(_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """One server, and its study, that hostile requests of a module share: none may change it."""
    root = Path(shutil.copytree(_template, tmp_path_factory.mktemp("attacked") / "study"))
    with serving(root, "ann", DATASET) as running:
        yield running, root


@pytest.fixture(scope="session")
def _volumes_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured study of four cases: three volumes with a sphere, one whose name cannot name a file."""
    root = tmp_path_factory.mktemp("volumes")
    made_up.save(made_up.sphere(), root / "mask.nrrd")
    rows = []
    for number, name in enumerate(("c0", "c1", "c2", "c/3")):
        made_up.save(made_up.tissue(number), root / f"image{number}.nrrd")
        rows.append({"case": name, "image": f"image{number}.nrrd", "mask": "mask.nrrd", "label": "AB"[number % 2]})
    measure_volumes(made_up.write_table(root, rows))
    return root


@pytest.fixture
def volumes(_volumes_template: Path, tmp_path: Path) -> Path:
    """A copy of the study's folder, with its images beside it."""
    return Path(shutil.copytree(_volumes_template, tmp_path / "volumes")) / "out"


@pytest.fixture(scope="module")
def attacked_volumes(
    _volumes_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Path]]:
    """As ``attacked``, of a study of volumes."""
    root = Path(shutil.copytree(_volumes_template, tmp_path_factory.mktemp("attacked") / "volumes"))
    with serving(root, "ann", root / "out") as running:
        yield running, root


@pytest.fixture
def segmenter(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the study a segmenter that fills its box (filling.py), in its own process."""
    (study / "models/segmenter").mkdir(parents=True)
    shutil.copy(Path(__file__).parents[3] / "params.yaml", study)
    monkeypatch.setattr(redrawing, "START", "filling:start")
    return study


@pytest.fixture
def older_table(study: Path) -> Path:
    """The study with a mask table of an earlier version, without measurements."""
    path = study / f"data/masks/{DATASET}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    write_csv(path, table[["lesion_id", "source", "flag", "area_px"]])
    return study
