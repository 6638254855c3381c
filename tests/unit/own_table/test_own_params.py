"""The folder's parameters: checked, and bound to the package's version."""

from importlib.resources import files

import pytest
from ruamel.yaml import YAML

from radprompt import __version__
from radprompt.core.errors import InputError
from radprompt.own_table.params import load_own_params


@pytest.fixture
def path(tmp_path):
    text = files("radprompt.own_table").joinpath("template/params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text.replace("0.0.0", __version__), encoding="utf-8")
    return tmp_path / "params.yaml"


def test_the_template_is_whole(path):
    params = load_own_params(path)
    assert params.table.missing[:7] == ["", "NA", "N/A", "<NA>", "NaN", "NULL", "?"]
    assert "#DIV/0!" in params.table.missing
    assert (params.table.keep, params.table.decimal) == ([], None)
    assert params.seeds == range(2025, 2026)
    assert params.table.roles == {"label": "label"}


def test_a_folder_of_another_version_says_what_to_do(path):
    path.write_text(path.read_text().replace(f"radprompt: {__version__}", "radprompt: 0.0.9"))
    with pytest.raises(InputError) as error:
        load_own_params(path)
    assert f"made with radprompt 0.0.9, and {__version__} is installed" in str(error.value)
    assert "every stage then runs again" in error.value.fix


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  count: 8", "  cuont: 8", "unknown key 'features.cuont'; did you mean 'count'?"),
        ("    - svm\n", "    - size_alone\n", "baselines.models"),
        ("test_fraction: 0.3", "test_fraction: 1.3", "split.test_fraction"),
        ("  cases: [10, 20, 50]", "  cases: [1]", "adaptation.cases.0"),
    ],
)
def test_a_wrong_key_or_value_is_named(path, old, new, message):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError) as error:
        load_own_params(path)
    assert message in str(error.value)


def test_numbers_are_labels_too(path):
    path.write_text(path.read_text().replace("positive: null", "positive: 1"))
    assert load_own_params(path).table.positive == 1


def test_every_stage_depends_on_the_version_and_on_what_it_reads():
    pipeline = files("radprompt.own_table").joinpath("template/pipeline.yaml").read_text(encoding="utf-8")
    stages = YAML(typ="safe").load(pipeline)["stages"]
    assert all("radprompt" in stage["params"] for stage in stages.values())
    written = {
        path for stage in stages.values() for kind in ("outs", "metrics") for out in stage.get(kind, []) for path in out
    }
    for name, stage in stages.items():
        for dep in stage.get("deps", []):
            known = dep in written or any(path.startswith(f"{dep}/") for path in written)
            assert known or dep in ("data/table.csv", "params.yaml"), f"{name} reads {dep}, which nothing writes"
