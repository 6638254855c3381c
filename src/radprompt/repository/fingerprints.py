"""Fingerprints of the code behind each stage, so that a stage reruns when its code changes, and only then.

A stage's fingerprint lists a digest for each module that its script imports, directly or not, and for each template or
table that those modules read from the package. Comments, docstrings and blank lines are left out of the digests:
correcting a sentence retrains nothing. They are cut out by their position in the text; a digest of the syntax tree
would change with the version of Python.
"""

import ast
import hashlib
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from radprompt.core.errors import InputError

PACKAGE = "radprompt"
PLUMBING = frozenset(
    f"src/{PACKAGE}/{name}.py"
    for name in (
        "__init__",
        "core/baseline_params",
        "core/compute",
        "core/errors",
        "core/params",
        "core/params_errors",
        "core/stage",
        "core/table_params",
        "core/timing",
    )
)
"""Modules without influence on any value: they read settings, word errors, spread and time work.

The settings themselves are tracked by ``params`` in ``dvc.yaml``, so that a new key does not retrain the segmenter.
"""

_READERS = frozenset({"importlib.resources.files", f"{PACKAGE}.pages.environment.environment"})
"""Functions by which modules read packaged files."""


def write_fingerprints(root: Path, folder: Path) -> list[Path]:
    """Write ``<stage>.txt`` into ``folder`` for each script in ``root/stages``; return the files.

    Raises
    ------
    InputError
        If a module cannot be parsed; it names file and line.
    """
    written = []
    for script in sorted((root / "stages").glob("[!_]*.py")):
        target = folder / f"{script.stem}.txt"
        target.write_text(fingerprint(script, root), encoding="utf-8", newline="\n")
        written.append(target)
    return written


def fingerprint(script: Path, root: Path) -> str:
    """Return a stage's fingerprint: a line ``digest  path`` for each file of :func:`code_of`, in the order of paths."""
    lines = []
    for file in code_of(script, root):
        content = stripped(file) if file.suffix == ".py" else file.read_text(encoding="utf-8")
        if content:  # an __init__.py that only documents its package says nothing
            digest = hashlib.sha256(content.encode()).hexdigest()[:16]
            lines.append(f"{digest}  {file.relative_to(root).as_posix()}\n")
    return "".join(lines)


def code_of(script: Path, root: Path) -> list[Path]:
    """Return the script, every module of ours that it imports, directly or not, and the files that those read.

    Imports inside functions count. :data:`PLUMBING` does not, nor what only it imports.
    """
    source, plumbing = root / "src", {root / name for name in PLUMBING}
    todo, seen = [script], set[Path]()
    while todo:
        file = todo.pop()
        if file not in seen and file not in plumbing:
            seen.add(file)
            if file.suffix == ".py":
                todo += _needs(file, source)
    return sorted(seen, key=lambda file: file.relative_to(root).as_posix())


@cache
def stripped(file: Path) -> str:
    """Return a module's text without comments, docstrings, blank lines and blanks at line ends.

    Lines inside a string that is not a docstring stay as they are.
    """
    text = file.read_text(encoding="utf-8")
    tree = _parse(file)
    lines = [bytearray(line.encode()) for line in text.splitlines()]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            del lines[token.start[0] - 1][len(token.line[: token.start[1]].encode()) :]
    docstrings = list(_docstrings(tree))
    for node in docstrings:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first, last = node.lineno - 1, node.end_lineno - 1
        rest = lines[last][node.end_col_offset :]
        for number in range(first, last + 1):
            lines[number] = lines[number][: node.col_offset] if number == first else bytearray()
        lines[last] += rest
    cut = {node.value for node in docstrings}
    verbatim = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno and node not in cut
        for number in range(node.lineno - 1, node.end_lineno - 1)
    }
    kept = []
    for number, line in enumerate(lines):
        content = line.decode() if number in verbatim else line.decode().rstrip()
        if content or number in verbatim:
            kept.append(content)
    return "\n".join(kept)


def _docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    """Yield strings that stand alone as statements: docstrings, and those below a constant that document it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node


@cache
def _parse(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InputError(f"not Python: {error.msg}", where=f"{file}, line {error.lineno}", fix="correct it") from None


@cache
def _needs(file: Path, source: Path) -> list[Path]:
    """Return the modules that a module imports, and the packaged files that it reads."""
    names: set[str] = set()
    for node in ast.walk(_parse(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = {path for name in names if name.split(".")[0] == PACKAGE for path in _files_of(name, source)}
    if names & _READERS:
        found |= {path for folder in _packages_named(file, source) for path in _packaged_files(folder)}
    return sorted(found)


def _files_of(name: str, source: Path) -> list[Path]:
    """Return the files that ``import name`` runs: the module's, and the ``__init__.py`` of each package around it."""
    place = source.joinpath(*name.split("."))
    packages = [path for path in (place, *place.parents) if path.is_relative_to(source) and path != source]
    return [path for path in (place.with_suffix(".py"), *(p / "__init__.py" for p in packages)) if path.is_file()]


def _packages_named(file: Path, source: Path) -> set[Path]:
    """Return the packages whose files a module may read: its own, and those whose name is one of its strings."""
    texts = {
        node.value for node in ast.walk(_parse(file)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = {source.joinpath(*text.split(".")) for text in texts if text.startswith(f"{PACKAGE}.")}
    return {folder for folder in {file.parent, *named} if (folder / "__init__.py").is_file()}


def _packaged_files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and path.name != "py.typed"
    ]
