"""DVC's queue of experiments: what is in it, who works on it, and what a worker that was killed left behind."""

import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from radprompt.core.errors import InputError
from radprompt.repository.ablations.commands import dvc

_EXPERIMENTS = Path(".dvc/tmp/exps")
_FINISHED = re.compile(r"run_exp\[([\w-]+)\] succeeded in ([\d.]+)s")
_RUNNING = re.compile(r"^Running stage '(.+)'", re.MULTILINE)


class Task(NamedTuple):
    """An entry of the queue.

    Parameters
    ----------
    name
        Name of the experiment.
    rev
        The commit that holds what is to be run.
    state
        ``queued``, ``running``, ``interrupted`` (it ran, and its worker is gone), ``failed`` or ``success``.
    """

    name: str
    rev: str
    state: str

    @property
    def log(self) -> Path:
        """What the experiment printed."""
        return _folder(self.rev) / f"{self.rev}.out"


def tasks() -> list[Task]:
    """Return every entry of the queue.

    This asks DVC in this process: its command takes two seconds of a core, and is needed every few seconds.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            status = repo.experiments.celery_queue.status()
    except DvcException as error:
        raise InputError(f"DVC cannot read its queue: {error}", fix="see `dvc queue status`") from None
    found = [Task(entry["name"] or "", entry["rev"], entry["status"].lower()) for entry in status]
    running = [task for task in found if task.state == "running"]
    if len(running) <= workers():
        return found
    # A worker has one experiment at a time. Those that are too many ran when it was killed, or the machine went down.
    gone = {task.rev for task in running if not _processes(task)} if workers() else {task.rev for task in running}
    return [task._replace(state="interrupted") if task.rev in gone else task for task in found]


def workers() -> int:
    """Count the workers of this repository's queue that are alive."""
    return sum(
        "queue-worker" in (process.info["cmdline"] or []) and process.info["cwd"] == str(Path.cwd())
        for process in psutil.process_iter(["cmdline", "cwd"])
    )


def remove(task: Task) -> None:
    """Take an entry out of the queue and delete its copy of the commit; what an interrupted one left running ends."""
    if task.state == "interrupted":
        # A worker that was killed leaves its child, and the stage that this one runs: nobody would collect them.
        for process in _processes(task):
            with suppress(psutil.NoSuchProcess):
                for member in [process, *process.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        member.kill()
        dvc("queue", "kill", "--force", task.rev)
    dvc("queue", "remove", task.rev)
    try:
        copy = Path(json.loads((_folder(task.rev) / f"{task.rev}.run").read_text(encoding="utf-8"))["root_dir"])
    except FileNotFoundError:
        return
    if copy.is_relative_to(_EXPERIMENTS.resolve()):
        shutil.rmtree(copy, ignore_errors=True)


def stages_run(log: Path) -> list[str] | None:
    """Return the stages that an experiment ran, in order, from what it printed; None without a log."""
    try:
        return _RUNNING.findall(log.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return None


def minutes() -> dict[str, float]:
    """Return how long each finished entry ran, by its commit, as far as the workers' logs still say so."""
    from dvc.repo import Repo

    seconds: dict[str, float] = {}
    for log in sorted((_EXPERIMENTS / "celery").glob("dvc-exp-worker-*.out")):
        seconds |= {task: float(took) for task, took in _FINISHED.findall(log.read_text(errors="replace"))}
    found = {}
    with Repo() as repo:
        for message in repo.experiments.celery_queue.celery.iter_processed():
            task = message.headers.get("id")
            if task in seconds:
                found[message.decode()[0][0]["stash_rev"]] = seconds[task] / 60
    return found


def _processes(task: Task) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "exec-run" in (command := process.info["cmdline"] or []) and any(task.rev in part for part in command)
    ]


def _folder(rev: str) -> Path:
    return _EXPERIMENTS / "run" / rev
