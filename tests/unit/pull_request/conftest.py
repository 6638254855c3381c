"""The scratch repository that the tests share."""

import copy
import shutil

import pytest
from scratch_repository import Scratch, rows


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    made = Scratch(tmp_path_factory.mktemp("template") / "repository")
    made.predict("vindr", llm=rows(0.5, seed=1), svm=rows(0.4, seed=2), mlp=rows(0.2, seed=3))
    made.commit("Base")
    made.git("branch", "base")
    return made


@pytest.fixture
def scratch(template, tmp_path):
    """One setting with the language model and two rivals, committed and called base."""
    made = copy.copy(template)
    made.folder, made.stages = tmp_path / "repository", copy.deepcopy(template.stages)
    shutil.copytree(template.folder, made.folder)
    return made
