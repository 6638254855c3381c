"""Stages fail in one screen."""

import json
import os
import subprocess
import sys

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
