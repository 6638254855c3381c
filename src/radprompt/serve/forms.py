"""Bodies of requests: read within bounds, and forms with files taken apart."""

import asyncio
from email.message import Message
from email.parser import BytesFeedParser
from email.policy import HTTP
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request

from radprompt.loopback.guard import TOO_LARGE

RECEIVING_S = 60
"""Seconds in which a body has to arrive."""
MOST_FIELDS = 12


class Field(NamedTuple):
    """A field of a form; ``file`` is the name of a file, None for text."""

    content: bytes
    file: str | None


async def body_of(request: Request, largest: int) -> bytes:
    """Return a request's body; 413 where it has more than ``largest`` bytes, 408 where it does not arrive in time."""
    pieces, size = [], 0
    try:
        async with asyncio.timeout(RECEIVING_S):
            async for piece in request.stream():
                size += len(piece)
                if size > largest:
                    raise HTTPException(413, TOO_LARGE)
                pieces.append(piece)
    except TimeoutError:
        raise HTTPException(408, f"the request did not arrive within {RECEIVING_S} s") from None
    return b"".join(pieces)


def fields_of(body: bytes, content_type: str) -> dict[str, Field]:
    """Take a ``multipart/form-data`` body apart; what is none, or has a field twice, is 422."""
    parser: BytesFeedParser[Message] = BytesFeedParser(policy=HTTP)
    try:
        parser.feed(f"Content-Type: {content_type}\r\n\r\n".encode("ascii"))
        parser.feed(body)
        form = parser.close()
        parts = form.get_payload()
        if form.defects or not isinstance(parts, list) or len(parts) > MOST_FIELDS:
            raise ValueError
        found: dict[str, Field] = {}
        for part in parts:
            if isinstance(part, str):
                raise ValueError
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if not isinstance(name, str) or name in found or not isinstance(content, bytes) or part.defects:
                raise ValueError
            found[name] = Field(content, part.get_filename())
    except (
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        RecursionError,
    ):  # the parser's, for odd headers
        raise HTTPException(422, "not a form with fields of different names") from None
    return found
