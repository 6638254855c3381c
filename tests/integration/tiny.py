"""A repository on the tiny profile, and what is typed in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str, cwd: Path, expect: int = 0) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(cwd / "src"),
        "DVC_NO_ANALYTICS": "1",
        "COLUMNS": "120",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == expect, f"{command} -> {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


def tiny_repository(home: Path) -> Path:
    """Lay this repository's files down as a commit of its own, nothing computed yet."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        made = name.startswith(("metrics/", "plots/")) or name == "dvc.lock"
        if (ROOT / name).is_file() and (not made or name == "plots/dvc.yaml"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, home / name)
    run("git", "init", "-q", cwd=home)
    for key, value in (("user.name", "tests"), ("user.email", "tests@example.org"), ("commit.gpgsign", "false")):
        run("git", "config", key, value, cwd=home)
    run("radprompt", "profile", "tiny", cwd=home)
    run("git", "add", "-A", cwd=home)
    run("git", "commit", "-qm", "tiny", cwd=home)
    return home


def copied(repository: Path, target: Path) -> Path:
    """Copy a reproduced repository, to do with as one likes."""

    def copy(source, target):
        # A quarter of a gigabyte that nothing writes to in place.
        never_written = "/.dvc/cache/files/" in source or "/models/backbone/" in source
        return os.link(source, target) if never_written else shutil.copy2(source, target)

    return Path(shutil.copytree(repository, target, copy_function=copy))


def started(log: str) -> list[str]:
    return [line.split("'")[1] for line in log.splitlines() if line.startswith("Running stage")]


def untuned(params: Path) -> None:
    """Leave the language model out."""
    text = params.read_text()
    assert text.count("  tuning: lora ") == text.count("reference: llm") == 1
    params.write_text(text.replace("  tuning: lora ", "  tuning: none ").replace("reference: llm", "reference: named"))
