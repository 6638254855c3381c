"""A pipeline folder of its own: made from the template, filled with a table, run by DVC."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from io import StringIO
from pathlib import Path
from shlex import quote
from typing import Any, Literal, NamedTuple

from ruamel.yaml import YAML

from radprompt import __version__
from radprompt.baselines.tabicl import require_weights
from radprompt.core.child_process import run_group
from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, atomic_write, write_text
from radprompt.core.table_params import ROLES_OF_COLUMNS, TableParams, check_table_params
from radprompt.own_table.checking import Checked, check
from radprompt.own_table.faults import LISTS, Command
from radprompt.own_table.measured import MEASURED, put_measured, read_image_settings, read_measured_again
from radprompt.own_table.partitions import Study, divide
from radprompt.own_table.reading import Sheet
from radprompt.own_table.size import size_feature
from radprompt.own_table.store import SETTINGS

TABLE = Path("data/table.csv")
_FILES = {
    "pipeline.yaml": "dvc.yaml",
    "params.yaml": "params.yaml",
    "settings.yaml": SETTINGS,
    "README.md": "README.md",
    "gitignore": ".gitignore",
}
"""Template and name in the folder. A dvc.yaml inside the package would be taken for a pipeline of the package."""

_PARAMS, _LLM = "params.yaml", "llm/dvc.yaml"
_TASK = "Classify {} of this case based on given standardized features."
_OWN_TASK = re.compile(re.escape(_TASK).replace(r"\{\}", ".+ or .+"))

Git = Literal["none", "root", "below"]
GIT = {
    "none": "without git: dvc exp needs a repository",
    "root": "inside your git repository",
    "below": "inside your git repository",
}
"""Where the folder is: in no git repository, at its root, or below it."""

_TRACKED = (TABLE, MEASURED)
_DVC_FILES = (
    *(".dvc/config", ".dvcignore", "dvc.yaml", "dvc.lock", "params.yaml", SETTINGS),
    *(f"{path.as_posix()}.dvc" for path in _TRACKED),
)
"""Files of a folder that DVC refuses to use where git ignores them, or that are of no use uncommitted."""


def new_folder(folder: Path) -> str:
    """Make a pipeline folder and return what DVC was told about git.

    In a git repository DVC keeps its hashes beside git's commits (``dvc init``, with ``--subdir`` below the root);
    elsewhere, or where git ignores the folder or a file that DVC needs in it, it works alone (``--no-scm``), without
    ``dvc exp``. Nothing is staged in git.

    Raises
    ------
    InputError
        When the folder is there and not empty, or DVC cannot be set up; nothing is left behind then.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("is there already, and not empty", where=str(folder), fix="name a new folder")
    with atomic_folder(folder) as part:
        write_files(part)
    git, ignored = _git_kind(folder), ""
    if git != "none" and (ignored := git_ignores(folder)):
        git = "none"
    try:
        _init(folder, git)
    except InputError:
        shutil.rmtree(folder)
        raise
    finally:
        _git(folder.parent, "reset", "-q", "--", folder.name)  # DVC stages its own files
    if ignored:
        return f"without git, which ignores {ignored}; for dvc exp, change that and make the folder again"
    return GIT[git]


def write_files(folder: Path) -> None:
    """Write a study's own files, as they are before a table is put in."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for template, name in _FILES.items():
        write_text(folder / name, _template(template))


def git_ignores(folder: Path) -> str:
    """Return each rule of git that hides a file which DVC needs, with its line; '' where there is none."""
    found = _git(folder, "check-ignore", "--verbose", "--no-index", *_DVC_FILES)
    by_rule: dict[str, str] = {}
    for hit in (found or "").splitlines():
        rule, _, name = hit.partition("\t")
        by_rule.setdefault(rule, name)
    places = [(name, *rule.rsplit(":", 2)) for rule, name in by_rule.items()]
    return ", ".join(f"{name} ({source}, line {line}: {pattern})" for name, source, line, pattern in places)


class Prepared(NamedTuple):
    """A table that was checked, its protocols, and the values that its folder's params.yaml needs."""

    checked: Checked
    study: Study
    changes: dict[str, Any]


