"""``params.yaml`` of a user's table: a study's sections, and the roles of the table's columns instead of images."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from radprompt import __version__
from radprompt.core.errors import InputError
from radprompt.core.params import Features, Fraction, Positive, StudyParams, check_params, checked, read_yaml

_STRICT = ConfigDict(extra="forbid", strict=True)

ROLES_OF_COLUMNS = ("label", "id", "group", "site", "split")
"""Keys of a table that name one column each."""


@dataclass(frozen=True, config=_STRICT)
class Table:
    """Which column is what; every other one is a feature."""

    label: str
    positive: str | int | float | None
    id: str | None
    group: str | None
    site: str | None
    split: str | None
    ignore: list[str]
    categories: list[str]
    missing: list[str | int | float]
    keep: list[str] = Field(default_factory=list)
    clinical: list[str] = Field(default_factory=list)
    size: str | None = None
    decimal: Literal[".", ","] | None = None

    @property
    def roles(self) -> dict[str, str]:
        """Column of each role that is given."""
        given = {role: getattr(self, role) for role in ROLES_OF_COLUMNS}
        return {role: column for role, column in given.items() if column is not None}


@dataclass(frozen=True, config=_STRICT)
class Partition:
    """How cases are divided into those that train and those that test, where no column says it."""

    folds: Annotated[int, Field(ge=2)]
    repeats: Positive
    holdout: Fraction | None
    validation_fraction: Annotated[float, Field(ge=0, lt=1)]
    draws: Positive


@dataclass(frozen=True, config=_STRICT)
class TableFeatures(Features):
    """Which features models read: unstable ones, where the table has repeated measurements, are left out first."""

    min_icc: Annotated[float, Field(ge=-1, le=1)] | None = None


@dataclass(frozen=True, config=_STRICT)
class TableParams(StudyParams):
    """All of ``params.yaml`` in the folder of a user's table."""

    features: TableFeatures
    radprompt: str
    table: Table
    partition: Partition


def load_table_params(path: str | Path = "params.yaml") -> TableParams:
    """Read and check the parameters in the folder of a user's table.

    Raises
    ------
    InputError
        For a file that is absent or not YAML, an unknown or missing key, a value of a wrong type or range, or a folder
        made with another version of radprompt than the one that runs.
    """
    content = read_yaml(path, missing="run in a folder that `radprompt new` or `radprompt table` made")
    params = check_table_params(content, where=str(path))
    if params.radprompt != __version__:
        raise InputError(
            f"this folder was made with radprompt {params.radprompt}, and {__version__} is installed",
            where=f"{path}, radprompt",
            fix=f"write {__version__} there: every stage then runs again; or install {params.radprompt}",
        )
    return params


def check_table_params(content: Any, *, where: str = "params.yaml") -> TableParams:
    """Turn the nested mapping into :class:`TableParams`; see :func:`load_table_params` for the errors."""
    fix = "correct it; `radprompt new` in another folder shows a whole file"
    return checked(content, TableParams, where=where, fix=fix)


def load_study_params(path: str | Path = "params.yaml") -> StudyParams:
    """Read and check ``params.yaml``, be it the repository's or that of a user's table.

    Errors are those of :func:`radprompt.core.params.load_params` and :func:`load_table_params`.
    """
    content = read_yaml(path, missing="run from the repository's root, or in a folder that `radprompt table` made")
    if isinstance(content, dict) and "table" in content:
        return load_table_params(path)
    return check_params(content, where=str(path))
