"""Evidence on real patients: every table of radMLBench through the stages of ``radprompt table``, and two hospitals.

    python benchmarks/real_tables.py FOLDER          # tables <name>.gz or <name>.csv with the columns ID and Target
    python benchmarks/real_tables.py                 # from the package radMLBench, which loads them from the network

Writes docs/evidence.md, docs/evidence.csv and docs/assets/evidence_ranks.svg. Studies are made in ``--work`` (default:
.radprompt/evidence); those that are there already are not run again. What is decided beforehand stands on the page.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
STAGES_BEFORE = (("check_table",), ("standardise",), ("select_features",), ("leakage", "settings"), ("names",))
STAGES_EACH = ("named", "baselines", "evaluate")
MERGED = {"Hosny2018": ("Hosny2018A", "Hosny2018B")}
"""Tables of one question at two hospitals, joined with a column of the site."""
SMALLEST = 6
_FEW = ["logistic_regression", "normal_scores_logistic", "random_forest", "majority"]
_DRAWS = {"named": {"draws": 19}, "evaluation": {"bootstrap_draws": 1000}}
PROTOCOLS: dict[str, dict[str, dict[str, object]]] = {
    "tables": {**_DRAWS, "partition": {"folds": 5, "repeats": 2}},
    "llm": {
        **_DRAWS,
        "partition": {"folds": 5, "repeats": 1, "validation_fraction": 0.2},
        "baselines": {"models": _FEW},
    },
    "hospitals": {
        "evaluation": {"bootstrap_draws": 1000},
        "partition": {"folds": 5, "repeats": 1},
        "baselines": {"models": [*_FEW, "pooled_logistic", "source_logit", "source_logistic"]},
    },
}
"""What differs from the defaults of ``radprompt table``: fewer repeats and draws, the models that a question needs."""


def main() -> None:
    """Run every study that is not there yet, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--work", type=Path, default=Path(".radprompt/evidence"))
    parser.add_argument("--skip-llm", action="store_true", help="leave the language model's studies out")
    parser.add_argument("--page-only", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("TABLE", "STUDY"), help=argparse.SUPPRESS)
    parser.add_argument("--protocol", default="tables", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        run_study(Path(asked.one[0]).resolve(), Path(asked.one[1]).resolve(), asked.protocol)
        return
    if not asked.page_only:
        run_all(asked.folder, asked.work, llm=not asked.skip_llm)
    from real_tables_page import write_page

    write_page(asked.work)


def run_all(folder: Path | None, work: Path, *, llm: bool) -> None:
    """Run every table in a process of its own, the small ones first."""
    tables = load_tables(folder)
    work.mkdir(parents=True, exist_ok=True)
    order = sorted(tables, key=lambda name: tables[name].size)
    smallest = sorted(tables, key=lambda name: len(tables[name]))[:SMALLEST]
    jobs = [(name, tables[name], "tables") for name in order]
    for name, parts in MERGED.items():
        if set(parts) <= set(tables):
            both = pd.concat([tables[part].assign(hospital=part[-1]) for part in parts], ignore_index=True)
            both = without_copies(both)
            jobs.append((name, both.assign(ID=both["hospital"] + "_" + both["ID"].astype(str)), "hospitals"))
    jobs += [(name, tables[name], "llm") for name in smallest] if llm else []
    for place, (name, table, protocol) in enumerate(jobs, start=1):
        study = work / f"{name}-{protocol}"
        if (study / "done.json").is_file():
            continue
        source = work / f"{name}-{protocol}.csv"
        table.to_csv(source, index=False)
        print(
            f"{place} of {len(jobs)}: {name}, {protocol}, {len(table)} rows, {table.shape[1] - 2} columns", flush=True
        )
        command = [sys.executable, __file__, "--one", str(source), str(study), "--protocol", protocol]
        with (work / f"{name}-{protocol}.log").open("w", encoding="utf-8") as log:
            done = subprocess.run(command, check=False, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
        if done.returncode:
            print(f"  stopped: see {log.name}", flush=True)


def without_copies(both: pd.DataFrame) -> pd.DataFrame:
    """Leave out the rows of the second hospital that are copies of the first one's: the check refuses such tables."""
    from radprompt.own_table.copies import find_copies

    numbers = both.drop(columns=["ID", "Target", "hospital"]).astype(str)
    pairs = find_copies(both[[]], numbers.where(numbers != "nan", None))
    apart = {later for earlier, later in pairs if both.loc[earlier, "hospital"] != both.loc[later, "hospital"]}
    print(f"{len(apart)} rows are copies of another hospital's: left out", flush=True)
    return both.drop(index=sorted(apart))


def load_tables(folder: Path | None) -> dict[str, pd.DataFrame]:
    """Return every table by name, from a folder or the package radMLBench."""
    if folder is not None:
        return {path.name.split(".")[0]: pd.read_csv(path) for path in sorted(folder.glob("*.gz"))} | {
            path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))
        }
    import radMLBench  # loads from the network: only where it was installed for this

    return {name: radMLBench.loadData(name, return_X_y=False) for name in radMLBench.listDatasets()}


