"""Commands whose own children end with them, and with this process."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

_GRACE = 10
"""Seconds between asking a group of processes to end and ending it."""


def run_group(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a command in a process group of its own and return its status, with its output as it comes.

    SIGTERM, a closed terminal (SIGHUP), Ctrl-C and any exception here end the command and all that it started.

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
        _signals_raise(),
        subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True) as child,  # noqa: S603
    ):
        try:
            return child.wait()
        except BaseException as error:
            _end(child, signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGTERM)
            raise


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that what must happen on the way out happens."""
    if threading.current_thread() is not threading.main_thread():  # no handler can be set there
        yield
        return

    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """End a process group: with a signal that it may act on, then for certain."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)
        os.killpg(child.pid, signal.SIGKILL)  # grandchildren that did not listen
