"""Features on real clusters of processes on loopback: the same bytes as here, on Dask also when a worker is killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
from cluster_work import SIXTH, fails, measured_or_killed
from distributed import Client

from radprompt.core.compute import parallel_map
from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.core.params import Compute, Phantom, PhantomMasses, load_params
from radprompt.mammograms.datasets import vindr_mammo
from radprompt.mammograms.imaging.contours import inscribed_ellipse, read_mask, write_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.mammograms.phantom import vindr_mammo as phantom
from radprompt.mammograms.radiomics import cohort
from radprompt.tables.lesions import Box

ROOT = Path(__file__).parents[2]
HERE = Compute("threading", 1)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lesions(tmp_path_factory):
    """A dozen masses in small images, with paths that start in the working directory, which this sets."""
    folder, before = tmp_path_factory.mktemp("cohort"), Path.cwd()
    os.chdir(folder)
    masses = PhantomMasses(cbis_ddsm=1, vindr_mammo=16, inbreast=1)
    raw = Path("data/vindr_mammo")
    raw.mkdir(parents=True)
    phantom.write(raw, 3, Phantom(256, 196, 0.9, 0.66, masses), HERE)
    found = vindr_mammo.load(raw, Path("data/none"), HERE).lesions
    for lesion in found:
        shape = read_mammogram(lesion.image_path).pixels.shape
        box = Box(lesion.xmin, lesion.ymin, lesion.xmax, lesion.ymax)
        write_mask(mask_of(lesion), inscribed_ellipse(box, shape))
    yield found
    os.chdir(before)


def mask_of(lesion):
    return Path("data/masks", f"{lesion.lesion_id}.png")


def settings():
    return load_params(ROOT / "params.yaml").radiomics


def table(outcomes):
    """The bytes of the feature table, each lesion without features being named."""
    rows = [{"lesion_id": key, **(v if isinstance(v, dict) else {"reason": v})} for key, v in outcomes.items()]
    write_csv("table.csv", pd.DataFrame(rows))
    return Path("table.csv").read_bytes()


class Cluster:
    """A scheduler and workers of one thread, processes of their own, gone when the block ends."""

    def __init__(self, workers, *options):
        self.workers, self.options = workers, options

    def __enter__(self):
        self.stack, self.processes = ExitStack(), []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        try:
            self.start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
            options = self.options or ("--nthreads", "1", "--no-nanny")
            for _ in range(self.workers):
                self.start("dask_worker", self.address, "--host", "127.0.0.1", "--no-dashboard", *options)
            if self.workers:
                with Client(self.address, timeout=120, set_as_default=False) as client:
                    client.wait_for_workers(self.workers, timeout=120)
        except BaseException:
            self.stack.close()
            raise
        return self

    def start(self, name, *arguments):
        # Workers import cluster_work by name, and start far from the caller's working directory.
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments]
        process = subprocess.Popen(command, cwd="/", env=environment, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)

    def __exit__(self, *_):
        self.stack.close()


def test_a_worker_killed_in_the_middle_costs_no_row(lesions, tmp_path):
    expected = cohort.measure(lesions, mask_of, HERE, settings())
    images = {}
    for lesion in lesions:
        images.setdefault(lesion.image_path, []).append((lesion, mask_of(lesion)))
    assert len(images) > SIXTH + 3
    pipe, killed = tmp_path / "pipe", []
    os.mkfifo(pipe)

    def kill():
        pid = int(pipe.read_text())  # waits for a writer
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    with Cluster(2) as cluster:
        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        compute = Compute("dask", 1, cluster.address)
        items = list(enumerate(images.values()))
        parts = parallel_map(measured_or_killed, items, compute, "radiomics", settings=settings(), pipe=str(pipe))
        killer.join()
        ends = [process.poll() for process in cluster.processes]
    assert ends.count(-signal.SIGKILL) == 1
    assert ends.count(None) == 2
    assert killed[0] in [process.pid for process in cluster.processes]
    outcomes = {key: value for part in parts for key, value in part.items()}
    assert table({key: outcomes[key] for key in expected}) == table(expected)
    assert sum(isinstance(value, dict) for value in outcomes.values()) == len(lesions)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_features_are_the_same_on_a_cluster_that_is_started_here(lesions, backend):
    expected = table(cohort.measure(lesions, mask_of, Compute("loky", 2), settings()))
    handler = signal.getsignal(signal.SIGTERM)
    assert table(cohort.measure(lesions, mask_of, Compute(backend, 2), settings())) == expected
    assert signal.getsignal(signal.SIGTERM) is handler  # in Ray's, a pool of nnU-Net's that ends its workers hung
    read_mask(mask_of(lesions[0]))  # the working directory is where it was


def test_an_error_on_a_cluster_names_its_item_and_threads_are_refused():
    with Cluster(1) as cluster, pytest.raises(KeyError, match="spacing") as caught:
        parallel_map(fails, range(4), Compute("dask", 1, cluster.address), "t", unit="image")
    assert caught.value.__notes__ == ["image 3: 2"]
    with Cluster(1, "--nthreads", "2", "--no-nanny") as cluster:
        with pytest.raises(InputError, match="1 Dask workers run several threads") as refused:
            parallel_map(fails, range(2), Compute("dask", 1, cluster.address), "t")
        assert "--nthreads 1" in refused.value.fix
