"""A repository with params, pins and git, and machines that need not exist."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from radprompt.repository.doctor.gpus import Gpu, by_name
from radprompt.repository.doctor.machine import Machine

ROOT = Path(__file__).parents[3]


Git = Callable[..., str]


@pytest.fixture
def git() -> Git:
    """Run git in a folder."""

    def git(folder: Path, *arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

    return git


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Git) -> Path:
    """A clone without data: params, pins, what git ignores, DVC's files, one commit."""
    for name in ("params.yaml", "settings.yaml", "dvc.yaml", ".gitignore", ".dvc/config", "requirements", "profiles"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    ignored = tmp_path / "data" / "phantom" / ".gitignore"
    ignored.parent.mkdir(parents=True)
    ignored.write_text("/raw\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def laptop() -> Machine:
    """Two cores, no card."""
    return Machine(2, 24.0, 200.0, 200.0, None, "torch 2.13.0+cpu is a build without CUDA")


@pytest.fixture
def workstation() -> Machine:
    """Sixteen cores and a card of 24 GiB."""
    card = by_name("RTX 4090")
    assert isinstance(card, Gpu)
    return Machine(16, 128.0, 2000.0, 400.0, card)
