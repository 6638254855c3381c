"""Serves a local page to this machine alone."""

import secrets
import socket
import webbrowser
from collections.abc import Callable, Collection

import uvicorn
from starlette.types import ASGIApp

from radprompt.core.child_process import signals_raise
from radprompt.core.errors import InputError

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 takes a free one, and one that is taken is an InputError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()  # from here on a browser may ask, and waits until there is an answer
    except OSError as error:
        listening.close()
        reason = error.strerror or str(error)
        raise InputError(f"port {port} cannot be used: {reason}", where="--port", fix="leave --port out") from None
    return listening


def run(
    listening: socket.socket,
    make_app: Callable[[str, Collection[str]], ASGIApp],
    say: Callable[[str], None],
    *,
    ends: str,
    browser: bool = False,
) -> None:
    """Serve a page until the process is interrupted.

    Parameters
    ----------
    listening
        What :func:`listen` returned.
    make_app
        Makes the application from a token, the first part of every path, and the server's ``host:port`` as browsers
        write them.
    say
        Gets the lines to print, the address among them.
    ends
        What Ctrl-C does, for the line below the address.
    browser
        Whether the address is opened in the user's browser.
    """
    number, token = listening.getsockname()[1], secrets.token_urlsafe(24)
    address = f"http://{HOST}:{number}/{token}/"
    config = uvicorn.Config(
        make_app(token, [f"{HOST}:{number}", f"localhost:{number}"]),
        access_log=False,  # it would hold the token
        log_level="error",
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
    )
    say(address)
    say(f"The address is a secret of this session; only this machine can open it. Ctrl-C ends it{ends}.")
    if browser:
        webbrowser.open(address)
    with signals_raise():  # SIGHUP too; uvicorn handles Ctrl-C and SIGTERM while it runs
        uvicorn.Server(config).run(sockets=[listening])
