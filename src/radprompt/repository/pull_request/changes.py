"""What differs between two revisions in their locks and params: stages that ran, and why."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from radprompt.repository.lock_check import leaves
from radprompt.repository.pull_request.revisions import Revision

PARAMS = "params.yaml"


class ParamChange(NamedTuple):
    """A key of params.yaml; ``before`` or ``after`` is None where it is not there."""

    key: str
    before: str | None
    after: str | None


class StageChange(NamedTuple):
    """A stage whose record differs: ``kind`` is ran, new or gone; ``causes`` and ``outputs`` name what changed."""

    name: str
    kind: str
    causes: list[str]
    outputs: list[str]


def param_changes(before: Revision, after: Revision) -> list[ParamChange]:
    """Return the keys whose value differs, in the order of the file as it is now, those that are gone last."""
    old, new = (_params(revision.yaml(PARAMS)) for revision in (before, after))
    return [
        ParamChange(key, _shown(old, key), _shown(new, key))
        for key in [*new, *(key for key in old if key not in new)]
        if _shown(old, key) != _shown(new, key)
    ]


def stage_changes(before: Revision, after: Revision) -> list[StageChange]:
    """Return the stages whose record in ``dvc.lock`` differs, in the order of the lock as it is now.

    A cause is a code file, a param or a command; an artefact counts only where nothing of these changed, since it is
    another stage's doing.
    """
    old, new = before.stages, after.stages
    written = {out for stage in new.values() for out in _hashes(stage, "outs")}
    changes = []
    for name in [*new, *(name for name in old if name not in new)]:
        if name not in old or name not in new:
            changes.append(StageChange(name, "new" if name in new else "gone", [], []))
            continue
        first, second = old[name], new[name]
        outputs = _differing(_hashes(first, "outs"), _hashes(second, "outs"))
        read = _differing(_hashes(first, "deps"), _hashes(second, "deps"))
        own = [path for path in read if not _is_written(path, written)]
        own += _differing(_stage_params(first), _stage_params(second))
        if first.get("cmd") != second.get("cmd"):
            own.insert(0, "the command")
        if own or read or outputs:
            changes.append(StageChange(name, "ran", own or read, outputs))
    return changes


def _params(content: Any) -> dict[str, Any]:
    return leaves(content) if _mapping(content) else {}


def _stage_params(stage: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a lock says of a stage's params, those of params.yaml by their bare keys."""
    found: dict[str, Any] = {}
    for file, content in _mapping(stage.get("params")).items():
        for key, value in _mapping(content).items():
            prefix = "" if file == PARAMS else f"{file}: "
            found |= {f"{prefix}{leaf}": inner for leaf, inner in leaves(value, str(key)).items()}
    return found


def _mapping(content: Any) -> Mapping[str, Any]:
    return content if isinstance(content, Mapping) else {}


def _shown(params: Mapping[str, Any], key: str) -> str | None:
    return repr(params[key]) if isinstance(params.get(key), str) else str(params[key]) if key in params else None


def _hashes(stage: Mapping[str, Any], part: str) -> dict[str, str]:
    return {
        str(item["path"]): str(item.get("md5") or item.get("etag") or item.get("checksum"))
        for item in stage.get(part) or []
        if isinstance(item, Mapping) and "path" in item
    }


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    return [key for key in [*second, *(key for key in first if key not in second)] if first.get(key) != second.get(key)]


def _is_written(path: str, written: Iterable[str]) -> bool:
    """Whether a path is an output, inside one, or a folder with one."""
    return any(f"{path}/".startswith(f"{out}/") or f"{out}/".startswith(f"{path}/") for out in written)
