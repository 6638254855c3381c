"""What tests of several packages share."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_stage() -> Callable[..., None]:
    """Call the ``main`` of a script in ``stages/`` on a setting, in this process."""

    def run_stage(name: str, setting: str = "vindr") -> None:
        spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / "stages" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        stage = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(stage)
        stage.main(setting)

    return run_stage
