"""What ``dvc.lock`` says of the stages behind some targets, and so whether an experiment's result still counts.

DVC ties experiments to a commit, so that any later one hides them: a corrected sentence would cost a night of training.
Here a result counts at every commit where the stages behind it have the same commands, the same source files and the
same parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.repository.ablations.commands import file_at
from radprompt.study.ablation_tables import lookup

PARAMS = "params.yaml"


@dataclass(frozen=True)
class Pipeline:
    """The stages behind some targets.

    Parameters
    ----------
    commands
        Command of each stage.
    sources
        By stage, the hash of each dependency that none of these stages makes.
    read
        By stage, the dotted parameters that it reads.
    """

    commands: dict[str, Any]
    sources: dict[str, dict[str, str]]
    read: dict[str, list[str]]

    @cached_property
    def params(self) -> set[str]:
        """Every parameter that one of the stages reads."""
        return {key for keys in self.read.values() for key in keys}


def read_pipeline(lock: str, targets: Sequence[str]) -> Pipeline:
    """Take the stages behind the targets out of a ``dvc.lock``.

    Raises
    ------
    InputError
        If the lock file lacks a target.
    """
    stages: dict[str, Any] = YAML(typ="safe").load(lock).get("stages") or {}
    pending = []
    for target in targets:
        named = [stage for stage in stages if stage == target or stage.startswith(f"{target}@")]
        if not named:
            raise InputError(
                f"no stage {target!r}", where="dvc.lock", fix="run `dvc repro` and commit, or correct `targets`"
            )
        pending += named
    behind: dict[str, dict[str, str]] = {}
    while pending:
        stage = pending.pop()
        if stage in behind:
            continue
        behind[stage] = {}
        for dep in stages[stage].get("deps", []):
            makers = [name for name, entry in stages.items() if _makes(entry, dep["path"])]
            pending += makers
            if not makers:
                behind[stage][dep["path"]] = str(dep.get("md5"))
    return Pipeline(
        {stage: stages[stage]["cmd"] for stage in behind},
        behind,
        {stage: sorted(stages[stage].get("params", {}).get(PARAMS, {})) for stage in behind},
    )


def _makes(stage: Mapping[str, Any], path: str) -> bool:
    outs = [out["path"] for out in stage.get("outs", [])]
    return any(f"{path}/".startswith(f"{out}/") or f"{out}/".startswith(f"{path}/") for out in outs)


def counts(rev: str, pipeline: Pipeline, targets: Sequence[str], params: Mapping[str, Any]) -> bool:
    """Tell whether a commit, of an experiment or of one that is queued, is what would run now.

    Parameters
    ----------
    rev
        The commit.
    pipeline
        The stages as they would run now.
    targets
        Targets of both runs.
    params
        The parameters it would run with.
    """
    lock, written = file_at(rev, "dvc.lock"), file_at(rev, PARAMS)
    if lock is None or written is None:
        return False
    theirs = YAML(typ="safe").load(written)
    if any(lookup(theirs, key) != lookup(params, key) for key in pipeline.params):
        return False
    try:
        return read_pipeline(lock, targets) == pipeline
    except InputError:
        return False
