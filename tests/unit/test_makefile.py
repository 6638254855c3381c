"""The Makefile works in a folder whose path has a blank."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_setup_and_docs_hand_uv_the_environment_of_a_folder_with_a_blank(tmp_path):
    folder = tmp_path / "my study (2)"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements").mkdir()
    for name in ("requirements/lock.txt", "requirements/docs.txt", "pyproject.toml", "setup.py"):
        (folder / name).touch()
    for program, line in {"python": "exit 0", "uv": 'echo "$VIRTUAL_ENV" >> uv.log', "mkdocs": "exit 0"}.items():
        (programs / program).write_text(f"#!/bin/sh\n{line}\n")
        (programs / program).chmod(0o755)
    done = subprocess.run(["make", "docs"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert set((folder / "uv.log").read_text().splitlines()) == {str(folder / ".venv")}
