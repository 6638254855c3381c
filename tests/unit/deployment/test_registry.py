"""Every artifact that models/dvc.yaml registers is in an output, and every trained setting's model is one."""

from pathlib import Path

import pytest
from dvc.repo import Repo

from radprompt.study.settings import Settings

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def repo():
    return Repo(ROOT)


@pytest.fixture(scope="module")
def artifacts(repo):
    return repo.artifacts.read()["models/dvc.yaml"]


def test_every_artifact_is_a_model_that_a_stage_writes(repo, artifacts):
    outs = {Path(out.fs_path).relative_to(ROOT).as_posix() for out in repo.index.outs}
    for artifact in artifacts.values():
        path = Path("models", artifact.path)
        assert {str(path), *map(str, path.parents)} & outs, artifact.path
    assert all(artifact.type == "model" and artifact.desc for artifact in artifacts.values())
    assert all("research-only" in artifact.labels for artifact in artifacts.values())


def test_segmenter_and_what_every_trained_setting_fits_are_registered(artifacts, settings: Settings):
    expected = {"segmenter": "segmenter"}
    for name, setting in settings.items():
        short = name.replace("_", "-")
        if setting.trains:
            expected[f"{short}-language-model"] = f"language_model/{name}"
            expected[f"{short}-scaler"] = f"scaler/{name}"
        if setting.selection == name:
            expected[f"{short}-selection"] = f"selection/{name}"
    assert {name: artifact.path for name, artifact in artifacts.items()} == expected