def run_study(source: Path, study: Path, protocol: str) -> None:
    """Run the stages of ``radprompt table`` on one table, in this process, without DVC."""
    from importlib import import_module

    from radprompt.core.errors import InputError
    from radprompt.own_table.faults import Command
    from radprompt.own_table.folder import check_first, set_params, write_files, write_settings

    began = time.time()
    roles: dict[str, object] = {"label": "Target", "id": "ID"} | (
        {"site": "hospital"} if protocol == "hospitals" else {}
    )
    sections = PROTOCOLS[protocol]
    if pd.read_csv(source, usecols=["ID"])["ID"].isna().any():  # such ids name nothing: rows go by their numbers
        roles = {key: value for key, value in roles.items() if key != "id"} | {"ignore": ["ID"]}
    doubted, given = "", dict(roles)
    for _ in range(6):
        try:
            prepared = check_first(source, given, None, sections, command=Command(str(source), given))
            break
        except InputError as error:  # the advice of the check is followed, as a user would
            doubted = doubted or " ".join(error.what.split())[:300]
            for key, value in options(str(error)).items():
                given[key] = list(dict.fromkeys([*given.get(key, []), *value])) if isinstance(value, list) else value
    else:
        raise SystemExit(f"{source.name}: the check's advice does not end: {doubted}")
    study.mkdir(parents=True, exist_ok=True)
    os.chdir(study)
    write_files(Path())
    Path("data/table.csv").write_bytes(source.read_bytes())
    set_params(Path("params.yaml"), prepared.changes)
    write_settings(Path("settings.yaml"), prepared.study.settings)

    def run(name: str, *arguments: str) -> None:
        import_module(f"radprompt.stages.{name}").main(*arguments)

    for name, *arguments in STAGES_BEFORE:
        run(name, *arguments)
    settings = list(prepared.study.settings["settings"])
    if protocol == "llm":
        run("prompts")
        run("backbone")
    for setting in settings:
        if protocol == "llm":
            run("language_model", setting)
        for name in STAGES_EACH:
            run(name, setting)
    run("summary")
    Path("done.json").write_text(json.dumps({"seconds": time.time() - began, "doubted": doubted}), encoding="utf-8")


def options(message: str) -> dict[str, object]:
    """Return the options of the command that a refusal ends with."""
    import shlex

    from radprompt.own_table.faults import LISTS

    line = next(line for line in message.splitlines() if "radprompt table " in line)
    words, found = shlex.split(line[line.index("radprompt table ") :])[3:], {}
    while words:
        name, equals, value = words.pop(0).removeprefix("--").partition("=")
        value = value if equals else words.pop(0)
        if name in LISTS:
            found.setdefault(LISTS[name], []).append(value)
        else:
            found[name] = value
    return found


if __name__ == "__main__":
    main()
