"""Whether the pinned Python packages are here, and the decoders of DICOM's transfer syntaxes."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from radprompt.repository.doctor.finding import Finding

PYTHONS = ((3, 11), (3, 12))
REQUIREMENTS = (Path("requirements/lock.txt"), Path("requirements/sdist.txt"))
INSTEAD = {"xgboost-cpu": "xgboost"}
"""Packages that a machine with a GPU has under another name."""
# The syntaxes that the three data sets and other archives of mammograms are stored in.
SYNTAXES = {
    "1.2.840.10008.1.2.1": "uncompressed",
    "1.2.840.10008.1.2.5": "RLE",
    "1.2.840.10008.1.2.4.57": "JPEG lossless",
    "1.2.840.10008.1.2.4.70": "JPEG lossless, first order",
    "1.2.840.10008.1.2.4.80": "JPEG-LS lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)")


def check_python() -> Finding:
    """Compare the interpreter with those that the packages are pinned for."""
    here = sys.version_info[:2]
    found = ".".join(map(str, sys.version_info[:3]))
    if here in PYTHONS:
        return Finding("software", "Python", "ok", found)
    return Finding("software", "Python", "error", found, "`make setup PYTHON=python3.11`, or python3.12")


def check_packages(repository: Path, files: tuple[Path, ...] = REQUIREMENTS) -> Finding:
    """Compare what is installed with the pins of ``requirements/``."""
    absent = [str(file) for file in files if not (repository / file).is_file()]
    if absent:
        fix = "run it in the repository's root, or `git checkout requirements`"
        return Finding("software", "packages", "error", f"no {' and '.join(absent)} to compare with", fix)
    pins = {
        match[1]: match[2]
        for file in files
        for line in (repository / file).read_text(encoding="utf-8").splitlines()
        if (match := _PIN.match(line.strip()))
    }
    here = {name: _version(name) or _version(INSTEAD.get(name, name)) for name in (*pins, "torch")}
    missing = sorted(name for name, found in here.items() if found is None)
    other = sorted(f"{name} {here[name]} ({pin})" for name, pin in pins.items() if here[name] not in (None, pin))
    found = f"{len(pins) - len(set(missing) & set(pins))} of {len(pins)} pinned, torch {here['torch'] or 'missing'}"
    if missing:
        return Finding("software", "packages", "error", f"{found}; missing: {_some(missing)}", "run `make setup`")
    if other:
        found = f"{found}; another version (pinned): {_some(other)}"
        return Finding("software", "packages", "warning", found, "`make setup` installs the versions that were tested")
    return Finding("software", "packages", "ok", found)


def check_decoders() -> Finding:
    """Ask pydicom which of :data:`SYNTAXES` it can decode here."""
    try:
        from pydicom.pixels import get_decoder
        from pydicom.uid import UID
    except ModuleNotFoundError:
        fix = "run `make setup`, or pip install 'radprompt[mammograms]'"
        return Finding("software", "DICOM decoders", "error", "pydicom is not installed", fix)
    lacking = [name for uid, name in SYNTAXES.items() if not get_decoder(UID(uid)).is_available]
    if lacking:
        fix = "run `make setup`: python-gdcm and pylibjpeg-openjpeg decode them"
        return Finding("software", "DICOM decoders", "error", f"none for {', '.join(lacking)}", fix)
    return Finding("software", "DICOM decoders", "ok", ", ".join(SYNTAXES.values()))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
