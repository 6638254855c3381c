"""A pull request as the workflow handles it: two real commits, DVC, a remote, and a server that answers as GitHub does.

The workflow's own steps are run, in bash, on a clone of a repository whose language model is trained in a moment.
`pytest -s` shows the comment.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from ruamel.yaml import YAML

from radprompt.repository.pull_request.comment import MARKER

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

PIPELINE = """
stages:
  language_model:
    foreach: [vindr]
    do:
      cmd: python train.py
      deps: [train.py, data/cases.csv]
      params: [llm]
      outs:
        - data/predictions/${item}/llm.csv: {persist: true}
  baselines:
    foreach: [vindr]
    do:
      cmd: python rivals.py
      deps: [rivals.py, data/cases.csv]
      outs:
        - data/predictions/${item}/baselines.csv: {persist: true}
  evaluate:
    foreach: [vindr]
    do:
      cmd: python evaluate.py
      deps: ['data/predictions/${item}', evaluate.py]
      params: [evaluation]
      metrics:
        - metrics/evaluation/${item}.json: {cache: false}
      plots:
        - plots/evaluation/${item}/roc.svg: {cache: false}
"""
CASES = """
import numpy as np, pandas as pd
from pathlib import Path
generator = np.random.default_rng(3)
label = generator.integers(0, 2, 160)
cases = pd.DataFrame(generator.normal(0.7 * label[:, None], 1, (160, 4)), columns=list("abcd")).round(4)
cases.insert(0, "lesion_id", [f"l{i:03d}" for i in range(160)])
cases.insert(1, "patient_id", [f"p{i // 2:03d}" for i in range(160)])
cases.insert(2, "split", ["train"] * 60 + ["val"] * 20 + ["test"] * 80)
cases.insert(3, "label", label)
Path("data").mkdir(exist_ok=True)
cases.to_csv("data/cases.csv", index=False)
"""
# Twenty steps of gradient descent: a rate that is too low leaves every probability near a half.
TRAIN = """
import numpy as np, pandas as pd
from radprompt.tables.predictions import write_predictions
from radprompt.core.params import load_params
cases = pd.read_csv("data/cases.csv")
x, train = np.c_[cases[list("abcd")], np.ones(len(cases))], (cases["split"] == "train").to_numpy()
weights, rate = np.zeros(5), 1000 * load_params().llm.learning_rate
for _ in range(20):
    weights += rate * x[train].T @ (cases["label"][train] - 1 / (1 + np.exp(-x[train] @ weights))) / train.sum()
table = cases.assign(setting="vindr", repeat=0, model="llm", seed=1, probability=1 / (1 + np.exp(-x @ weights)))
write_predictions("data/predictions/vindr/llm.csv", table[~train])
"""
RIVALS = """
import pandas as pd
from radprompt.tables.predictions import write_predictions
cases = pd.read_csv("data/cases.csv").query("split != 'train'")
probability = 1 / (1 + 2.7 ** (1 - cases["a"] - cases["b"]))
table = cases.assign(setting="vindr", repeat=0, model="svm", seed=1, probability=probability)
write_predictions("data/predictions/vindr/baselines.csv", table)
"""
EVALUATE = """
from pathlib import Path
from radprompt.evaluation.figures import curves, draw
from radprompt.pages.drawing import write_svg
from radprompt.evaluation.model_comparison import compare
from radprompt.tables.predictions import read_predictions
from radprompt.evaluation.tables import summary
from radprompt.core.outputs import write_json
from radprompt.core.params import load_params
params = load_params()
predictions = read_predictions(Path("data/predictions/vindr").glob("*.csv"), {"vindr": False}, "vindr")
write_json("metrics/evaluation/vindr.json", summary(compare(predictions, params)))
points = curves(predictions.query("split == 'test'"), 10, "llm")["roc"]
write_svg("plots/evaluation/vindr/roc.svg", draw("roc", points, "ROC"))
"""


class Forge(BaseHTTPRequestHandler):
    """The three answers of GitHub's API that the script needs; a token that may only read is refused as there."""

    def do_GET(self):
        if "/repos/broken/" in self.path:
            return self._answer(500, {})
        page = int(re.search(r"[?&]page=(\d+)", self.path)[1])
        self._answer(200, self.server.comments[100 * (page - 1) : 100 * page])

    def do_POST(self):
        assert self.path == "/repos/us/radprompt/issues/7/comments"
        body = self._body()
        if self._may_write():
            self.server.comments.append({"id": len(self.server.comments), "user": {"type": "Bot"}} | body)
            self._answer(201, self.server.comments[-1])

    def do_PATCH(self):
        body = self._body()
        if self._may_write():
            number = int(re.fullmatch(r"/repos/us/radprompt/issues/comments/(\d+)", self.path)[1])
            self.server.comments[number] |= body
            self._answer(200, self.server.comments[number])

    def _body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _may_write(self):
        if self.headers["Authorization"] == "Bearer writes":
            return True
        self._answer(403, {"message": "Resource not accessible by integration"})
        return False

    def _answer(self, status, content):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture
