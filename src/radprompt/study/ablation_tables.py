"""``ablations.yaml``: which parameters each table of ablations varies, and whose scores it shows."""

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from radprompt.core.errors import InputError
from radprompt.core.params import check_params, read_yaml
from radprompt.study.settings import Settings

FILE = Path("ablations.yaml")
_STRICT = ConfigDict(extra="forbid", strict=True)
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # part of a git reference
_Scalar = str | int | float | bool | None
_PLAIN = re.compile(r"^(?!(true|false|null|nan|inf)$)[A-Za-z_][\w./-]*$", re.IGNORECASE)


@dataclass(frozen=True, config=_STRICT)
class Row:
    """One experiment: the parameters that differ, and the paper's name for it."""

    name: _Name
    set: Annotated[dict[str, _Scalar | list[_Scalar]], Field(min_length=1)]
    paper: str | None = None


@dataclass(frozen=True, config=_STRICT)
class Table:
    """One table: its experiments, the stages they bring up to date, and the scores that are collected."""

    title: str
    targets: Annotated[list[str], Field(min_length=1)]
    settings: Annotated[list[str], Field(min_length=1)]
    models: Annotated[list[str], Field(min_length=1)]
    rows: Annotated[list[Row], Field(min_length=1)]
    paper: int | None = None
    name: _Name = ""

    @property
    def file(self) -> Path:
        """Where the collected table is written."""
        return Path("metrics/ablations") / f"{self.name}.csv"

    @property
    def short(self) -> str:
        """What one types: ``3`` for ``table3``."""
        return self.name.removeprefix("table")

    def experiment(self, row: Row) -> str:
        """Return the name of a row's experiment in DVC."""
        return f"{self.name}-{row.name}"

    def where(self, row: Row) -> str:
        """Return where in the file a row stands, for errors."""
        return f"{FILE}, table {self.name!r}, row {row.name!r}"


def load_tables(settings: Settings, path: Path = FILE, *, strict: bool = True) -> dict[str, Table]:
    """Read every table, by name.

    Parameters
    ----------
    settings
        Protocols that a table may show.
    path
        File to read.
    strict
        If False, tables of settings that there are not, as after `radprompt profile open`, are passed over.

    Raises
    ------
    InputError
        For a file that is absent or no YAML, an unknown or missing key, a value of a wrong type, an unknown setting, or
        two rows of one name; it names the table and the key.
    """
    content = read_yaml(path, missing="run from the repository's root")
    if not isinstance(content, dict):
        raise InputError("no mapping of tables", where=str(path), fix="see docs/ablations.md")
    tables = {str(name): _table(str(name), entry, path) for name, entry in content.items()}
    unknown = {name: [each for each in table.settings if each not in settings] for name, table in tables.items()}
    if not strict:
        return {name: table for name, table in tables.items() if not unknown[name]}
    for name, wrong in unknown.items():
        if wrong:
            what = f"no setting is called {', '.join(map(repr, wrong))}"
            fix = f"use some of: {', '.join(settings)}"
            raise InputError(what, where=f"{path}, table {name!r}", fix=fix)
    return tables


def _table(name: str, entry: Any, path: Path) -> Table:
    where = f"{path}, table {name!r}"
    try:
        table = TypeAdapter(Table).validate_json(json.dumps({**entry, "name": name}, default=str))
    except (ValidationError, TypeError) as error:
        problems = error.errors() if isinstance(error, ValidationError) else []
        lines = [f"{'.'.join(map(str, p['loc']))}: {p['msg']}; found {p['input']!r}" for p in problems[:3]]
        raise InputError("\n  ".join(lines) or "no mapping", where=where, fix="see docs/ablations.md") from None
    names = [row.name for row in table.rows]
    if twice := sorted({row for row in names if names.count(row) > 1}):
        raise InputError(f"two rows are called {twice[0]!r}", where=where, fix="name every row differently")
    return table


def find_table(tables: Mapping[str, Table], name: str) -> Table:
    """Return the table of that name, or of that number: ``3`` is short for ``table3``."""
    for key in (name, f"table{name}"):
        if key in tables:
            return tables[key]
    raise InputError(
        f"no table is called {name!r}",
        where=str(FILE),
        fix=f"use one of: {', '.join(t.short for t in tables.values())}",
    )


def overridden(params: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested parameters with dotted keys changed; they stay as they were."""
    merged = deepcopy(dict(params))
    for key, value in changes.items():
        section: Any = merged
        *path, last = key.split(".")
        for step in path:
            section = section.setdefault(step, {})
            if not isinstance(section, dict):
                raise InputError(f"{key}: {step!r} is a value, no section")
        section[last] = value
    return merged


def lookup(params: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key, None where there is none."""
    value: Any = params
    for step in key.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def check(table: Table, params: Mapping[str, Any], read: Iterable[str]) -> None:
    """Check every row before anything is queued.

    Parameters
    ----------
    table
        Whose rows to check.
    params
        ``params.yaml``, valid without the rows.
    read
        The dotted keys that the stages behind the table's targets read.

    Raises
    ------
    InputError
        For a key or value that ``params.yaml`` cannot have, or that no such stage reads; it names table, row and key.
    """
    read = set(read)
    for row in table.rows:
        try:
            check_params(overridden(params, row.set))
        except InputError as error:
            raise InputError(error.what, where=table.where(row), fix="correct `set`") from None
        for key in row.set:
            if not any(f"{key}.".startswith(f"{known}.") or f"{known}.".startswith(f"{key}.") for known in read):
                raise InputError(
                    f"no stage behind {', '.join(table.targets)} reads {key!r}: the experiment would change nothing",
                    where=table.where(row),
                    fix="correct `targets` or `set`, or list the parameter in dvc.yaml",
                )


def override(key: str, value: Any) -> str:
    """Return what ``dvc exp run --set-param`` takes, such as ``llm.lora.rank=4``."""
    if isinstance(value, list):
        return f"{key}=[{','.join(override('', item)[1:] for item in value)}]"
    if isinstance(value, str) and _PLAIN.match(value):
        return f"{key}={value}"
    return f"{key}={json.dumps(value, ensure_ascii=False)}"
