"""Reads artefacts for the report, tolerates absent ones, and remembers what it read."""

import hashlib
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError

_FIX = "run `dvc repro` again: the file was cut short or changed by hand"


class Reader:
    """Access to the repository's artefacts.

    Parameters
    ----------
    root
        The repository; every path below is relative to it, with forward slashes.

    Attributes
    ----------
    digests
        SHA-256 of every file that was read, by path.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.digests: dict[str, str] = {}

    def content(self, path: str) -> bytes | None:
        """Return the file's bytes, or None where there is no such file."""
        place = self.root / path
        if not place.is_file():
            return None
        content = place.read_bytes()
        self.digests[path] = hashlib.sha256(content).hexdigest()
        return content

    def text(self, path: str) -> str | None:
        """Return a UTF-8 file, or None."""
        content = self.content(path)
        return None if content is None else content.decode("utf-8")

    def json(self, path: str) -> Any:
        """Return a JSON file's content, or None; one that is not JSON is an :class:`InputError`."""
        content = self.content(path)
        try:
            return None if content is None else json.loads(content)
        except ValueError as error:
            raise InputError(f"not valid JSON: {error}", where=path, fix=_FIX) from None

    def json_lines(self, path: str) -> list[dict[str, Any]] | None:
        """Return the objects of a file with one JSON object a line, or None; see :meth:`json` for the error."""
        content = self.content(path)
        try:
            return None if content is None else [json.loads(line) for line in content.decode("utf-8").splitlines()]
        except ValueError as error:
            raise InputError(f"not valid JSON lines: {error}", where=path, fix=_FIX) from None

    def table(self, path: str, columns: tuple[str, ...] = ()) -> pd.DataFrame | None:
        """Return a CSV (or, by its name, TSV) table, or None.

        Raises
        ------
        InputError
            It is not a table, or lacks one of ``columns``.
        """
        content = self.content(path)
        if content is None:
            return None
        try:
            separator = "\t" if path.endswith(".tsv") else ","
            table = pd.read_csv(BytesIO(content), sep=separator, dtype={"lesion_id": str, "patient_id": str})
        except (ValueError, pd.errors.ParserError) as error:
            raise InputError(f"not a table: {error}", where=path, fix=_FIX) from None
        missing = [name for name in columns if name not in table]
        if missing:
            raise InputError(f"column(s) {', '.join(missing)} missing", where=path, fix=_FIX)
        return table

    def matching(self, pattern: str) -> list[str]:
        """Return the paths of files that match a glob pattern, sorted; hidden folders are half-written outputs."""
        found = (path.relative_to(self.root) for path in self.root.glob(pattern) if path.is_file())
        return sorted(p.as_posix() for p in found if not any(part.startswith(".") for part in p.parts))

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or folder of that name."""
        return (self.root / path).exists()
