"""Where the page's numbers come from: code and params by git's own hashes, files by theirs, packages, the machine."""

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

from radprompt.pages.report.reader import Reader

PACKAGES = (
    *("radprompt", "numpy", "pandas", "scipy", "scikit-learn", "scikit-image", "pydicom", "python-gdcm", "SimpleITK"),
    *("pyradiomics", "pymrmr", "nnunetv2", "torch", "transformers", "peft", "xgboost-cpu", "transtab", "tableone"),
    *("dvc", "dvclive", "matplotlib", "Jinja2"),
)
"""Distributions whose version can change a number."""

CODE = "code"
"""Folder with the fingerprints of all code that a stage runs."""

PARAMS = "params.yaml"


class Version(NamedTuple):
    """What git can find again: ``params``, the blob of ``params.yaml``, and ``code``, the digest of :data:`CODE`."""

    params: str
    code: str


def code_version(reader: Reader) -> Version:
    """Name the params and the code that the page was made from by hashes that git knows, without asking git.

    A commit cannot be named: the page's own hash is in ``dvc.lock``, so in the commit, before there is one. ``code`` is
    the SHA-256 of git's blob hashes, one a line in the order of paths; either is empty where there is no such file.
    """
    params = reader.content(PARAMS)
    paths = sorted((reader.root / CODE).glob("*.txt"), key=lambda path: path.name.encode())
    blobs = "".join(f"{git_blob(path.read_bytes())}\n" for path in paths)
    code = hashlib.sha256(blobs.encode()).hexdigest() if paths else ""
    return Version("" if params is None else git_blob(params), code)


def git_blob(content: bytes) -> str:
    """Return the hash by which git stores a file's content: what ``git hash-object`` prints."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def packages() -> list[tuple[str, str]]:
    """Return the installed version of each of :data:`PACKAGES`; those that are not there are left out."""
    found = []
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def machine() -> str:
    """Describe the machine that made this page, without its name: cores, processor family, system, Python."""
    cores = os.cpu_count()
    return (
        f"{cores or 'unknown number of'} processor cores ({platform.machine()}), {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def inputs(reader: Reader) -> list[tuple[str, str]]:
    """Return every file that the page was made from, with the first 16 digits of its SHA-256, by path."""
    return [(path, digest[:16]) for path, digest in sorted(reader.digests.items())]
