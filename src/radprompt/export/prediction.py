"""What a model says of one mass, in numbers and in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scipy.special import expit

from radprompt.core.errors import InputError
from radprompt.core.outputs import DECIMALS
from radprompt.export.package import Package
from radprompt.export.record import NOT_CLINICAL, Place, Range
from radprompt.mammograms.imaging.dicom import FOR_PROCESSING
from radprompt.tables.lesions import Box

_POWERS = {
    "shape_MajorAxisLength": 1,
    "shape_MaximumDiameter": 1,
    "shape_MeshSurface": 2,
    "shape_MinorAxisLength": 1,
    "shape_Perimeter": 1,
    "shape_PerimeterSurfaceRatio": -1,
    "shape_PixelSurface": 2,
    "firstorder_TotalEnergy": 2,
}
"""Power of a length that a feature is measured in; the others have no unit, grey levels being relative."""

WIDTH = 1.6448536269514722
"""Standard deviations on either side of the mean that hold 90 % of a normal distribution."""

LARGEST = 1e15
"""Magnitude that no feature of an image reaches."""

PLACES: dict[Place, str] = {
    "below": "below the training range",
    "low": "within the training range, below its 1st percentile",
    "within": "within the training range",
    "high": "within the training range, above its 99th percentile",
    "above": "above the training range",
}

CONTOURS = {
    "nnunet": "drawn by nnU-Net inside the box",
    "ellipse": "an ellipse in the box, because nnU-Net found next to nothing there",
    "given": "the mask that was given",
}


def unit_of(key: str, length: str) -> str:
    """Return a feature's unit, lengths being in ``mm`` or ``px``; empty where it has none."""
    return {0: "", 1: length, 2: f"{length}²", -1: f"1/{length}"}[_POWERS.get(key, 0)]


@dataclass(frozen=True)
class Measured:
    """A selected feature of a mass: its value as measured, its z-score, its share in the logit, the training range.

    ``name`` is the feature's own, ``shown`` the one that the prompt prints: another one where names are censored or
    shuffled.
    """

    key: str
    name: str
    shown: str
    value: float
    unit: str
    z: float
    share: float | None
    range: Range

    @property
    def place(self) -> Place:
        """Where the value, as a table would keep it, lies in the training range."""
        return self.range.place(_rounded(self.value))

    @property
    def remark(self) -> str:
        """The place in words."""
        return PLACES[self.place]

    def value_of(self, value: float) -> str:
        """Write a value of this feature with four digits and its unit."""
        return f"{value:.4g} {self.unit}".rstrip()


@dataclass(frozen=True)
class NamedAnswer:
    """What the named model says of a mass.

    ``logit`` has the standard deviation ``deviation``. ``base`` plus the ``shares``, by feature, is the logit; their
    standard deviations are in ``deviations``.
    """

    probability: float
    logit: float
    deviation: float
    base: float
    shares: dict[str, float]
    deviations: dict[str, float]

    @property
    def interval(self) -> tuple[float, float]:
        """90 % interval of the probability."""
        low, high = (float(expit(self.logit + way * WIDTH * self.deviation)) for way in (-1, 1))
        return low, high


@dataclass(frozen=True)
class Origin:
    """Where a mass was measured: its image and contour.

    ``image`` is the file's name. ``contour`` is a key of :data:`CONTOURS`, ``flag`` its remark.
    """

    image: str
    box: Box
    contour: str
    flag: str
    area_px: int
    spacing_mm: float | None
    spacing_source: str
    presentation: str


@dataclass(frozen=True)
class Prediction:
    """One mass.

    ``origin`` is None where the values were given instead of measured. ``changed`` holds, by key, what was measured of
    the features whose values were then set by hand. ``base`` is the mean logit of some training masses, None without
    shares; ``orders`` how many orders a training mass the shares were estimated from.
    """

    case_id: str
    origin: Origin | None
    logit: float
    base: float | None
    orders: int | Literal["all", "none"]
    features: tuple[Measured, ...]
    named: NamedAnswer
    prompt: str
    changed: Mapping[str, float] = field(default_factory=dict)

    @property
    def probability(self) -> float:
        """Of malignancy."""
        return float(expit(self.logit))

    @property
    def outside(self) -> list[Measured]:
        """The features outside the training range."""
        return [feature for feature in self.features if feature.place in ("below", "above")]

    def call(self, threshold: float | None) -> Literal["malignant", "benign"] | None:
        """Return what the mass is called at a threshold; None without one."""
        if threshold is None:
            return None
        return "malignant" if _rounded(self.probability) >= threshold else "benign"

    def notes(self, package: Package) -> list[str]:
        """Return what a reader should know before believing the number, the gravest first."""
        said = []
        if self.changed:
            were = "; ".join(
                f"{feature.name}, measured {feature.value_of(self.changed[feature.key])}"
                for feature in self.features
                if feature.key in self.changed
            )
            said.append(f"What if: values were set by hand ({were}). The probability is not that of the mass measured.")
        if self.origin is None:
            said.append("The values were given, no image was seen: nothing here says how they were measured.")
        if self.outside:
            names = "; ".join(f"{feature.name} {feature.remark}" for feature in self.outside)
            lie = "lies" if len(self.outside) == 1 else "lie"
            said.append(
                f"{len(self.outside)} of {len(self.features)} features {lie} outside what the model was trained on: "
                f"{names}. It has seen no such mass, and its probability is an extrapolation."
            )
        return said + (_doubts(self.origin, package) if self.origin else [])


