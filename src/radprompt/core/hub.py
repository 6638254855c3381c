"""Where a saved model is read from: a folder, or by its id and commit a repository of the Hugging Face hub."""

import re
from pathlib import Path
from typing import Any, ClassVar, Self

from radprompt.core.errors import InputError

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
PLAIN = ("*.json", "*.safetensors", "*.md", "*.txt", "*.csv", "*.jinja")
"""Patterns of the files that are fetched: plain data, nothing that loading would execute."""


def is_hub_id(text: str) -> bool:
    """Tell whether a text is ``owner/name`` and no folder here."""
    return bool(_ID.fullmatch(text)) and not Path(text).exists()


def model_folder(source: str | Path, revision: str | None, *, file: str, inside: str) -> Path:
    """Return the folder that holds a model.

    Parameters
    ----------
    source
        A folder, or a hub id such as ``owner/name``, which is fetched unless it is in the cache already.
    revision
        Commit on the hub; required with a hub id, so that the same call gives the same model.
    file
        What the folder must hold.
    inside
        Subfolder in which an exported model has it.

    Raises
    ------
    InputError
        No model is there, the hub cannot be reached, or a hub id comes without its commit.
    """
    place = Path(source)
    if not place.is_dir():
        place = _fetch(str(source), revision)
    for folder in (place, place / inside):
        if (folder / file).is_file():
            return folder
    raise InputError(
        f"no model here: neither {file} nor {inside}/{file}",
        where=str(source),
        fix="name a folder that `save` or `radprompt export` wrote",
    )


def _fetch(source: str, revision: str | None) -> Path:
    if not is_hub_id(source):
        raise InputError("no such folder", where=source, fix="name a folder, or a hub id such as owner/name")
    if revision is None:
        fix = "give revision: the commit that the hub's page shows under Files"
        raise InputError("a hub id without its commit", where=source, fix=fix)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=list(PLAIN)))
    except (LocalEntryNotFoundError, HfHubHTTPError, OfflineModeIsEnabled, ConnectionError) as error:
        what = f"not on the hub, or the hub cannot be reached: {str(error).splitlines()[0]}"
        raise InputError(what, where=f"{source}, {revision}", fix="check id, commit, login and network") from None


class FromPretrained:
    """Gives a class with ``load`` the constructor that the hub's libraries have."""

    SAVED: ClassVar[tuple[str, str]]
    """A file of the folder that ``load`` reads, and the subfolder in which an exported model has that folder."""

    @classmethod
    def from_pretrained(cls, source: str | Path, *, revision: str | None = None, **options: Any) -> Self:
        """Read a saved model.

        Parameters
        ----------
        source : str or Path
            A folder that ``save`` or ``radprompt export`` wrote, or a hub id such as ``owner/name``: only then is the
            network used, and only for files that are not in the hub's cache.
        revision : str or None, default=None
            Commit on the hub; required with a hub id.
        **options
            Those of ``load``.

        Raises
        ------
        InputError
            No model is there, the hub cannot be reached, or a hub id comes without its commit.
        """
        file, inside = cls.SAVED
        return cls._load_from(model_folder(source, revision, file=file, inside=inside), options)

    @classmethod
    def _load_from(cls, folder: Path, options: dict[str, Any]) -> Self:
        return cls.load(folder, **options)  # type: ignore[attr-defined]
