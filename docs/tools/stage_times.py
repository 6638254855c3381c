"""Collect the times that the stages recorded into docs/stage_times.csv.

    dvc repro --force && python docs/tools/stage_times.py && python docs/tools/readme.py

Each stage records its time in .radprompt/times when it succeeds. The file is written only if all of them did, with the
values that params.yaml and settings.yaml have now. README.md and `radprompt doctor` quote it.
"""

import csv
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from measuring import machine  # noqa: E402

from radprompt.core.errors import InputError  # noqa: E402
from radprompt.core.outputs import write_text  # noqa: E402
from radprompt.core.params import load_params  # noqa: E402
from radprompt.core.timing import FOLDER, duration, settings_digest  # noqa: E402
from radprompt.repository.doctor.model import check_model  # noqa: E402
from radprompt.repository.doctor.scaling import UNCHANGED, Amount, amounts  # noqa: E402
from radprompt.repository.doctor.stage_times import FILE, StageTime, stage_descriptions  # noqa: E402
from radprompt.repository.doctor.workload import is_phantom, workload  # noqa: E402
from radprompt.study.settings import load_settings  # noqa: E402

SHOWN = 8
"""Stages that an error names."""


def instances(root: Path) -> list[str]:
    """Return the names of all stage instances of the repository's pipelines."""
    from dvc.repo import Repo

    with Repo(root) as repository:
        return [stage.name for stage in repository.index.stages if stage.cmd]


def collect(root: Path, names: Iterable[str], grows: Mapping[str, Amount]) -> list[StageTime]:
    """Return a row for each stage, in the order of ``names``.

    Parameters
    ----------
    root
        The repository.
    names
        Instances that must have been recorded with the current parameters.
    grows
        Amounts by stage.

    Raises
    ------
    InputError
        If an instance has no record, or one of a run with other parameters or settings.
    """
    digest = settings_digest(root)
    records: dict[str, list[dict[str, Any]]] = defaultdict(list)
    missing = []
    for name in names:
        file = root / FOLDER / f"{name}.json"
        record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        if record.get("settings") != digest:
            missing.append(name)
        records[name.partition("@")[0]].append(record)
    if missing:
        listed = ", ".join(missing[:SHOWN]) + (", ..." if len(missing) > SHOWN else "")
        what = f"{len(missing)} stages were not timed with these parameters: {listed}"
        raise InputError(what, where=FOLDER.as_posix(), fix="run the whole pipeline: dvc repro --force")
    rows = []
    for stage, found in records.items():
        amount = grows.get(stage, UNCHANGED)
        if amount.value is None:
            raise InputError("the language model has an unknown shape", where="params.yaml, llm.backbone.source")
        seconds, peak = sum(each["seconds"] for each in found), max(each["peak_gb"] for each in found)
        rows.append(StageTime(stage, len(found), round(seconds, 1), round(peak, 2), *amount))
    return rows


def as_text(rows: Iterable[StageTime], place: Mapping[str, Any]) -> str:
    """Return the content of the file: the machine, without its name, and the rows."""
    text = io.StringIO()
    text.write(f"# {place['cores']} cores with {', '.join(place['extensions'])}, {place['memory_gb']:g} GB\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(StageTime._fields)
    writer.writerows([row._replace(amount=f"{row.amount:.9g}") for row in rows])
    return text.getvalue()


def main(root: Path = ROOT) -> None:
    """Write the file."""
    params, settings = load_params(root / "params.yaml"), load_settings(root / "settings.yaml")
    _, shape = check_model(params.llm.backbone)
    order = list(stage_descriptions(root, phantom=is_phantom(params)))
    names = [name for name in instances(root) if name.partition("@")[0] in order]
    names.sort(key=lambda name: order.index(name.partition("@")[0]))
    rows = collect(root, names, amounts(params, workload(params, settings), settings, shape))
    write_text(root / FILE, as_text(rows, machine()))
    print(f"{FILE}: {len(rows)} stages, {duration(sum(row.seconds for row in rows))}")  # noqa: T201


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
