"""A process that answers questions one at a time, within time and memory; if it ends, another takes its place.

What a file makes a decoder do, or a model a processor, then harms that process alone.
"""

import json
import math
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from radprompt.core.errors import InputError

Handlers = Mapping[str, Callable[..., Any]]

MOST_WAITING = 4
"""Questions, the one being answered included; a further one is refused at once."""
LOADING_S = 600.0
"""Seconds until a new process is given up that is not ready."""
GRACE_S = 5.0


class UnavailableError(Exception):
    """There is no answer this time; the text says why and what to do."""


class Worker:
    """A process with handlers.

    Parameters
    ----------
    start
        ``module:function`` of what the process calls first, with ``options``; it returns the handlers by name.
    options
        Keyword arguments of it, as JSON holds them.
    does
        What it does, for messages: ``reading the image``.
    memory
        Bytes that it may take beyond what it has when it is ready; None: no bound. Where the system has none (Windows,
        macOS), there is none.
    """

    def __init__(self, start: str, options: Mapping[str, Any], does: str, memory: int | None = None) -> None:
        self._start, self._options, self._does, self._memory = start, dict(options), does, memory
        self._waiting, self._lock = threading.Semaphore(MOST_WAITING), threading.Lock()
        self._ready = False
        self._begin()

    @property
    def pid(self) -> int | None:
        """The process."""
        return self._process.pid

    def wait(self) -> None:
        """Wait until the process is ready; an InputError of its start is raised here."""
        with self._lock:
            self._wait()

    def ask(self, name: str, seconds: float, /, **arguments: Any) -> Any:
        """Return what a handler answers, as JSON holds it.

        Raises
        ------
        InputError
            The handler's.
        UnavailableError
            The process took longer than ``seconds`` or ended, or too many questions wait.
        """
        if not self._waiting.acquire(blocking=False):
            raise UnavailableError("Too many requests at once. Try again in a moment.")
        try:
            with self._lock:
                return self._ask(name, seconds, arguments)
        finally:
            self._waiting.release()

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(GRACE_S)
        self._end()

    def _ask(self, name: str, seconds: float, arguments: Mapping[str, Any]) -> Any:
        if not self._process.is_alive():
            self._again()
        self._wait()
        try:
            self._connection.send_bytes(json.dumps([name, arguments]).encode())
            if not self._connection.poll(seconds):
                self._again()
                raise UnavailableError(
                    f"Ended: {self._does} took longer than {math.ceil(seconds)} s. Earlier answers stay as they are."
                )
            return self._received()
        except (EOFError, OSError):
            self._again()
            raise UnavailableError(
                f"The process that was {self._does} ended. Another one takes its place; try again, or another file."
            ) from None

    def _wait(self) -> None:
        if self._ready:
            return
        try:
            if not self._connection.poll(LOADING_S):
                self._again()
                raise UnavailableError("The model takes too long to load. Try again.")
            self._received()
        except (EOFError, OSError):
            self._again()
            raise UnavailableError(f"The process for {self._does} could not start. Try again.") from None
        self._ready = True

    def _received(self) -> Any:
        kind, content = json.loads(self._connection.recv_bytes())
        if kind == "refused":
            raise InputError(content[0], where=content[1], fix=content[2])
        if kind == "failed":
            raise UnavailableError(f"Something went wrong while {self._does}: {content}")
        return content

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, self._start, self._options, self._memory)
        self._process = context.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self._ready = False

    def _end(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()

    def _again(self) -> None:
        self._end()
        self._connection.close()
        self._begin()


def _run(connection: Connection, start: str, options: dict[str, Any], memory: int | None) -> None:
    """Be the process: answer until the other end is closed, by :meth:`Worker.close` or by the end of its process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes this one
    module, _, function = start.partition(":")
    handlers: Handlers = {}

    def begin() -> None:
        handlers.update(getattr(import_module(module), function)(**options))  # type: ignore[attr-defined]
        _bound(memory)

    try:
        _answer(connection, begin)
        while True:
            name, arguments = json.loads(connection.recv_bytes())
            _answer(connection, handlers[name], **arguments)
    except (EOFError, OSError):
        return
    finally:
        if "end" in handlers:
            handlers["end"]()


def _answer(connection: Connection, handler: Callable[..., Any], /, **arguments: Any) -> None:
    answer: tuple[str, Any]
    try:
        answer = ("answer", handler(**arguments))
        content = json.dumps(answer, allow_nan=False).encode()
    except InputError as error:
        content = json.dumps(("refused", [error.what, error.where, error.fix])).encode()
    except MemoryError:
        content = json.dumps(("refused", ["needs more memory than is allowed here", "", ""])).encode()
    except Exception as error:
        content = json.dumps(("failed", type(error).__name__)).encode()
    connection.send_bytes(content)


def _bound(memory: int | None) -> None:
    if memory is None or sys.platform != "linux":
        return
    import resource

    import psutil

    most = psutil.Process().memory_info().vms + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
