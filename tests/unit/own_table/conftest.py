"""Small tables of several kinds, a folder to run stages in, and the language model's tiny backbone."""

import importlib.util
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from noise import pasted, run_check
from ruamel.yaml import YAML

from radprompt import __version__
from radprompt.core.errors import InputError
from radprompt.core.table_params import Table, TableParams, check_table_params

MISSING = ["", "NA", "NaN"]
TINY = {
    "llm": {"epochs": 2, "batch_size": 8, "precision": "fp32", "device": "cpu", "lora": {"rank": 2, "alpha": 4}},
    "features": {"count": 3},
    "adaptation": {"curve": [8], "repeats": {"llm": 1}},
    "partition": {"folds": 2, "repeats": 2, "draws": 2},
    "named": {"draws": 5},
    "baselines": {"models": ["logistic_regression", "svm", "majority", "pooled_logistic", "source_logistic"]},
    "evaluation": {"bootstrap_draws": 100},
}
"""Everything real, nothing big."""


def merged(into: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        into[key] = merged(into[key], value) if isinstance(value, Mapping) else value
    return into


def template_params() -> dict[str, Any]:
    text = files("radprompt.own_table").joinpath("template/params.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe").load(text.replace("0.0.0", __version__))


@pytest.fixture
def params() -> Callable[..., TableParams]:
    """The template's parameters with changes, section by section."""

    def params(**changes: Any) -> TableParams:
        return check_table_params(merged(template_params(), changes))

    return params


@pytest.fixture
def content() -> Callable[..., dict[str, Any]]:
    """The template's parameters with changes, as they stand in params.yaml."""
    return lambda **changes: merged(template_params(), changes)


@pytest.fixture
def roles() -> Callable[..., Table]:
    """Roles of columns: the label is called ``label``."""

    def roles(**changes: Any) -> Table:
        plain = dict.fromkeys(("positive", "id", "group", "site", "split"))
        return Table(**({"label": "label", **plain, "ignore": [], "categories": [], "missing": MISSING} | changes))

    return roles


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text as a file and return its path."""

    def write(text: str, encoding: str = "utf-8", name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture
def stopped(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Check a table that must be refused; return the options of the command that it suggests, which must work."""

    def stopped(table: pd.DataFrame, said: str, **options: Any) -> dict[str, Any]:
        path = tmp_path / "masses of 2024.csv"
        table.to_csv(path, index=False)
        with pytest.raises(InputError) as error:
            run_check(path, **options)
        assert said in str(error.value)
        again = pasted(str(error.value))
        assert run_check(path, **{key: value for key, value in again.items() if key != "label"})
        return again

    return stopped


def two_sites(cases: int = 30, seed: int = 0) -> pd.DataFrame:
    """Cases of two hospitals with other columns; the label follows the first of each but for one case."""
    rng = np.random.default_rng(seed)
    parts = []
    for site, names in (("North", ["area", "tone", "edge"]), ("South", ["worst area", "worst tone", "edge"])):
        values = pd.DataFrame(rng.normal(50, 9, size=(cases, 3)).round(2), columns=names)
        values.insert(0, "label", np.where((values[names[0]] > 50) ^ (np.arange(cases) == 7), "malignant", "benign"))
        values.insert(0, "site", site)
        values.insert(0, "case", [f"{site[0]}{number:02d}" for number in range(cases)])
        values["shape"] = rng.choice(["oval", "round", "lobulated"], size=cases)
        values.loc[[3, 9, 15], "shape"] = None
        values.loc[[4, 5], names[1]] = np.nan
        parts.append(values)
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session", name="two_sites")
def two_sites_fixture() -> pd.DataFrame:
    return two_sites()


@pytest.fixture(scope="session")
def tiny_params(backbone: Path) -> dict[str, Any]:
    """The template's parameters for a quick run on those sites."""
    roles = {"table": {"id": "case", "site": "site"}, "llm": {"backbone": {"source": str(backbone)}}}
    return merged(merged(template_params(), TINY), roles)


@pytest.fixture
def sites_file(tmp_path: Path) -> Path:
    path = tmp_path / "two_sites.csv"
    two_sites().to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The language model's tiny random LLaMA: the folder of its weights."""
    place = Path(__file__).parents[1] / "llm/conftest.py"
    spec = importlib.util.spec_from_file_location("llm_conftest", place)
    assert spec is not None
    assert spec.loader is not None
    fixtures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fixtures)
    record = fixtures._backbone("llama", tmp_path_factory.mktemp("own_backbone"))
    return record.parent / "weights"