def check_first(
    source: Path,
    given: Mapping[str, Any],
    task: str | None,
    sections: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    folder: Path | None = None,
    sheet: Sheet | None = None,
    command: Command | None = None,
    images: Path | None = None,
    repeated: Path | None = None,
) -> Prepared:
    """Check a table under these roles, before anything is written.

    Parameters
    ----------
    source
        The table's file.
    given
        Values of ``table`` in params.yaml that were asked for. Lists are added to those that are there.
    task
        The instruction sentence; None: one that names the two classes.
    sections
        Values of other sections that were asked for.
    folder
        A pipeline folder whose params.yaml stays as it was edited, where nothing else is asked for.
    sheet, command
        See :func:`~radprompt.own_table.checking.check`.
    images, repeated
        See :func:`fill`; both are read, so that what is wrong with them is said now.
    """
    there = folder / _PARAMS if folder is not None and (folder / _PARAMS).is_file() else None
    content = YAML(typ="safe").load(there.read_text(encoding="utf-8") if there else _template(_PARAMS))
    before = content["table"]
    table = before | {key: value for key, value in given.items() if not isinstance(value, list)}
    for key in LISTS.values():
        table[key] = list(dict.fromkeys([*before.get(key, []), *given.get(key, [])]))
    # What is asked for now goes before what the folder has.
    roles = [given.get(role) for role in ROLES_OF_COLUMNS]
    for key, other in (("ignore", "categories"), ("categories", "ignore")):
        settled = set(given.get(other, [])) - set(given.get(key, []))
        table[key] = [name for name in table[key] if name not in roles and name not in settled]
        for role in ROLES_OF_COLUMNS:
            if role not in given and table[role] in given.get(key, []):
                table[role] = None
    if table["label"] != before["label"] and "positive" not in given:
        table["positive"] = None
    content["table"], content["radprompt"] = table, __version__
    for section, values in (sections or {}).items():
        content[section] |= values
    params = check_table_params(content, where=str(there) if there else "the options of radprompt table")
    require_weights(params.baselines)
    checked = check(source, params.table, sheet=sheet, command=command)
    if images is not None:
        read_image_settings(images)
    if repeated is not None:
        read_measured_again(repeated, params.table, checked.columns, checked.about["case"])
    study = _divide(checked, params, source.stem)
    instruction = content["prompt"]["instruction"]
    if task or there is None or _OWN_TASK.fullmatch(instruction):
        instruction = task or _TASK.format(" or ".join(checked.classes))
    table["positive"] = checked.classes[1]
    own = {key: value for key, value in table.items() if value != before.get(key)}
    size = {"size": found} if (found := size_feature(checked.columns, params.table.size)) else {}
    changes: dict[str, Any] = {key: dict(values) for key, values in (sections or {}).items()}
    for section, values in (("table", own), ("prompt", {"instruction": instruction}), ("baselines", size)):
        changes[section] = changes.get(section, {}) | values
    changes["named"] = {"outcomes": list(checked.classes)}
    return Prepared(checked, study, changes)


def _divide(checked: Checked, params: TableParams, title: str) -> Study:
    return divide(checked.about, checked.sites, params.partition, params.adaptation, params.seed, title)


