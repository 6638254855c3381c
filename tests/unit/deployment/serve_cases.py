"""What tests of ``radprompt serve`` know: a running server, cases of the tiny model, and a table's final model."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pandas as pd
import uvicorn

from radprompt.core.outputs import write_csv, write_json
from radprompt.loopback.listening import listen
from radprompt.loopback.worker import Worker
from radprompt.named.classifier import NamedClassifier
from radprompt.own_table.applying import FinalModel
from radprompt.selection.record import Selection
from radprompt.serve.server import Limits, make_app
from radprompt.serve.serving import start_model, start_reader
from radprompt.study.scaling import FeatureScaler

TOKEN = "t" * 32


class Served(NamedTuple):
    """A running server: a client at its address, its bounds, its processes and its folder."""

    client: httpx.Client
    address: str
    limits: Limits
    model: Worker
    reader: Worker
    folder: Path

    def good(self, image: Path, box: str = "30,40,50,62") -> httpx.Response:
        """Ask what must be answered whatever was asked before."""
        return self.client.post("predict", data={"box": box, "shares": "none"}, files={"image": image.open("rb")})


@contextmanager
def serving(model: Path, folder: Path) -> Iterator[Served]:
    """Serve a model on a free port."""
    limits = Limits()
    folder.mkdir()
    with (
        listen(0) as listening,
        closing(start_reader()) as reader,
        closing(start_model(model, folder, "model", None, "cpu")) as answerer,
    ):
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        app = make_app(answerer, reader, folder, limits, TOKEN, [host])
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://{host}/{TOKEN}/"
        try:
            with httpx.Client(base_url=address, timeout=120, trust_env=False) as client:
                yield Served(client, address, limits, answerer, reader, folder)
        finally:
            server.should_exit = True
            thread.join()


def write_final_model(folder: Path) -> FinalModel:
    """Write the final model of a study of two hospitals, with a category and a missing value among its cases."""
    rng = np.random.default_rng(4)
    label = np.arange(40) % 2
    raw = pd.DataFrame(
        {"area": rng.normal(20 + 8 * label, 5), "shape: odd": ((label + (rng.random(40) < 0.3)) > 0) * 1.0}
    )
    raw.index = pd.Index([f"c{row}" for row in range(40)])
    raw.iloc[3, 0] = np.nan
    sites = np.where(np.arange(40) < 24, "North", "South")
    scaler, names = FeatureScaler.fit(raw), tuple(raw.columns)
    selection = Selection(features=names, names=names, method="mrmr", scheme="mid", bins=3, fitted_on=tuple(raw.index))
    NamedClassifier(scaling="none").fit(scaler.transform(raw), label, site=sites).save(folder / "named")
    scaler.save(folder / "scaler.json")
    selection.save(folder / "selection.json")
    columns = [
        {"name": "area", "source": "area", "kind": "number", "levels": []},
        {"name": "shape", "source": "shape", "kind": "category", "levels": ["even", "odd"]},
    ]
    usual = {"missing": 0, "sites": ["North", "South"], "clinical": False}
    write_json(folder / "columns.json", {"columns": [column | usual for column in columns]})
    facts = {"missing": ["", "NA"], "decimal": None, "id": "case", "site": "site", "sites": ["North", "South"]}
    write_json(folder / "table.json", facts | {"classes": ["benign", "malignant"]})
    ranges = raw.quantile([0, 0.5, 1]).T.set_axis(["least", "median", "largest"], axis=1)
    write_csv(folder / "ranges.csv", ranges.rename_axis("feature").reset_index())
    return FinalModel.load(folder)


def box_of(row: Any) -> str:
    """A lesion's box as a form takes it."""
    return ",".join(str(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
