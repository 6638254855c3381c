"""A table of ablations through real DVC: queued, killed half way, resumed, collected; in a repository of two stages."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

TABLE = """
table3:
  title: Rank
  paper: 3
  targets: [evaluate@vindr]
  settings: [vindr]
  models: [llm]
  rows:
    - {name: rank-16, paper: lora_rank_16, set: {llm.lora.rank: 16}}
    - {name: rank-8, paper: lora_rank_8, set: {llm.lora.rank: 8}}
"""
PIPELINE = """
stages:
  prompts:
    cmd: python stages/prompts.py
    deps: [stages/prompts.py]
    params: [prompt]
    outs: [{data/prompts/vindr.jsonl: {persist: true}}]
  evaluate:
    matrix: {setting: [vindr]}
    cmd: python stages/evaluate.py ${item.setting}
    deps: [stages/evaluate.py, src/offset.py, data/prompts/vindr.jsonl]
    params: [llm]
    outs: ['metrics/evaluation/${item.setting}.csv': {persist: true, cache: false}]
"""
PROMPTS = """
from pathlib import Path
Path("data/prompts").mkdir(parents=True, exist_ok=True)
Path("data/prompts/vindr.jsonl").write_text("{}")
"""
# The first time that a rank of 8 is trained, it takes a minute: long enough to be killed.
EVALUATE = """
import sys, time
from pathlib import Path
from ruamel.yaml import YAML
import offset
assert Path(offset.__file__).resolve().is_relative_to(Path.cwd()), "not this commit's"
rank = YAML(typ="safe").load(Path("params.yaml").read_text())["llm"]["lora"]["rank"]
first = Path("%s")
if rank == 8 and not first.exists():
    first.touch()
    time.sleep(60)
lines = [f"vindr,llm,{m},{offset.OFFSET + rank},0,1" for m in "accuracy f1 auc sensitivity balanced_accuracy".split()]
Path("metrics/evaluation").mkdir(parents=True, exist_ok=True)
Path("metrics/evaluation/vindr.csv").write_text("\\n".join(["setting,model,metric,value,low,high", *lines]))
"""


def _start(*command):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{Path.cwd() / 'src'}{os.pathsep}{ROOT / 'src'}",
        "DVC_NO_ANALYTICS": "1",
    }
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _run(*command, expect=0):
    process = _start(*command)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == expect, output
    return output


def _processes(home):
    found = []
    for process in psutil.process_iter(["cwd", "pid"]):
        if process.pid != os.getpid() and (process.info["cwd"] or "").startswith(str(home)):
            found.append(process)
    return found


def _power_off(home):
    """End all that runs there at once, short-lived children that start or end meanwhile included."""
    while members := _processes(home):
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(members, timeout=10)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository of its own, reproduced and committed, and the working directory of these tests."""
    home = tmp_path_factory.mktemp("ablations") / "repository"
    files = {
        "ablations.yaml": TABLE,
        "dvc.yaml": PIPELINE,
        "stages/prompts.py": PROMPTS,
        "stages/evaluate.py": EVALUATE % (home.parent / "first"),
        "src/offset.py": "OFFSET = 100",
        "docs.md": "A word.",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        _run("git", "init", "-q")
        for key, value in (("user.name", "tests"), ("user.email", "tests@example.org"), ("commit.gpgsign", "false")):
            _run("git", "config", key, value)
        _run("dvc", "init", "-q")
        _commit()
        _run("dvc", "repro", "-q")
        _commit()
        yield home
        _power_off(home)


def _commit():
    _run("git", "add", "-A")
    _run("git", "commit", "-qm", "x")


def test_nothing_is_queued_from_a_tree_that_is_not_a_reproduced_commit(repository):
    Path("src/offset.py").write_text("OFFSET = 200")
    message = _run("radprompt", "ablations", "3", expect=1)
    assert "1 tracked file(s) differ from the last commit, such as src/offset.py\nFix: commit them" in message
    _commit()
    message = _run("radprompt", "ablations", "3", expect=1)
    assert "1 stage(s) behind the table are out of date, such as evaluate@vindr" in message
    assert _run("git", "for-each-ref", "refs/exps") == ""
    Path("src/offset.py").write_text("OFFSET = 100")
    _commit()


def test_a_table_killed_half_way_goes_on_where_it_was(repository):
    first = repository.parent / "first"
    process = _start("radprompt", "ablations", "3")
    until = time.monotonic() + 90
    while not first.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.2)
    assert first.exists(), process.communicate(timeout=10)[0] if process.poll() is not None else ""
    _power_off(repository)
    process.wait()
    assert _run("radprompt", "ablations", "3", "--list").split() == [
        "done",
        "table3-rank-16",
        "interrupted",
        "table3-rank-8",
    ]

    log = _run("radprompt", "ablations", "3")
    assert "table3-rank-8: dvc exp run --queue -n table3-rank-8 -S llm.lora.rank=8 evaluate@vindr" in log
    assert "table3-rank-16: " not in log
    assert "All 2 experiments are done" in log

    # A commit that touches no source hides nothing.
    Path("docs.md").write_text("Another word.")
    _commit()
    _run("radprompt", "ablation-table", "3")
    collected = pd.read_csv("metrics/ablations/table3.csv").set_index("row")
    assert collected["accuracy"].to_dict() == {"rank-16": 116, "rank-8": 108}
    assert collected["rerun"].to_dict() == {"rank-16": "nothing", "rank-8": "evaluate@vindr"}
    assert collected["paper_auc"].to_dict() == {"rank-16": 0.7, "rank-8": 0.692}
    assert (collected["minutes"] < 2).all()
