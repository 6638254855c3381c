"""What is asked and answered over HTTP, and its OpenAPI description."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from radprompt import __version__
from radprompt.export.record import NOT_CLINICAL

MOST_VALUES = 2000
LONGEST_TEXT = 200

Number = Annotated[float, Field(allow_inf_nan=False)]


class Question(BaseModel):
    """One case: an image that was handed in and a box in it, or values; both: values replace measured ones."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image: str | None = Field(None, max_length=64, description="What POST /images answered.")
    box: tuple[Number, Number, Number, Number] | None = Field(
        None, strict=False, description="xmin, ymin, xmax, ymax around the mass; pixels of the image."
    )
    spacing_mm: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = Field(
        None, description="Pixel size, mm, of an image that does not say it."
    )
    values: dict[Annotated[str, Field(max_length=LONGEST_TEXT)], Number | str | None] = Field(
        default_factory=dict,
        max_length=MOST_VALUES,
        description="Values by the names in GET /model. Alone: each name needs one; null is a missing value, "
        "where the model is a table's. Beside an image: what if these features had other values.",
    )
    site: str | None = Field(None, max_length=LONGEST_TEXT, description="Hospital, where a table's study has several.")
    id: str = Field("", max_length=100, description="Name of the case; without it, the image's name.")
    shares: Literal["model", "none"] = Field(
        "model", description="none: without the language model's shares, which take most of the time."
    )
    drawing: bool = Field(False, description="Add the contour as an SVG path in a square drawing of a region.")


class Form(BaseModel):
    """The same with the image itself; for curl and other programs."""

    image: Annotated[str, Field(json_schema_extra={"format": "binary"}, description="DICOM, or PNG of grey.")]
    box: Annotated[str, Field(description="xmin,ymin,xmax,ymax in pixels, such as 120,80,190,150.")]
    spacing_mm: Annotated[str, Field(description="Pixel size, mm, of an image that does not say it.")] = ""
    values: Annotated[str, Field(description='JSON, such as {"shape_Perimeter": 40}.')] = ""
    id: str = ""
    shares: Literal["model", "none"] = "model"


class Picture(BaseModel):
    """An image that was read."""

    image: str
    name: str
    rows: int
    columns: int
    spacing_mm: float | None
    spacing_source: str
    presentation: str
    warning: str


class TrainingRange(BaseModel):
    """Least and greatest value of the training cases; 1st and 99th percentile where they are known."""

    min: float
    p1: float | None
    p99: float | None
    max: float


class Feature(BaseModel):
    """A feature: its value, its place in the training range, and its share in the language model's logit."""

    feature: str
    name: str
    shown_as: str
    value: float | None
    unit: str
    z_score: float | None
    share: float | None
    training_range: TrainingRange
    place: Literal["below", "low", "within", "high", "above", "missing"]
    remark: str


class Share(BaseModel):
    """A feature's share in the named model's logit, with its standard deviation."""

    share: float
    sd: float


class Named(BaseModel):
    """The named model: its shares and its base add up to its logit."""

    probability: float
    interval_90: tuple[float, float]
    logit: float
    logit_sd: float
    base: float
    shares: dict[str, Share]


class Answer(BaseModel):
    """What ``radprompt predict`` writes of a case."""

    id: str
    warning: str
    probability: float
    threshold: float | None
    call: str | None
    notes: list[str]
    features: list[Feature]
    logit: float
    named_model: Named
    background_logit: float | None
    shares_from: int | str
    prompt: str | None
    changed: dict[str, float]
    image: dict[str, Any] | None
    contour: dict[str, Any] | None
    model: dict[str, Any]


class Input(BaseModel):
    """A value that the model takes."""

    name: str
    label: str
    kind: Literal["number", "category"]
    unit: str
    levels: list[str]
    sites: list[str]
    range: TrainingRange | None


class Model(BaseModel):
    """The model that is served."""

    warning: str
    kind: Literal["images", "values"]
    title: str
    outcome: str
    classes: tuple[str, str]
    threshold: float | None
    rule: str
    tested: str
    synthetic_training_images: bool
    needs_spacing: bool
    sites: list[str]
    inputs: list[Input]
    trained_on: str
    manifest_sha256: str


class Problem(BaseModel):
    """Why there is no answer."""

    error: str
    warning: str


PROBLEMS = {
    403: "Asked for by another page.",
    410: "The image is no longer kept.",
    413: "The body is too large.",
    415: "The body has another type.",
    422: "Something is wrong with the question; the text says what and how to mend it.",
    503: "Ended because it took too long, or too many requests at once; ask again.",
    507: "The image could not be kept: the disk is full.",
}


def openapi() -> dict[str, Any]:
    """Return the OpenAPI 3.1 description; addresses are relative to its own."""
    models = (Question, Form, Picture, Model, Answer, Problem)
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    predict = _post("Predict one case", "Answer", {"application/json": "Question", "multipart/form-data": "Form"})
    predict["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    predict["description"] = "With `Accept: text/html`, the answer is the page that `radprompt predict` writes."
    return {
        "openapi": "3.1.0",
        "info": {"title": "radprompt serve", "version": __version__, "description": NOT_CLINICAL},
        "x-warning": NOT_CLINICAL,
        "servers": [{"url": ".", "description": "The address that `radprompt serve` printed."}],
        "paths": {
            "/model": {"get": {"summary": "What the model takes", "responses": {"200": _content("Model")}}},
            "/images": {"post": _post("Hand an image in", "Picture", {"multipart/form-data": None})},
            "/predict": {"post": predict},
        },
        "components": schemas.get("$defs") and {"schemas": schemas["$defs"]},
    }


def _post(summary: str, answer: str, bodies: dict[str, str | None]) -> dict[str, Any]:
    upload = {"type": "object", "required": ["image"], "properties": {"image": {"type": "string", "format": "binary"}}}
    content = {kind: {"schema": upload if name is None else _reference(name)} for kind, name in bodies.items()}
    problems = {str(status): {"description": words, **_json("Problem")} for status, words in PROBLEMS.items()}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _content(answer), **problems},
    }


def _content(name: str) -> dict[str, Any]:
    return {"description": "Not for clinical use.", **_json(name)}


def _json(name: str) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": _reference(name)}}}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
