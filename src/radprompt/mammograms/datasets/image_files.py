"""Files of a data set as downloads and copies name them: suffixes in any case, hidden files left out."""

from collections import Counter
from pathlib import Path

DICOM = (".dcm", ".dicom")
"""Suffixes of DICOM files, in lower case."""


def is_there(path: Path) -> bool:
    """Tell whether something that may be opened has this name; what may not be looked at counts as there."""
    try:
        return path.exists()
    except OSError:
        return True


def files_in(folder: Path, suffixes: tuple[str, ...] = DICOM) -> list[Path]:
    """Return the files of a folder that have one of the suffixes (lower case) in any case, sorted."""
    return sorted(path for path in _visible(folder) if path.suffix.lower() in suffixes)


def dicom_file(folder: Path, name: str, released: str) -> Path:
    """Return the DICOM file called ``name``.

    Parameters
    ----------
    folder
        Folder of the file.
    name
        File name without its suffix.
    released
        Suffix in the release. The path with it is returned where no file has the name, whatever its suffix.
    """
    path = folder / f"{name}{released}"
    if is_there(path):
        return path
    others = [other for other in files_in(folder) if other.stem.lower() == name.lower()]
    bare = folder / name
    return others[0] if others else bare if bare.is_file() else path


def what_is_there(folder: Path) -> str:
    """Say what lies in a folder in which a file is missing: its files by suffix, or the nearest folder there is."""
    if not folder.is_dir():
        above = next((place for place in folder.parents if place.is_dir()), folder)
        missing = folder.relative_to(above).parts[0] if above != folder else folder.name
        return f"{above.as_posix()} has no folder {missing}"
    counts = Counter(path.suffix for path in _visible(folder) if path.is_file())
    if not counts:
        return "there is no file there"
    kinds = [f"{number} file{'s' if number > 1 else ''} *{suffix}" for suffix, number in counts.most_common(3)]
    return f"there {'is' if len(counts) == 1 and counts.total() == 1 else 'are'} {', '.join(kinds)} there"


def _visible(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
