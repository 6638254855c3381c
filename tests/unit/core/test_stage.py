"""Stages fail in one screen."""

import subprocess
import sys

import pytest

SCRIPT = """
from radprompt.core.errors import InputError
from radprompt.core.stage import run

def main(dataset):
    if dataset == "bad":
        raise InputError("column 'xmin' missing", where="t.csv", fix="add it")
    if dataset in ("large", "broken"):
        import torch
        raise torch.OutOfMemoryError("CUDA out of memory.\\nmore") if dataset == "large" else RuntimeError("a bug")
    print("did", dataset)

if __name__ == "__main__":
    run(main, "dataset")
"""


@pytest.fixture
def call(tmp_path):
    (tmp_path / "s.py").write_text(SCRIPT)

    def call(*arguments):
        return subprocess.run([sys.executable, "s.py", *arguments], cwd=tmp_path, capture_output=True, text=True)

    return call


def test_arguments_reach_the_stage(call):
    done = call("vindr")
    assert (done.returncode, done.stdout) == (0, "did vindr\n")


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
