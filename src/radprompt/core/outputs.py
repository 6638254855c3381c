"""Outputs are written whole or not at all, and the same values give the same bytes."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError

DECIMALS = 9
"""Significant digits kept for measured values in CSV files."""


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on a clean exit it takes the place of ``path``, file or folder.

    An exception inside the block leaves ``path`` as it was and removes the temporary one. Left-over
    temporary files of a killed process match patterns in ``.dvcignore`` and ``.gitignore``: no folder's hash changes.

    Raises
    ------
    InputError
        Nothing can be written into the folder of ``path``.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f".{path.name}.part-", dir=path.parent))
    except OSError as error:
        raise _unwritable(path.parent, error.strerror or str(error)) from None
    part = room / path.name
    try:
        yield part
        if os.environ.get("RANK", "0") != "0":  # of the processes that train together, the first writes
            return
        if path.is_dir() and not path.is_symlink():
            os.replace(path, room / "old")
        os.replace(part, path)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def require_writable(folder: str | Path) -> None:
    """Raise :class:`InputError` if a folder, or the one that it would be made in, takes no files: before long work."""
    folder = Path(folder)
    existing = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not existing.is_dir():
        raise _unwritable(folder, f"{existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _unwritable(folder, f"{existing} is read-only for this user")


def _unwritable(folder: Path, reason: str) -> InputError:
    return InputError(
        f"cannot be written to: {reason}",
        where=str(folder),
        fix="name another folder, or get permission to write there",
    )


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Like :func:`atomic_write`, for a folder that the block fills."""
    with atomic_write(path) as part:
        part.mkdir()
        yield part


@contextmanager
def atomic_group(*paths: str | Path) -> Iterator[list[Path]]:
    """Like :func:`atomic_write` for outputs that belong together: none is replaced before all are written."""
    with ExitStack() as stack:
        yield [stack.enter_context(atomic_write(path)) for path in paths]


@contextmanager
def atomic_folders(*paths: str | Path) -> Iterator[list[Path]]:
    """Like :func:`atomic_group`, for folders that the block fills."""
    with atomic_group(*paths) as parts:
        for part in parts:
            part.mkdir()
        yield parts


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends."""
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table without its index; floats with :data:`DECIMALS` significant digits."""
    with atomic_write(path) as part:
        table.to_csv(part, index=False, float_format=f"%.{DECIMALS}g", lineterminator="\n")


def as_written(table: pd.DataFrame) -> pd.DataFrame:
    """Return the values that reading a file of :func:`write_csv` would give; every cell is a number."""
    return table.map(lambda value: float(f"{value:.{DECIMALS}g}"))


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write indented JSON in the mapping's order; a value that is not finite is a ValueError (DVC cannot read it)."""
    _refuse_non_finite(content, "")
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: str | Path, rows: list[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def _refuse_non_finite(value: Any, key: str) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_non_finite(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}: outputs hold finite numbers only")
