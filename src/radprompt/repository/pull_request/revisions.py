"""Two revisions of the repository, read side by side: git's files, and artefacts from DVC's cache or the remote."""

import hashlib
import posixpath
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from radprompt.core.errors import InputError

LOCK, PIPELINE = "dvc.lock", "dvc.yaml"


class AbsentError(Exception):
    """An artefact that a revision recorded and that neither the cache nor the remote can give; its text says why."""


class Revision:
    """A commit, or with ``commit`` None the working tree as it is now.

    ``label`` names it in sentences. Paths are relative to the repository's root, with slashes.
    """

    def __init__(self, root: str | Path, commit: str | None, label: str) -> None:
        self.root, self.commit, self.label = Path(root), commit, label

    def content(self, path: str) -> bytes | None:
        """Return a file of git's (of the working tree: any file); None where there is none."""
        if self.commit is None:
            file = self.root / path
            return file.read_bytes() if file.is_file() else None
        if path not in self.paths:
            return None
        return _git(self.root, "show", f"{self.commit}:./{path}")

    def text(self, path: str) -> str | None:
        """Return such a file as text; bytes that are no UTF-8 are replaced."""
        content = self.content(path)
        return None if content is None else content.decode("utf-8", errors="replace")

    def yaml(self, path: str) -> Any:
        """Return what a YAML (or JSON) file holds; None where there is none or it is neither."""
        text = self.text(path)
        if text is None:
            return None
        try:
            return YAML(typ="safe", pure=True).load(text)
        except YAMLError:
            return None

    @cached_property
    def paths(self) -> frozenset[str]:
        """Files that git tracks; of the working tree those that are still there, and new ones that git may take."""
        if self.commit is None:
            listed = _git(self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        else:
            listed = _git(self.root, "ls-tree", "-r", "-z", "--name-only", self.commit)
        paths = (path for path in listed.decode("utf-8", errors="surrogateescape").split("\0") if path)
        return frozenset(path for path in paths if self.commit is not None or (self.root / path).is_file())

    @cached_property
    def stages(self) -> dict[str, dict[str, Any]]:
        """The stages that the revision's locks record, by name as `dvc repro` takes it.

        A lock keeps the entries of stages that dvc.yaml no longer has; they are left out.
        """
        found = {}
        for path in sorted(path for path in self.paths if posixpath.basename(path) == LOCK):
            folder = posixpath.dirname(path)
            defined = self._stages_of(posixpath.join(folder, PIPELINE))
            for name, stage in self._stages_of(path).items():
                if isinstance(stage, dict) and name.partition("@")[0] in defined:
                    found[f"{folder}/{PIPELINE}:{name}" if folder else name] = stage
        return found

    def _stages_of(self, path: str) -> dict[str, Any]:
        content = self.yaml(path)
        stages = content.get("stages") if isinstance(content, dict) else None
        return stages if isinstance(stages, dict) else {}

    @cached_property
    def recorded(self) -> dict[str, str]:
        """MD5 of every output file that ``dvc.lock`` in the root records."""
        return {
            out["path"]: str(out["md5"])
            for name, stage in self.stages.items()
            if ":" not in name
            for out in stage.get("outs") or []
            if "md5" in out and not str(out["md5"]).endswith(".dir")
        }

    def artefacts(self, folder: str, suffix: str) -> list[str]:
        """Return the files of a folder, DVC's and git's, sorted; whether they can be read is another matter."""
        found = {path for path in {*self.recorded, *self.paths} if posixpath.dirname(path) == folder}
        return sorted(path for path in found if path.endswith(suffix))

    def digest(self, path: str) -> str | None:
        """Return the MD5 of an artefact as recorded, or of git's file; None where there is neither."""
        if path in self.recorded:
            return self.recorded[path]
        content = self.content(path) if path in self.paths else None
        return None if content is None else hashlib.md5(content, usedforsecurity=False).hexdigest()

    def artefact(self, path: str) -> bytes:
        """Return an artefact: from the working tree, git, DVC's cache or the default remote.

        Raises
        ------
        AbsentError
            None of them has it, or what they have is not what was recorded.
        """
        if (self.commit is None or path not in self.recorded) and (content := self.content(path)) is not None:
            return content
        if path not in self.recorded:
            raise AbsentError(f"`{path}` of {self.label}: not recorded in dvc.lock")
        return _from_storage(self.root, self.recorded[path], f"`{path}` of {self.label}")


def base_revision(root: str | Path, name: str) -> Revision:
    """Return the commit that this branch left ``name`` (a branch, tag or commit) at.

    Raises
    ------
    InputError
        It is not in this clone, or a shallow clone does not reach back to where the two part.
    """
    shallow = _ask(root, "rev-parse", "--is-shallow-repository") == "true"
    deepen = "`git fetch --unshallow`; in a workflow, give actions/checkout `fetch-depth: 0`"
    commit = _ask(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit is None:
        remote, _, branch = name.partition("/")
        fetch = f"`git fetch {remote} {branch}`" if branch else "`git fetch`"
        raise InputError(
            f"no commit {name!r} in this {'shallow ' if shallow else ''}clone",
            where="git",
            fix=f"{deepen}; then {fetch}" if shallow else f"{fetch}, or name another base",
        )
    parting = _ask(root, "merge-base", commit, "HEAD")
    if parting is None:
        what = "this shallow clone does not reach back to where" if shallow else "there is no commit at which"
        raise InputError(
            f"{what} this branch and {name!r} part", where="git", fix=deepen if shallow else "name another base"
        )
    return Revision(root, parting, f"{name} ({parting[:7]})")


def head_commit(root: str | Path) -> str:
    """Return the commit that the working tree belongs to."""
    return _git(root, "rev-parse", "HEAD").decode().strip()


def _git(root: str | Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603, S607
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise InputError(f"`git {' '.join(arguments)}` failed:\n  {said}", fix="run it in the shell to see more")
    return done.stdout


def _ask(root: str | Path, *arguments: str) -> str | None:
    try:
        return _git(root, *arguments).decode().strip()
    except InputError:
        return None


def _from_storage(root: Path, digest: str, what: str) -> bytes:
    from dvc.config import NoRemoteError
    from dvc.repo import Repo

    reasons = []
    with Repo(str(root)) as repo:
        for place in ("cache", "remote"):
            try:
                storage = repo.cache.repo if place == "cache" else repo.cloud.get_remote_odb()
                found = storage.get(digest)
                with found.fs.open(found.path, "rb") as stream:
                    content: bytes = stream.read()
            except FileNotFoundError:
                reasons.append(f"not in the {place}")
            except NoRemoteError:
                reasons.append("and no remote is set")
            except Exception as error:  # a remote fails in as many ways as there are kinds of remotes
                said = " ".join(str(error).replace(str(root.resolve()), ".").split())
                reasons.append(f"the {place} fails: {said[:200]}")
            else:
                if hashlib.md5(content, usedforsecurity=False).hexdigest() == digest:
                    return content
                reasons.append(f"broken in the {place}")
    raise AbsentError(f"{what}: {', '.join(reasons)}")
