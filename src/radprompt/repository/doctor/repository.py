"""Git and DVC: whether they are set up, and whether the images stay out of both."""

import configparser
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from radprompt.repository.doctor.finding import Finding

RESTRICTED = ("vindr_mammo", "inbreast")
"""Data sets that must not be passed on."""


def check_git(repository: Path) -> Finding:
    """Check that this is a git repository with a commit, which DVC needs before its first run."""
    if shutil.which("git") is None:
        return Finding("repository", "git", "error", "git is not installed", "install git")
    head = _git(repository, "rev-parse", "--short", "HEAD")
    if head is None:
        return Finding("repository", "git", "error", "no repository with a commit", "git init; git add -A; git commit")
    return Finding("repository", "git", "ok", f"at commit {head.strip()}")


def check_dvc(repository: Path) -> Finding:
    """Check that DVC is initialised here."""
    lacking = [name for name in (".dvc/config", "dvc.yaml") if not (repository / name).is_file()]
    if lacking:
        fix = "clone the repository again; `dvc init` makes .dvc/config"
        return Finding("repository", "DVC", "error", f"no {', no '.join(lacking)}", fix)
    return Finding("repository", "DVC", "ok", "initialised")


def check_ignored(repository: Path, root: Path, folders: Iterable[str]) -> Finding:
    """Check that no image below ``root`` is, or could come to be, in git's history."""
    subject = f"images in {root.as_posix()}"
    top = _git(repository, "rev-parse", "--show-toplevel")
    if top is None or not _inside(repository / root, Path(top.strip())):
        return Finding("repository", subject, "ok", "outside the git repository")
    tracked = (_git(repository, "ls-files", "--", root.as_posix()) or "").splitlines()
    images = [path for path in tracked if not path.endswith((".dvc", ".gitignore", "README.md"))]
    if images:
        fix = f"git rm -r --cached {root.as_posix()}; pushed already: rewrite the history, tell the owner"
        return Finding("repository", subject, "error", f"{len(images)} in git, such as {images[0]}", fix)
    here = [name for name in folders if _inside(repository / root / name, Path(top.strip()))]
    open_to_git = [name for name in here if not _ignored(repository, root / name / "image.dcm")]
    if open_to_git:
        fix = f"add /{root.as_posix()}/* to .gitignore"
        return Finding("repository", subject, "error", f"git does not ignore {', '.join(open_to_git)}", fix)
    return Finding("repository", subject, "ok", "ignored by git")


def check_remote(repository: Path, root: Path) -> Finding:
    """Check that ``dvc push`` would not send data sets away that must not be passed on."""
    name, url = default_remote(repository)
    if name is None:
        return Finding("repository", "DVC remote", "ok", "none: nothing leaves this machine")
    leaving = [folder for folder in RESTRICTED if _pushed(repository / root / f"{folder}.dvc")]
    if leaving:
        fix = (
            "write `push: false` below `outs: - path: ...` in their .dvc files, unless the licence covers who reads it"
        )
        found = f"`dvc push` sends {' and '.join(leaving)} to {url}"
        return Finding("repository", "DVC remote", "warning", found, fix)
    return Finding("repository", "DVC remote", "ok", f"{name} ({url})")


def check_links(repository: Path, root: Path) -> Finding:
    """Say whether ``dvc add`` would copy the images a second time."""
    types = _config(repository).get("cache", {}).get("type", "")
    if "link" in types:
        return Finding("repository", "DVC cache", "ok", f"links ({types})")
    fix = "before `dvc add`: dvc config --local cache.type reflink,hardlink,symlink"
    found = f"copies: `dvc add` would store {root.as_posix()} a second time"
    return Finding("repository", "DVC cache", "warning", found, fix)


def default_remote(repository: Path) -> tuple[str | None, str]:
    """Return the name and address of the remote that ``dvc push`` goes to; None where there is none."""
    config = _config(repository)
    name = config.get("core", {}).get("remote")
    return name, config.get(f'remote "{name}"', {}).get("url", "")


def _config(repository: Path) -> dict[str, dict[str, str]]:
    """DVC's settings by section, those of this clone over those of the repository."""
    merged: dict[str, dict[str, str]] = {}
    for name in ("config", "config.local"):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read(repository / ".dvc" / name, encoding="utf-8")
        for section in parser.sections():
            merged.setdefault(section.strip("'"), {}).update(parser[section])
    return merged


def _pushed(file: Path) -> bool:
    try:
        content: Any = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        return any(out.get("push", True) for out in content["outs"])
    except FileNotFoundError:
        return False
    except (YAMLError, KeyError, TypeError, AttributeError):
        return True


def _inside(path: Path, top: Path) -> bool:
    # A link that leads out of the repository leads out of git.
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(top))


def _ignored(repository: Path, path: Path) -> bool:
    return _git(repository, "check-ignore", "-q", path.as_posix()) is not None


def _git(repository: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)  # noqa: S603, S607
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
