"""The measured times of the stages: ``docs/stage_times.csv``, and the stages that ``dvc.yaml`` has."""

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from ruamel.yaml import YAML

from radprompt.core.errors import InputError

FILE = Path("docs/stage_times.csv")
PIPELINES = {Path("data/phantom/dvc.yaml"): True, Path("dvc.yaml"): False}
"""Files that define stages, in the order in which they run, and whether only the demo runs them."""


class StageTime(NamedTuple):
    """A row of the file.

    Parameters
    ----------
    stage
        Name in ``dvc.yaml``.
    instances
        Instances of the stage: one for each setting or data set.
    seconds
        Wall time of all instances.
    peak_gb
        Peak memory of the largest process.
    grows_with
        What the time grows with.
    amount
        How much of it there was.
    """

    stage: str
    instances: int
    seconds: float
    peak_gb: float
    grows_with: str
    amount: float


@dataclass(frozen=True)
class StageTimes:
    """The content of the file."""

    machine: str
    rows: dict[str, StageTime]


def stage_descriptions(home: Path, *, phantom: bool) -> dict[str, str]:
    """Return each stage's description from ``dvc.yaml``, in its order; with ``phantom`` also the demo's images."""
    found: dict[str, str] = {}
    for file, synthetic in PIPELINES.items():
        if phantom or not synthetic:
            stages = YAML(typ="safe").load((home / file).read_text(encoding="utf-8"))["stages"]
            found |= {name: stage.get("do", stage)["desc"] for name, stage in stages.items()}
    return found


def read_stage_times(home: Path) -> StageTimes | None:
    """Return the measured times of the repository at ``home``; None if nobody has measured them.

    Raises
    ------
    InputError
        If the file is not as ``docs/tools/stage_times.py`` writes it.
    """
    file = home / FILE
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    try:
        table = pd.read_csv(StringIO(text), comment="#", keep_default_na=False)[list(StageTime._fields)]
        table = table.astype({name: float for name in ("seconds", "peak_gb", "amount")})
        rows = {str(row.stage): StageTime(*row) for row in table.itertuples(index=False)}
    except (KeyError, ValueError) as error:
        fix = "make it again: `python docs/tools/stage_times.py`, after `dvc repro`"
        raise InputError(f"not readable: {error}", where=FILE.as_posix(), fix=fix) from None
    return StageTimes(text.partition("\n")[0].removeprefix("# "), rows)
