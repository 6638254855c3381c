"""A profile is the part of ``params.yaml`` that differs; merging it keeps the comments."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_write
from radprompt.core.params import check_params


def apply_profile(profile: Path, params: Path) -> list[str]:
    """Write the profile's values into the params file and return one line a change, ``key: old -> new``.

    Raises
    ------
    InputError
        If the profile does not exist or the merged file would not be valid; the params file then stays as it was.
    """
    if not profile.is_file():
        known = sorted(p.stem for p in profile.parent.glob("*.yaml"))
        raise InputError(f"no profile {profile.stem!r}", where=str(profile.parent), fix=f"choose one of {known}")
    yaml = _as_written()
    content = yaml.load(params.read_text(encoding="utf-8"))
    changes = list(_merge(content, YAML(typ="safe").load(profile.read_text(encoding="utf-8")), "", profile))
    check_params(YAML(typ="safe").load(_dump(yaml, content)), where=f"{params} with {profile}")
    if changes:
        with atomic_write(params) as part:
            part.write_text(_dump(yaml, content), encoding="utf-8")
    return changes


def _merge(into: CommentedMap, changes: dict[str, Any], prefix: str, profile: Path) -> Iterator[str]:
    for key, value in changes.items():
        name = f"{prefix}{key}"
        if key not in into:
            raise InputError(f"key {name!r} is not in params.yaml", where=str(profile), fix="correct the key")
        if isinstance(value, dict):
            yield from _merge(into[key], value, f"{name}.", profile)
        elif into[key] != value:
            yield f"{name}: {into[key]} -> {value}"
            if isinstance(value, list):
                into[key][:] = value  # in place: written as it was, on one line or several
            else:
                into[key] = value


def _as_written() -> YAML:
    # Lines that a profile does not touch must come out as they went in, for git's sake.
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 200
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    return yaml


def _dump(yaml: YAML, content: CommentedMap) -> str:
    stream = StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
