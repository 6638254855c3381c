"""Whether a result still counts: same commands, same sources, same parameters, at whatever commit."""

import copy
import subprocess
from io import StringIO

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.repository.ablations.commands import changed_files
from radprompt.repository.ablations.pipeline import counts, read_pipeline

LOCK = {
    "schema": "2.0",
    "stages": {
        "segmenter": {"cmd": "s", "deps": [{"path": "s.py", "md5": "1"}], "outs": [{"path": "models/segmenter"}]},
        "prompts@vindr": {
            "cmd": "p",
            "deps": [{"path": "p.py", "md5": "2"}, {"path": "models/segmenter/net.pt", "md5": "3"}],
            "params": {"params.yaml": {"prompt": {"names": "real"}}},
            "outs": [{"path": "data/vindr/prompts"}],
        },
        "evaluate@vindr": {
            "cmd": "e",
            "deps": [{"path": "e.py", "md5": "4"}, {"path": "data/vindr", "md5": "5"}],
            "params": {"params.yaml": {"llm.rank": 16}},
        },
        "report": {"cmd": "r", "deps": [{"path": "r.py", "md5": "6"}], "params": {"params.yaml": {"seed": 1}}},
    },
}
PARAMS = {"seed": 1, "prompt": {"names": "real"}, "llm": {"rank": 16}}
TARGETS = ["evaluate@vindr"]


def _text(content):
    stream = StringIO()
    YAML().dump(content, stream)
    return stream.getvalue()


def _changed(content, *path, to):
    changed = copy.deepcopy(content)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return changed


def test_stages_behind_a_target_are_found_through_files_and_folders():
    pipeline = read_pipeline(_text(LOCK), TARGETS)
    assert pipeline.sources == {
        "evaluate@vindr": {"e.py": "4"},
        "prompts@vindr": {"p.py": "2"},
        "segmenter": {"s.py": "1"},
    }
    assert pipeline.params == {"prompt", "llm.rank"}
    assert read_pipeline(_text(LOCK), ["evaluate"]) == pipeline


def test_an_unknown_target_is_an_error():
    with pytest.raises(InputError, match=r"dvc.lock: no stage 'evaluate@inbreast'"):
        read_pipeline(_text(LOCK), ["evaluate@inbreast"])


@pytest.fixture
def commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{key}_NAME", "tests")
        monkeypatch.setenv(f"GIT_{key}_EMAIL", "tests@example.org")
    subprocess.run(["git", "init", "-q"], check=True)

    def make(lock, params):
        (tmp_path / "dvc.lock").write_text(_text(lock))
        (tmp_path / "params.yaml").write_text(_text(params))
        subprocess.run(["git", "add", "-A"], check=True)
        subprocess.run(["git", "commit", "-qm", "x", "--no-gpg-sign", "--allow-empty"], check=True)
        return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()

    return make


@pytest.mark.parametrize(
    ("lock", "params", "expected"),
    [
        pytest.param(LOCK, PARAMS, True, id="as it is now"),
        pytest.param(_changed(LOCK, "stages", "evaluate@vindr", "deps", 1, "md5", to="9"), PARAMS, True, id="results"),
        pytest.param(_changed(LOCK, "stages", "report", "deps", 0, "md5", to="9"), PARAMS, True, id="another stage"),
        pytest.param(LOCK, PARAMS | {"seed": 2}, True, id="a parameter that no stage behind reads"),
        pytest.param(LOCK, PARAMS | {"llm": {"rank": 4}}, False, id="a parameter"),
        pytest.param(LOCK, PARAMS | {"prompt": {"names": "censored"}}, False, id="a parameter of a section"),
        pytest.param(_changed(LOCK, "stages", "segmenter", "deps", 0, "md5", to="9"), PARAMS, False, id="a source"),
        pytest.param(_changed(LOCK, "stages", "prompts@vindr", "cmd", to="q"), PARAMS, False, id="a command"),
        pytest.param({"schema": "2.0", "stages": {}}, PARAMS, False, id="no such stage"),
    ],
)
def test_what_counts(commit, lock, params, expected):
    rev = commit(lock, params)
    commit(LOCK, PARAMS)
    assert counts(rev, read_pipeline(_text(LOCK), TARGETS), TARGETS, PARAMS) is expected


def test_changed_files_are_those_that_git_tracks_but_for_collected_tables(commit, tmp_path):
    table = tmp_path / "metrics/ablations/table3.csv"
    table.parent.mkdir(parents=True)
    table.write_text("a")
    commit(LOCK, PARAMS)
    table.write_text("b")
    (tmp_path / "untracked").write_text("")
    assert changed_files() == []
    (tmp_path / "params.yaml").write_text("seed: 2")
    assert changed_files() == ["params.yaml"]
