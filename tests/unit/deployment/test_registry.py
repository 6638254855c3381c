"""Every artifact that dvc.yaml registers is an output of the pipeline, and every trained setting's model is one."""

from pathlib import Path

import pytest
from dvc.repo import Repo

from radprompt.study.settings import SETTINGS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def repo():
    return Repo(ROOT)


@pytest.fixture(scope="module")
def artifacts(repo):
    return repo.artifacts.read()["dvc.yaml"]


def test_every_artifact_is_a_model_that_a_stage_writes(repo, artifacts):
    outs = {Path(out.fs_path).relative_to(ROOT).as_posix() for out in repo.index.outs}
    assert {artifact.path for artifact in artifacts.values()} <= outs
    assert all(artifact.type == "model" and artifact.desc for artifact in artifacts.values())
    assert all("research-only" in artifact.labels for artifact in artifacts.values())


def test_segmenter_and_what_every_trained_setting_fits_are_registered(artifacts):
    expected = {"segmenter": "models/segmenter"}
    for name, setting in SETTINGS.items():
        short = name.replace("_", "-")
        if setting.trains:
            expected[f"{short}-language-model"] = f"models/{name}/language_model"
            expected[f"{short}-scaler"] = f"models/{name}/scaler"
        if setting.selection == name:
            expected[f"{short}-selection"] = f"models/{name}/selection"
    assert {name: artifact.path for name, artifact in artifacts.items()} == expected
