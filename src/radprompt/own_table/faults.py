"""Everything that is wrong with a table in one message, with one command that mends it."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from radprompt.core.errors import InputError

LISTS = {"ignore": "ignore", "category": "categories", "missing": "missing", "keep": "keep", "clinical": "clinical"}
"""Options that may be repeated, and their keys under ``table`` in params.yaml."""


_SHOWN = 40  # faults of a message; the command mends all


class Fault(NamedTuple):
    """One thing that is wrong.

    ``options`` are those of ``radprompt table`` that mend it: text, a list of texts for :data:`LISTS`, None for one
    that has to go. Without any, the file itself is to be corrected.
    """

    place: str
    what: str
    advice: str
    options: Mapping[str, Any] = {}


class Command(NamedTuple):
    """A call of ``radprompt table``: the table's path and the options that were given, in the order typed."""

    path: str
    options: Mapping[str, Any]


class TableError(InputError):
    """A refusal that keeps what is to be settled, and the command that settles it ('' where none does)."""

    faults: Sequence[Fault] = ()
    command: str = ""


def option(name: str, value: str) -> str:
    """Return an option of the command line with its value, ready to paste."""
    # A value that starts with a hyphen would be taken for an option itself.
    return shlex.join([f"--{name}={value}"] if value.startswith("-") else [f"--{name}", value])


def refuse(faults: Sequence[Fault], where: str, command: Command | None) -> TableError:
    """Return one error for all faults.

    Parameters
    ----------
    faults
        At least one.
    where
        The table's file.
    command
        The call to mend; None inside a pipeline folder, where params.yaml is to be changed instead.
    """
    lines = [f"{fault.place}: {fault.what}\n  {fault.advice}" for fault in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        rest = faults[_SHOWN:]
        ways = " and ".join(sorted({f"--{key}" for fault in rest for key in fault.options})) or "no option"
        lines.append(f"and {len(rest)} more columns or rows, up to {rest[-1].place}, which {ways} mends")
    changes = merged({}, faults)
    mended = (_line(command, faults) if command else _keys(changes)) if changes else ""
    if len(faults) == 1:
        fix = f"{faults[0].advice}\n{mended}".rstrip()
        return _with_faults(TableError(faults[0].what, where=f"{where}, {faults[0].place}", fix=fix), faults, mended)
    by_hand = "correct the file where no option helps" if any(not fault.options for fault in faults) else ""
    fix = "\n".join(filter(None, [by_hand, mended]))
    what = f"{len(faults)} things are to be settled\n" + "\n".join(lines)
    return _with_faults(TableError(what, where=where, fix=fix), faults, mended)


def _with_faults(error: TableError, faults: Sequence[Fault], command: str) -> TableError:
    error.faults, error.command = faults, command
    return error


def merged(options: Mapping[str, Any], faults: Iterable[Fault]) -> dict[str, Any]:
    """Return options with those of all faults; a column that gets a role is no longer ignored, nor an id."""
    found: dict[str, Any] = {key: list(value) if key in LISTS else value for key, value in options.items()}
    for fault in faults:
        for key, value in fault.options.items():
            if key in LISTS:
                found[key] = list(dict.fromkeys([*found.get(key, []), *value]))
            else:
                found[key] = value
    roles = {found.get("group"), found.get("id")}
    for key in ("ignore", "category"):
        if key in found:
            found[key] = [name for name in found[key] if name not in roles]
    return found


def _line(command: Command, faults: Sequence[Fault]) -> str:
    words = [shlex.join(["radprompt", "table", command.path])]
    for key, value in merged(command.options, faults).items():
        values = value if isinstance(value, list) else [value]
        for each in values:
            if each is True:
                words.append(f"--{key}")
            elif each is not None and each is not False:
                words.append(option(key, str(each)))
    return " ".join(words)


def _keys(changes: Mapping[str, Any]) -> str:
    lines = []
    for key, value in changes.items():
        text = f"add {', '.join(map(repr, value))}" if key in LISTS else value if value is not None else "null"
        lines.append(f"{LISTS.get(key, key)}: {text}")
    return "in params.yaml, under table, " + "; ".join(lines)
