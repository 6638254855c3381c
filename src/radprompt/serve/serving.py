"""Starts the two processes and serves the page to this machine alone."""

import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from radprompt.core.child_process import signals_raise
from radprompt.loopback.listening import listen, run
from radprompt.loopback.worker import Worker
from radprompt.serve import answering, reading
from radprompt.serve.server import Limits, make_app

READING_MEMORY = 3 * 2**30
"""Bytes beyond the program's own: the largest image needs a third of it."""


def start_reader() -> Worker:
    """Start the process that decodes images."""
    return Worker(reading.START, {}, "reading the image", READING_MEMORY)


def start_model(model: Path, images: Path, shares: str, backbone: Path | None, device: str) -> Worker:
    """Start the process that holds the model; see :func:`radprompt.serve.answering.start`."""
    options = {
        "model": str(model.absolute()),
        "images": str(images),
        "shares": shares,
        "backbone": None if backbone is None else str(backbone.absolute()),
        "device": device,
    }
    return Worker(answering.START, options, "computing the prediction")


def serve(
    model: Path,
    port: int,
    say: Callable[[str], None],
    *,
    shares: str = "model",
    backbone: Path | None = None,
    device: str = "auto",
    browser: bool = False,
) -> None:
    """Serve a model until the process is interrupted.

    Parameters
    ----------
    model
        What ``radprompt export`` wrote, or a table's study.
    port
        Port on 127.0.0.1; 0 takes a free one.
    say
        Gets the lines to print, the address among them.
    shares, backbone, device
        See :func:`radprompt.export.commands.open_predictor`.
    browser
        Whether the address is opened in the user's browser.

    Raises
    ------
    InputError
        The model cannot be loaded, or the port is taken.
    """
    with (
        signals_raise(),
        listen(port) as listening,
        tempfile.TemporaryDirectory(prefix="radprompt-serve-", ignore_cleanup_errors=True) as room,
    ):
        folder = Path(room)
        say(f"Loading {model}; not for clinical use")
        with (
            closing(start_reader()) as reader,
            closing(start_model(model, folder, shares, backbone, device)) as answerer,
        ):
            answerer.wait()
            reader.wait()
            run(
                listening,
                lambda token, hosts: make_app(answerer, reader, folder, Limits(), token, hosts),
                say,
                ends="; images that were handed in are deleted then",
                browser=browser,
            )
