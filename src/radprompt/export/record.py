"""What an exported model says of itself, and the names of its files."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.core.params import Positive, Prompt, Radiomics

FORMAT = 3
"""Of the folder; a radprompt that writes another layout writes another number."""

RECORD, CARD, SCALER, SELECTION = "model.json", "README.md", "scaler.json", "selection.json"
BACKGROUND = "background.csv"
SEGMENTER, BACKBONE, ADAPTER, NAMED = "segmenter", "backbone", "adapter", "named"

NOT_CLINICAL = "Not for clinical use. Research software, not a medical device; not for decisions about patients."

_STRICT = ConfigDict(extra="forbid", strict=True)
Place = Literal["below", "low", "within", "high", "above"]


@dataclass(frozen=True, config=_STRICT)
class Range:
    """A raw feature over the training lesions: least and greatest value, 1st and 99th percentile."""

    least: float
    p1: float
    p99: float
    greatest: float

    def place(self, value: float) -> Place:
        """Say where a value lies: outside the range, beyond the 1st or 99th percentile, or within."""
        if value < self.least:
            return "below"
        if value > self.greatest:
            return "above"
        return "low" if value < self.p1 else "high" if value > self.p99 else "within"


@dataclass(frozen=True, config=_STRICT)
class Training:
    """Lesions that the model learned from."""

    dataset: str
    lesions: int
    malignant: int


@dataclass(frozen=True, config=_STRICT)
class Tested:
    """The language model's AUC on its setting's test lesions: with its interval, the mean over ``halves`` of them."""

    auc: float
    low: float
    high: float
    confidence: float
    lesions: int
    halves: int


@dataclass(frozen=True, config=_STRICT)
class Record:
    """All that is needed to treat a new image as the training images were treated.

    ``title`` names the setting in words; ``repeated`` tells whether its patients are halved. ``unit`` of lengths:
    ``mm`` or ``px``. ``contours``: whose contours the training features were measured on, nnU-Net's (``predicted``) or
    the data set's own (``reference``). ``mask_threshold``: nnU-Net's probability from
    which a pixel is mass. ``threshold``: probability of malignancy from which a mass is called malignant, None where
    validation rows could not choose one; ``rule`` says how it came about. ``orders``: default of the shares.
    ``ranges``: of the selected features, by key.
    """

    format: int
    radprompt: str
    setting: str
    title: str
    repeated: bool
    half: int
    seed: int
    synthetic: bool
    unit: Literal["mm", "px"]
    contours: Literal["predicted", "reference"]
    context: float
    mask_threshold: float
    threshold: float | None
    rule: str
    orders: Positive | Literal["all"]
    radiomics: Radiomics
    prompt: Prompt
    training: Training
    tested: Tested | None
    ranges: Annotated[dict[str, Range], Field(min_length=1)]

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read what :meth:`save` wrote; anything else is an :class:`InputError`."""
        try:
            record: Any = TypeAdapter(cls).validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the file"
            raise InputError(
                f"{key}: {first['msg']}",
                where=str(path),
                fix="use the version of radprompt that exported the model (README.md names it), or export it again",
            ) from None
        if record.format != FORMAT:
            raise InputError(
                f"an exported model of format {record.format}; this radprompt reads format {FORMAT}",
                where=str(path),
                fix=f"install radprompt {record.radprompt}, or export the model again",
            )
        return record
