"""The command in a message is what a shell reads back."""

import shlex

import pytest

from radprompt.own_table.faults import Command, Fault, merged, option, refuse

ODD = ["a b", "it's", 'size "2"', "-9999", "größe", "$HOME", "x*", "a;b", "--id", "x=-1", "`ls`", "é\\n"]


@pytest.mark.parametrize("name", ODD)
def test_any_name_survives_the_shell(name):
    words = shlex.split(option("ignore", name))
    assert (words[-1] if len(words) == 2 else words[0].removeprefix("--ignore=")) == name
    error = refuse(
        [Fault("column 1", "odd", "see", {"ignore": [name]})], "my t.csv", Command("my t.csv", {"label": "y"})
    )
    line = error.fix.splitlines()[-1]
    assert shlex.split(line)[:5] == ["radprompt", "table", "my t.csv", "--label", "y"]
    assert shlex.split(line)[5:] == words


def test_options_are_added_replaced_and_dropped():
    faults = [
        Fault("a", "", "", {"id": None, "group": "case"}),
        Fault("b", "", "", {"ignore": ["date", "nr"]}),
        Fault("c", "", "", {"ignore": ["nr"], "missing": ["-9"]}),
    ]
    given = {"id": "case", "ignore": ["case", "x"], "task": "Classify."}
    assert merged(given, faults) == {
        **{"id": None, "ignore": ["x", "date", "nr"], "task": "Classify.", "group": "case", "missing": ["-9"]},
    }
    line = refuse(faults, "t.csv", Command("t.csv", given)).fix.splitlines()[-1]
    assert line == (
        "radprompt table t.csv --ignore x --ignore date --ignore nr --task Classify. --group case --missing=-9"
    )


def test_inside_a_folder_the_keys_of_params_are_named():
    error = refuse([Fault("a", "odd", "see", {"category": ["x"], "id": None})], "data/table.csv", None)
    assert "in params.yaml, under table, categories: add 'x'; id: null" in error.fix
