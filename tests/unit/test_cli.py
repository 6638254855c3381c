"""The command line: help with examples, errors in one screen."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = [
    "summary",
    "profile",
    "doctor",
    "review",
    "ablations",
    "ablation-table",
    "new",
    "table",
    "remote",
    "check-lock",
    "pr-report",
    "export",
    "predict",
]


def _radprompt(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-c", "from radprompt.cli import main; main()", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_help_lists_every_command():
    shown = _radprompt("--help").stdout
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_gives_an_example(command):
    assert f"radprompt {command}" in _radprompt(command, "--help").stdout.split("Example", 1)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["summary", "--metrics", "none.json"], "none.json"),
        (["profile", "clinic"], "no profile 'clinic'"),
    ],
)
def test_wrong_input_is_one_screen_and_status_1(arguments, message, tmp_path):
    done = _radprompt(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_imports_nothing_heavy():
    heavy = ("torch", "transformers", "sklearn", "pandas", "nnunetv2")
    code = f"import sys, radprompt.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
