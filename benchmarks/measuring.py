"""Time, memory and the machine: what every benchmark measures with."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path("benchmarks/results.json")
PACKAGES = ("torch", "transformers", "peft", "pyradiomics", "SimpleITK", "numpy", "pandas", "scikit-learn", "joblib")


class Row(NamedTuple):
    """One line of the table: the plain way's figure, ours, and which way is better (``s`` and ``MB``: less)."""

    what: str
    unit: str
    plain: float | None
    ours: float
    goal: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return how many times better ours is."""
        if self.plain is None:
            return None
        return self.ours / self.plain if self.unit.endswith("/s") else self.plain / self.ours


def median_s(work: Callable[[], Any], repeats: int) -> float:
    """Return the median time of a call, s."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_mb() -> float:
    """Return the most memory that this process has held so far, MB."""
    status = Path("/proc/self/status")  # what getrusage tells is handed down from the parent
    if status.exists():
        return int(status.read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(script: str, *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """Run a script in a process of its own, with memory and imports of its own; return the JSON of its last line."""
    command = [python, script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own script
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"{' '.join(command[1:])} failed")
    return json.loads(done.stdout.splitlines()[-1])


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, memory, versions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = {line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")}
    flags = {flag for line in lines if line.startswith("flags") for flag in line.split()}
    return {
        "processor": ", ".join(sorted(models)) or platform.processor(),
        "extensions": [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags],
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in PACKAGES},
    }
