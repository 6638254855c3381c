"""A thing that is put into a good data set, and what must come of it."""

from collections.abc import Callable
from typing import NamedTuple

EXCLUDED, ERROR, READ = "excluded", "error", "read"


class Case(NamedTuple):
    """A name for people, what is done to the data set before its tables are written, and how it must end."""

    input: str
    spoil: Callable[..., object]
    happens: str
    reason: str
