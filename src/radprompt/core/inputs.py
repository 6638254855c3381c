"""Checks untrusted files before opening: regular, readable, not too large."""

import os
import stat
from pathlib import Path

from radprompt.core.errors import InputError


def checked(
    path: str | Path, largest: int, kind: type[InputError] = InputError, *, what: str = "file", absent: str = ""
) -> Path:
    """Return ``path`` when it can be read whole, links followed (DVC may keep data as links into its cache).

    Parameters
    ----------
    path
        Path that a table or a folder names.
    largest
        Bytes above which it is refused unread.
    kind
        Exception class to raise.
    what
        Word for the file in messages.
    absent
        Advice when the file is absent.

    Raises
    ------
    InputError
        It is absent, a folder, a pipe or a device (reading one may never end), may not be read, or is too large.
    """
    where = str(path)
    try:
        found = os.stat(path)
        usable = stat.S_ISREG(found.st_mode)
        if usable and found.st_size <= largest:
            open(path, "rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise kind(f"no such {what}", where=where, fix=absent or "complete the download") from None
    except PermissionError:
        raise kind("no permission to read it", where=where, fix="give the user who runs this read permission") from None
    except (OSError, ValueError) as error:  # a loop of links, a name too long or with a null byte
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise kind(f"no {what} can have this name ({reason})", where=shown(where), fix="correct the name") from None
    if not usable:
        raise kind(f"no {what}: a folder, pipe or device", where=where, fix="put the file itself there")
    if found.st_size > largest:
        size = f"{found.st_size / 2**20:,.1f} MiB, where {largest / 2**20:,.0f} are allowed"
        raise kind(f"{what} too large: {size}", where=where, fix="replace it by the file as it was released")
    return Path(path)


def shown(text: str, most: int = 200) -> str:
    """Return text from a file for a message: on one line, cut when long, and writable as UTF-8 whatever it holds."""
    printable = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: most + 1])
    return printable if len(text) <= most else f"{printable[:most]} ..."


def is_name(text: str) -> bool:
    """Tell whether text is one plain file name on any system: no path, no control character, not too long, UTF-8."""
    return (
        text.strip(". ") != ""
        and text.isprintable()
        and not any(letter in text for letter in "/\\:")
        and len(text.encode("utf-8")) <= LONGEST_NAME
    )


LONGEST_NAME = 200
"""Bytes; file systems allow 255, and the loaders append an ending."""
