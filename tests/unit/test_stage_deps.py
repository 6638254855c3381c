"""A module that a stage imports and dvc.yaml does not list would change results without a rerun: walk and compare."""

import ast
import re
from functools import cache
from pathlib import Path

import networkx as nx
import pytest
from dvc.repo import Repo

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
# They read settings, word errors and spread work: no value of an output depends on them, and the settings themselves
# are tracked by `params`. A new key must not train the segmenter again.
PLUMBING = {SRC / "radprompt" / f"{name}.py" for name in ("params", "params_errors", "errors", "compute", "stage")}


@cache
def _imports(file: Path) -> frozenset[Path]:
    """Files of radprompt that this file imports anywhere in its code, function bodies included."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] == "radprompt":
                found |= {path for path in _files_of(name) if path.is_file()}
    return frozenset(found)


def _files_of(name: str) -> list[Path]:
    place = SRC.joinpath(*name.split("."))
    return [place.with_suffix(".py"), *(p / "__init__.py" for p in (place, *place.parents) if p.is_relative_to(SRC))]


def _closure(script: Path) -> set[Path]:
    todo, seen = [script], set()
    while todo:
        file = todo.pop()
        if file not in seen:
            seen.add(file)
            todo += _imports(file)
    # An __init__.py that imports nothing only documents its package.
    return {f for f in seen if f.name != "__init__.py" or _imports(f)} - PLUMBING


def _stages():
    return [s for s in Repo(ROOT).index.stages if s.cmd and "stages/" in str(s.cmd)]


@cache
def _users() -> dict[str, set[str]]:
    """By stage: all that need what it writes, directly or not."""
    graph = Repo(ROOT).index.graph
    return {stage.addressing: {user.addressing for user in nx.ancestors(graph, stage)} for stage in graph}


@pytest.mark.parametrize("stage", _stages(), ids=lambda s: s.addressing)
def test_stage_depends_on_every_module_it_imports(stage):
    script = next(word for word in str(stage.cmd).split() if word.startswith("stages/"))
    listed = {Path(dep.fs_path) for dep in stage.deps}
    needed = _closure(ROOT / script)
    assert len(needed) > 1, "the walk found no module at all"
    missing = {f for f in needed if not any(f == dep or dep in f.parents for dep in listed)}
    assert not missing, f"add to deps: {sorted(str(f.relative_to(ROOT)) for f in missing)}"


@pytest.mark.parametrize("stage", _stages(), ids=lambda s: s.addressing)
def test_stage_lists_no_code_that_it_does_not_import(stage):
    script = next(word for word in str(stage.cmd).split() if word.startswith("stages/"))
    needed = _closure(ROOT / script)
    code = {Path(d.fs_path) for d in stage.deps if d.fs_path.endswith(".py")}
    idle = {dep for dep in code if dep not in needed and not any(dep in f.parents for f in needed)}
    assert not idle, f"remove from deps: {sorted(str(f.relative_to(ROOT)) for f in idle)}"


@pytest.mark.parametrize("made", ["lesions", "masks", "features"])
def test_whatever_uses_a_checked_table_waits_for_its_check(made):
    """With --keep-going or a target, it is the graph that holds stages back, not their order in the file."""
    users = _users()
    use = set().union(*(names for name, names in users.items() if name.partition("@")[0] == made))
    assert len(use) > 20
    assert use - users[f"validate_{made}"] == {f"validate_{made}"}


def test_every_script_is_a_stage():
    used = {word for s in _stages() for word in str(s.cmd).split() if word.startswith("stages/")}
    assert used == {f"stages/{p.name}" for p in (ROOT / "stages").glob("*.py")}


@pytest.mark.parametrize("script", sorted((ROOT / "stages").glob("*.py")), ids=lambda p: p.name)
def test_script_is_short_and_says_what_it_does(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    docstring = ast.get_docstring(ast.parse(text)) or ""
    for word in ("Reads", "Writes", "Takes", "Expect"):
        assert word in docstring, f"{script.name}: docstring lacks {word!r}"


@pytest.mark.parametrize("stage", _stages(), ids=lambda s: s.addressing)
def test_stage_lists_every_params_section_it_reads(stage):
    script = next(word for word in str(stage.cmd).split() if word.startswith("stages/"))
    text = (ROOT / script).read_text(encoding="utf-8")
    read = set(re.findall(r"\b(?:params|load_params\(\))\.([a-z_]+)", text)) - {"yaml"}
    if "seeds" in read:  # Params.seeds: so many, from the first one on
        read = read - {"seeds"} | {"seed", "evaluation"}
    listed = {key.split(".")[0] for dep in stage.deps for key in getattr(dep, "params", [])}
    # How the work is spread changes no result.
    assert read - {"compute"} <= listed
