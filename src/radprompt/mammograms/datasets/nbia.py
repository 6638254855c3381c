"""Where an NBIA download put its series: the paths inside CBIS-DDSM's tables are not those on disk."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from radprompt.mammograms.datasets.image_files import files_in
from radprompt.mammograms.datasets.table import Provenance, read_table

_SERIES_FOLDER = re.compile(r"[\d.]+-(?P<description>.+)-[^-]+")


@dataclass(frozen=True, order=True)
class Series:
    """One series of a subject: its folder and its description in lower case ('' where nothing gives one)."""

    folder: Path
    description: str

    def files(self) -> list[Path]:
        """Return its DICOM files, sorted."""
        return files_in(self.folder)


def index(root: Path, prefix: str, provenance: Provenance) -> dict[str, list[Series]]:
    """Return the series of every subject folder whose name starts with ``prefix``.

    Parameters
    ----------
    root
        The download. Subjects lie in it or one folder deeper (``CBIS-DDSM/``), as ``<subject>/<study>/<series>/*.dcm``.
    prefix
        Of the subject folders, such as ``Mass-``.
    provenance
        Named when a ``metadata.csv`` without the columns ``Series Description`` and ``File Location`` is an error.

    Returns
    -------
    dict
        Subject to its series, sorted. Descriptions come from ``metadata.csv`` where there is one, which also holds for
        downloads with UIDs as folder names, else from folder names such as ``1.000000-ROI mask images-23305``.
    """
    described = _described(root, provenance)
    subjects: dict[str, list[Series]] = {}
    for subject in sorted([*root.glob(f"{prefix}*"), *root.glob(f"*/{prefix}*")]):
        for folder in sorted(path for path in subject.glob("*/*") if path.is_dir()):
            location = PurePosixPath(folder.relative_to(subject.parent).as_posix())
            name = _SERIES_FOLDER.fullmatch(folder.name)
            description = described.get(location, name["description"] if name else "")
            subjects.setdefault(subject.name, []).append(Series(folder, description.lower()))
    return subjects


def _described(root: Path, provenance: Provenance) -> dict[PurePosixPath, str]:
    """Series descriptions of metadata.csv by <subject>/<study>/<series>."""
    path = root / "metadata.csv"
    if not path.is_file():
        return {}
    table = read_table(path, ["series_description", "file_location"], provenance)
    # Locations are written with the separators of the machine that downloaded, below a folder of any name.
    locations = [PurePosixPath(location.replace("\\", "/")).parts[-3:] for location in table["file_location"]]
    return {
        PurePosixPath(*location): description
        for location, description in zip(locations, table["series_description"], strict=True)
        if len(location) == 3
    }
