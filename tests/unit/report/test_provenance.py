"""Hashes under provenance are those that git knows."""

import subprocess

import pytest

from radprompt.pages.report.provenance import code_version, git_blob
from radprompt.pages.report.reader import Reader


def _git(root, *arguments):
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def committed(tmp_path):
    """A repository with fingerprints and other files, committed."""
    for name in ("code/b.txt", "code/a.txt", "code/a-b.txt", "code/é.txt", "src/a.py", "params.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}\n", encoding="utf-8")
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "add", "--all")
    _git(tmp_path, "commit", "--quiet", "--message", "all")
    return tmp_path


@pytest.mark.parametrize("content", [b"", b"one\n", bytes(range(256))])
def test_git_agrees_on_the_hash_of_a_file(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert git_blob(content) == _git(tmp_path, "hash-object", "file")


def test_the_printed_commands_find_the_commit(committed):
    params, code = code_version(Reader(committed))
    head = _git(committed, "rev-parse", "HEAD")
    assert _git(committed, "log", "--all", "--format=%H", f"--find-object={params}") == head
    command = "git ls-tree -r HEAD code | awk '{print $3}' | sha256sum"
    printed = subprocess.run(command, shell=True, cwd=committed, check=True, capture_output=True, text=True).stdout
    assert printed.split()[0] == code


def test_code_has_another_digest_once_a_fingerprint_changes_and_only_then(committed):
    before = code_version(Reader(committed))
    (committed / "src/a.py").write_text("# a comment\n")
    assert code_version(Reader(committed)) == before
    (committed / "code/new.txt").touch()
    assert code_version(Reader(committed)).code != before.code


def test_without_code_there_is_no_digest(tmp_path):
    assert code_version(Reader(tmp_path)) == ("", "")
