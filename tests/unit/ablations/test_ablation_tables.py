"""ablations.yaml: what is wrong is said before anything is queued; overrides mean to DVC what they say."""

from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.evaluation.paper import read_paper_results
from radprompt.study.ablation_tables import check, find_table, load_tables, lookup, overridden, override
from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[3]
SETTINGS = load_settings(ROOT / "settings.yaml")
PARAMS = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
TABLE = """
table3:
  title: Rank
  paper: 3
  targets: [evaluate@vindr]
  settings: [vindr]
  models: [llm]
  rows:
    - {name: rank-4, set: {llm.lora.rank: 4}}
    - {name: rank-8, set: {llm.lora.rank: 8}}
"""


def _load(tmp_path, text):
    (tmp_path / "ablations.yaml").write_text(text)
    return load_tables(SETTINGS, tmp_path / "ablations.yaml")


@pytest.fixture(scope="module")
def ours():
    return load_tables(SETTINGS, ROOT / "ablations.yaml")


def test_every_row_of_the_repository_is_valid(ours):
    for table in ours.values():
        check(table, PARAMS, PARAMS)


@pytest.mark.parametrize("number", [3, 4, 5])
def test_our_tables_hold_every_row_of_the_papers(ours, number):
    table = find_table(ours, str(number))
    results = read_paper_results()
    assert {row.paper for row in table.rows if row.paper} == set(results.loc[results["table"] == number, "setting"])


def test_the_papers_factors_are_the_parameters(ours):
    assert [row.set for row in ours["table3"].rows] == [{"llm.lora.rank": rank} for rank in (4, 8, 16, 32)]
    for row in ours["table4"].rows:
        features, tuning = row.paper.split("+")
        assert row.set["features.selection"] == {"common_features": "common_eight", "mrmr_features": "mrmr"}[features]
        assert row.set["llm.tuning"] == {"lora": "lora", "head_only": "head"}[tuning]
    assert {row.paper: row.set["prompt.names"] for row in ours["table5"].rows} == {
        "censored_names": "censored",
        "real_names": "real",
        None: "shuffled",
    }


def test_a_number_is_short_for_a_table_and_an_unknown_one_lists_the_known(tmp_path):
    tables = _load(tmp_path, TABLE + TABLE.replace("table3", "order"))
    assert find_table(tables, "3") is find_table(tables, "table3")
    assert find_table(tables, "3").file == Path("metrics/ablations/table3.csv")
    with pytest.raises(InputError, match="no table is called '4'\nFix: use one of: 3, order"):
        find_table(tables, "4")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("llm.lora.rank: 4", "llm.lora.rnak: 4", r"'table3', row 'rank-4': unknown key 'llm.lora.rnak'; did you mean"),
        ("llm.lora.rank: 4", "llm.lorra.rank: 4", r"'table3', row 'rank-4': unknown key 'llm.lorra'"),
        ("llm.lora.rank: 8", "llm.lora.rank: high", r"'table3', row 'rank-8': llm.lora.rank: .*found 'high'"),
        ("llm.lora.rank: 8", "seed.x: 8", r"'table3', row 'rank-8': seed.x: 'seed' is a value, no section"),
        (
            "llm.lora.rank: 8",
            "prompt.names: real",
            r"row 'rank-8': no stage behind evaluate@vindr reads 'prompt.names'",
        ),
    ],
)
def test_a_row_that_cannot_run_is_named_with_its_key(tmp_path, old, new, message):
    table = _load(tmp_path, TABLE.replace(old, new))["table3"]
    with pytest.raises(InputError, match=message):
        check(table, PARAMS, ["seed", "llm"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: rank-8", "name: rank-4", "two rows are called 'rank-4'"),
        ("name: rank-8", "name: rank 8", "rows.1.name"),
        ("settings: [vindr]", "settings: [vinder]", "no setting is called 'vinder'"),
        ("  title: Rank\n", "", "title: Field required"),
        ("  paper: 3", "  papper: 3", "papper: Unexpected"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_table(tmp_path, old, new, message):
    assert old in TABLE
    with pytest.raises(InputError, match=message) as caught:
        _load(tmp_path, TABLE.replace(old, new))
    assert "table 'table3'" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [4, 0.5, 1e-4, True, None, "lora", "common_eight", "true", "null", "12", "a b, c=d: 'e'", [1, 2], ["svm", "a b"]],
)
def test_dvc_reads_an_override_as_the_same_value(tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("llm:\n  key: old\n  other: 1\n")
    apply_overrides("params.yaml", [override("llm.key", value)])
    assert YAML(typ="safe").load(Path("params.yaml").read_text()) == {"llm": {"key": value, "other": 1}}


def test_overriding_leaves_the_original_alone():
    changed = overridden(PARAMS, {"llm.lora.rank": 5})
    assert lookup(changed, "llm.lora.rank") == 5
    assert lookup(PARAMS, "llm.lora.rank") != 5
    assert lookup(PARAMS, "llm.lora.nothing") is None


def test_tables_of_other_settings_are_passed_over_where_that_is_asked_for(tmp_path):
    text = TABLE + TABLE.replace("table3", "other").replace("[vindr]", "[film]")
    (tmp_path / "ablations.yaml").write_text(text)
    assert list(load_tables(SETTINGS, tmp_path / "ablations.yaml", strict=False)) == ["table3"]
    with pytest.raises(InputError, match="no setting is called 'film'"):
        load_tables(SETTINGS, tmp_path / "ablations.yaml")