def forge():
    """A pull request on which 120 people have spoken, one of them quoting the report."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    server.comments = [{"id": i, "user": {"type": "User"}, "body": f"{MARKER} {i}"} for i in range(120)]
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Workflow:
    """Runs the steps of the workflow's job on a clone, as a runner would, and keeps what they set."""

    def __init__(self, folder, forge, *, url="", token="writes", base="main"):
        jobs = YAML(typ="safe").load((ROOT / ".github/workflows/ci.yaml").read_text())["jobs"]
        self.steps = {step.get("name"): step for step in jobs["pipeline"]["steps"]}
        self.folder, self.known = (
            folder,
            {
                "secrets.DVC_REMOTE_URL": url,
                "github.base_ref": base,
                "github.token": token,
                "github.event.pull_request.number": "7",
            },
        )
        self.files = {name: folder.parent / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in self.files.values():
            file.write_text("")
        self.environment = _environment(folder) | {name: str(file) for name, file in self.files.items()}
        self.environment |= {
            "GITHUB_API_URL": "http://{}:{}".format(*forge.server_address),
            "GITHUB_REPOSITORY": "us/radprompt",
            "GITHUB_SERVER_URL": "https://forge.test",
        }

    def run(self, name, expect=0):
        step = self.steps[name]
        own = {
            key: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: self.known[found[1]], str(value))
            for key, value in step.get("env", {}).items()
        }
        command = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
        done = _call(command, self.folder, self.environment | own)
        assert done.returncode == expect, done.stdout
        return done.stdout


def _environment(folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GIT_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder.parent / f"site of {folder.name}"),
    }


