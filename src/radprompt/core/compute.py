"""Per-lesion work in parallel, in the order given, with a progress bar: on this machine's cores or on a cluster's."""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel, delayed, effective_n_jobs
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from radprompt.core.child_process import handlers_kept
from radprompt.core.errors import InputError
from radprompt.core.params import Compute

if TYPE_CHECKING:
    from distributed import Client

IN_THIS_PROCESS = Compute("threading", 1)
Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4096
"""Items that a cluster holds at a time: enough for as many workers, few enough for its scheduler's memory."""
_START_S = 5.0
"""Seconds of one core below which work is done before workers have imported what it needs."""
_RETRIES = 3
"""How often an item is tried again whose worker died."""
_WAIT_S = 30
"""For a scheduler to answer and for its first worker."""
_BACKEND, _ADDRESS = "params.yaml, compute.backend", "params.yaml, compute.address"


def parallel_map(
    function: Callable[..., Result],
    items: Sequence[Item],
    compute: Compute,
    label: str,
    unit: str = "lesion",
    light: bool = False,
    **constants: Any,
) -> list[Result]:
    """Return ``[function(item, **constants) for item in items]``, spread as ``compute`` says.

    On this machine (``loky``, ``threading``, ``multiprocessing``) over ``compute.workers``. With ``dask`` or ``ray``
    over the workers of the cluster at ``compute.address``, or of one that is started here for this call; an item whose
    worker dies is done by another. ``function`` must be safe to run twice, and a cluster's workers must see the working
    directory under the same path. On this machine, ``light`` items are done in this process unless the first one took
    so long that starting workers pays.

    Raises
    ------
    InputError
        For a cluster that is not installed, not reachable, without workers or with workers of several threads; an item
        that kills one worker after another.
    Exception
        Whatever ``function`` raises, with a note that names the item.
    """
    on_this_machine = _in_this_process if light and items else _on_this_machine
    spread = {"dask": _on_dask, "ray": _on_ray}.get(compute.backend, on_this_machine)
    results = spread(_Task(function, constants, unit), items, compute)
    return list(tqdm(results, total=len(items), desc=label, unit=unit, mininterval=1.0, disable=None))


def by_processes(compute: Compute) -> Compute:
    """Return the same with processes in the place of threads, for work that changes what a whole process has.

    How many threads a sum takes, torch's generator and standard output are such.
    """
    return replace(compute, backend="loky") if compute.backend == "threading" else compute


@dataclass(frozen=True)
class _Task:
    """The function as a worker calls it; ``folder`` is where relative paths start, None: where the worker is."""

    function: Callable[..., Any]
    constants: dict[str, Any]
    unit: str
    folder: str | None = None

    def __call__(self, number: int, item: Any) -> Any:
        if self.folder is not None:
            _enter(self.folder)
        try:
            return self.function(item, **self.constants)
        except InputError:  # names what it is about
            raise
        except Exception as error:
            error.add_note(f"{self.named(number, item)}")
            raise

    def named(self, number: int, item: Any) -> str:
        return f"{self.unit} {number + 1}: {str(item)[:200]}"

    def here(self) -> "_Task":
        """Return the task for workers that may have started anywhere."""
        return _Task(self.function, self.constants, self.unit, str(Path.cwd()))


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise InputError(
            f"a worker on {os.uname().nodename} cannot enter the working directory: {error.strerror}",
            where=folder,
            fix="mount the repository and its data under the same path on every worker",
        ) from None


def _on_this_machine(task: _Task, items: Sequence[Any], compute: Compute, first: int = 0) -> Iterator[Any]:
    parallel = Parallel(n_jobs=compute.workers, backend=compute.backend, return_as="generator")
    yield from parallel(delayed(task)(number, item) for number, item in enumerate(items, start=first))


