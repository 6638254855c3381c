"""params.yaml: every key known, every type checked, every error names the key."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.params import check_params, load_params

ROOT = Path(__file__).parents[2]


def _content():
    return YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_committed_params_are_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.llm.lora.rank == 16
    assert params.features.count == 8


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("llm.lora.rnak", 4, r"unknown key 'llm.lora.rnak'; did you mean 'rank'\?"),
        ("llm.lora.rank", "4", r"llm.lora.rank: .*integer; found '4' \(str\)"),
        ("llm.lora.rank", 0, r"llm.lora.rank: .*greater than 0; found 0"),
        ("llm.lora.layers", "most", r"llm.lora.layers: .*'all'; found 'most'"),
        ("llm.learning_rate", True, r"llm.learning_rate: .*number; found True \(bool\)"),
        ("data.validation_fraction", 1.5, r"data.validation_fraction: .*less than 1"),
        ("prompt.instruction", None, r"prompt.instruction: .*string; found None"),
        ("baselines.models", ["logistic_regresion"], r"baselines.models"),
        ("phantom", 3, r"phantom: .*found 3"),
        ("sead", 1, r"unknown key 'sead'; did you mean 'seed'\?"),
    ],
)
def test_wrong_value_is_refused_by_name(path, value, message):
    content = _content()
    *parents, last = path.split(".")
    section = content
    for parent in parents:
        section = section[parent]
    section[last] = value
    with pytest.raises(InputError, match=message):
        check_params(content)


def test_missing_key_is_named():
    content = _content()
    del content["llm"]["epochs"]
    with pytest.raises(InputError, match=r"key 'llm.epochs' is missing"):
        check_params(content)


def test_scientific_notation_without_a_point_is_a_number(tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "p.yaml").write_text(text.replace("learning_rate: 0.001", "learning_rate: 1e-4"), encoding="utf-8")
    assert load_params(tmp_path / "p.yaml").llm.learning_rate == 1e-4


def test_file_that_is_absent_or_no_yaml_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_params(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1", encoding="utf-8")
    with pytest.raises(InputError, match="not valid YAML"):
        load_params(tmp_path / "bad.yaml")
    (tmp_path / "empty.yaml").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="whole file"):
        load_params(tmp_path / "empty.yaml")
