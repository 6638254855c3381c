"""Prompt files: one JSON object a line."""

import json
from pathlib import Path

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_jsonl
from radprompt.tables.cohort import REPEAT, ROLES
from radprompt.tables.lesions import LABEL
from radprompt.tables.schema import Column, Schema

SCHEMA = Schema(
    "prompt file",
    [
        REPEAT,
        Column("lesion_id"),
        Column("split", one_of=ROLES),
        Column("prompt", "a text", pattern=r"(?s).*\S.*"),
        LABEL,
    ],
    key=("repeat", "lesion_id"),
    fix="every line is an object with repeat, lesion_id, split, prompt, label; run `dvc repro` again",
)
COLUMNS = tuple(SCHEMA.names)


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
        raise InputError("no such prompt file", where=str(path), fix=SCHEMA.absent)
    rows = [_row(path, number, line) for number, line in enumerate(path.read_bytes().splitlines(), start=1)]
    if not rows:
        raise InputError("no prompts", where=str(path), fix="run `dvc repro` again")
    cells = pd.DataFrame(rows, columns=SCHEMA.names)
    SCHEMA.check(cells, [f"{path}, line {number}" for number in range(1, len(rows) + 1)])
    return SCHEMA.typed(cells)


def _row(path: Path, number: int, line: bytes) -> dict[str, str]:
    """Return the values of one line as cells."""
    where = f"{path}, line {number}"
    try:
        found = json.loads(line)
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=where, fix=SCHEMA.fix) from None
    if not isinstance(found, dict):
        raise InputError("not an object", where=where, fix=SCHEMA.fix)
    if missing := [name for name in SCHEMA.names if name not in found]:
        raise InputError(f"{', '.join(missing)} missing", where=where, fix=SCHEMA.fix)
    for column in SCHEMA.columns:
        value = found[column.name]
        if type(value) is not (str if column.kind == "text" else int):
            raise InputError(f"{column.name} {value!r} is not {column.words}", where=where, fix=SCHEMA.fix)
    return {name: str(found[name]) for name in SCHEMA.names}