def _in_this_process(task: _Task, items: Sequence[Any], compute: Compute) -> Iterator[Any]:
    """Do the first item here, and the others if workers would take longer to start; by one thread, as a worker does."""
    start, rest = time.perf_counter(), items[1:]
    with threadpool_limits(limits=1):
        yield task(0, items[0])
        here = (time.perf_counter() - start) * len(rest) < _START_S
        if here:
            yield from (task(number, item) for number, item in enumerate(rest, start=1))
    if not here:
        yield from _on_this_machine(task, rest, compute, first=1)


def _in_turn(
    submit: Callable[[int, Any], Any], result: Callable[[Any, str], Any], task: _Task, items: Sequence[Any]
) -> Iterator[Any]:
    """Hand out items and yield results in the items' order, with never more than :data:`_AHEAD` of them under way."""
    under_way: deque[tuple[Any, str]] = deque()
    for number, item in enumerate(items):
        if len(under_way) == _AHEAD:
            yield result(*under_way.popleft())
        under_way.append((submit(number, item), task.named(number, item)))
    while under_way:
        yield result(*under_way.popleft())


def _on_dask(task: _Task, items: Sequence[Any], compute: Compute) -> Iterator[Any]:
    try:
        import distributed
    except ImportError:
        raise _not_installed("dask", "distributed") from None

    def result(future: Any, named: str) -> Any:
        try:
            return future.result()
        except distributed.KilledWorker as error:
            raise _deadly(named) from error

    with _dask_client(compute) as client:
        there = task.here()
        yield from _in_turn(
            lambda number, item: client.submit(there, number, item, pure=False),
            result,
            task,
            items,
        )


@contextmanager
def _dask_client(compute: Compute) -> Iterator["Client"]:
    from distributed import Client, LocalCluster

    if compute.address is None:
        workers = effective_n_jobs(compute.workers)
        quiet = {"dashboard_address": None, "worker_dashboard_address": None, "silence_logs": 50}
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1", **quiet)
        with cluster, Client(cluster, set_as_default=False) as client:
            yield client
        return
    try:
        client = Client(compute.address, timeout=_WAIT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {compute.address!r}: {error}",
            where=_ADDRESS,
            fix="start `dask scheduler` there, or set the address to null",
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WAIT_S)
        except TimeoutError:
            raise InputError(
                f"the Dask scheduler at {compute.address!r} has no workers",
                where=_ADDRESS,
                fix=f"start some: dask worker {compute.address} --nthreads 1 --nworkers auto",
            ) from None
        # torch's generators, thread counts and the working directory belong to a process, not to a thread.
        threaded = [place for place, threads in client.nthreads().items() if threads > 1]
        if threaded:
            raise InputError(
                f"{len(threaded)} Dask workers run several threads, for one {threaded[0]}",
                where=_ADDRESS,
                fix=f"start them as processes: dask worker {compute.address} --nthreads 1 --nworkers auto",
            )
        yield client


def _on_ray(task: _Task, items: Sequence[Any], compute: Compute) -> Iterator[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise _not_installed("ray", "ray") from None

    def result(reference: Any, named: str) -> Any:
        try:
            return ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.WorkerCrashedError as error:
            raise _deadly(named) from error

    own = {"num_cpus": effective_n_jobs(compute.workers), "include_dashboard": False} if compute.address is None else {}
    try:
        with handlers_kept():  # Ray's own would stay in this process and in all that it forks
            ray.init(address=compute.address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(
            f"no Ray cluster answers at {compute.address!r}: {error}",
            where=_ADDRESS,
            fix="start one: `ray start --head`, or set the address to null",
        ) from error
    try:
        there = task.here()
        remote: Any = ray.remote(num_cpus=1, max_retries=_RETRIES)(lambda number, item: there(number, item))
        yield from _in_turn(remote.remote, result, task, items)
    finally:
        ray.shutdown()


def _not_installed(backend: str, package: str) -> InputError:
    return InputError(
        f"{backend}, but the package {package} is not installed",
        where=_BACKEND,
        fix=f"pip install 'radprompt[{backend}]' (or pip install {package}), or set the backend to loky",
    )


def _deadly(named: str) -> InputError:
    return InputError(
        "each worker that tried it died, mostly for want of memory", where=named, fix="give workers more memory"
    )
