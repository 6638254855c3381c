"""What lies in a data set's folder: counted without opening an image, so that 20,000 take seconds."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from radprompt.core.errors import InputError
from radprompt.mammograms.datasets import cbis_ddsm, image_files, inbreast, nbia, vindr_mammo
from radprompt.mammograms.datasets.table import read_table
from radprompt.repository.doctor.finding import Finding, State, counted
from radprompt.repository.doctor.sources import BY_FOLDER, Expected

COMPLETE = 0.99
"""Share of the known number from which a folder counts as a copy with gaps; below, the download is not finished."""


def check_folder(repository: Path, root: Path, folder: str, expected: Expected) -> Finding:
    """Compare a data set's folder below ``root`` (from the repository) with what it should hold."""
    source, place = BY_FOLDER[folder], repository / root / folder
    shown = (root / folder).as_posix()
    advice = "`dvc repro` draws it" if expected.drawn else f"{source.advice}. Put it into {shown}/"
    if not place.is_dir():
        if expected.drawn:
            return Finding("data", source.name, "ok", "synthetic, not drawn yet", advice)
        return Finding("data", source.name, "error", f"no folder {shown}", advice)
    try:
        found = COUNTERS[folder](place)
    except InputError as error:
        if expected.drawn:
            return Finding("data", source.name, "warning", f"synthetic, incomplete: {error.what}", advice)
        return Finding("data", source.name, "error", f"{error.where}: {error.what}", advice)
    except OSError as error:
        return Finding("data", source.name, "error", f"{error.filename}: {error.strerror}", "give read permission")
    told = ", ".join(counted(number, expected.counts.get(what), what) for what, number in found.items())
    state = _state(found, expected)
    kind = "synthetic, " if expected.drawn else ""
    return Finding("data", source.name, state, kind + told, "" if state == "ok" else _remedy(state, expected, advice))


def _state(found: Mapping[str, int], expected: Expected) -> State:
    if all(found[what] == number for what, number in expected.counts.items()):
        return "ok"
    # What the phantom drew for other parameters is drawn again: nothing is missing.
    if expected.drawn or all(found[what] >= COMPLETE * number for what, number in expected.counts.items()):
        return "warning"
    return "error"


def _remedy(state: State, expected: Expected, advice: str) -> str:
    if expected.drawn:
        return "not what params.yaml asks for: `dvc repro` draws it again"
    if state == "warning":
        return "complete the download, or read in data/lesions/*_exclusions.csv what its gaps cost"
    return f"the download is not complete: {advice}"


def _cbis_ddsm(root: Path) -> dict[str, int]:
    rows = {
        f"{word} rows": read_table(root / cbis_ddsm.TABLES[split], cbis_ddsm.COLUMNS, cbis_ddsm.PROVENANCE)
        for split, word in (("train", "training"), ("test", "test"))
    }
    series = nbia.index(root, "Mass-", cbis_ddsm.PROVENANCE)
    filled = {subject for subject, own in series.items() if any(_size(file) for each in own for file in each.files())}

    _require_images(len(filled), root, "**/*")

    def present(column: str) -> int:
        subjects = {_subject(path) for table in rows.values() for path in table[column]}
        return len(subjects & filled)

    counts = {what: len(table) for what, table in rows.items()}
    return counts | {"mammograms": present("image_file_path"), "masks": present("roi_mask_file_path")}


def _subject(path: str) -> str:
    return (PurePosixPath(path.replace("\\", "/")).parts or ("",))[0]


def _vindr_mammo(root: Path) -> dict[str, int]:
    table = read_table(root / vindr_mammo.TABLE, vindr_mammo.COLUMNS, vindr_mammo.PROVENANCE)
    usable = {f"{split} masses": len(rows) for split, rows in vindr_mammo.usable_masses(table)}
    studies = [
        _filled(image_files.files_in(Path(study.path)))
        for study in os.scandir(vindr_mammo.PROVENANCE.require(root / "images"))
        if study.is_dir()
    ]
    _require_images(sum(studies), root / "images", "*/*")
    counts = {"rows": len(table), **usable}
    return counts | {"studies": sum(images > 0 for images in studies), "images": sum(studies)}


def _inbreast(root: Path) -> dict[str, int]:
    rows = read_table(root / inbreast.TABLE, inbreast.COLUMNS, inbreast.PROVENANCE, separator=";")
    images = _filled(image_files.files_in(inbreast.PROVENANCE.require(root / "AllDICOMs")))
    outlines = _filled(image_files.files_in(inbreast.PROVENANCE.require(root / "AllXML"), (".xml",)))
    if not outlines:
        raise InputError("no contour (*.xml): without them no mass is known", where=str(root / "AllXML"))
    _require_images(images, root / "AllDICOMs", "*")
    return {"rows": len(rows), "images": images, "outlines": outlines}


def _require_images(number: int, folder: Path, pattern: str) -> None:
    """Refuse a folder that holds other files instead of DICOM images, such as a copy as PNG."""
    if number:
        return
    files = [path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith(".")]
    others = Counter(path.suffix for path in files if path.suffix.lower() not in (".csv", ".dcm", ".dicom"))
    if others:
        found = ", ".join(f"{count:,} files *{suffix}" for suffix, count in others.most_common(3))
        raise InputError(f"no DICOM image (*.dcm, *.dicom); there are {found} there", where=str(folder))


def _filled(files: Iterable[Path]) -> int:
    return sum(_size(file) > 0 for file in files)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


COUNTERS: dict[str, Callable[[Path], dict[str, int]]] = {
    "cbis_ddsm": _cbis_ddsm,
    "vindr_mammo": _vindr_mammo,
    "inbreast": _inbreast,
}
