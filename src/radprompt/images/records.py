"""Each case measured by itself: kept when finished, excluded when something is wrong, stopping no other."""

import hashlib
import json
import logging
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from radprompt.core.compute import parallel_map
from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.core.params import Compute
from radprompt.images.cases import Case, Excluded

EDITION = 2
"""Raised when what a finished record holds changes."""
_PACKAGES = ("pyradiomics", "SimpleITK", "numpy")

Record = dict[str, Any]
Work = Callable[[Case], Record]
"""What is done with a case: a function that other processes can import, or a partial of one."""


class Task(NamedTuple):
    """A case, and the file of its finished record."""

    case: Case
    record: Path


class Outcome(NamedTuple):
    """Records by case in the cases' order, exclusions, and how many records were there before."""

    records: list[tuple[Case, Record]]
    excluded: list[Excluded]
    taken_over: int


def versions() -> dict[str, str]:
    """Return the versions of the packages that values depend on."""
    return {name: version(name) for name in _PACKAGES}


def measure_each(
    cases: Sequence[Case], work: Work, settings: Sequence[object], folder: Path, compute: Compute, label: str
) -> Outcome:
    """Do the work of each case that has no finished record.

    Parameters
    ----------
    cases
        What to measure.
    work
        Returns the record of a case; an InputError, or whatever a library raises, makes the case an exclusion.
    settings
        What records depend on beside the case, its files and the versions of PyRadiomics, SimpleITK and NumPy; as JSON.
    folder
        Where records are kept. Those of other files and settings are deleted once all cases are through.
    compute, label
        How the cases are spread over processes, and the progress bar's name.
    """
    tasks = [Task(case, folder / f"{_key(case, settings)}.json") for case in cases]
    finished = {task.record: record for task in tasks if (record := _load(task.record)) is not None}
    left = [task for task in tasks if task.record not in finished]
    excluded = []
    for task, outcome in zip(left, _each(left, work, compute, label), strict=True):
        if isinstance(outcome, Excluded):
            excluded.append(outcome)
        else:
            finished[task.record] = outcome
    for path in folder.glob("*.json"):
        if path not in finished:
            path.unlink(missing_ok=True)
    records = [(task.case, finished[task.record]) for task in tasks if task.record in finished]
    return Outcome(records, excluded, len(tasks) - len(left))


def _each(tasks: list[Task], work: Work, compute: Compute, label: str) -> list[Record | Excluded]:
    """Work in parallel; if a case ends its worker, go on one by one."""
    try:
        return parallel_map(finish, tasks, compute, label, unit="case", work=work)
    except TerminatedWorkerError:
        return list(_one_by_one(tasks, work))


def _one_by_one(tasks: list[Task], work: Work) -> Iterator[Record | Excluded]:
    """Measure cases in a process beside this one; a case that ends it is an exclusion, and the next gets a new one."""
    left = deque(tasks)
    while left:
        with ProcessPoolExecutor(max_workers=1) as executor:  # not the one that joblib keeps for its own workers
            while left:
                task = left.popleft()
                try:
                    yield _load(task.record) or executor.submit(finish, task, work).result()
                except TerminatedWorkerError:
                    reason = "the process that measured it died, mostly for want of memory"
                    fix = "cut the image to the region, or use a larger machine"
                    yield Excluded(task.case.row, task.case.case, reason, fix)
                    break


def refused(case: Case, error: InputError) -> Excluded:
    """Return the exclusion of a case that an error speaks of."""
    reason = f"{error.where}: {error.what}" if error.where else error.what
    return Excluded(case.row, case.case, reason, error.fix)


def finish(task: Task, work: Work) -> Record | Excluded:
    """Measure one case and keep its record; whatever is wrong with it is an exclusion with the reason."""
    case = task.case
    try:
        record = work(case)
    except InputError as error:
        return refused(case, error)
    except MemoryError:
        return Excluded(case.row, case.case, "not enough memory for this image", "measure with fewer --workers")
    except Exception as error:  # a library's own fault with one file must not end the other cases
        logging.getLogger(__name__).debug("case %s", case.case, exc_info=True)
        message = " ".join(str(error).split())[:200]
        return Excluded(case.row, case.case, f"{type(error).__name__}: {message}", "check image and mask")
    write_json(task.record, record)
    return record


def _key(case: Case, settings: Sequence[object]) -> str:
    """Name the record of a case by all that its content depends on."""
    packages = [f"{name} {number}" for name, number in versions().items()]
    files = [_stamp(case.image), _stamp(case.mask)]
    content = [EDITION, case.case, case.mask_label, case.spacing, *settings, packages, files]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _stamp(path: Path) -> list[Any]:
    """Return name, size and time of a file, or of the files of a folder."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path, *_detached(path)]
        stats = [(one.name, one.stat()) for one in files]
    except OSError:
        return [os.fspath(path)]
    return [os.fspath(path.absolute()), [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]]


def _detached(header: Path) -> list[Path]:
    """Return the file of values that a header of a file of its own names, as .mhd and .nhdr do."""
    if header.suffix.lower() not in (".mhd", ".nhdr"):
        return []
    named = re.search(r"(?:ElementDataFile\s*=|data ?file:)\s*(\S.*)", header.read_text("latin-1"), re.IGNORECASE)
    other = header.parent / named[1].strip() if named else header
    return [other] if other.is_file() and other != header else []


def _load(path: Path) -> Record | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "features" in record else None
