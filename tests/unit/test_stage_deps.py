"""The graph of stages: what each depends on, and what holds it back."""

import ast
import re
from functools import cache
from pathlib import Path

import networkx as nx
import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from radprompt.repository.fingerprints import write_fingerprints

ROOT = Path(__file__).parents[2]


def _stages():
    return [s for s in Repo(ROOT).index.stages if s.cmd and "stages/" in str(s.cmd)]


@cache
def _users() -> dict[str, set[str]]:
    """By stage: all that need what it writes, directly or not."""
    graph = Repo(ROOT).index.graph
    return {stage.addressing: {user.addressing for user in nx.ancestors(graph, stage)} for stage in graph}


@pytest.mark.parametrize("stage", _stages(), ids=lambda s: s.addressing)
def test_stage_depends_on_its_fingerprint_and_lists_no_module(stage):
    script = next(word for word in str(stage.cmd).split() if word.startswith("stages/"))
    deps = {Path(dep.fs_path).relative_to(ROOT).as_posix() for dep in stage.deps if dep.fs_path}
    if stage.addressing == "code":
        assert deps == {"src/radprompt", "stages"}
    else:
        assert deps & {f"code/{Path(script).stem}.txt", "code"}
        assert not {dep for dep in deps if dep.startswith(("src", "stages"))}


def test_fingerprints_in_git_are_those_of_the_code_here(tmp_path):
    for made in write_fingerprints(ROOT, tmp_path):
        assert made.read_text() == (ROOT / "code" / made.name).read_text(), "run `dvc repro code`"


@pytest.mark.parametrize("made", ["lesions", "masks", "features"])
def test_whatever_uses_a_checked_table_waits_for_its_check(made):
    """With --keep-going or a target, it is the graph that holds stages back, not their order in the file."""
    users = _users()
    use = set().union(*(names for name, names in users.items() if name.partition("@")[0] == made))
    assert len(use) > 20
    assert use - users[f"validate_{made}"] == {f"validate_{made}"}


SCRIPTS = sorted((ROOT / "stages").glob("[!_]*.py"))
TEMPLATES = ROOT / "src/radprompt/own_table/template"


def test_every_script_is_a_stage_of_the_pipeline_or_of_a_tables_folder():
    used = {word for s in _stages() for word in str(s.cmd).split() if word.startswith("stages/")}
    text = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("pipeline.yaml", "llm.yaml"))
    of_tables = {f"stages/{name}.py" for name in re.findall(r"radprompt\.stages\.(\w+)", text)}
    assert used | of_tables == {f"stages/{p.name}" for p in SCRIPTS}
    assert of_tables - used == {"stages/check_table.py", "stages/final_model.py", "stages/table_report.py"}


@pytest.mark.parametrize("name", ["pipeline.yaml", "llm.yaml"])
def test_every_stage_of_a_tables_folder_depends_on_the_packages_version(name):
    stages = YAML(typ="safe").load((TEMPLATES / name).read_text(encoding="utf-8"))["stages"]
    for stage in stages.values():
        assert "radprompt" in stage.get("do", stage)["params"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.name)
def test_script_says_what_it_does(script):
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    for word in ("Reads", "Writes", "Takes", "Expect"):
        assert word in docstring, f"{script.name}: docstring lacks {word!r}"
    takes = re.search(r"^Takes(.*?)^(?:Expect|Run|Call)", f"{docstring}\n", re.MULTILINE | re.DOTALL)
    assert takes, "what the time grows with comes before what to expect"
    assert not re.search(r"\d (s|min|h)\b", takes[1]), "measured times are in docs/stage_times.csv alone"


@pytest.mark.parametrize("stage", _stages(), ids=lambda s: s.addressing)
def test_stage_lists_every_params_section_it_reads(stage):
    script = next(word for word in str(stage.cmd).split() if word.startswith("stages/"))
    text = (ROOT / script).read_text(encoding="utf-8")
    read = set(re.findall(r"\b(?:params|load_params\(\))\.([a-z_]+)", text)) - {"yaml"}
    if "seeds" in read:  # Params.seeds: so many, from the first one on
        read = read - {"seeds"} | {"seed", "evaluation"}
    listed = {key.split(".")[0] for dep in stage.deps for key in getattr(dep, "params", [])}
    # How the work is spread changes no result.
    assert read - {"compute"} <= listed
