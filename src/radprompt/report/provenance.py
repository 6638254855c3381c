"""Where the page's numbers come from: files by their hash, packages by their version, the machine in words."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from radprompt.report.reader import Reader

PACKAGES = (
    *("radprompt", "numpy", "pandas", "scipy", "scikit-learn", "scikit-image", "pydicom", "python-gdcm", "SimpleITK"),
    *("pyradiomics", "pymrmr", "nnunetv2", "torch", "transformers", "peft", "xgboost-cpu", "transtab", "statsmodels"),
    *("dvc", "dvclive", "matplotlib", "Jinja2"),
)
"""Distributions whose version can change a number."""


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
