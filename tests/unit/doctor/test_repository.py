"""Git, DVC, and images that must stay out of both."""

from pathlib import Path

import pytest

from radprompt.repository.doctor import repository as checks
from radprompt.repository.doctor.sources import BY_FOLDER

RAW = Path("data/raw")


def test_a_clone_is_set_up(repository):
    assert checks.check_git(repository).state == "ok"
    assert checks.check_dvc(repository).state == "ok"


def test_no_commit_and_no_dvc(tmp_path, git):
    assert checks.check_git(tmp_path).state == "error"
    git(tmp_path, "init", "-q")
    assert checks.check_git(tmp_path).found == "no repository with a commit"
    assert checks.check_dvc(tmp_path).found == "no .dvc/config, no dvc.yaml"


@pytest.mark.parametrize("root", [RAW, Path("data/phantom/raw")], ids=str)
def test_the_projects_own_folders_are_ignored_by_git(repository, root):
    assert checks.check_ignored(repository, root, BY_FOLDER).found == "ignored by git"


def test_a_folder_that_git_would_take_is_an_error(repository):
    found = checks.check_ignored(repository, Path("scans"), BY_FOLDER)
    assert found.state == "error"
    assert found.fix == "add /scans/* to .gitignore"


def test_an_image_in_git_is_an_error_and_a_dvc_file_is_none(repository, git):
    place = repository / RAW / "inbreast"
    place.mkdir(parents=True)
    (repository / RAW / "inbreast.dvc").write_text("outs: []\n", encoding="utf-8")
    git(repository, "add", "-f", "data/raw/inbreast.dvc")
    assert checks.check_ignored(repository, RAW, BY_FOLDER).state == "ok"
    (place / "1.dcm").write_bytes(b"x")
    git(repository, "add", "-f", "data/raw/inbreast/1.dcm")
    found = checks.check_ignored(repository, RAW, BY_FOLDER)
    assert found.state == "error"
    assert "1 in git, such as data/raw/inbreast/1.dcm" in found.found


def test_a_folder_elsewhere_or_a_link_to_it_is_outside(repository, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("archive")
    assert checks.check_ignored(repository, elsewhere, BY_FOLDER).found == "outside the git repository"
    (repository / "scans").symlink_to(elsewhere, target_is_directory=True)
    assert checks.check_ignored(repository, Path("scans"), BY_FOLDER).found == "outside the git repository"
    for name in BY_FOLDER:
        (elsewhere / name).mkdir()
        (repository / RAW).mkdir(exist_ok=True)
        (repository / RAW / name).symlink_to(elsewhere / name, target_is_directory=True)
    assert checks.check_ignored(repository, RAW, BY_FOLDER).state == "ok"


@pytest.fixture
def with_remote(repository):
    config = repository / ".dvc" / "config.local"
    config.write_text("[core]\n    remote = team\n['remote \"team\"']\n    url = s3://bucket/team\n", encoding="utf-8")
    return repository


def test_without_a_remote_nothing_leaves(repository):
    assert checks.default_remote(repository) == (None, "")
    assert checks.check_remote(repository, RAW).state == "ok"


@pytest.mark.parametrize(
    ("outs", "state"),
    [
        ("outs:\n- path: vindr_mammo\n", "warning"),
        ("outs:\n- path: vindr_mammo\n  push: false\n", "ok"),
        ("outs: [", "warning"),
    ],
    ids=["pushed", "kept", "unreadable"],
)
def test_a_remote_and_data_that_must_not_be_passed_on(with_remote, outs, state):
    (with_remote / RAW).mkdir(parents=True, exist_ok=True)
    (with_remote / RAW / "vindr_mammo.dvc").write_text(outs, encoding="utf-8")
    found = checks.check_remote(with_remote, RAW)
    assert found.state == state
    assert "s3://bucket/team" in found.found


def test_dvc_itself_reads_push_false_as_that(repository):
    """What the advice says must be what DVC does; and DVC must see the file at all.

    It skips folders that git ignores, and takes ``/data/raw/*`` for a pattern that ignores ``data/raw/`` itself.
    """
    from dvc.repo import Repo

    place = repository / RAW / "inbreast"
    place.mkdir(parents=True)
    (place / "1.dcm").write_bytes(b"x")
    Repo(str(repository)).add(str(place))
    file = repository / RAW / "inbreast.dvc"
    file.write_text(file.read_text(encoding="utf-8") + "  push: false\n", encoding="utf-8")
    stages = Repo(str(repository)).index.stages
    (out,) = (out for stage in stages for out in stage.outs if out.fspath == str(place))
    assert out.can_push is False


def test_copies_in_the_cache_are_to_mind(repository):
    assert checks.check_links(repository, RAW).state == "warning"
    (repository / ".dvc" / "config.local").write_text("[cache]\n    type = reflink,hardlink\n", encoding="utf-8")
    assert checks.check_links(repository, RAW).state == "ok"
