"""Whether ``dvc.lock`` still describes the code, params, data and figures that are here.

`dvc status` and `dvc repro --dry --allow-missing` cannot say so in a fresh clone: artefacts that are merely not pulled
look like changed ones wherever a stage reads a folder, and a changed parameter does not fail a dry run. So every hash
is compared on its own: sources and figures with the files, and what a stage reads of other stages with what the lock
says that those wrote, whether it has been pulled or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from radprompt.core.errors import InputError

_SHOWN = 20
Key = tuple[str, ...]


class Check(NamedTuple):
    """``stale`` has the stages by cause; ``absent`` and ``unknown`` are paths, not here and not comparable here.

    ``leftovers`` are entries of stages that no ``dvc.yaml`` has any longer.
    """

    stages: int
    stale: dict[str, list[str]]
    absent: list[str]
    unknown: list[str]
    leftovers: tuple[str, ...] = ()


def check_lock(root: str | Path = ".") -> Check:
    """Compare every stage of every ``dvc.yaml`` under ``root``, and every ``.dvc`` file, with what is recorded of it.

    Raises
    ------
    InputError
        ``root`` is no DVC repository, or a ``dvc.yaml`` or ``dvc.lock`` cannot be read.
    """
    with _opened(root) as repo:
        return _Comparison(repo).check()


def prune_lock(root: str | Path = ".") -> list[str]:
    """Remove from each ``dvc.lock`` the entries of stages that its ``dvc.yaml`` has no longer, and name them.

    DVC never removes them, and each command reads and rewrites them.

    Raises
    ------
    InputError
        As :func:`check_lock`.
    """
    from dvc.utils.serialize import modify_yaml

    with _opened(root) as repo, repo.lock:
        found = _leftovers(repo)
        for path, names in found.items():
            with modify_yaml(path) as content:
                for name in names:
                    del content["stages"][name]
        return [name for names in found.values() for name in names]


def describe(check: Check) -> str:
    """Say in a line that the lock fits; where it does not, the causes and their stages are an :class:`InputError`."""
    if check.stale:
        causes = [f"{cause}\n    {_stages(stages)}" for cause, stages in check.stale.items()]
        more = [f"... and {len(causes) - _SHOWN} more"] if len(causes) > _SHOWN else []
        raise InputError(
            "\n  ".join(["it is out of date:", *causes[:_SHOWN], *more]),
            where="dvc.lock",
            fix="`dvc repro`, then commit dvc.lock and the figures together with the change; a file that was changed "
            "by mistake comes back with `git checkout` or `dvc checkout`",
        )
    lines = [f"dvc.lock is up to date: {check.stages} stages"]
    if check.leftovers:
        lines.append(
            f"it has entries of {_stages(check.leftovers)}, which no dvc.yaml has: they slow each DVC command; "
            "`radprompt check-lock --prune` removes them, and no artefact"
        )
    if check.absent:
        lines.append(f"{len(check.absent)} artefacts are not here, which is no failure: `dvc pull` brings them")
    if check.unknown:
        lines.append(f"not comparable before `dvc pull`: {', '.join(check.unknown)}")
    return "\n".join(lines)


def leaves(content: Any, key: str = "") -> dict[str, Any]:
    """Return the values of nested mappings by their dotted keys; a list is a value."""
    if not isinstance(content, Mapping) or not content:
        return {key: content}
    return {
        name: value
        for inner, part in content.items()
        for name, value in leaves(part, f"{key}.{inner}" if key else str(inner)).items()
    }


@contextmanager
def _opened(root: str | Path) -> Iterator[Any]:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            yield repo
    except DvcException as error:
        fix = "mend the file that DVC names; after a merge conflict in dvc.lock, take either side and run `dvc repro`"
        raise InputError(" ".join(str(error).split()), where="DVC", fix=fix) from None


def _leftovers(repo: Any) -> dict[str, list[str]]:
    """Return the entries without a stage in ``dvc.yaml``, by the path of the ``dvc.lock`` that holds them."""
    from dvc.utils.serialize import load_yaml

    here: dict[str, set[str]] = {}
    for stage in repo.index.stages:
        if getattr(stage, "name", None):
            here.setdefault(str(Path(stage.path).with_suffix(".lock")), set()).add(stage.name)
    read = {path: load_yaml(path).get("stages", {}) for path in here if Path(path).is_file()}
    found = {path: [name for name in entries if name not in here[path]] for path, entries in read.items()}
    return {path: names for path, names in found.items() if names}


def _stages(stages: Iterable[str]) -> str:
    names = sorted(set(stages))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{'stage' if len(names) == 1 else 'stages'} {', '.join(names[:5])}{more}"


class _Comparison:
    """One pass over a repository's stages. Keys are paths as tuples of names, from the repository's root."""

    def __init__(self, repo: Any) -> None:
        self.repo = repo
        self.outs = {self._key(out): out for stage in repo.index.stages for out in stage.outs if _is_local(out)}
        self.stale: dict[str, list[str]] = {}
        self.absent: set[str] = set()
        self.unknown: set[str] = set()

    def check(self) -> Check:
        stages = {self._address(stage): stage for stage in self.repo.index.stages}
        for address, stage in sorted(stages.items()):
            for cause in self._causes(stage):
                self.stale.setdefault(cause, []).append(address)
        left = sorted(name for names in _leftovers(self.repo).values() for name in names)
        return Check(len(stages), self.stale, sorted(self.absent), sorted(self.unknown), tuple(left))

    def _causes(self, stage: Any) -> Iterable[str]:
        recorded = [item for item in (*stage.deps, *stage.outs) if item.hash_info]
        if stage.cmd and (stage.deps or stage.outs) and not recorded:
            yield "has no entry in dvc.lock"
            return
        if getattr(stage, "cmd_changed", False):
            yield "the command changed"
        if not (stage.frozen or stage.is_callback or stage.always_changed):
            for dep in stage.deps:
                yield from self._params(dep) if hasattr(dep, "params") else self._dependency(dep)
        for out in stage.outs:
            yield from self._output(out)

    def _params(self, dep: Any) -> Iterable[str]:
        file = self._path(dep)
        if not dep.exists:
            yield f"{file} is missing"
            return
        locked, found = dep.hash_info.value or {}, dep.read_params()
        for key in sorted({*locked, *found}):
            before, now = (leaves(values[key], key) if key in values else {} for values in (locked, found))
            for leaf in sorted({*before, *now}):
                if leaf not in now:
                    yield f"{file}: {leaf} is gone, dvc.lock has {before[leaf]!r}"
                elif leaf not in before:
                    yield f"{file}: {leaf} is new"
                elif before[leaf] != now[leaf]:
                    yield f"{file}: {leaf} is {now[leaf]!r}, dvc.lock has {before[leaf]!r}"

    def _dependency(self, dep: Any) -> Iterable[str]:
        if not _is_local(dep):
            return
        if not dep.hash_info:
            yield f"{self._path(dep)} is a new dependency"
            return
        key = self._key(dep)
        above = next((out for place, out in self.outs.items() if key[: len(place)] == place), None)
        below = [place for place in self.outs if len(place) > len(key) and place[: len(key)] == key]
        if above is not None:
            yield from self._read_of_output(dep, above)
        elif below:
            here = self._entries(dep)
            if strays := self._strays(dep, here, below):
                for stray in strays:
                    yield f"{stray} is no stage's output and not in git, but {self._path(dep)} is read whole: move it"
                return
            found = self._folder(dep, here, below)
            if found is None:
                self.unknown.add(self._path(dep))
            elif found != dep.hash_info.value:
                yield f"{self._path(dep)} changed"
        elif dep.exists:
            if dep.changed_checksum():
                yield f"{self._path(dep)} changed"
        elif self.repo.scm.is_ignored(dep.fs_path):
            self.absent.add(self._path(dep))  # data that git must not have, and this machine does not
        else:
            yield f"{self._path(dep)} is missing"

    def _read_of_output(self, dep: Any, out: Any) -> Iterable[str]:
        """Compare what a stage read with what another is recorded to have written: no file is needed for that."""
        inner = self._key(dep)[len(self._key(out)) :]
        value = out.hash_info.value if out.hash_info else None
        if inner and value:
            tree = self._tree(out)
            obj = tree.get_obj(out.cache, inner) if tree is not None else None
            if tree is None and not dep.exists:
                self.unknown.add(self._path(dep))
                return
            value = dep.get_hash().value if tree is None else obj.hash_info.value if obj is not None else None
        if value and value != dep.hash_info.value:
            yield f"{self._path(dep)} is not what its own stage wrote last"

    def _strays(self, dep: Any, here: Iterable[Key], below: list[Key]) -> list[str]:
        """Return files within a folder of outputs that no clone will have: of an earlier layout, or by hand."""
        tracked = getattr(self.repo.scm, "is_tracked", None)
        if tracked is None:  # no git here
            return []
        top = self._key(dep)
        others = [top + key for key in here if not _is_below(top + key, below)]
        return ["/".join(key) for key in others if not tracked(self.repo.fs.join(self.repo.root_dir, *key))]

    def _folder(self, dep: Any, here: Mapping[Key, Any], below: list[Key]) -> str | None:
        """Return the hash that a folder would have with all recorded outputs in it; None where that cannot be told."""
        from dvc_data.hashfile.tree import Tree

        top, whole = self._key(dep), Tree()
        for key, value in here.items():
            if not _is_below(top + key, below):
                whole.add(key, None, value)
        for place in below:
            out, prefix = self.outs[place], place[len(top) :]
            if not out.hash_info:
                return None
            if not out.hash_info.isdir:
                whole.add(prefix, None, out.hash_info)
                continue
            tree = self._tree(out)
            inside = (
                {key: value for key, value in here.items() if key[: len(prefix)] == prefix}
                if tree is None
                else {prefix + key: value for key, _, value in tree}
            )
            if tree is None and not out.exists:
                return None
            for key, value in inside.items():
                whole.add(key, None, value)
        whole.digest()
        return whole.hash_info.value

    def _output(self, out: Any) -> Iterable[str]:
        if not _is_local(out):
            return
        if not out.hash_info:
            yield f"{self._path(out)} is a new output"
        elif not out.exists:
            if out.use_cache:
                self.absent.add(self._path(out))
            else:
                yield f"{self._path(out)} is missing, and no cache has it"
        elif out.changed_checksum():
            if out.use_cache and out.isdir() and self._is_part(out):
                self.absent.add(self._path(out))
            else:
                yield f"{self._path(out)} is not what its stage wrote"

    def _is_part(self, out: Any) -> bool:
        """Whether a folder lacks files and is otherwise as recorded: only some of it was pulled."""
        tree = self._tree(out)
        recorded = {} if tree is None else {key: value for key, _, value in tree}
        return all(recorded.get(key) == value for key, value in self._entries(out).items())

    def _entries(self, item: Any) -> dict[Key, Any]:
        """Hash the files of a folder, those that .dvcignore names left out."""
        from dvc_data.hashfile.build import build

        if not item.exists:
            return {}
        tree: Any
        _, _, tree = build(item.cache, item.fs_path, item.fs, "md5", ignore=self.repo.dvcignore, dry_run=True)
        return {key: value for key, _, value in tree}

    def _tree(self, out: Any) -> Any:
        """Load the recorded listing of an output folder from the cache; None where it is not there."""
        from dvc_data.hashfile.tree import Tree
        from dvc_objects.errors import ObjectFormatError

        if not (out.hash_info and out.hash_info.isdir and out.use_cache):
            return None
        try:
            return Tree.load(out.cache, out.hash_info)
        except (FileNotFoundError, ObjectFormatError):
            return None

    def _key(self, item: Any) -> Key:
        return tuple(self.repo.fs.relparts(item.fs_path, self.repo.root_dir))

    def _path(self, item: Any) -> str:
        return "/".join(self._key(item))

    def _address(self, stage: Any) -> str:
        """Name a stage as `dvc repro` takes it in the root, wherever this process is."""
        file = "/".join(self.repo.fs.relparts(stage.path, self.repo.root_dir))
        name = getattr(stage, "name", None)
        return file if not name else name if file == "dvc.yaml" else f"{file}:{name}"


def _is_below(key: Key, places: Iterable[Key]) -> bool:
    return any(key[: len(place)] == place for place in places)


def _is_local(item: Any) -> bool:
    return getattr(item, "fs", None) is not None and item.fs.protocol == "local" and not hasattr(item, "def_repo")
