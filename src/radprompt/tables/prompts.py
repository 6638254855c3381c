"""Prompt files: one JSON object a line."""

import json
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_jsonl
from radprompt.tables.cohort import ROLES

COLUMNS = ("repeat", "lesion_id", "split", "prompt", "label")


def write_prompts(path: str | Path, table: pd.DataFrame) -> None:
    """Write one JSON object a line, with the keys of :data:`COLUMNS`, in the table's order."""
    columns = [table[name].tolist() for name in COLUMNS]
    write_jsonl(path, [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)])


def read_prompts(path: str | Path) -> pd.DataFrame:
    """Read a prompt file; columns as :func:`write_prompts` wrote them.

    Raises
    ------
    InputError
        For an absent or empty file, a line that is no JSON object, a key that is missing, a repeat that is no whole
        number, a split that is not train, val or test, a label that is not 0 or 1, an empty prompt or an id that a
        repeat has twice; it names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such prompt file", where=str(path), fix="run `dvc repro`, or `dvc pull`")
    rows: list[dict[str, object]] = []
    seen: set[object] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            row, problem = None, f"not JSON: {error}"
        else:
            problem = _problem(row, seen)
        if problem:
            raise InputError(
                problem, where=f"{path}, line {number}", fix=f"every line is an object with {', '.join(COLUMNS)}"
            )
        seen.add((row["repeat"], row["lesion_id"]))
        rows.append({name: row[name] for name in COLUMNS})
    if not rows:
        raise InputError("no prompts", where=str(path), fix="run `dvc repro` again")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _problem(row: object, seen: set[object]) -> str:
    if not isinstance(row, dict):
        return "not an object"
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        return f"{', '.join(missing)} missing"
    if type(row["repeat"]) is not int or row["repeat"] < 0:
        return f"repeat is {row['repeat']!r}, not 0, 1, ..."
    if not isinstance(row["lesion_id"], str) or (row["repeat"], row["lesion_id"]) in seen:
        return f"lesion_id {row['lesion_id']!r} is no text or occurs twice"
    if row["split"] not in ROLES:
        return f"split is {row['split']!r}, not one of {', '.join(ROLES)}"
    if type(row["label"]) is not int or row["label"] not in (0, 1):
        return f"label is {row['label']!r}, not 0 (benign) or 1 (malignant)"
    if not isinstance(row["prompt"], str) or not row["prompt"].strip():
        return "the prompt is empty or no text"
    return ""
