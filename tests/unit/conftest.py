"""What tests of several packages share."""

import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from radprompt.study.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
_HEAVY = re.compile(
    r"\b(torch|transformers|peft|transtab|dvc|great_expectations|nnunet\w*|chromium|subprocess|simpleitk|pydicom|pil)\b",
    re.I,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``."""
    parser.addoption("--fast", action="store_true", help="only test files that name neither torch nor DVC nor images")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``--fast``, pass over test files that name a heavy package, or lie in the language model's folder."""
    if not config.getoption("--fast") or collection_path.suffix != ".py":
        return None
    heavy = _HEAVY.search(collection_path.read_text(encoding="utf-8")) or "llm" in collection_path.parts
    return True if heavy and collection_path.name.startswith("test_") else None


@pytest.fixture(scope="session")
def settings() -> Settings:
    """The protocols of this repository."""
    return load_settings(ROOT / "settings.yaml")


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with the repository's ``params.yaml`` and ``settings.yaml``."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def run_stage() -> Callable[..., None]:
    """Call the ``main`` of a script in ``stages/`` with its arguments, in this process."""

    def run_stage(name: str, *arguments: str) -> None:
        spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / "stages" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        stage = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(stage)
        stage.main(*arguments)

    return run_stage
