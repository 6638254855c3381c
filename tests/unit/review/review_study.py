"""What tests of the reader's page know of their study, and how they speak to the server."""

import base64
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pandas as pd

from radprompt.core.params import Compute
from radprompt.images.settings import Settings
from radprompt.images.study import Study, run_study
from radprompt.mammograms.phantom.breast import Grid
from radprompt.review.desk import Desk

GRID = Grid(832, 640, 0.28)
DATASET = "vindr_mammo"
FOLDER = f"data/review/{DATASET}"
COLUMNS = ["lesion_id", "source", "flag", "area_px", "certainty", "parts", "outside", "contour", "unusable"]
TOKEN = "t" * 32


class Served(NamedTuple):
    """A running server: a client at its address, the desk behind it, and the address."""

    client: httpx.Client
    desk: Desk
    address: str


def drawn_table(rows: dict[str, dict]) -> pd.DataFrame:
    """A mask table as the stage writes it."""
    usual = {"source": "nnunet", "flag": "", "area_px": 100, "certainty": 0.9, "parts": 1, "outside": 0.0}
    full = [{"lesion_id": name, **usual, "contour": "", "unusable": "", **row} for name, row in rows.items()]
    return pd.DataFrame(full, columns=COLUMNS)


SETTING = Settings({"binWidth": 25}, {"Original": {}}, {"firstorder": ["Mean"], "shape": ["MeshVolume"]})


def measure_volumes(table: Path) -> Study:
    """Measure a table of cases into the folder ``out`` beside it."""
    return run_study(table, SETTING, table.parent / "out", Compute("threading", 1))


def unpacked(text: str, region: list[int], slices: list[int] | None = None) -> np.ndarray:
    shape = region[2] - region[0], region[3] - region[1]
    shape = shape if slices is None else (slices[1] - slices[0], *shape)
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8), count=int(np.prod(shape)))
    return bits.reshape(shape).astype(bool)


def packed(mask: np.ndarray) -> str:
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


def opened(client, lesion_id: str) -> dict:
    answer = client.get(f"lesions/{lesion_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def drawing(state: dict, mask: np.ndarray, **more) -> dict:
    own = {name: state[name] for name in ("revision", "region", "slices")}
    return own | {"mask": packed(mask), "milliseconds": 1500} | more


def files_of(study: Path) -> dict[str, bytes]:
    return {
        path.relative_to(study).as_posix(): path.read_bytes()
        for path in sorted(study.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def square(state: dict) -> np.ndarray:
    """A contour of 20 x 30 pixels in the middle of the region."""
    region = state["region"]
    mask = np.zeros((region[2] - region[0], region[3] - region[1]), bool)
    middle = mask.shape[0] // 2, mask.shape[1] // 2
    mask[middle[0] - 10 : middle[0] + 10, middle[1] - 15 : middle[1] + 15] = True
    return mask
