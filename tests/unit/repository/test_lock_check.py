"""The stale-lock gate in both directions: what changed fails, what is merely not pulled passes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.repository.lock_check import Check, check_lock, describe, leaves, prune_lock

ROOT = Path(__file__).parents[3]
PIPELINE = """
stages:
  predict:
    foreach: [llm, svm]
    do:
      cmd: mkdir -p predictions models/${item} &&
        cp code/model.txt models/${item}/weights && cp raw.csv models/${item}/seen && cp raw.csv predictions/${item}.csv
      deps: [code/model.txt, raw.csv]
      params: [train]
      outs:
        - models/${item}
        - predictions/${item}.csv: {persist: true}
  weigh:
    cmd: cp models/llm/weights weight.txt
    deps: [models/llm/weights]
    outs: [weight.txt]
  evaluate:
    cmd: cat predictions/*.csv > scores.txt && mkdir -p figures && cp scores.txt figures/curve.txt
    deps: [predictions, code]
    metrics: [scores.txt: {cache: false}]
    plots: [figures: {cache: false}]
  report:
    cmd: cat scores.txt > report.html
    deps: [scores.txt, figures, models, private]
    outs: [report.html]
"""
CACHED = ("raw.csv", "models", "predictions/llm.csv", "predictions/svm.csv", "weight.txt", "report.html")


def _dvc(folder, *arguments):
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder.parent / "site")}
    subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=folder, env=environment, check=True)


def _git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@localhost", *arguments], cwd=folder, check=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Data that DVC tracks, data that nobody may have, two stages' predictions in one folder, a figure in git."""
    folder = tmp_path_factory.mktemp("made") / "repository"
    for inner in ("code", "private"):
        (folder / inner).mkdir(parents=True)
    (folder / "code/model.txt").write_text("model")
    (folder / "code/score.txt").write_text("score")
    (folder / "private/patients.csv").write_text("who")
    (folder / "raw.csv").write_text("1,2\n")
    (folder / "params.yaml").write_text("train: {rate: 0.1, layers: [1, 2]}\nother: 3\n")
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / ".gitignore").write_text("/private\n")
    _git(folder, "init", "-q")
    _dvc(folder, "init", "-q")
    _dvc(folder, "config", "core.autostage", "true")
    _dvc(folder, "add", "-q", "raw.csv")
    _dvc(folder, "repro", "-q")
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "All")
    return folder


@pytest.fixture
def folder(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    shutil.copytree(repository, tmp_path / "repository")
    return tmp_path / "repository"


def _unpull(folder, *paths):
    shutil.rmtree(folder / ".dvc/cache", ignore_errors=True)
    for path in paths or CACHED:
        shutil.rmtree(folder / path) if (folder / path).is_dir() else (folder / path).unlink()


def _edit(folder, path, change):
    """Change a YAML file by a function of what it holds."""
    content = YAML(typ="safe").load((folder / path).read_text())
    change(content)
    with (folder / path).open("w") as stream:
        YAML().dump(content, stream)


def _write(path, text):
    def change(folder):
        (folder / path).parent.mkdir(exist_ok=True, parents=True)
        (folder / path).unlink(missing_ok=True)
        (folder / path).write_text(text)

    return change


def test_clean_repository_passes(folder):
    assert check_lock(folder) == Check(6, {}, [], [])
    assert describe(check_lock(folder)) == "dvc.lock is up to date: 6 stages"


def test_entries_of_stages_that_are_gone_are_named_and_removed(folder):
    _edit(folder, "dvc.yaml", lambda pipeline: pipeline["stages"].pop("weigh"))
    _edit(folder, "dvc.yaml", lambda pipeline: pipeline["stages"]["predict"]["foreach"].remove("svm"))
    before = YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"]
    (folder / "predictions/svm.csv").unlink()
    shutil.rmtree(folder / "models/svm")
    _dvc(folder, "repro", "-q")
    assert check_lock(folder).leftovers == ("predict@svm", "weigh")
    assert "stages predict@svm, weigh, which no dvc.yaml has" in describe(check_lock(folder))
    assert prune_lock(folder) == ["predict@svm", "weigh"]
    after = YAML(typ="safe").load((folder / "dvc.lock").read_text())["stages"]
    assert list(after) == [name for name in before if name not in ("predict@svm", "weigh")]
    assert check_lock(folder) == Check(4, {}, [], [])
    assert prune_lock(folder) == []


def test_fresh_clone_passes_though_dvc_status_takes_it_for_changed(folder, tmp_path, monkeypatch):
    _git(folder, "clone", "-q", ".", str(tmp_path / "clone"))
    found = check_lock(tmp_path / "clone")
    assert found.stale == {}
    assert {"raw.csv", "models/llm", "predictions/svm.csv", "report.html", "private"} <= set(found.absent)
    assert "`dvc pull` brings them" in describe(found)
    monkeypatch.chdir(tmp_path / "clone")
    from dvc.repo import Repo

    with Repo() as repo:
        assert {"predictions": "modified"} in [entry.get("changed deps") for entry in repo.status()["evaluate"]]


@pytest.mark.parametrize(
    "pulled",
    [
        ["predictions/llm.csv"],
        ["raw.csv", "predictions/llm.csv", "predictions/svm.csv"],
        ["models"],
    ],
    ids=["one of a folder's files", "data and predictions", "a folder"],
)
def test_some_pulled_and_some_not_passes(folder, pulled):
    _unpull(folder, *(path for path in CACHED if path not in pulled))
    assert check_lock(folder).stale == {}


def test_folder_of_which_one_file_was_pulled_passes(folder):
    (folder / "models/llm/seen").unlink()
    assert check_lock(folder).stale == {}


def test_file_within_a_folder_that_is_not_here_cannot_be_compared(folder):
    _unpull(folder, "models")
    found = check_lock(folder)
    assert found.stale == {}
    assert found.unknown == ["models", "models/llm/weights"]
    assert "not comparable before `dvc pull`: models, models/llm/weights" in describe(found)


def _without(path):
    return lambda folder: (folder / path).unlink()


def _stage(name, **changes):
    return lambda folder: _edit(folder, "dvc.yaml", lambda content: content["stages"][name].update(changes))


def _stray(name):
    return f"predictions/{name} is no stage's output and not in git, but predictions is read whole: move it"


STALE = {
    "code": (_write("code/model.txt", "better"), "code/model.txt changed", ["predict@llm", "predict@svm"]),
    "code in a folder": (_write("code/score.txt", "F1"), "code changed", ["evaluate"]),
    "new code in a folder": (_write("code/new.txt", ""), "code changed", ["evaluate"]),
    "code that is gone": (_without("code/model.txt"), "code/model.txt is missing", ["predict@llm", "predict@svm"]),
    "param": (
        _write("params.yaml", "train: {rate: 0.5, layers: [1, 2]}\nother: 3\n"),
        "params.yaml: train.rate is 0.5, dvc.lock has 0.1",
        ["predict@llm", "predict@svm"],
    ),
    "list": (
        _write("params.yaml", "train: {rate: 0.1, layers: [1]}\nother: 3\n"),
        "params.yaml: train.layers is [1], dvc.lock has [1, 2]",
        ["predict@llm", "predict@svm"],
    ),
    "new param": (
        _write("params.yaml", "train: {rate: 0.1, layers: [1, 2], epochs: 4}\nother: 3\n"),
        "params.yaml: train.epochs is new",
        ["predict@llm", "predict@svm"],
    ),
    "param that is gone": (
        _write("params.yaml", "other: 3\n"),
        "params.yaml: train.rate is gone, dvc.lock has 0.1",
        ["predict@llm", "predict@svm"],
    ),
    "data": (_write("raw.csv", "3,4\n"), "raw.csv is not what its stage wrote", ["raw.csv.dvc"]),
    "private data": (_write("private/patients.csv", "nobody"), "private changed", ["report"]),
    "file dropped among predictions": (_write("predictions/mine.csv", "1"), _stray("mine.csv"), ["evaluate"]),
    "prediction": (
        _write("predictions/svm.csv", "9\n"),
        "predictions/svm.csv is not what its stage wrote",
        ["predict@svm"],
    ),
    "file in an output": (
        _write("models/svm/weights", "heavy"),
        "models/svm is not what its stage wrote",
        ["predict@svm"],
    ),
    "metric": (_write("scores.txt", "0.99\n"), "scores.txt is not what its stage wrote", ["evaluate"]),
    "metric that is gone": (_without("scores.txt"), "scores.txt is missing, and no cache has it", ["evaluate"]),
    "plot": (_write("figures/curve.txt", "smooth"), "figures is not what its stage wrote", ["evaluate"]),
    "command": (_stage("weigh", cmd="cp models/llm/seen weight.txt"), "the command changed", ["weigh"]),
    "dependency": (_stage("weigh", deps=["models/llm/weights", "code"]), "code is a new dependency", ["weigh"]),
    "output": (_stage("evaluate", outs=["more.txt"]), "more.txt is a new output", ["evaluate"]),
}


@pytest.mark.parametrize(("change", "cause", "stages"), STALE.values(), ids=STALE.keys())
def test_change_without_the_lock_fails(folder, change, cause, stages):
    change(folder)
    assert check_lock(folder).stale.get(cause) == stages
    with pytest.raises(InputError) as error:
        describe(check_lock(folder))
    assert cause in str(error.value)
    assert "`dvc repro`, then commit dvc.lock" in str(error.value)


@pytest.mark.parametrize(
    "case", ["code in a folder", "param", "metric", "plot", "command", "file dropped among predictions"]
)
def test_change_without_the_lock_fails_where_nothing_is_pulled(folder, case):
    change, cause, stages = STALE[case]
    _unpull(folder)
    change(folder)
    assert check_lock(folder).stale == {cause: stages}


def test_param_that_no_stage_reads_and_file_beside_a_dependency_pass(folder):
    _write("params.yaml", "train: {layers: [1, 2], rate: 0.1}\nother: 4\n")(folder)
    _write("README.md", "new")(folder)
    assert check_lock(folder).stale == {}


def test_file_that_no_clone_will_have_fails_though_the_lock_counts_it(folder):
    (folder / "predictions/old.csv").write_text("1,2\n")
    _dvc(folder, "repro", "-q")
    assert check_lock(folder).stale == {_stray("old.csv"): ["evaluate"]}
    _git(folder, "add", "-f", "predictions/old.csv")
    assert check_lock(folder).stale == {}


def test_data_file_of_another_hash_fails_though_nothing_is_pulled(folder):
    _unpull(folder)
    _edit(folder, "raw.csv.dvc", lambda content: content["outs"][0].update(md5="0" * 32))
    assert check_lock(folder).stale == {"raw.csv is not what its own stage wrote last": ["predict@llm", "predict@svm"]}


@pytest.mark.parametrize(
    ("out", "cause", "stages"),
    [
        ("predictions/llm.csv", "predictions changed", ["evaluate"]),
        ("scores.txt", "scores.txt is not what its own stage wrote last", ["report"]),
    ],
)
def test_lock_whose_stages_do_not_fit_each_other_fails_though_nothing_is_pulled(folder, out, cause, stages):
    """Somebody ran one stage and committed the lock; the next did not run."""
    _unpull(folder)

    def change(content):
        for stage in content["stages"].values():
            for item in stage["outs"]:
                if item["path"] == out:
                    item["md5"] = "1" * 32

    _edit(folder, "dvc.lock", change)
    assert check_lock(folder).stale[cause] == stages


def test_stage_that_never_ran_and_lock_that_is_gone_fail(folder):
    _edit(folder, "dvc.lock", lambda content: content["stages"].pop("weigh"))
    assert check_lock(folder).stale == {"has no entry in dvc.lock": ["weigh"]}
    (folder / "dvc.lock").unlink()
    found = check_lock(folder).stale["has no entry in dvc.lock"]
    assert found == ["evaluate", "predict@llm", "predict@svm", "report", "weigh"]


def test_entry_of_a_stage_that_is_no_more_passes(folder):
    _edit(folder, "dvc.lock", lambda content: content["stages"].update(old={"cmd": "true", "outs": []}))
    assert check_lock(folder).stale == {}


@pytest.mark.parametrize("file", ["dvc.lock", "dvc.yaml"])
def test_conflict_markers_are_an_error_that_names_the_file(folder, file):
    text = (folder / file).read_text()
    (folder / file).write_text(f"<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n")
    with pytest.raises(InputError) as error:
        check_lock(folder)
    assert file in str(error.value)
    assert "conflict" in str(error.value)


def test_folder_without_dvc_is_an_error(tmp_path):
    with pytest.raises(InputError, match="not inside of a DVC repository"):
        check_lock(tmp_path)


def test_command_fails_with_status_1_and_names_the_change(folder):
    _write("code/model.txt", "better")(folder)
    done = subprocess.run(
        [sys.executable, "-c", "from radprompt.cli import main; main()", "check-lock"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "code/model.txt changed\n    stages predict@llm, predict@svm" in done.stderr
    assert "Traceback" not in done.stderr


def test_leaves_keep_lists_and_empty_mappings_whole():
    assert leaves({"a": {"b": [1, {"c": 2}], "d": {}}, "e": None}) == {"a.b": [1, {"c": 2}], "a.d": {}, "e": None}


def test_many_causes_are_cut_and_counted():
    with pytest.raises(InputError, match=r"and 5 more") as error:
        describe(Check(30, {f"file {i} changed": [f"s{j}" for j in range(8)] for i in range(25)}, [], []))
    assert "stages s0, s1, s2, s3, s4 and 3 more" in str(error.value)
