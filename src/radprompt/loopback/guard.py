"""What stands before a local page: only its own address, from this machine, in requests of a sensible size."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from radprompt.loopback.answers import PURPOSE, error_answer

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of every answer: nothing is loaded from elsewhere, framed, cached, or told the address."""

TOO_LARGE = "the request is too large"
STRANGER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>No page at this address</h1><p>Open the address that <code>{command}</code> printed.</p>
<p>{purpose}</p></html>"""


@dataclass(frozen=True)
class Door:
    """What a page lets in.

    ``command`` printed its address. A POST has one of the ``types`` of content and ``largest`` bytes at most. With
    ``programs``, a POST without ``Origin`` is let in: browsers always send one, programs that know the token need not.
    """

    command: str
    largest: int
    types: tuple[str, ...] = ("application/json",)
    programs: bool = False


class Guard:
    """ASGI middleware that lets a request through only with the token in its path.

    A POST must come from the page itself (``Origin``), in a form and size that the door takes. The ``Host`` must be one
    of ``hosts``, so that a name that leads to 127.0.0.1 gains nothing.

    Parameters
    ----------
    app
        The application behind it; it sees paths without the token.
    token
        First part of every path.
    hosts
        ``host:port`` of the server, as browsers write it.
    door
        Requests that are let in.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Collection[str], door: Door) -> None:
        self._app, self._token, self._hosts, self.door = app, token, set(hosts), door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.door.largest:
                raise HTTPException(413, TOO_LARGE)
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        path = scope["path"].removeprefix(f"/{self._token}") or "/"
        await self._app({**scope, "path": path, "raw_path": path.encode()}, bounded, guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> HTMLResponse | JSONResponse | None:
        host, first = headers.get("host", ""), scope["path"].split("/")[1] if "/" in scope["path"] else ""
        if host not in self._hosts or not hmac.compare_digest(first.encode(), self._token.encode()):
            command = self.door.command
            return HTMLResponse(
                STRANGER.format(title=command.partition(" --")[0], command=command, purpose=PURPOSE), 404
            )
        if scope["path"] == f"/{self._token}":  # relative links need the slash
            return HTMLResponse("", 307, {"location": f"/{self._token}/"})
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return error_answer("asked for by another page", 403)
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return error_answer("only GET and POST are answered", 405)
        origin = headers.get("origin")
        if origin != f"http://{host}" and not (origin is None and self.door.programs):
            return error_answer("asked for by another page", 403)
        if headers.get("content-type", "").partition(";")[0].strip() not in self.door.types:
            return error_answer(f"not {' or '.join(map(_spoken, self.door.types))}", 415)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.door.largest:
            return error_answer(TOO_LARGE, 413)
        return None


def _spoken(kind: str) -> str:
    """Return a type of content for a message: ``JSON`` for ``application/json``."""
    return "JSON" if kind == "application/json" else kind
