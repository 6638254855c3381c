"""Change valid small files in every way for a given time, and report what is neither read nor refused in words.

    python benchmarks/fuzz.py --minutes 60
    python benchmarks/fuzz.py --minutes 5 --targets dicom mask_png --seed 7

Reads   nothing; files are made in the temporary folder (what is drawn and must hold: tests/unit/datasets/fuzz_*.py)
Writes  below --out, for each finding, the smallest example and the traceback
Takes   the CPU time asked for, one process at a time
Expect  examples, CPU time and findings of each target; exit status 1 when there are findings

Each batch runs in a process of its own, so that a crash of a decoder is a finding too, as is an example that takes more
than 20 s of CPU or 4 GiB of memory. Keep a finding as a test with its smallest input.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE_S, MEMORY = 20, 4 * 2**30
WALL_S = 3_600


class SlowError(BaseException):
    """An example took too long; no reader's ``except Exception`` may swallow it."""


def main() -> None:
    """Give the target that has had the least CPU time its next batch, until the time is used up."""
    asked = _arguments()
    if asked.batch is not None:
        _batch(asked.targets[0], asked.seed, asked.examples, asked.batch)
        return
    names = asked.targets or _names()
    asked.out.mkdir(parents=True, exist_ok=True)
    spent, done, findings = ({name: 0 for name in names} for _ in range(3))
    seed = asked.seed
    while sum(spent.values()) < asked.minutes * 60:
        name = min(names, key=lambda each: spent[each])
        before = _children_s()
        trouble = _in_a_process(name, seed, asked)
        spent[name] += _children_s() - before
        done[name] += asked.examples
        if trouble:
            findings[name] += 1
            (asked.out / f"{name}_{seed}.txt").write_text(trouble, encoding="utf-8", errors="backslashreplace")
            print(f"{name}, seed {seed}: {trouble.strip().splitlines()[-1][:160]}", flush=True)
        seed += 1
        if seed % 10 == 0:
            print(_told(names, spent, done, findings), flush=True)
    print(_told(names, spent, done, findings))
    sys.exit(1 if any(findings.values()) else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1, help="CPU time, all targets together (default: 1)")
    parser.add_argument("--targets", nargs="+", help="some of them (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of the first batch; each next one has the next seed")
    parser.add_argument("--examples", type=int, default=1_000, help="of a batch (default: 1000)")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "radprompt-fuzz", help="findings")
    parser.add_argument("--batch", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _names() -> list[str]:
    sys.path.insert(0, str(ROOT / "tests/unit/datasets"))
    from fuzz_targets import TARGETS

    return list(TARGETS)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _in_a_process(name: str, seed: int, asked: argparse.Namespace) -> str:
    """Return what was found, '' for nothing."""
    with tempfile.TemporaryDirectory(prefix="radprompt-fuzz-") as folder:
        last = Path(folder) / "last.txt"
        command = [sys.executable, str(Path(__file__)), "--targets", name, "--seed", str(seed), "--batch", str(last)]
        try:
            ended = subprocess.run(  # noqa: S603 - this file
                [*command, "--examples", str(asked.examples)],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=WALL_S,
                env=os.environ | {"TMPDIR": folder, "OMP_NUM_THREADS": "1"},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"no end within {WALL_S} s of clock\n{last.read_text(encoding='utf-8')}"
        if ended.returncode == 0:
            return ""
        example = last.read_text(encoding="utf-8") if last.is_file() else "before the first example"
        return f"{ended.stdout}\n{ended.stderr[-6_000:]}\nexit status {ended.returncode}; last example: {example}"


def _batch(name: str, seed: int, examples: int, last: Path) -> None:
    """Run one batch in this process."""
    import hypothesis

    _names()
    from fuzz_targets import TARGETS

    target = TARGETS[name]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGVTALRM, _too_slow)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(target.examples)
    def holds(example: object) -> None:
        last.write_text(repr(example), encoding="utf-8")
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
        try:
            target.run(example)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    holds()


def _too_slow(*_: object) -> None:
    raise SlowError(f"more than {PATIENCE_S} s of CPU")


def _told(names: list[str], spent: dict, done: dict, findings: dict) -> str:
    lines = [f"{each} {done[each]:,} in {spent[each] / 60:.1f} min, {findings[each]} findings" for each in names]
    return f"{sum(spent.values()) / 60:.1f} CPU minutes, {sum(done.values()):,} examples: " + "; ".join(lines)


if __name__ == "__main__":
    main()
