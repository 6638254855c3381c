"""One frozen dataclass for each section of ``params.yaml``; an unknown key or a wrong value is a clear error."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from radprompt.core.baseline_params import Baselines, Positive, PositiveFloat
from radprompt.core.errors import InputError
from radprompt.core.params_errors import explain

_STRICT = ConfigDict(extra="forbid", strict=True)
_Whole = TypeVar("_Whole")
Fraction = Annotated[float, Field(gt=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]
Engine = Literal["pyradiomics", "fast"]
"""What measures radiomics: PyRadiomics itself, or the same features from less work."""


@dataclass(frozen=True, config=_STRICT)
class Compute:
    """How per-lesion work is spread."""

    backend: Literal["loky", "threading", "multiprocessing", "dask", "ray"]
    workers: Annotated[int, Field(ge=-1)]
    address: str | None = None


@dataclass(frozen=True, config=_STRICT)
class Data:
    """Where the data sets are and how they are split."""

    root: str
    validation_fraction: Fraction
    adaptation_fraction: Fraction


@dataclass(frozen=True, config=_STRICT)
class PhantomMasses:
    """Masses drawn in each synthetic data set."""

    cbis_ddsm: Positive
    vindr_mammo: Positive
    inbreast: Positive


@dataclass(frozen=True, config=_STRICT)
class Phantom:
    """Size and difficulty of the synthetic data sets."""

    rows: Positive
    columns: Positive
    spacing_mm: PositiveFloat
    separation: Fraction
    masses: PhantomMasses


@dataclass(frozen=True, config=_STRICT)
class Segmentation:
    """Regions of interest, nnU-Net's plan and its training."""

    context: NonNegative
    roi_size: Annotated[int, Field(gt=0, multiple_of=8)]
    box_slack: NonNegative
    plan: Literal["small", "default"]
    epochs: Positive
    iterations: Positive
    validation_iterations: Positive
    threshold: Fraction


@dataclass(frozen=True, config=_STRICT)
class MaskChoice:
    """Which contour the features are measured on."""

    vindr_mammo: Literal["predicted"]
    inbreast: Literal["reference", "predicted"]
    cbis_ddsm: Literal["reference"] = "reference"


@dataclass(frozen=True, config=_STRICT)
class Radiomics:
    """PyRadiomics' settings."""

    bin_count: Annotated[int, Field(ge=2)]
    resample_mm: PositiveFloat | None
    shape_unit: Literal["mm", "px"]
    masks: MaskChoice
    downsample: Positive = 1
    engine: Engine = "pyradiomics"


@dataclass(frozen=True, config=_STRICT)
class MRMR:
    """Minimum redundancy, maximum relevance."""

    scheme: Literal["MIQ", "MID"]
    bins: Annotated[int, Field(ge=2)]
    stability_draws: Positive


@dataclass(frozen=True, config=_STRICT)
class Features:
    """Which features a prompt names."""

    selection: Literal["mrmr", "common_eight", "all"]
    count: Positive
    mrmr: MRMR


@dataclass(frozen=True, config=_STRICT)
class Repeats:
    """Halves that each kind of model is trained on."""

    llm: Positive
    baselines: Positive


@dataclass(frozen=True, config=_STRICT)
class Adaptation:
    """What happens at the second site."""

    repeats: Repeats
    validation_fraction: Fraction
    scaler: str
    curve: Annotated[list[Annotated[int, Field(ge=4)]], Field(min_length=1)]


@dataclass(frozen=True, config=_STRICT)
class Named:
    """The named model: exact values, the backbone's states of the features' names as prior."""

    layer: Annotated[int, Field(ge=0)] | None
    scaling: Literal["auto", "zscore", "normal"]
    elicit: Literal["none", "shown", "used"]
    outcomes: Annotated[list[str], Field(min_length=2, max_length=2)]
    draws: Positive


@dataclass(frozen=True, config=_STRICT)
class Explain:
    """Each feature's share in the language model's logit."""

    lesions: Positive
    background: Positive
    orders: Positive | Literal["all"]


@dataclass(frozen=True, config=_STRICT)
class Prompt:
    """The sentence."""

    instruction: str
    values: Literal["zscore", "raw"] = "zscore"
    decimals: Annotated[int, Field(ge=0, le=9)] = 3
    trailing_zeros: bool = False
    names: Literal["real", "censored", "shuffled"] = "real"
    order: Literal["fixed", "random"] = "fixed"


@dataclass(frozen=True, config=_STRICT)
class Backbone:
    """The pretrained model."""

    source: str
    revision: str | None
    quantisation: Literal["none", "4bit"] = "none"