def _doubts(origin: Origin, package: Package) -> list[str]:
    """Return what speaks against the image or its contour."""
    said = []
    if origin.contour == "ellipse":
        said.append(f"The contour is {CONTOURS['ellipse']} ({origin.flag}). Draw a mask and predict again.")
    if origin.contour == "nnunet" and package.record.contours == "reference":
        said.append(
            "The model was trained on contours drawn by readers, this one is nnU-Net's: give a mask where you can."
        )
    if origin.spacing_mm is None:
        said.append("The pixel size is unknown; lengths are in pixels, as in training.")
    if origin.presentation == FOR_PROCESSING:
        said.append(
            f"The image is {FOR_PROCESSING}: its grey levels are the detector's, not those prepared for readers. "
            "The probability means nothing unless the model was trained on such images."
        )
    return said


def check_values(values: Mapping[str, float], features: Iterable[str], *, all_needed: bool) -> None:
    """Refuse values that are not those of a model's features.

    Parameters
    ----------
    values
        Numbers by the features' keys.
    features
        The model's.
    all_needed
        Whether each feature needs a value.

    Raises
    ------
    InputError
        A feature is unknown or has no value, or a value is not a finite number below :data:`LARGEST`; all of them at
        once.
    """
    known = list(features)
    faults = [f"{key!r} is not a feature of this model" for key in values if key not in known]
    faults += [
        f"{key}: {value!r} is not a number that can be measured"
        for key, value in values.items()
        if not isinstance(value, int | float) or not abs(value) < LARGEST  # NaN is not below it
    ]
    faults += [f"{key}: no value" for key in known if all_needed and key not in values]
    if faults:
        raise InputError("; ".join(faults), where="values", fix=f"give numbers for: {', '.join(known)}")


def as_json(prediction: Prediction, package: Package) -> dict[str, Any]:
    """Lay a prediction out for its JSON file."""
    record = package.record
    return {
        "id": prediction.case_id,
        "warning": NOT_CLINICAL,
        "probability": _short(prediction.probability),
        "threshold": record.threshold,
        "call": prediction.call(record.threshold),
        "notes": prediction.notes(package),
        "features": [_feature(feature) for feature in prediction.features],
        "logit": _short(prediction.logit),
        "named_model": _named(prediction.named),
        "background_logit": _short(prediction.base),
        "shares_from": prediction.orders,
        "prompt": prediction.prompt,
        "changed": {key: _short(value) for key, value in prediction.changed.items()},
        **_origin(prediction.origin),
        "model": {
            "setting": record.setting,
            "half": record.half,
            "manifest_sha256": package.sha256,
            "exported_by": f"radprompt {record.radprompt}",
            "synthetic_training_images": record.synthetic,
        },
    }


def _origin(origin: Origin | None) -> dict[str, Any]:
    if origin is None:
        return {"image": None, "contour": None}
    return {
        "image": {
            "file": origin.image,
            "spacing_mm": _short(origin.spacing_mm),
            "spacing_source": origin.spacing_source,
            "presentation": origin.presentation or None,
            "box": origin.box._asdict(),
        },
        "contour": {"source": origin.contour, "remark": origin.flag, "area_px": origin.area_px},
    }


def _named(answer: NamedAnswer) -> dict[str, Any]:
    low, high = answer.interval
    return {
        "probability": _short(answer.probability),
        "interval_90": [_short(low), _short(high)],
        "logit": _short(answer.logit),
        "logit_sd": _short(answer.deviation),
        "base": _short(answer.base),
        "shares": {
            key: {"share": _short(share), "sd": _short(answer.deviations[key])} for key, share in answer.shares.items()
        },
    }


def _feature(feature: Measured) -> dict[str, Any]:
    known = feature.range
    return {
        "feature": feature.key,
        "name": feature.name,
        "shown_as": feature.shown,
        "value": _short(feature.value),
        "unit": feature.unit,
        "z_score": feature.z,
        "share": _short(feature.share),
        "training_range": {"min": known.least, "p1": known.p1, "p99": known.p99, "max": known.greatest},
        "place": feature.place,
        "remark": feature.remark,
    }


def _rounded(value: float) -> float:
    """Keep as many digits as tables do."""
    return float(f"{value:.{DECIMALS}g}") + 0.0


def _short(value: float | None) -> float | None:
    return None if value is None else _rounded(value)
