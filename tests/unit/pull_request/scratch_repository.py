"""A scratch repository with real commits: git's files, a lock, and artefacts in DVC's cache."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
from ruamel.yaml import YAML

from radprompt.core.params import load_params
from radprompt.evaluation.model_comparison import compare
from radprompt.evaluation.tables import summary
from radprompt.repository.pull_request.report import pull_request_report
from radprompt.tables.predictions import read_predictions

ROOT = Path(__file__).parents[3]
PIPELINE = """
stages:
  language_model: {foreach: [vindr, inbreast_adapted], do: {cmd: 'train ${item}'}}
  baselines: {foreach: [vindr, inbreast_adapted], do: {cmd: 'fit ${item}'}}
  evaluate: {foreach: [vindr, inbreast_adapted], do: {cmd: 'evaluate ${item}'}}
  segmentation_quality: {cmd: measure}
"""


class Scratch:
    """What a branch is made of: ``artefact`` records an output, ``commit`` writes lock and metrics and commits them."""

    def __init__(self, folder):
        self.folder, self.stages = folder, {}
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.write(".gitignore", "/data/\n/reports/\n/.dvc/cache/\n/.dvc/tmp/\n")
        self.write(".dvc/config", "[core]\n    analytics = false\n")
        self.write("dvc.yaml", PIPELINE)
        self.write("settings.yaml", (ROOT / "settings.yaml").read_text(encoding="utf-8"))
        text = (ROOT / "params.yaml").read_text(encoding="utf-8")
        self.write("params.yaml", re.sub(r"bootstrap_draws: \d+", "bootstrap_draws: 200", text))

    def git(self, *arguments):
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@localhost", *arguments]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, path, content):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def edit_params(self, before, after):
        text = (self.folder / "params.yaml").read_text(encoding="utf-8")
        assert text.count(before) == 1
        self.write("params.yaml", text.replace(before, after))

    def artefact(self, stage, path, content, **record):
        """Write an output, store it in the cache and record it."""
        content = content if isinstance(content, bytes) else content.encode()
        digest = hashlib.md5(content).hexdigest()
        self.write(path, content)
        self.write(self.cached(digest), content)
        entry = self.stages.setdefault(stage, {"cmd": f"run {stage}"}) | record
        entry["outs"] = [out for out in entry.get("outs", []) if out["path"] != path]
        entry["outs"].append({"path": path, "hash": "md5", "md5": digest})
        self.stages[stage] = entry

    @staticmethod
    def cached(digest):
        return f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"

    def predict(self, setting, **models):
        """Record the language model's and the baselines' predictions; each model is a table of :func:`rows`."""
        own = {name: rows.assign(setting=setting, model=name) for name, rows in models.items()}
        for stage, file, names in (
            ("language_model", "llm", [name for name in own if name == "llm"]),
            ("baselines", "baselines", [name for name in own if name != "llm"]),
        ):
            table = pd.concat([own[name] for name in names])
            self.artefact(f"{stage}@{setting}", f"data/predictions/{setting}/{file}.csv", table.to_csv(index=False))

    def evaluate(self, setting):
        params = load_params(self.folder / "params.yaml")
        files = (self.folder / "data/predictions" / setting).glob("*.csv")
        table = compare(read_predictions(files, {setting: setting != "vindr"}, setting), params)
        self.write(f"metrics/evaluation/{setting}.json", json.dumps(summary(table)))

    def commit(self, message="Work", *settings):
        for setting in settings or {path.name for path in (self.folder / "data/predictions").glob("*")}:
            self.evaluate(setting)
        with (self.folder / "dvc.lock").open("w") as stream:
            YAML().dump({"schema": "2.0", "stages": self.stages}, stream)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def report(self, base="base", web=""):
        return pull_request_report(base, self.folder / "reports/pull_request.html", web, self.folder).comment


def rows(quality, *, seed=1, lesions=80, repeat=0, first=0):
    """Predictions whose AUC grows with ``quality``; 20 validation lesions, the others are tested; two a patient."""
    truth = np.random.default_rng(5).integers(0, 2, 400)[first : first + lesions]
    noise = np.random.default_rng(seed).normal(0, 0.25, 400)[first : first + lesions]
    number = np.arange(first, first + lesions)
    return pd.DataFrame(
        {
            "lesion_id": [f"l{i:03d}" for i in number],
            "patient_id": [f"p{i // 2:03d}" for i in number],
            "repeat": repeat,
            "seed": 1,
            "split": ["val"] * 20 + ["test"] * (lesions - 20),
            "label": truth,
            "probability": np.clip(0.5 + quality * (truth - 0.5) + noise, 0, 1).round(4),
        }
    )