def _call(command, folder, environment):
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _run(folder, *command, expect=0):
    done = _call(command, folder, _environment(folder))
    assert done.returncode == expect, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A repository with a branch that lowers the learning rate and one that changes nothing, all pushed to a remote."""
    folder = tmp_path_factory.mktemp("origin") / "repository"
    folder.mkdir()
    params = re.sub(r"bootstrap_draws: \d+", "bootstrap_draws: 500", (ROOT / "params.yaml").read_text())
    files = {"train.py": TRAIN, "rivals.py": RIVALS, "evaluate.py": EVALUATE, "dvc.yaml": PIPELINE}
    for name, text in (files | {"params.yaml": params, "cases.py": CASES, ".gitignore": "/.venv\n/reports/\n"}).items():
        (folder / name).write_text(text)
    (folder / ".github/scripts").mkdir(parents=True)
    shutil.copy(ROOT / ".github/scripts/comment.py", folder / ".github/scripts")
    shutil.copy(ROOT / "settings.yaml", folder)
    _run(folder, "git", "init", "-q", "-b", "main")
    for name, value in (("user.name", "A"), ("user.email", "a@localhost")):
        _run(folder, "git", "config", name, value)
    _run(folder, "dvc", "init", "-q")
    (folder / ".dvc/config").write_text("[core]\n    autostage = true\n")
    _run(folder, "radprompt", "remote", str(folder.parent / "storage"))
    _run(folder, "python", "cases.py")
    _run(folder, "dvc", "add", "-q", "data/cases.csv")
    _run(folder, "dvc", "repro", "-q")
    _run(folder, "git", "add", "-A")
    _run(folder, "git", "commit", "-qm", "Base")
    _run(folder, "git", "checkout", "-qb", "lower-rate")
    text, changed = re.subn(r"(\n  learning_rate: )[\d.e-]+", r"\g<1>0.00001", params, count=1)
    assert changed
    (folder / "params.yaml").write_text(text)
    assert _run(folder, "dvc", "repro").count("Running stage") == 2  # not the baselines
    _run(folder, "git", "commit", "-qam", "Lower rate")
    _run(folder, "dvc", "push", "-q", "--all-branches")
    _run(folder, "git", "checkout", "-qb", "words", "main")
    (folder / "README.md").write_text("words")
    _run(folder, "git", "add", "-A")
    _run(folder, "git", "commit", "-qm", "Words")
    _run(folder, "git", "checkout", "-qb", "stale", "main")
    (folder / "params.yaml").write_text(text)
    _run(folder, "git", "commit", "-qam", "Lower rate, not run")
    return folder


@pytest.fixture
def checkout(origin, tmp_path):
    def checkout(branch):
        folder = tmp_path / branch
        _run(tmp_path, "git", "clone", "-q", "--branch", branch, f"file://{origin}", str(folder))
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        return folder

    return checkout


def test_branch_that_lowers_the_learning_rate_gets_one_comment_that_is_updated(origin, checkout, forge):
    workflow = Workflow(checkout("lower-rate"), forge, url=str(origin.parent / "storage"))
    assert "dvc.lock is up to date" in _run(workflow.folder, "radprompt", "check-lock")  # nothing is pulled yet
    workflow.run("Pull")
    assert workflow.files["GITHUB_OUTPUT"].read_text() == "pulled=true\n"
    assert "Running stage" not in workflow.run("Reproduce")
    workflow.run("What the branch changes")
    assert "comment posted" in workflow.run("Comment")
    comment = forge.comments[-1]["body"]
    print(comment)
    assert len(forge.comments) == 121
    assert comment.startswith(MARKER)
    assert re.search(
        r"\| `vindr` \| `llm` \| Brier \| .* \| \+0\.\d+ \(0\.\d+ to 0\.\d+\) \| \*\*worse\*\* \|", comment
    )
    assert re.search(r"\| `llm.learning_rate` \| `0\.\d+` \| `1e-05` \|", comment)
    assert "| `language_model@vindr` | ran | `llm.learning_rate` | `data/predictions/vindr/llm.csv` |" in comment
    assert "| `vindr` | `svm`" not in comment
    assert f"https://forge.test/us/radprompt/blob/{_run(origin, 'git', 'rev-parse', 'main').strip()}/plots/" in comment
    assert "data:image/svg+xml" in (workflow.folder / "reports/pull_request.html").read_text()
    assert "comment updated" in workflow.run("Comment")
    assert len(forge.comments) == 121
    assert [comment["body"] for comment in forge.comments[:120]] == [f"{MARKER} {i}" for i in range(120)]
    assert workflow.files["GITHUB_STEP_SUMMARY"].read_text() == ""


def test_fork_whose_token_only_reads_gets_the_summary_and_what_could_not_be_tested(checkout, forge):
    """A fork has no secret, so no remote: the pipeline is not reproduced, and no predictions are there to resample."""
    workflow = Workflow(checkout("lower-rate"), forge, token="reads")
    assert "nothing is pulled" in workflow.run("Pull")
    assert workflow.files["GITHUB_OUTPUT"].read_text() == ""
    workflow.run("What the branch changes")
    assert "the report is in the run's summary" in workflow.run("Comment")
    summary = workflow.files["GITHUB_STEP_SUMMARY"].read_text()
    assert re.search(r"\| `vindr` \| `llm` \| AUC \| 0\.\d+ \| 0\.\d+ \| – \| not tested \|", summary)
    assert re.search(
        r"- `data/predictions/vindr/llm.csv` of origin/main \(\w+\): not in the cache, and no remote is set", summary
    )
    assert len(forge.comments) == 120


def test_branch_that_changes_nothing_says_no_change(checkout, forge):
    workflow = Workflow(checkout("words"), forge)
    workflow.run("What the branch changes")
    workflow.run("Comment")
    print(forge.comments[-1]["body"])
    assert "**no change**" in forge.comments[-1]["body"]


def test_stale_lock_fails_where_a_dry_run_does_not(origin, checkout):
    folder = checkout("stale")
    _run(folder, "radprompt", "remote", str(origin.parent / "storage"))
    _run(folder, "dvc", "pull", "-q")
    _run(folder, "dvc", "repro", "--dry", "--allow-missing")
    said = _run(folder, "radprompt", "check-lock", expect=1)
    assert "params.yaml: llm.learning_rate is 1e-05, dvc.lock has 0." in said
    assert "stage language_model@vindr" in said


def test_server_that_fails_is_no_read_only_token(checkout, forge):
    workflow = Workflow(checkout("words"), forge)
    workflow.run("What the branch changes")
    workflow.environment["GITHUB_REPOSITORY"] = "broken"
    assert "HTTP Error 500" in workflow.run("Comment", expect=1)
    assert workflow.files["GITHUB_STEP_SUMMARY"].read_text() == ""