@dataclass(frozen=True, config=_STRICT)
class Lora:
    """Low-rank adapters."""

    rank: Positive
    alpha: PositiveFloat
    dropout: Annotated[float, Field(ge=0, lt=1)]
    layers: Literal["all"] | Positive


@dataclass(frozen=True, config=_STRICT)
class Llm:
    """The language model and its training."""

    backbone: Backbone
    tuning: Literal["lora", "head", "none"]
    lora: Lora
    readout: Literal["last", "features", "closing"]
    epochs: Positive
    batch_size: Positive
    learning_rate: PositiveFloat
    weight_decay: NonNegative
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)]
    best_epoch_by: Literal["auc", "loss"]
    patience: Positive | None
    device: str
    precision: Literal["auto", "bf16", "fp32"]
    closing_layer: Positive | None = 4


def reads_closings(llm: Llm) -> bool:
    """Return whether the language model's states are read as they are, and nothing is trained."""
    return llm.readout == "closing" and llm.tuning != "none"


@dataclass(frozen=True, config=_STRICT)
class Evaluation:
    """Threshold, intervals and tests."""

    threshold: Fraction | Literal["youden", "fixed_sensitivity"]
    fixed_sensitivity: Fraction
    seeds: Positive
    bootstrap_draws: Positive
    confidence: Fraction
    calibration_bins: Annotated[int, Field(ge=2)]
    reference: str


@dataclass(frozen=True, config=_STRICT)
class MaskBounds:
    """What a usable contour is."""

    smallest_px: Positive
    largest_share: Fraction
    box_margin: NonNegative


@dataclass(frozen=True, config=_STRICT)
class Leakage:
    """What counts as the same image, or as a label in disguise."""

    hash_bits: Annotated[int, Field(ge=0, lt=256)]
    feature_auc: Annotated[float, Field(gt=0.5, le=1)]


@dataclass(frozen=True, config=_STRICT)
class Drift:
    """What counts as a shift between two sites."""

    difference: PositiveFloat
    alpha: Fraction


@dataclass(frozen=True, config=_STRICT)
class StudyValidation:
    """Bounds of the checks that every study has."""

    leakage: Leakage
    drift: Drift


@dataclass(frozen=True, config=_STRICT)
class Validation(StudyValidation):
    """Bounds of the data's checks."""

    masks: MaskBounds


@dataclass(frozen=True, config=_STRICT)
class StudyParams:
    """The sections that every study has, whatever its features come from."""

    seed: Annotated[int, Field(ge=0)]
    compute: Compute
    features: Features
    prompt: Prompt
    llm: Llm
    adaptation: Adaptation
    baselines: Baselines
    evaluation: Evaluation
    named: Named
    explain: Explain
    validation: StudyValidation

    @property
    def seeds(self) -> range:
        """The seeds that every model is trained with, one after the other."""
        return range(self.seed, self.seed + self.evaluation.seeds)


@dataclass(frozen=True, config=_STRICT)
class Params(StudyParams):
    """All of ``params.yaml``."""

    data: Data
    phantom: Phantom
    segmentation: Segmentation
    radiomics: Radiomics
    validation: Validation


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and check the whole file.

    Raises
    ------
    InputError
        For a file that is absent or no YAML, an unknown or missing key, or a value of a wrong type or range; it names
        the key, says what was found, and suggests the nearest known key.
    """
    content = read_yaml(path, missing="run from the repository's root")
    return check_params(content, where=str(path))


def check_params(content: Any, *, where: str = "params.yaml") -> Params:
    """Turn the nested mapping into :class:`Params`; see :func:`load_params` for the errors."""
    params = checked(content, Params, where=where, fix="`git diff params.yaml` shows what changed")
    if params.llm.tuning == "none" and params.evaluation.reference == "llm":
        what = "evaluation.reference is llm, which llm.tuning: none leaves out"
        raise InputError(what, where=where, fix="set evaluation.reference: named")
    return params


def read_yaml(path: str | Path, *, missing: str) -> Any:
    """Read a YAML file; one that is absent (``missing`` says what to do) or no YAML is an error."""
    try:
        return YAML(typ="safe").load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix=missing) from None
    except YAMLError as error:
        raise InputError(f"not valid YAML: {error}", where=str(path), fix="mind indentation and colons") from None


def checked(content: Any, whole: type[_Whole], *, where: str, fix: str) -> _Whole:
    """Turn a nested mapping into the dataclass ``whole``; the first five faults are one :class:`InputError`."""
    try:
        # As JSON, strict validation still takes mappings for dataclasses.
        return TypeAdapter(whole).validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        problems = error.errors()
        lines = [explain(problem, whole) for problem in problems[:5]]
        if len(problems) > 5:
            lines.append(f"... and {len(problems) - 5} more")
        raise InputError("\n  ".join(lines), where=where, fix=fix) from None