def changed(folder: Path, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a line for each value of a folder's params.yaml that the changes replace."""
    content = YAML(typ="safe").load((folder / _PARAMS).read_text(encoding="utf-8"))
    return [
        f"params.yaml: {section}.{key} was {content[section].get(key)!r}, is now {value!r}"
        for section, values in changes.items()
        for key, value in values.items()
        if value != content[section].get(key)
    ]


def fill(
    folder: Path,
    table: bytes,
    changes: Mapping[str, Mapping[str, Any]],
    study: Study,
    *,
    llm: bool = False,
    images: Path | None = None,
    repeated: Path | None = None,
) -> None:
    """Put a table, its parameters and protocols into a folder that :func:`new_folder` made; DVC tracks the table.

    With ``llm`` the pipeline gets the language model's stages. Of ``images``, the folder of a study of images, the
    settings are kept, and of ``repeated``, a table of cases measured again, a copy.

    Raises
    ------
    InputError
        When the folder is not one of ours, or DVC fails.
    """
    is_ours(folder)
    place = folder / TABLE
    if not place.is_file() or place.read_bytes() != table:
        with atomic_write(place) as part:
            part.write_bytes(table)
    put_measured(folder, images, repeated)
    _track(folder)
    set_params(folder / _PARAMS, {"radprompt": __version__, **changes})
    write_settings(folder / SETTINGS, study.settings)
    if llm:
        write_text(folder / _LLM, _template("llm.yaml"))


def is_ours(folder: Path) -> None:
    """Refuse a folder that is no pipeline folder of this kind."""
    text = (folder / _PARAMS).read_text(encoding="utf-8") if (folder / _PARAMS).is_file() else ""
    if not text or "radprompt:" not in text or not (folder / "dvc.yaml").is_file():
        raise InputError("no folder of radprompt new", where=str(folder), fix="name another with --out")


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write a study's protocols."""
    yaml, stream = YAML(), StringIO()
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.width = 200
    yaml.dump(dict(settings), stream)
    write_text(path, f"# The protocols: who trains and who tests. Written by `radprompt table`.\n{stream.getvalue()}")


def set_params(path: Path, changes: Mapping[str, Any]) -> None:
    """Write values into a folder's params.yaml and keep its comments; the result is checked before it is written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 200
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null"))
    content = yaml.load(path.read_text(encoding="utf-8"))
    _merge(content, changes)
    stream = StringIO()
    yaml.dump(content, stream)
    check_table_params(YAML(typ="safe").load(stream.getvalue()), where=str(path))
    write_text(path, stream.getvalue())


def repro(folder: Path) -> None:
    """Run ``dvc repro`` in the folder, with its output as it comes; a stage that stops is an :class:`InputError`.

    What ends this process ends the stages, too: see :func:`~radprompt.core.child_process.run_group`.
    """
    targets = [_LLM, "dvc.yaml"] if (folder / _LLM).is_file() else []
    if run_group([sys.executable, "-m", "dvc", "repro", *targets], folder, _environment()):
        raise InputError(
            "dvc repro stopped, see above", where=str(folder), fix=f"cd {quote(str(folder))}; dvc repro  continues"
        )


def _merge(into: Any, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping):
            _merge(into[key], value)
        elif isinstance(value, list) and key in into:
            into[key][:] = value  # in place: its comment stays
            into[key].fa.set_flow_style()
        else:
            into[key] = value


def _template(name: str) -> str:
    text = files("radprompt.own_table").joinpath("template", name).read_text(encoding="utf-8")
    return text.replace("radprompt: 0.0.0", f"radprompt: {__version__}", 1)


def _git_kind(folder: Path) -> Git:
    """Return how DVC is to be set up here."""
    if shutil.which("git") is None:
        return "none"
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None or _git(folder, "check-ignore", "-q", ".") is not None:
        return "none"
    return "root" if Path(top).resolve() == folder.resolve() else "below"


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints, None where it fails."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    return None if done.returncode else done.stdout.strip()


def _init(folder: Path, git: Git) -> None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        repo = Repo.init(str(folder), no_scm=git == "none", subdir=git == "below")
        with repo.config.edit() as config:
            config["core"].update(analytics=False, check_update=False)
        repo.close()
    except DvcException as error:
        raise InputError(f"DVC cannot be set up: {error}", where=str(folder), fix="see `dvc init`") from None


def _track(folder: Path) -> None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(folder)) as repo:
            repo.add([str(folder.resolve() / path) for path in _TRACKED])
    except DvcException as error:
        ignored = git_ignores(folder)
        why = f"git ignores {ignored}" if ignored else str(error)
        fix = f"change that, or let DVC work without git: cd {quote(str(folder))}; dvc config core.no_scm true"
        if not ignored:
            fix = f"cd {quote(str(folder))}; dvc add {' '.join(path.as_posix() for path in _TRACKED)}"
        raise InputError(f"DVC cannot track the table: {why}", where=str(folder), fix=fix) from None


def _environment() -> dict[str, str]:
    # A stage calls `python`: this environment's.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}
