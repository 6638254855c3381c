"""`radprompt ablations` and `radprompt ablation-table`: help with examples, errors in one screen."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def _radprompt(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-c", "from radprompt.cli import main; main()", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", ["ablations", "ablation-table"])
def test_help_of_a_command_gives_an_example(command):
    assert f"radprompt {command} 3" in _radprompt(command, "--help").stdout.split("For example", 1)[1]


def test_without_a_table_the_tables_are_listed():
    listed = [line.split()[0] for line in _radprompt("ablations").stdout.splitlines()]
    assert listed == ["3", "4", "5", "order", "decimals", "count", "readout", "layers"]


@pytest.mark.parametrize("command", ["ablations", "ablation-table"])
def test_wrong_input_is_one_screen_and_status_1(command, tmp_path):
    shutil.copy(ROOT / "settings.yaml", tmp_path)
    done = _radprompt(command, "3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "ablations.yaml: no such file\nFix: run from the repository's root\n",
    )
    shutil.copy(ROOT / "ablations.yaml", tmp_path)
    done = _radprompt(command, "9", cwd=tmp_path)
    assert done.returncode == 1
    assert "no table is called '9'\nFix: use one of: 3, 4, 5, order" in done.stderr
