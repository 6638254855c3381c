"""Queue the experiments of a table that are not there yet, and follow them to their end."""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.params import check_params
from radprompt.repository.ablations import queue
from radprompt.repository.ablations.commands import Ref, changed_files, dvc, experiments, file_at, git, start_workers
from radprompt.repository.ablations.pipeline import PARAMS, Pipeline, counts, read_pipeline
from radprompt.repository.ablations.queue import Task
from radprompt.study.ablation_tables import Row, Table, check, overridden, override

_POLL = 2.0  # seconds between two looks at the queue
_START = 60.0  # seconds that a worker may take to start


class Standing(NamedTuple):
    """How a row's experiment stands.

    Parameters
    ----------
    row
        The row.
    state
        ``done``, ``running``, ``queued``, ``interrupted`` (its worker is gone), ``failed`` or ``missing``.
    ref
        The experiment, where it is done.
    leftovers
        Its entries in the queue that will not become it.
    """

    row: Row
    state: str
    ref: Ref | None
    leftovers: list[Task]


def standings(table: Table) -> list[Standing]:
    """Return how each row of a table stands at the last commit."""
    pipeline, params = read_head(table)
    refs = experiments({table.experiment(row) for row in table.rows})
    entries = [task for task in queue.tasks() if task.state != "success"]
    found = []
    for row in table.rows:
        name, wanted = table.experiment(row), overridden(params, row.set)
        current = partial(counts, pipeline=pipeline, targets=table.targets, params=wanted)
        ref = next((ref for ref in refs if ref.name == name and current(ref.rev)), None)
        own = [task for task in entries if task.name == name]
        under_way = [task for task in own if task.state in ("queued", "running") and current(task.rev)]
        # One that runs with other parameters or sources is left alone: somebody wants it.
        leftovers = [task for task in own if task not in under_way and task.state != "running"]
        states = {task.state for task in under_way} or {task.state for task in leftovers} - {"queued"}
        order = ("running", "queued", "interrupted", "failed", "missing")
        state = "done" if ref else next(state for state in order if state in states | {"missing"})
        found.append(Standing(row, state, ref, leftovers))
    return found


def read_head(table: Table) -> tuple[Pipeline, dict[str, Any]]:
    """Return the stages behind a table's targets and the parameters, as the last commit has them; rows are checked."""
    texts = {path: file_at("HEAD", path) for path in ("dvc.lock", PARAMS)}
    for path, text in texts.items():
        if text is None:
            raise InputError(
                "the last commit does not have it", where=path, fix="run `dvc repro`, then `git add -A; git commit`"
            )
    pipeline = read_pipeline(str(texts["dvc.lock"]), table.targets)
    params = YAML(typ="safe").load(str(texts[PARAMS]))
    check_params(params)
    check(table, params, pipeline.params)
    return pipeline, params


def enqueue(table: Table, say: Callable[[str], None]) -> None:
    """Put every experiment of the table into DVC's queue that is neither done nor in it.

    Those that failed or were interrupted leave the queue and enter it again.

    Raises
    ------
    InputError
        Before anything is queued: for tracked files that differ from the last commit, stages behind the targets that
        are out of date, a row that cannot be run, or an experiment of that name with other parameters.
    """
    found = standings(table)
    lacking = [standing.row for standing in found if standing.state not in ("done", "running", "queued")]
    if lacking:
        _require_queueable(table, lacking)
    for standing in found:
        for task in standing.leftovers:
            queue.remove(task)
    for row in lacking:
        name = table.experiment(row)
        settings = [part for item in row.set.items() for part in ("-S", override(*item))]
        say(f"{name}: dvc exp run --queue -n {name} {' '.join([*settings, *table.targets])}")
        dvc("exp", "run", "--queue", "-n", name, *settings, *table.targets)


def _require_queueable(table: Table, rows: list[Row]) -> None:
    if changed := changed_files():
        raise InputError(
            f"{len(changed)} tracked file(s) differ from the last commit, such as {changed[0]}",
            fix="commit them, or put them back: an experiment is a commit and the parameters that differ",
        )
    head = git("rev-parse", "HEAD").strip()
    for ref in experiments({table.experiment(row) for row in rows}):
        if ref.baseline == head:
            raise InputError(
                f"this commit has an experiment {ref.name!r} already, of other parameters",
                fix=f"run `dvc exp rename {ref.name} NEW`, or `dvc exp remove {ref.name}`",
            )
    if stale := sorted(json.loads(dvc("status", "--json", "--with-deps", *table.targets))):
        raise InputError(
            f"{len(stale)} stage(s) behind the table are out of date, such as {stale[0]}: "
            "every experiment would run them again",
            fix="run `dvc repro` (or `dvc checkout`, or `dvc pull`) and commit, then try again",
        )


def follow(table: Table, jobs: int, say: Callable[[str], None], show: Callable[[str], None]) -> None:
    """Start workers and wait until no experiment of the table is queued or runs.

    Parameters
    ----------
    table
        The table.
    jobs
        Experiments at a time.
    say
        Takes a line for each experiment that starts or ends.
    show
        Called with the progress whenever it changes.

    Raises
    ------
    InputError
        If workers die.
    """
    names = {table.experiment(row) for row in table.rows}
    before: dict[str, Task] = {}
    starts = quiet = 0
    while True:
        now = {task.rev: task for task in queue.tasks() if task.name in names}
        for line in _changes(before, now):
            say(line)
        pending = [task for task in now.values() if task.state in ("queued", "running")]
        gone = [task.name for task in now.values() if task.state == "interrupted"]
        if gone or starts > len(table.rows):
            raise InputError(
                f"the queue's worker ended while {', '.join(gone)} ran" if gone else "the queue's worker ends at once",
                fix=f"see .dvc/tmp/exps/celery/*.out; `radprompt ablations {table.short}` continues where it stopped",
            )
        # For the moment in which a worker takes an entry, DVC shows it neither as queued nor as running.
        quiet = 0 if pending else quiet + 1
        if quiet == 2:
            return
        if pending:
            show(_progress([task for task in pending if task.state == "running"], len(pending), len(table.rows)))
            if queue.workers() == 0:
                starts += 1
                _start(jobs)
        before = now
        time.sleep(_POLL)


def _start(jobs: int) -> None:
    start_workers(jobs)
    until = time.monotonic() + _START
    while queue.workers() == 0 and time.monotonic() < until:
        time.sleep(0.2)


def _changes(before: Mapping[str, Task], now: Mapping[str, Task]) -> list[str]:
    ended, started = [], []
    for rev, task in now.items():
        old = before[rev].state if rev in before else None
        if task.state == old:
            continue
        if task.state == "running":
            started.append(f"{task.name}: runs")
        elif old and task.state in ("success", "failed"):
            took = queue.minutes().get(rev)
            ran = " ".join(queue.stages_run(task.log) or ["nothing had changed"])
            end = "done" if task.state == "success" else "failed"
            ended.append(f"{task.name}: {end}{f' in {took:.1f} min' if took else ''} ({ran})")
    return ended + started


def _progress(running: list[Task], pending: int, total: int) -> str:
    stages = [f"{task.name} at {(queue.stages_run(task.log) or ['its start'])[-1]}" for task in running]
    return f"{', '.join(stages) or 'waiting for a worker'}; {pending} of {total} to go"
