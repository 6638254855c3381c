"""Stages fail in one screen, end by signals in one line, and show bars on terminals only."""

import json
import os
import signal
import subprocess
import sys
import termios

import pytest

from radprompt.core.stage import smaller_gpu_memory

SCRIPT = """
from radprompt.core.errors import InputError
from radprompt.core.stage import run

def main(dataset):
    if dataset == "bad":
        raise InputError("column 'xmin' missing", where="t.csv", fix="add it")
    if dataset in ("large", "broken"):
        import torch
        raise torch.OutOfMemoryError("CUDA out of memory.\\nmore") if dataset == "large" else RuntimeError("a bug")
    if dataset == "parallel":
        from joblib import Parallel, delayed
        Parallel(n_jobs=2)(delayed(use)(number) for number in range(2))
    print("did", dataset)

def use(number):
    block = b"x" * 400_000_000
    return block[number] + sum(range(5_000_000))

if __name__ == "__main__":
    run(main, "dataset")
"""


@pytest.fixture
def call(tmp_path):
    (tmp_path / "s.py").write_text(SCRIPT)

    def call(*arguments, **variables):
        command = [sys.executable, "s.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | variables)

    return call


def test_arguments_reach_the_stage(call):
    done = call("vindr")
    assert done.returncode == 0
    assert done.stdout.startswith("did vindr\ntook ")


def test_input_error_is_one_screen_without_a_traceback(call):
    done = call("bad")
    assert done.returncode == 1
    assert done.stderr == "\ns.py stopped; its outputs are as they were.\nt.csv: column 'xmin' missing\nFix: add it\n"


def test_wrong_number_of_arguments_shows_the_usage(call):
    done = call()
    assert (done.returncode, done.stderr) == (2, "usage: python s.py dataset\n")


def test_a_full_card_is_one_screen_with_what_to_lower_and_a_bug_keeps_its_traceback(call):
    done = call("large")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "CUDA out of memory.\nFix: lower llm.batch_size" in done.stderr
    assert "RuntimeError: a bug" in call("broken").stderr


WAITING = """
import signal
from radprompt.core.outputs import atomic_folder, write_text
from radprompt.core.stage import run

def main():
    with atomic_folder("models") as part:
        write_text(part / "new.txt", "half")
        print("waiting", flush=True)
        signal.pause()

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    run(main)
"""


@pytest.mark.parametrize(
    ("number", "name", "status"),
    [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143), (signal.SIGHUP, "SIGHUP", 129)],
)
def test_a_signal_is_one_line_and_outputs_are_as_they_were(tmp_path, number, name, status):
    (tmp_path / "s.py").write_text(WAITING)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "old.txt").write_text("kept")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "s.py"], cwd=tmp_path, **pipes) as stage:
        assert stage.stdout.readline() == "waiting\n"
        stage.send_signal(number)
        _, said = stage.communicate(timeout=60)
    assert stage.returncode == status
    assert said == f"\ns.py stopped by {name}; its outputs are as they were.\n"
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        *("models", "models/old.txt", "s.py"),
    ]


FORKING = """
import os
from radprompt.core.stage import run

def main():
    if (worker := os.fork()) == 0:
        os.kill(os.getpid(), 15)
        raise SystemExit("the worker outlived SIGTERM")
    print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))

if __name__ == "__main__":
    run(main)
"""


def test_a_forked_worker_dies_by_sigterm_without_a_word(tmp_path):
    (tmp_path / "s.py").write_text(FORKING)
    done = subprocess.run([sys.executable, "s.py"], cwd=tmp_path, capture_output=True, text=True)
    status, took = done.stdout.splitlines()
    assert (status, done.stderr, done.returncode) == ("-15", "", 0)
    assert took.startswith("took ")


BARS = """
from tqdm import tqdm  # before the stage is run, as stages import it
from tqdm.auto import trange
from transformers.utils import logging

from radprompt.core.params import Compute
from radprompt.core.compute import parallel_map
from radprompt.core.stage import run

def main():
    list(logging.tqdm(range(2), desc="Writing model shards"))
    list(trange(2, desc="Epoch"))
    list(tqdm(range(2), desc="own"))
    parallel_map(abs, [1, 2], Compute(backend="threading", workers=1, address=None), "lesions")

if __name__ == "__main__":
    run(main)
"""


def test_a_log_has_no_bars_and_a_terminal_has_them(tmp_path):
    (tmp_path / "s.py").write_text(BARS)
    command = [sys.executable, "s.py"]
    logged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (logged.stderr, logged.returncode) == ("", 0)
    reader, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 120))
    subprocess.run(command, cwd=tmp_path, stderr=terminal, check=True)
    shown = os.read(reader, 100_000).decode()
    os.close(terminal)
    os.close(reader)
    for name in ("Writing model shards", "Epoch", "own", "lesions"):
        assert f"{name}: 100%" in shown


def recorded(folder):
    (file,) = (folder / ".radprompt/times").iterdir()
    return file.name, json.loads(file.read_text())


def test_a_stage_that_succeeds_is_recorded_under_its_name(call, tmp_path):
    (tmp_path / "params.yaml").write_text("seed: 1  # a comment\n")
    call("bad")
    assert not (tmp_path / ".radprompt").exists()
    call("vindr")
    name, first = recorded(tmp_path)
    assert name == "s@vindr.json"
    assert first["cpu_seconds"] > 0
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    call("vindr")
    assert recorded(tmp_path)[1]["settings"] == first["settings"]
    (tmp_path / "params.yaml").write_text("seed: 2\n")
    call("vindr")
    assert recorded(tmp_path)[1]["settings"] != first["settings"]


def test_dvc_names_the_stage_not_its_script(call, tmp_path):
    call("vindr", DVC_STAGE="data/phantom/dvc.yaml:phantom@vindr")
    assert recorded(tmp_path)[0] == "phantom@vindr.json"


def test_memory_of_worker_processes_is_seen(call, tmp_path):
    assert call("parallel").returncode == 0
    assert recorded(tmp_path)[1]["peak_gb"] > 0.4


def test_a_time_that_cannot_be_recorded_fails_no_stage(call, tmp_path):
    (tmp_path / ".radprompt").write_text("a file")
    done = call("vindr")
    assert done.returncode == 0
    assert "its time could not be recorded" in done.stderr


def test_advice_for_a_full_card_fits_the_stage():
    assert "segmentation.plan" in smaller_gpu_memory("segmenter")
    assert "llm" not in smaller_gpu_memory("masks")
    assert "llm.batch_size" in smaller_gpu_memory("explain")
