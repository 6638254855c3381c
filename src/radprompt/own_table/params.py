"""``params.yaml`` of an own table's folder: as the big pipeline's, with the table's columns instead of images."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from radprompt import __version__
from radprompt.core.errors import InputError
from radprompt.core.params import (
    BoostedTrees,
    Evaluation,
    Fraction,
    Learner,
    Llm,
    LogisticRegression,
    Mlp,
    Positive,
    Prompt,
    RandomForest,
    Svm,
    TransTab,
    checked,
    read_yaml,
)

_STRICT = ConfigDict(extra="forbid", strict=True)
Model = Literal[Learner, "majority", "all_features_logistic", "transtab"]


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
    first_site: str | int | float | None
    split: str | None
    ignore: list[str]
    categories: list[str]
    missing: list[str | int | float]
    keep: list[str] = Field(default_factory=list)
    decimal: Literal[".", ","] | None = None

    @property
    def roles(self) -> dict[str, str]:
        """Column of each role that is given."""
        given = {role: getattr(self, role) for role in ROLES_OF_COLUMNS}
        return {role: column for role, column in given.items() if column is not None}


@dataclass(frozen=True, config=_STRICT)
class Split:
    """How cases are split where no column says it."""

    test_fraction: Fraction
    validation_fraction: Fraction


@dataclass(frozen=True, config=_STRICT)
class MRMR:
    """Minimum redundancy, maximum relevance."""

    scheme: Literal["MIQ", "MID"]
    bins: Annotated[int, Field(ge=2)]


@dataclass(frozen=True, config=_STRICT)
class Features:
    """Which features a prompt names."""

    selection: Literal["mrmr", "all"]
    count: Positive
    candidates: Positive
    mrmr: MRMR


@dataclass(frozen=True, config=_STRICT)
class Adaptation:
    """How many cases of another site the models may learn from, and how often those are drawn."""

    cases: list[Annotated[int, Field(ge=4)]]
    draws: Positive


@dataclass(frozen=True, config=_STRICT)
class Baselines:
    """The conventional models; each as in :class:`radprompt.core.params.Baselines`."""

    models: Annotated[list[Model], Field(min_length=1)]
    logistic_regression: LogisticRegression
    random_forest: RandomForest
    gradient_boosting: BoostedTrees
    svm: Svm
    mlp: Mlp
    xgboost: BoostedTrees
    transtab: TransTab


@dataclass(frozen=True, config=_STRICT)
class OwnParams:
    """All of the folder's ``params.yaml``."""

    radprompt: str
    seed: Annotated[int, Field(ge=0)]
    table: Table
    split: Split
    features: Features
    prompt: Prompt
    llm: Llm
    adaptation: Adaptation
    baselines: Baselines
    evaluation: Evaluation

    @property
    def seeds(self) -> range:
        """The seeds that every model is trained with, one after the other."""
        return range(self.seed, self.seed + self.evaluation.seeds)


def load_own_params(path: str | Path = "params.yaml") -> OwnParams:
    """Read and check the folder's parameters.

    Raises
    ------
    InputError
        For a file that is absent or no YAML, an unknown or missing key, a value of a wrong type or range, or a folder
        made with another version of radprompt than the one that runs.
    """
    content = read_yaml(path, missing="run in a folder that `radprompt new` or `radprompt table` made")
    params = check_own_params(content, where=str(path))
    if params.radprompt != __version__:
        raise InputError(
            f"this folder was made with radprompt {params.radprompt}, and {__version__} is installed",
            where=f"{path}, radprompt",
            fix=f"write {__version__} there: every stage then runs again; or install {params.radprompt}",
        )
    return params


def check_own_params(content: Any, *, where: str = "params.yaml") -> OwnParams:
    """Turn the nested mapping into :class:`OwnParams`; see :func:`load_own_params` for the errors."""
    fix = "correct it; `radprompt new` in another folder shows a whole file"
    return checked(content, OwnParams, where=where, fix=fix)
