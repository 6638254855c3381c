"""The list of an exported model's files with their digests: what is loaded is what was exported."""

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json

MANIFEST = "manifest.json"
KINDS = frozenset({".csv", ".json", ".safetensors", ".md", ".txt", ".jinja"})
"""Endings of files that an exported model may hold: plain data, nothing that loading would execute."""

_FIX = "copy the exported model again, or export it again"


def digest(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe(folder: Path) -> dict[str, dict[str, Any]]:
    """Return ``bytes`` and ``sha256`` of every file below a folder, by its path there, sorted; no hidden ones."""
    return {name: {"bytes": (folder / name).stat().st_size, "sha256": digest(folder / name)} for name in _files(folder)}


def write_manifest(folder: Path) -> str:
    """List every file of the folder in its manifest and return the manifest's own SHA-256."""
    files = describe(folder)
    odd = [name for name in files if PurePosixPath(name).suffix not in KINDS]
    if odd:
        raise ValueError(f"{odd[0]}: not a kind of file that a model is exported with")
    write_json(folder / MANIFEST, {"files": files})
    return digest(folder / MANIFEST)


def check_manifest(folder: Path) -> str:
    """Compare every file with the manifest and return the manifest's own SHA-256.

    Raises
    ------
    InputError
        There is no manifest, or a file is absent, altered, not listed, or of a kind that no exported model holds; it
        names the file.
    """
    place = folder / MANIFEST
    if folder.suffix == ".zip" and folder.is_file():
        raise InputError(
            "a zip file, not a folder", where=str(folder), fix=f"unpack it: python -m zipfile -e {folder} {folder.stem}"
        )
    if not place.is_file():
        raise InputError(
            f"no exported model here: it has no {MANIFEST}", where=str(folder), fix="`radprompt export` makes one"
        )
    try:
        listed = json.loads(place.read_text(encoding="utf-8"))["files"]
        expected = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not a manifest: {error}", where=str(place), fix=_FIX) from None
    found = set(_files(folder)) - {MANIFEST}
    for name in sorted(expected.keys() | found):
        where = str(folder / name)
        if name not in expected:
            raise InputError(f"not listed in {MANIFEST}", where=where, fix="move it out of the exported model")
        if PurePosixPath(name).suffix not in KINDS:
            raise InputError("no exported model holds this kind of file", where=where, fix=_FIX)
        if name not in found:
            raise InputError("no such file, though the manifest lists it", where=where, fix=_FIX)
        size, sha256 = expected[name]
        if (folder / name).stat().st_size != size or digest(folder / name) != sha256:
            raise InputError(f"altered: its SHA-256 is not the one in {MANIFEST}", where=where, fix=_FIX)
    return digest(place)


def _files(folder: Path) -> list[str]:
    """Return the paths of the files below a folder, sorted; hidden ones are the file manager's or the system's."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))
