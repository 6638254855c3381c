"""Serves the reader's page to this machine alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from radprompt.loopback.listening import listen, run
from radprompt.review.desk import Desk
from radprompt.review.pictures import AnyPictures, Pictures
from radprompt.review.server import make_app
from radprompt.review.study import StudyWorklist, is_study
from radprompt.review.volume_pictures import VolumePictures
from radprompt.review.worklist import Worklist


def serve(
    target: str, reader: str, port: int, say: Callable[[str], None], *, root: str | Path = ".", browser: bool = False
) -> None:
    """Serve a worklist to one reader until the process is interrupted.

    Parameters
    ----------
    target
        Whose contours: a data set, or the folder of a study of images.
    reader
        Who looks at them.
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
    desk, pictures = desk_of(target, reader, root)
    with listen(port) as listening:
        title, done, drafts = desk.worklist.title, len(desk.reviews()), len(desk.drafts())
        say(f"{len(desk.worklist)} lesions of {title}, {done} decided by {reader}, {drafts} unfinished")
        run(
            listening,
            lambda token, hosts: make_app(desk, pictures, token, hosts),
            say,
            ends=", nothing is lost",
            browser=browser,
        )


def desk_of(target: str | Path, reader: str, root: str | Path = ".") -> tuple[Desk, AnyPictures[Any]]:
    """Return a reader's desk and the pictures for it; see :func:`serve` for the parameters and errors."""
    if is_study(target):
        study = StudyWorklist(target)
        return Desk(study, reader), VolumePictures(study)
    worklist = Worklist(root, str(target))
    return Desk(worklist, reader), Pictures(worklist)
