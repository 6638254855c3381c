"""Time and memory of ``radprompt table`` on made-up tables, a stage at a time.

Example: `python benchmarks/table_times.py 200x100 200x1000 300x2400`
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

PAUSE = 0.2
"""Seconds between two looks at the processes."""


def main() -> None:
    """Run the tables of the sizes that the command line names, and print a Markdown table of each."""
    for size in sys.argv[1:]:
        rows, columns = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            made_up(rows, columns).to_csv(path, index=False)
            measure(size, ["radprompt", "table", str(path), "--label", "diagnosis", "--id", "case"])


def made_up(rows: int, columns: int) -> pd.DataFrame:
    """Return a table whose features come in families of ten that say nearly the same; one in twenty tells the class."""
    rng = np.random.default_rng(0)
    labels = (np.arange(rows) % 5 < 2).astype(int)
    families = rng.normal(size=(rows, -(-columns // 10)))
    families[:, ::20] += 0.6 * labels[:, None]
    values = np.repeat(families, 10, axis=1)[:, :columns] + 0.4 * rng.normal(size=(rows, columns))
    table = pd.DataFrame(values.round(5), columns=[f"texture {n // 10} variant {n % 10}" for n in range(columns)])
    table.insert(0, "case", [f"C{row * 7919 % 9973}" for row in range(rows)])
    return table.assign(diagnosis=np.where(labels == 1, "malignant", "benign"))


def measure(size: str, command: list[str]) -> None:
    """Run a command and print wall and CPU seconds, the largest memory of its processes together, and each stage's."""
    load, start, largest = os.getloadavg()[0], time.perf_counter(), 0.0
    stages: dict[str, float] = {}
    cpu: dict[int, tuple[str, float]] = {}
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    while process.poll() is None:
        total = 0.0
        for each in (process, *_children(process)):
            try:
                words, used, own = each.cmdline(), each.cpu_times(), each.memory_info().rss / 1e9
            except psutil.Error:
                continue
            name = next((word.rpartition(".")[2] for word in words if "radprompt.stages." in word), "dvc and the rest")
            total += own
            cpu[each.pid] = (name, used.user + used.system)
            stages[name] = max(stages.get(name, 0.0), own)
        largest = max(largest, total)
        time.sleep(PAUSE)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{size}: {command} ended with {process.returncode}")
    print(
        f"\n{size}: {wall:.0f} s, {sum(used for _, used in cpu.values()):.0f} CPU s, {largest:.2f} GB at most; ", end=""
    )
    print(
        f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores\n\n| stage | CPU s | GB |\n|---|---|---|"
    )
    for name, memory in sorted(stages.items(), key=lambda item: -sum(s for n, s in cpu.values() if n == item[0])):
        print(f"| {name} | {sum(used for own, used in cpu.values() if own == name):.1f} | {memory:.2f} |", flush=True)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


if __name__ == "__main__":
    main()
