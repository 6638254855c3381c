"""The public estimators' docstrings: every option with its type and default, and an example that runs."""

import ast
import doctest
import importlib
import inspect
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from tiny_models import write_model

from radprompt.llm import packaged

ROOT = Path(__file__).parents[2]
ESTIMATORS = {
    "LanguageModelClassifier": "radprompt.llm.classifier",
    "NamedClassifier": "radprompt.named.classifier",
    "TransTabClassifier": "radprompt.baselines.transtab",
    "MRMRSelector": "radprompt.selection.mrmr",
    "NormalScores": "radprompt.baselines.classical",
}


def load(name: str) -> type:
    return getattr(importlib.import_module(ESTIMATORS[name]), name)


def test_these_are_all_estimators() -> None:
    found = {
        name
        for file in (ROOT / "src").rglob("*.py")
        for name in re.findall(r"^class (\w+)\([^)]*\bBaseEstimator\b", file.read_text(encoding="utf-8"), re.M)
    }
    assert found == set(ESTIMATORS)


def documented(estimator: type) -> dict[str, str]:
    """Return the default that the docstring states for each parameter, as it is written there."""
    section = re.search(r"Parameters\n-+\n(.*?)\n\n", f"{inspect.getdoc(estimator)}\n\n", re.S)
    stated: dict[str, str] = {}
    for names, defaults in re.findall(r"^(\w[\w, ]*) : .*?\bdefault=(.*)$", section[1] if section else "", re.M):
        given = [names] if "," not in names else names.split(", ")
        stated |= dict(zip(given, [defaults] if len(given) == 1 else defaults.split(", "), strict=True))
    return stated


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_docstring_states_type_and_default_of_every_parameter(name: str) -> None:
    estimator = load(name)
    options = {} if estimator.__init__ is object.__init__ else dict(inspect.signature(estimator).parameters)
    stated = documented(estimator)
    assert set(stated) == set(options)
    for option, text in stated.items():
        default = options[option].default
        if text.endswith('..."'):  # a long text, of which the docstring gives the beginning
            assert default.startswith(text[1:-4])
        else:
            assert ast.literal_eval(text) == default, option


@pytest.fixture
def tiny_packaged_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model in the packaged one's place."""
    write_model(tmp_path / "weights", "llama")

    def convert(folder: Path) -> dict[str, object]:
        shutil.copytree(tmp_path / "weights", folder, dirs_exist_ok=True)
        return {"source": "smollm2", "revision": None, "sha256": "0"}

    (tmp_path / "model.gguf").write_bytes(b"tiny")
    monkeypatch.setattr(packaged, "packaged_file", lambda: tmp_path / "model.gguf")
    monkeypatch.setattr(packaged, "convert_packaged", convert)
    monkeypatch.setenv("RADPROMPT_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_example_of_the_docstring_runs(name: str, tiny_packaged_model: None) -> None:
    estimator = load(name)
    known = {"pd": pd, name: estimator}
    (example,) = doctest.DocTestFinder(recurse=False).find(estimator, name, globs=known)
    result = doctest.DocTestRunner().run(example)
    assert result.attempted > 0
    assert result.failed == 0
