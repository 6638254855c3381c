"""The command line: help with examples, errors in one screen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import radprompt

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
    "serve",
    "images",
    "push",
]


def _radprompt(*arguments, cwd=ROOT, environment=None):
    return subprocess.run(
        [sys.executable, "-c", "from radprompt.cli import main; main()", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def test_help_lists_every_command():
    shown = _radprompt("--help").stdout
    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_gives_an_example(command):
    assert f"radprompt {command}" in _radprompt(command, "--help").stdout.split("For example:", 1)[1]


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


def test_with_v_an_error_shows_where_it_was_raised(tmp_path):
    done = _radprompt("-v", "profile", "clinic", cwd=tmp_path)
    assert done.returncode == 1
    assert "in apply_profile" in done.stderr
    assert done.stderr.splitlines()[-2] == "profiles: no profile 'clinic'"


@pytest.mark.parametrize(("hidden", "shown"), [("", True), ("1", False)])
def test_with_q_no_bar_is_shown_on_a_terminal(hidden, shown):
    """Stages and workers read the option from the environment, and hide bars that ask for a terminal themselves."""
    code = (
        "import sys; from radprompt.core.progress import show_bars_on_terminals_only; from tqdm import tqdm\n"
        "sys.stderr.isatty = lambda: True\n"
        "show_bars_on_terminals_only()\n"
        "list(tqdm([1], desc='plain')); list(tqdm([1], desc='asks', disable=None))"
    )
    environment = os.environ | {"RADPROMPT_NO_BARS": hidden}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stderr
    assert ("plain" in said, "asks" in said) == (shown, shown)


def test_help_imports_nothing_heavy():
    heavy = ("torch", "transformers", "sklearn", "pandas", "nnunetv2")
    code = f"import sys, radprompt.cli; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("started", [["-m", "radprompt"], ["-c", "from radprompt.cli import main; main()"]])
def test_version_and_usage_by_module_and_by_program(started):
    shown = [
        subprocess.run([sys.executable, *started, option], cwd=ROOT, capture_output=True, text=True).stdout
        for option in ("--version", "--help")
    ]
    assert shown[0] == f"radprompt {radprompt.__version__}\n"
    assert "Usage: radprompt [OPTIONS] COMMAND" in shown[1]


@pytest.mark.parametrize(
    ("arguments", "absent", "message"),
    [
        (["predict", "a.dcm"], "pydicom", "radprompt predict needs radprompt[mammograms]; not installed: pydicom"),
        (["predict", "a.dcm"], "radiomics", "radprompt predict needs radprompt[mammograms]; not installed: radiomics"),
        (["new", "folder"], "dvc", "radprompt new needs radprompt[pipeline]; not installed: dvc"),
        (["profile", "tiny"], "ruamel", "this command needs radprompt; not installed: ruamel"),
    ],
)
def test_a_command_without_its_packages_names_the_extra(arguments, absent, message, tmp_path):
    code = f"import sys; sys.modules[{absent!r}] = None; from radprompt.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == message
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("radprompt profile ", ["by_lesion", "clinical", "laptop", "open", "tiny"]),
        ("radprompt profile c", ["clinical"]),
        ("radprompt export model --setting inbreast_s", ["inbreast_scratch"]),
        ("radprompt ablations rea", ["readout"]),
    ],
)
def test_the_shell_completes_values(words, offered):
    position = str(len(words.split()) - (not words.endswith(" ")))
    asked = {"_RADPROMPT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": position}
    done = _radprompt(environment=os.environ | asked)
    assert done.stdout.split() == offered
