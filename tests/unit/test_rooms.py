"""The rooms of the package: which may import which, and how large and how named a module may be."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "radprompt"
LEVELS = [
    {"core", "child_process"},
    {"tables"},
    {"selection"},
    {"study", "bayes"},
    {"llm"},
    {"named"},
    {"baselines"},
    {"evaluation"},
    {"radiomics_engine"},
    {"mammograms"},  # checks read images and sources, pages show them
    {"gates"},
    {"pages", "loopback"},
    {"export"},
    {"own_table"},  # its final model answers in the words of an exported one
    {"images", "serve"},  # images names its features as own_table speaks them
    {"review"},  # of mammograms and of a study of images
    {"repository"},
    {"cli"},
    {"__main__"},
]
"""A room imports from itself and from the levels before its own."""
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base"}


def _module(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imports() -> dict[str, set[str]]:
    """By module: the modules of the package that it imports, at whatever depth of its code."""
    paths = {_module(path): path for path in PACKAGE.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for module, path in paths.items():
        names: set[str] = set()
        for node in _run(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: relative import"
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        # What is no module is a name in one.
        found[module] = {name if name in paths else name.rpartition(".")[0] for name in names} & paths.keys()
    return found


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every node but those below ``if TYPE_CHECKING``, which never run."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for child in ast.iter_child_nodes(node):
        yield from _run(child)


def _room(module: str) -> str:
    return [*module.split("."), ""][1]


def test_every_room_has_a_level() -> None:
    rooms = {_room(module) for module in _imports()} - {""}
    assert rooms <= set(LEVEL)


@pytest.mark.parametrize("room", [room for level in LEVELS for room in sorted(level)])
def test_a_room_imports_from_lower_levels_only(room: str) -> None:
    upward = [
        f"{module} imports {other}"
        for module, others in _imports().items()
        if _room(module) == room
        for other in sorted(others)
        if _room(other) not in (room, "") and LEVEL[_room(other)] >= LEVEL[room]
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = nx.DiGraph([(module, other) for module, others in _imports().items() for other in others])
    assert [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1] == []


@pytest.mark.parametrize(("folder", "most"), [("src/radprompt", 400), ("stages", 80)])
def test_a_file_is_read_in_one_sitting(folder: str, most: int) -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert len(lines) > 30
    assert {path.relative_to(ROOT).as_posix(): count for path, count in lines.items() if count > most} == {}


def test_no_module_is_named_after_nothing() -> None:
    assert [module for module in _imports() if EMPTY_NAMES & set(module.split("."))] == []
