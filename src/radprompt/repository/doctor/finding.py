"""One thing that was looked at: how it stands, what was found, what to do about it."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """A line of the diagnosis.

    Parameters
    ----------
    area, subject
        What was looked at: ``data``, ``CBIS-DDSM``.
    state
        ``ok``; ``warning``: the pipeline runs, but mind this; ``error``: something that it needs is missing or wrong.
    found
        What is there, in words and numbers.
    fix
        What to do, and where to get it; empty where all is well.
    """

    area: str
    subject: str
    state: State
    found: str
    fix: str = ""


def counted(found: int, known: int | None, what: str) -> str:
    """Return ``410 images``, or ``12 of 410 images`` where another number is known."""
    return f"{found:,} {what}" if known in (None, found) else f"{found:,} of {known:,} {what}"
