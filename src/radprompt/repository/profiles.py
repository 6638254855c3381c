"""A profile is what differs in ``params.yaml`` and ``settings.yaml``; merging it keeps their comments."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group
from radprompt.core.params import check_params
from radprompt.study.settings import FILE as SETTINGS
from radprompt.study.settings import check_settings

PARTS = ("params", "settings")


def apply_profile(profile: Path, params: Path, settings: Path | None = None) -> list[str]:
    """Write a profile into both files and return one line a change.

    Parameters
    ----------
    profile
        YAML with one or both of :data:`PARTS`. ``params`` is merged key by key into the parameters. Each key of
        ``settings`` replaces that of the settings file as a whole: these are other protocols, not other values.
    params, settings
        The files; ``settings`` is by default ``settings.yaml`` beside ``params``.

    Returns
    -------
    list of str
        ``key: old -> new`` of the parameters, then ``settings.yaml, key: replaced``.

    Raises
    ------
    InputError
        If the profile does not exist, has other parts, or a merged file would not be valid; both files then stay as
        they were.
    """
    if not profile.is_file():
        known = sorted(p.stem for p in profile.parent.glob("*.yaml"))
        raise InputError(f"no profile {profile.stem!r}", where=str(profile.parent), fix=f"choose one of {known}")
    yaml, settings = _as_written(), settings or params.with_name(SETTINGS)
    parts = yaml.load(profile.read_text(encoding="utf-8"))
    if not isinstance(parts, dict) or not parts or not set(parts) <= set(PARTS):
        fix = "put what belongs into params.yaml below params, what belongs into settings.yaml below settings"
        raise InputError("a profile has the parts params and settings, no other", where=str(profile), fix=fix)
    content = {params: yaml.load(params.read_text(encoding="utf-8"))}
    changes = list(_merge(content[params], parts.get("params") or {}, "", profile))
    if parts.get("settings"):
        content[settings] = yaml.load(settings.read_text(encoding="utf-8"))
        changes += _replace(content[settings], parts["settings"], profile)
    texts = {file: _dump(yaml, own) for file, own in content.items()}
    check_params(_plain(texts[params]), where=f"{params} with {profile}")
    if settings in texts:
        check_settings(_plain(texts[settings]), where=f"{settings} with {profile}")
    if changes:
        with atomic_group(*texts) as written:
            for part, text in zip(written, texts.values(), strict=True):
                part.write_text(text, encoding="utf-8")
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


def _replace(into: CommentedMap, changes: dict[str, Any], profile: Path) -> Iterator[str]:
    for key, value in changes.items():
        if key not in into:
            raise InputError(f"key {key!r} is not in settings.yaml", where=str(profile), fix="correct the key")
        if into[key] != value:
            into[key] = value
            yield f"settings.yaml, {key}: replaced"


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


def _plain(text: str) -> Any:
    return YAML(typ="safe").load(text)
