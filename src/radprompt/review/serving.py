"""Serves the page to this machine alone."""

import secrets
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from radprompt.core.errors import InputError
from radprompt.review.desk import Desk
from radprompt.review.server import make_app
from radprompt.review.worklist import Worklist

LOOPBACK = "127.0.0.1"


def serve(
    dataset: str, reader: str, port: int, say: Callable[[str], None], *, root: str | Path = ".", browser: bool = False
) -> None:
    """Serve a data set's worklist to one reader until the process is interrupted.

    Parameters
    ----------
    dataset, reader
        Whose contours, and who looks at them.
    port
        Port on 127.0.0.1; 0 takes a free one.
    say
        Gets the lines to print, the address among them.
    root
        The repository.
    browser
        Whether the address is opened in the user's browser.

    Raises
    ------
    InputError
        A table is absent or damaged, the reader's name cannot be used, or the port is taken.
    """
    desk = Desk(Worklist(root, dataset), reader)
    with _listening(port) as listening:
        number, token = listening.getsockname()[1], secrets.token_urlsafe(24)
        hosts = [f"{LOOPBACK}:{number}", f"localhost:{number}"]
        address = f"http://{LOOPBACK}:{number}/{token}/"
        config = uvicorn.Config(
            make_app(desk, token, hosts),
            access_log=False,  # it would hold the token
            log_level="error",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
        )
        done = len(desk.reviews())
        say(f"{len(desk.worklist)} lesions of {dataset}, {done} decided by {reader}, {len(desk.drafts())} unfinished")
        say(address)
        say("The address is a secret of this session; only this machine can open it. Ctrl-C ends it, nothing is lost.")
        if browser:
            webbrowser.open(address)
        uvicorn.Server(config).run(sockets=[listening])


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
        listening.listen()  # from here on a browser may ask, and waits until there is an answer
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise InputError(f"port {port} cannot be used: {reason}", where="--port", fix="leave --port out") from None
    return listening
