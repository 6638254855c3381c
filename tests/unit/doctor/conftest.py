"""A repository with params, pins and git, and machines that need not exist."""

import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from radprompt.core.outputs import write_text
from radprompt.core.params import load_params
from radprompt.repository.doctor.machine import Gpu, Machine
from radprompt.repository.doctor.scaling import UNCHANGED, amounts
from radprompt.repository.doctor.shape import SMOLLM2
from radprompt.repository.doctor.stage_times import (
    FILE,
    StageTime,
    StageTimes,
    read_stage_times,
    stage_descriptions,
)
from radprompt.repository.doctor.workload import workload
from radprompt.study.settings import load_settings

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
    files = ("params.yaml", "settings.yaml", "dvc.yaml", "data/phantom/dvc.yaml", ".gitignore", ".dvc/config")
    for name in (*files, "requirements", "profiles"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
    ignored = tmp_path / "data" / "phantom" / ".gitignore"
    ignored.write_text("/raw\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def times(repository: Path) -> StageTimes:
    """Ten seconds for every stage, as if measured with the demo's parameters."""
    params = load_params(ROOT / "params.yaml")
    settings = load_settings(ROOT / "settings.yaml")
    grows = amounts(params, workload(params, settings), settings, SMOLLM2)
    rows = [
        StageTime(name, 1, 10.0, 0.5, *grows.get(name, UNCHANGED))
        for name in stage_descriptions(repository, phantom=True)
    ]
    text = runpy.run_path(str(ROOT / "docs/tools/stage_times.py"))["as_text"]
    place = {"cores": 2, "extensions": ["avx2", "amx_bf16"], "memory_gb": 15.6}
    write_text(repository / FILE, text(rows, place))
    found = read_stage_times(repository)
    assert found is not None
    return found


@pytest.fixture
def laptop() -> Machine:
    """Two cores, no card."""
    return Machine(2, 24.0, 200.0, 200.0, None, "torch 2.13.0+cpu is a build without CUDA")


@pytest.fixture
def workstation() -> Machine:
    """Sixteen cores and a card of 24 GiB."""
    return Machine(16, 128.0, 2000.0, 400.0, Gpu("NVIDIA GeForce RTX 4090", 25.8, 25.8))
