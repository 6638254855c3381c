"""What local pages answer alike: their files, and errors as JSON."""

import errno
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from radprompt.core.errors import InputError
from radprompt.loopback.worker import UnavailableError

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


PURPOSE = "Research use only, not for clinical use."


def error_answer(error: str, status: int) -> JSONResponse:
    """Return an error as JSON."""
    return JSONResponse({"error": error, "warning": PURPOSE}, status)


class Assets:
    """The files of a page: those of its room's folder ``assets``, and those that all local pages share.

    Parameters
    ----------
    room
        Package with the folder, such as ``radprompt.review``.
    """

    def __init__(self, room: str) -> None:
        self._files = {
            file.name: file.read_bytes()
            for package in ("radprompt.loopback", room)
            for file in files(package).joinpath("assets").iterdir()
            if file.name.rpartition(".")[2] in TYPES
        }

    async def page(self, request: Request) -> Response:
        """Answer with the page itself."""
        return self._file("page.html")

    async def asset(self, request: Request) -> Response:
        """Answer with one of the files, by the ``name`` of the path."""
        return self._file(request.path_params["name"])

    def _file(self, name: str) -> Response:
        if name not in self._files:
            raise HTTPException(404, "no such file")
        return Response(self._files[name], media_type=TYPES[name.rpartition(".")[2]])


def input_error(request: Request, error: InputError) -> Response:
    """Answer 422 with the error's text."""
    return error_answer(str(error), 422)


def invalid(request: Request, error: ValidationError) -> Response:
    """Answer 422 with the first thing that is wrong with a request's content."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return error_answer(f"{'.'.join(map(str, first['loc']))[:80]}: {first['msg'][:200]}", 422)


def refused(request: Request, error: HTTPException) -> Response:
    """Answer with the error's status and text."""
    return error_answer(error.detail, error.status_code)


def not_written(request: Request, error: OSError) -> Response:
    """Answer 507 with the reason, such as a full disk."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full" if full else error.strerror or type(error).__name__
    return error_answer(f"Not saved: {reason}. What was saved before is as it was.", 507)


def unavailable(request: Request, error: UnavailableError) -> Response:
    """Answer 503 with the reason, and when to try again."""
    answer = error_answer(str(error), 503)
    answer.headers["retry-after"] = "5"
    return answer


def failed(request: Request, error: Exception) -> Response:
    """Answer 500 without what a stranger need not know."""
    return error_answer("something went wrong here", 500)


HANDLERS: dict[Any, Callable[..., Response]] = {
    InputError: input_error,
    ValidationError: invalid,
    HTTPException: refused,
    UnavailableError: unavailable,
    OSError: not_written,
    Exception: failed,
}
