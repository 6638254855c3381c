"""Two processes, one batch: the losses of one process; and only the first of them writes."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from radprompt.core.outputs import write_text
from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.llm.parallel import Processes

SCRIPT = """
import json, os, sys
from pathlib import Path
import pandas as pd, torch
from radprompt.llm.classifier import LanguageModelClassifier

torch.set_num_threads(1)
backbone, table, options = sys.argv[1:]
table = pd.read_csv(table)
y = table.pop("y").to_numpy()
classifier = LanguageModelClassifier(backbone, **json.loads(options))
classifier.fit(table[:17], y[:17], table[17:], y[17:], checkpoint=Path("checkpoint"))
rank = os.environ["RANK"]
classifier.save(f"model{rank}")
Path(f"{rank}.json").write_text(json.dumps([classifier.state_.history, classifier.predict_proba(table)[:, 1].tolist()]))
"""
OPTIONS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.002, "precision": "fp32", "device": "cpu", "seed": 4}
WAIT_S = 300


def launch(command, folder):
    """Start two processes with what `accelerate launch` and `torchrun` put into the environment, and wait for both."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    started = []
    for rank in ("0", "1"):
        environment = os.environ | meeting | {"RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"}
        with open(folder / f"{rank}.log", "w") as log:
            started.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log))
    try:
        return [process.wait(WAIT_S) for process in started]
    finally:
        for process in started:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the loopback interface is called lo on Linux")
@pytest.mark.parametrize("layers", ["all", 2])
def test_two_processes_learn_what_one_does(backbone, table, tmp_path, layers):
    """Seventeen rows in batches of eight: the last batch has one, so one process has none of it."""
    X, y = table
    options = OPTIONS | {"layers": layers}
    alone = LanguageModelClassifier(backbone, **options).fit(X[:17], y[:17], X[17:], y[17:])
    X.assign(y=y).to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py", str(backbone), "table.csv", json.dumps(options)]
    assert launch(command, tmp_path) == [0, 0], (tmp_path / "0.log").read_text()[-3000:]
    (history, probability), other = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert [history, probability] == other
    assert len(history) == 3
    for entry, expected in zip(history, alone.state_.history, strict=True):
        assert entry == pytest.approx(expected, abs=1e-5)
    assert len({entry["val_loss"] for entry in history}) == 3  # something was learnt
    np.testing.assert_allclose(probability, alone.predict_proba(X)[:, 1], atol=1e-5)
    assert sorted(path.name for path in tmp_path.glob("model*")) == ["model0"]
    assert len(json.loads((tmp_path / "checkpoint/state.json").read_text())["history"]) == 3


def test_shares_hold_each_row_once():
    index = torch.tensor([4, 0, 3, 2, 1])
    shares = [Processes(rank, 3).share(index).tolist() for rank in range(3)]
    assert shares == [[4, 0], [3, 2], [1]]
    assert Processes(2, 3).share(index[:2]).tolist() == []


def test_alone_nothing_changes():
    alone, weight = Processes(), torch.nn.Parameter(torch.ones(2))
    alone.add_up([weight])
    assert weight.grad is None
    assert alone.total(0.1, torch.device("cpu")) == 0.1
    assert alone.of_all(lambda rows: rows * 2, torch.arange(3), torch.device("cpu")).tolist() == [0, 2, 4]


def test_a_process_that_is_not_the_first_leaves_files_alone(tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "first")
    monkeypatch.setenv("RANK", "1")
    write_text(tmp_path / "a.txt", "second")
    write_text(tmp_path / "b.txt", "second")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "first"
