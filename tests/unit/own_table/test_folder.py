"""Folders: made, filled, refused; with git, below a git repository, and without."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.table_params import load_table_params
from radprompt.own_table.folder import changed, check_first, fill, is_ours, new_folder, set_params
from radprompt.study.settings import load_settings


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def staged(folder) -> list[str]:
    done = subprocess.run(["git", "diff", "--cached", "--name-only"], cwd=folder, capture_output=True, text=True)
    if done.returncode or not done.stdout:
        done = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True)
    return [name for name in done.stdout.splitlines() if name != "own.txt"]


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A place that no git repository is above, whatever holds the tests."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path / "study"


def test_without_git_dvc_works_alone(alone):
    assert new_folder(alone) == "without git: dvc exp needs a repository"
    assert {path.name for path in alone.iterdir()} == {
        *(".dvc", ".dvcignore", ".gitignore", "README.md", "data", "dvc.yaml", "params.yaml", "settings.yaml")
    }
    config = (alone / ".dvc/config").read_text()
    assert "no_scm = True" in config
    assert "analytics = false" in config.lower()
    load_table_params(alone / "params.yaml")
    is_ours(alone)


def test_inside_a_repository_dvc_keeps_beside_git(alone):
    home = alone.parent
    git(home, "init", "-q")
    assert new_folder(alone) == "inside your git repository"
    assert "no_scm" not in (alone / ".dvc/config").read_text()
    (home / ".gitignore").write_text("ignored/\n")
    assert new_folder(home / "ignored/study").startswith("without git")


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ("data/\n*.csv\n", "data/table.csv.dvc (.gitignore, line 1: data/)"),
        ("# notes\n*.dvc\n", ".dvc/config (.gitignore, line 2: *.dvc)"),
        ("*.yaml\n", "dvc.yaml (.gitignore, line 1: *.yaml)"),
        (
            "*.lock\ndata/\n",
            "dvc.lock (.gitignore, line 1: *.lock), data/table.csv.dvc (.gitignore, line 2: data/)",
        ),
    ],
)
def test_where_git_ignores_what_dvc_needs_it_works_alone_and_names_the_line(alone, sites_file, rules, line):
    home = alone.parent
    git(home, "init", "-q")
    (home / ".gitignore").write_text(rules)
    assert new_folder(alone).startswith(f"without git, which ignores {line}; for dvc exp, change that")
    checked, study, changes = check_first(sites_file, {"label": "label", "id": "case", "site": "site"}, None)
    assert len(checked.about) == 60
    fill(alone, sites_file.read_bytes(), changes, study)
    assert (alone / "data/table.csv.dvc").is_file()
    assert staged(home) == []


def test_git_ignoring_tables_alone_is_no_obstacle(alone):
    git(alone.parent, "init", "-q")
    (alone.parent / ".gitignore").write_text("*.csv\n")
    assert new_folder(alone) == "inside your git repository"


@pytest.mark.parametrize("commits", [0, 1])
def test_nothing_is_staged(alone, commits):
    home = alone.parent
    git(home, "init", "-q")
    if commits:
        (home / "own.txt").write_text("mine")
        git(home, "add", "own.txt")
        git(home, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "one")
    (home / "staged.txt").write_text("mine")
    git(home, "add", "staged.txt")
    new_folder(alone)
    assert staged(home) == ["staged.txt"]


def test_rules_that_came_later_are_named_with_a_fix_that_works(alone, sites_file):
    git(alone.parent, "init", "-q")
    new_folder(alone)
    (alone.parent / ".gitignore").write_text("*.csv\ndata/\n")
    _, study, changes = check_first(sites_file, {"label": "label", "id": "case", "site": "site"}, None)
    with pytest.raises(InputError, match=r"git ignores data/table\.csv\.dvc \(\.gitignore, line 2: data/\)") as caught:
        fill(alone, sites_file.read_bytes(), changes, study)
    command = caught.value.fix.split(f"cd {alone}; ")[1]
    assert command == "dvc config core.no_scm true"
    subprocess.run([sys.executable, "-m", *command.split()], cwd=alone, check=True, capture_output=True)
    fill(alone, sites_file.read_bytes(), changes, study)
    assert (alone / "data/table.csv.dvc").is_file()


def test_a_folder_that_holds_something_is_left_as_it_is(alone):
    alone.mkdir()
    (alone / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already, and not empty"):
        new_folder(alone)
    with pytest.raises(InputError, match="no folder of radprompt new"):
        is_ours(alone)
    assert [path.name for path in alone.iterdir()] == ["notes.txt"]


def test_nothing_is_left_behind_when_dvc_cannot_be_set_up(alone, monkeypatch):
    monkeypatch.setattr("radprompt.own_table.folder._git_kind", lambda folder: "below")
    with pytest.raises(InputError, match="DVC cannot be set up"):
        new_folder(alone)
    assert not alone.exists()


def test_the_table_and_its_roles_go_in(alone, sites_file):
    checked, study, changes = check_first(sites_file, {"label": "label", "id": "case", "site": "site"}, None)
    assert len(checked.about) == 60
    new_folder(alone)
    template = (alone / "params.yaml").read_text()
    fill(alone, sites_file.read_bytes(), changes, study)
    assert (alone / "data/table.csv").read_bytes() == sites_file.read_bytes()
    assert "md5" in (alone / "data/table.csv.dvc").read_text()
    params = load_table_params(alone / "params.yaml")
    assert params.table.positive == "malignant"
    assert params.table.site == "site"
    assert params.prompt.instruction == (
        "Classify benign or malignant of this case based on given standardized features."
    )
    before, after = template.splitlines(), (alone / "params.yaml").read_text().splitlines()
    assert len(before) == len(after)
    changed = [new.split(":")[0].strip() for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["positive", "id", "site", "instruction", "outcomes", "size"]
    settings = load_settings(alone / "settings.yaml")
    assert list(settings)[:2] == ["cross_validation_north", "cross_validation_south"]
    assert settings["south_10_cases"].continues == "others_to_south"


def test_the_task_is_the_prompts_first_sentence(sites_file):
    changes = check_first(sites_file, {"label": "label", "id": "case", "site": "site"}, "Benign or malignant?").changes
    assert changes["prompt"]["instruction"] == "Benign or malignant?"


def test_a_wrong_table_is_refused_before_anything_is_written(sites_file, tmp_path):
    with pytest.raises(InputError, match="no column is called 'diagnosis'"):
        check_first(sites_file, {"label": "diagnosis"}, None)
    assert [path.name for path in tmp_path.iterdir()] == [sites_file.name]


def test_wrong_parameters_are_not_written(alone):
    new_folder(alone)
    before = (alone / "params.yaml").read_bytes()
    with pytest.raises(InputError, match=r"features.count"):
        set_params(alone / "params.yaml", {"features": {"count": -1}})
    assert (alone / "params.yaml").read_bytes() == before


def test_lists_and_text_with_colons_survive(alone):
    new_folder(alone)
    path = alone / "params.yaml"
    set_params(
        path,
        {"table": {"ignore": ["a: b", "größe"], "label": "1"}, "prompt": {"instruction": "Is it: yes or 'no'? #1"}},
    )
    content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    assert content["table"]["ignore"] == ["a: b", "größe"]
    assert content["table"]["label"] == "1"
    assert content["prompt"]["instruction"] == "Is it: yes or 'no'? #1"
    assert Path(alone / "params.yaml").read_text(encoding="utf-8").count("#") > 40, "comments are kept"


@pytest.fixture
def edited(alone, sites_file):
    """A folder made from the table of two sites, its params.yaml edited as messages say."""
    given = {"label": "label", "id": "case", "site": "site"}
    _, study, changes = check_first(sites_file, given, None)
    new_folder(alone)
    fill(alone, sites_file.read_bytes(), changes, study)
    path = alone / "params.yaml"
    text = path.read_text(encoding="utf-8")
    text = (
        text.replace("ignore: [] ", "ignore: [shape]")
        .replace('"#NAME?"]', '"#NAME?", "-77"]')
        .replace("count: 8", "count: 4")
    )
    path.write_text(text.replace("of this case based", "of this mass, based"), encoding="utf-8")
    return path, given


def test_a_second_run_keeps_what_was_edited(edited, sites_file, alone):
    path, given = edited
    before = path.read_bytes()
    checked, study, changes = check_first(sites_file, given, None, folder=alone)
    assert "shape" in checked.left_out
    assert changed(alone, changes) == []
    fill(alone, sites_file.read_bytes(), changes, study)
    assert path.read_bytes() == before


def test_a_second_run_says_what_it_changes(edited, sites_file, alone):
    path, given = edited
    asked = given | {"categories": ["shape"], "keep": ["edge"], "positive": "benign"}
    _, study, changes = check_first(sites_file, asked, "Which one?", folder=alone)
    assert changed(alone, changes) == [
        "params.yaml: table.positive was 'malignant', is now 'benign'",
        "params.yaml: table.ignore was ['shape'], is now []",
        "params.yaml: table.categories was [], is now ['shape']",
        "params.yaml: table.keep was [], is now ['edge']",
        "params.yaml: prompt.instruction was 'Classify benign or malignant of this mass, based on given standardized "
        "features.', is now 'Which one?'",
        "params.yaml: named.outcomes was ['benign', 'malignant'], is now ['malignant', 'benign']",
    ]
    fill(alone, sites_file.read_bytes(), changes, study)
    params = load_table_params(path)
    assert params.table.missing[-1] == "-77"
    assert params.features.count == 4
    assert params.table.keep == ["edge"]


@pytest.mark.usefixtures("edited")
def test_options_go_before_roles_of_the_folder(sites_file, alone):
    changes = check_first(sites_file, {"label": "label", "ignore": ["case"]}, None, folder=alone).changes
    assert changes["table"]["id"] is None
    assert changes["table"]["ignore"] == ["shape", "case"]


def test_a_folder_without_the_newer_keys_takes_them(edited, sites_file, alone):
    path, given = edited
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(("  keep:", "  decimal:"))), encoding="utf-8")
    _, study, changes = check_first(sites_file, given | {"keep": ["edge"]}, None, folder=alone)
    fill(alone, sites_file.read_bytes(), changes, study)
    assert load_table_params(path).table.keep == ["edge"]
