"""Serves the reader's page to this machine alone."""

from collections.abc import Callable
from pathlib import Path

from radprompt.loopback.listening import listen, run
from radprompt.review.desk import Desk
from radprompt.review.server import make_app
from radprompt.review.worklist import Worklist


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
    with listen(port) as listening:
        done = len(desk.reviews())
        say(f"{len(desk.worklist)} lesions of {dataset}, {done} decided by {reader}, {len(desk.drafts())} unfinished")
        run(
            listening,
            lambda token, hosts: make_app(desk, token, hosts),
            say,
            ends=", nothing is lost",
            browser=browser,
        )
