"""Outputs appear whole or not at all."""

import json
from pathlib import Path

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import (
    atomic_folder,
    atomic_group,
    atomic_write,
    require_writable,
    write_csv,
    write_json,
    write_jsonl,
    write_text,
)


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyError), atomic_write(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise KeyError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_failure_leaves_the_old_folder_and_success_replaces_it_whole(tmp_path):
    folder = tmp_path / "out"
    with atomic_folder(folder) as part:
        (part / "one").write_text("1")
    with pytest.raises(KeyError), atomic_folder(folder) as part:
        (part / "two").write_text("2")
        raise KeyError
    assert [p.name for p in folder.iterdir()] == ["one"]
    with atomic_folder(folder) as part:
        (part / "two").write_text("2")
    assert [p.name for p in folder.iterdir()] == ["two"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_outputs_that_belong_together_are_all_replaced_or_none(tmp_path):
    table, folder = tmp_path / "t.csv", tmp_path / "masks"
    with atomic_group(table, folder) as (rows, masks):
        rows.write_text("old")
        masks.mkdir()
        (masks / "old").touch()
    with pytest.raises(KeyError), atomic_group(table, folder) as (rows, masks):
        rows.write_text("new")
        masks.mkdir()
        raise KeyError
    assert table.read_text() == "old"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["masks", "old", "t.csv"]
    with atomic_group(table, folder) as (rows, masks):
        rows.write_text("new")
        masks.mkdir()
    assert table.read_text() == "new"
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_leaves_is_in_no_hash(tmp_path):
    """A room of :func:`atomic_write` inside a tracked folder: DVC's ignore file leaves it out."""
    from dvc.ignore import DvcIgnorePatterns

    lines = (Path(__file__).parents[2] / ".dvcignore").read_text(encoding="utf-8").splitlines()
    ignored = DvcIgnorePatterns(lines, "/repository", "/")
    with atomic_write(tmp_path / "masks" / "1.png") as part:
        part.write_text("half")
        room = part.parent.name
    assert ignored.matches("/repository/data/masks", room, is_dir=True)
    assert not ignored.matches("/repository/data/masks", "1.png")


def test_csv_keeps_nine_digits_and_unix_line_ends(tmp_path):
    write_csv(tmp_path / "t.csv", pd.DataFrame({"id": ["a"], "v": [1 / 3], "w": [123456.7891234]}))
    assert (tmp_path / "t.csv").read_bytes() == b"id,v,w\na,0.333333333,123456.789\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_dvc_cannot_read_and_names_the_key(tmp_path, value):
    with pytest.raises(ValueError, match=r"vindr\.llm\.auc is (nan|inf)"):
        write_json(tmp_path / "m.json", {"vindr": {"llm": {"auc": value}}})
    assert not (tmp_path / "m.json").exists()


def test_jsonl_is_one_object_a_line(tmp_path):
    write_jsonl(tmp_path / "p.jsonl", [{"prompt": "Größe"}, {"prompt": "b"}])
    lines = (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["prompt"] for line in lines] == ["Größe", "b"]


def test_a_folder_that_takes_no_files_is_an_error_in_words(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/out: cannot be written to: Not a directory\nFix: name another folder"):
        write_text(tmp_path / "file" / "out" / "a.txt", "x")
    with pytest.raises(InputError, match=r"file/out: cannot be written to: \S+/file is a file"):
        require_writable(tmp_path / "file" / "out")

    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("radprompt.core.outputs.tempfile.mkdtemp", refuse)  # the tests may run as root, who may write
    with pytest.raises(InputError, match=r"cannot be written to: Permission denied"):
        write_text(tmp_path / "a.txt", "x")
    require_writable(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
    monkeypatch.setattr("radprompt.core.outputs.os.access", lambda place, mode: False)
    with pytest.raises(InputError, match=rf"folder: cannot be written to: {tmp_path} is read-only for this user"):
        require_writable(tmp_path / "new" / "folder")
