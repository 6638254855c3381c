"""What ends this process: signals as exceptions, and commands that end with it, their own children too."""

import atexit
import gc
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_GRACE = 10
"""Seconds between asking a group of processes to end and ending it."""


class EndedBySignal(SystemExit):
    """SIGTERM or SIGHUP as an exception, so that ``finally`` and ``with`` clean up; ``code`` is a shell's status."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


def run_group(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a command in a process group of its own and return its status, with its output as it comes.

    SIGTERM, a closed terminal (SIGHUP), Ctrl-C and any exception here end the command and all that it started. So does
    what this process cannot see, such as SIGKILL of a system short of memory: a shell that waits beside the command
    ends the group once its end of a pipe is all that is left.

    Parameters
    ----------
    command
        Program and arguments.
    folder
        Working directory.
    environment
        All of the command's environment variables.
    """
    with (
        signals_raise(),
        subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True) as child,  # noqa: S603
        _guard(child.pid),
    ):
        try:
            return child.wait()
        except BaseException as error:
            _end(child, signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
            raise


def end_at_once() -> None:
    """Skip the search for reference cycles at exit, which takes a second once transformers is imported."""
    atexit.register(gc.freeze)


@contextmanager
def signals_raise() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into :class:`EndedBySignal` inside the block; in a forked worker they keep their effect.

    Outside the main thread, where Python sets no handlers, nothing changes.
    """
    with handlers_kept():
        for number in _settable():
            signal.signal(number, _leave)
        yield


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Put the handlers of SIGTERM and SIGHUP back after the block: some libraries set their own as they start."""
    before = {number: handler for number in _settable() if (handler := signal.getsignal(number)) is not None}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _settable() -> tuple[signal.Signals, ...]:
    """Return the signals whose handlers this thread may set: all of ours in the main thread, elsewhere none."""
    return _ENDING if threading.current_thread() is threading.main_thread() else ()


def _leave(number: int, _: FrameType | None) -> None:
    raise EndedBySignal(number)


class _Held(threading.local):
    mask: set[int | signal.Signals]


_held = _Held()
"""The signals that were blocked before this thread forked."""


def _hold() -> None:
    _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def _let_go() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.mask)


def _keep_effect() -> None:
    """In a forked worker, let the signals end it at once.

    A handler in Python runs only when the worker does: one that is about to wait for work would sleep on. And Python
    forgets a signal that reaches a process just forked: until here they wait outside.
    """
    for number in _ENDING:
        if signal.getsignal(number) is _leave:
            signal.signal(number, signal.SIG_DFL)
    _let_go()


os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_keep_effect)


@contextmanager
def _guard(group: int) -> Iterator[None]:
    """Keep a shell that ends a process group when this process is gone without having said so."""
    wait = f"read -r said || {{ kill -s TERM -- -{group}; sleep {_GRACE}; kill -s KILL -- -{group}; }}"
    shell = ["/bin/sh", "-c", wait]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True) as guard:  # noqa: S603
        try:
            yield
        finally:
            guard.communicate(b"done\n")


def _end(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """End a process group: with a signal that it may act on, then for certain."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
        os.killpg(child.pid, signal.SIGKILL)  # grandchildren that did not listen
