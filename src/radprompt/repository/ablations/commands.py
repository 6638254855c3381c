"""git and DVC, as a shell would call them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from radprompt.core.errors import InputError


class Ref(NamedTuple):
    """An experiment that succeeded: its name, the commit it started from, and its own commit."""

    name: str
    baseline: str
    rev: str


def dvc(*arguments: str) -> str:
    """Run DVC and return what it prints; a failure is an :class:`InputError` with DVC's words."""
    return _call([sys.executable, "-m", "dvc", *arguments], f"dvc {' '.join(arguments)}")


def start_workers(count: int) -> None:
    """Start workers of DVC's queue that outlive this process and its terminal."""
    command = [sys.executable, "-m", "dvc", "queue", "start", "--jobs", str(count)]
    # A worker inherits what its parent has open: with a pipe this would wait until the queue is empty.
    subprocess.run(  # noqa: S603
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )


def git(*arguments: str) -> str:
    """Run git and return what it prints; a failure is an :class:`InputError` with git's words."""
    return _call(["git", *arguments], f"git {' '.join(arguments)}")


def file_at(rev: str, path: str) -> str | None:
    """Return a file as a commit has it, None where it has none."""
    try:
        return git("show", f"{rev}:./{path}")
    except InputError:
        return None


def changed_files() -> list[str]:
    """Return the tracked files that differ from the last commit; collected tables do not count."""
    listed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)metrics/ablations")
    return [line[3:] for line in listed.splitlines()]


def experiments(names: set[str]) -> list[Ref]:
    """Return the successful experiments of those names, of every commit, newest first."""
    listed = git("for-each-ref", "--sort=-committerdate", "--format=%(objectname) %(refname)", "refs/exps")
    found = []
    for line in listed.splitlines():
        rev, _, reference = line.partition(" ")
        parts = reference.split("/")  # refs/exps/<2 digits of the commit>/<38 digits>/<name>
        if len(parts) == 5 and len(parts[2] + parts[3]) == 40 and parts[4] in names:
            found.append(Ref(parts[4], parts[2] + parts[3], rev))
    return found


def _call(command: list[str], shown: str) -> str:
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = "\n  ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-5:])
        raise InputError(f"`{shown}` failed:\n  {said}", fix="run it in the shell to see more")
    return done.stdout


def _environment() -> dict[str, str]:
    # Workers call `dvc`, and stages `python`: both must be this environment's. A stage runs in a copy of its commit;
    # a relative src makes it import that commit's radprompt, not what the working tree has become meanwhile.
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": os.pathsep.join(filter(None, ["src", os.environ.get("PYTHONPATH")])),
        "DVC_NO_ANALYTICS": "1",
    }
