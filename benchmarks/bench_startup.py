"""How long until something happens: `radprompt --help`, each stage's imports, and `dvc repro` with nothing to do."""

import statistics
import subprocess
import sys
from pathlib import Path

from measuring import Row, median_s

REPEATS = 3


def main(repeats: int = REPEATS) -> list[Row]:
    """Time them; beside each the bare interpreter, which nobody is faster than."""

    def bare(*arguments: str, repeats: int = repeats) -> float:
        return median_s(lambda: subprocess.run([sys.executable, *arguments], capture_output=True), repeats)  # noqa: S603

    nothing = bare("-c", "pass")
    # One argument too many: a stage imports all that it needs and then shows its usage.
    scripts = sorted(Path("stages").glob("*.py"))
    stages = {script.stem: bare(str(script), "too", "many", repeats=1) for script in scripts}
    slowest = sorted(stages, key=lambda name: -stages[name])[:2]
    helping = bare(str(Path(sys.executable).with_name("radprompt")), "--help")
    rows = [
        Row("radprompt --help", "s", None, helping, None, f"python -c pass: {nothing:.2f} s"),
        Row(f"start of a stage, median of {len(stages)}", "s", None, statistics.median(stages.values())),
        *(Row(f"start of {name}", "s", None, stages[name]) for name in slowest),
    ]
    dvc = [sys.executable, "-m", "dvc"]
    if subprocess.run([*dvc, "status", "--quiet"], capture_output=True).returncode:  # noqa: S603
        sys.stderr.write("startup: something is out of date, so `dvc repro` is not timed\n")
        return rows
    nothing_to_do = median_s(lambda: subprocess.run([*dvc, "repro", "--quiet"], check=True), min(repeats, 2))  # noqa: S603
    return [*rows, Row("dvc repro with nothing to do", "s", None, nothing_to_do)]


if __name__ == "__main__":
    for row in main(1):
        print(row)
