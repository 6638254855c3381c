"""Wall time, CPU time and peak memory of a stage, recorded when its process ends."""

import atexit
import hashlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import NamedTuple

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json

FOLDER = Path(".radprompt/times")
"""A JSON file for each stage instance, not tracked by git or DVC: it differs from run to run."""
SETTINGS = (Path("params.yaml"), Path("settings.yaml"))
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


class Usage(NamedTuple):
    """Resources of this process and its ended children.

    Parameters
    ----------
    seconds
        Wall time since the process started, imports included.
    cpu_seconds
        CPU time.
    peak_gb
        Peak memory (1e9 bytes) of the largest single process; parallel workers come on top.
    """

    seconds: float
    cpu_seconds: float
    peak_gb: float


def usage() -> Usage:
    """Return the resources used so far."""
    import psutil

    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    peak = max(own.ru_maxrss, children.ru_maxrss) * _MAXRSS_BYTES / 1e9
    return Usage(time.time() - psutil.Process().create_time(), cpu, peak)


def instance_name(script: str, arguments: list[str]) -> str:
    """Return the stage instance as DVC names it; for a script run by hand, the script's name and arguments."""
    by_dvc = os.environ.get("DVC_STAGE", "").rpartition(":")[2]
    return by_dvc or "@".join([Path(script).stem, *arguments])


def settings_digest(folder: Path = Path()) -> str:
    """Return a digest of the values, without comments, in ``params.yaml`` and ``settings.yaml``."""
    from ruamel.yaml import YAML

    files = [folder / name for name in SETTINGS if (folder / name).is_file()]
    values = [YAML(typ="safe").load(file.read_text(encoding="utf-8")) for file in files]
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:16]


def record_at_exit(name: str) -> None:
    """Print and record the resources of this process when it ends, after its worker processes have ended."""
    atexit.register(_record, name)


def duration(seconds: float) -> str:
    """Return seconds in a readable unit: 40 s, 12 min, 3.5 h, 2.1 days."""
    for limit, unit, word in ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            value = seconds / unit
            return f"{value:.1f} {word}" if word == "h" and value < 10 else f"{value:.0f} {word}"
    return f"{seconds / 86400:.1f} days"


def _record(name: str) -> None:
    used = usage()
    print(f"took {duration(used.seconds)}, {used.peak_gb:.1f} GB", flush=True)  # noqa: T201
    rounded = {key: round(value, 2) for key, value in used._asdict().items()}
    try:
        write_json(FOLDER / f"{name}.json", {**rounded, "settings": settings_digest()})
    except (InputError, OSError, ValueError) as error:
        sys.stderr.write(f"the stage succeeded, but its time could not be recorded: {error}\n")
