"""A prediction as one self-contained page: the number, the picture, the features and the sentence behind it."""

from typing import Any

import numpy as np

from radprompt.export.package import Package
from radprompt.export.prediction import CONTOURS, WIDTH, Measured, Origin, Prediction
from radprompt.export.record import CARD, NOT_CLINICAL
from radprompt.mammograms.imaging.dicom import Mammogram
from radprompt.mammograms.imaging.pictures import data_uri, outline, rectangle, shrunk
from radprompt.mammograms.imaging.roi import crop, region_around, to_grid
from radprompt.mammograms.wording import IMAGE
from radprompt.pages.environment import environment
from radprompt.pages.wording import NOTHING, count, interval, number, percent
from radprompt.tables.lesions import Box

SIDE = 512
"""Pixels of the region's drawing a side."""
OVERVIEW = 420
"""Pixels of the whole image's longer side."""
DIGITS = 4
"""Significant digits of raw values."""


def render(prediction: Prediction, image: Mammogram | None, mask: np.ndarray | None, package: Package) -> str:
    """Return the page; it loads nothing, and the same prediction gives the same text.

    Parameters
    ----------
    prediction, image, mask
        What :meth:`radprompt.export.predictor.Predictor.predict` returned; without an image the page has no picture.
    package
        The model that predicted.
    """
    record, origin = package.record, prediction.origin
    pictures = None
    if origin is not None and image is not None and mask is not None:
        pictures = _pictures(origin.box, image, mask, record.context)
    biggest = max([abs(feature.share or 0) for feature in prediction.features], default=0) or 1
    content: dict[str, Any] = {
        "warning": NOT_CLINICAL,
        "case": prediction.case_id,
        "probability": number(prediction.probability),
        "percent": round(100 * prediction.probability, 2),
        "threshold": None if record.threshold is None else number(record.threshold),
        "threshold_percent": 0 if record.threshold is None else round(100 * record.threshold, 2),
        "rule": record.rule,
        "call": prediction.call(record.threshold),
        "tested": tested(package),
        "notes": prediction.notes(package),
        "pictures": pictures,
        "source": origin.contour if origin else "",
        "contour": CONTOURS[origin.contour] if origin else "",
        "facts": _facts(origin) if origin else [],
        "features": [_feature(feature, biggest) for feature in prediction.features],
        "shares": prediction.base is not None,
        "estimated": _estimated(prediction),
        "renamed": record.prompt.names != "real",
        "base": number(prediction.base),
        "logit": number(prediction.logit),
        "named": _named(prediction),
        "prompt": prediction.prompt,
        "record": record,
        "setting": record.title,
        "repeated": record.repeated,
        "image": IMAGE,
        "card": CARD,
        "sha256": package.sha256,
    }
    templates = environment("radprompt.export", "radprompt.pages.report")
    return templates.get_template("case.html").render(content)


def _estimated(prediction: Prediction) -> str:
    """Say how shares were estimated; nothing where they are exact, or where there are none."""
    orders = prediction.orders
    return count(orders, "order", "orders") if isinstance(orders, int) else ""


def tested(package: Package) -> str:
    """Say how well the model did on its own test lesions; nothing where that is not known."""
    tested = package.record.tested
    if tested is None:
        return ""
    over = f", the mean over {tested.halves} halves" if tested.halves > 1 else ""
    return (
        f"On its own test lesions this model has an AUC of {number(tested.auc)}{over} ({percent(tested.confidence)} "
        f"interval {interval(tested.low, tested.high)}; {tested.lesions} lesions). 0.5 is chance, 1 is perfect."
    )


def _facts(origin: Origin) -> list[str]:
    box, spacing = origin.box, origin.spacing_mm
    size = f"{box.xmax - box.xmin} x {box.ymax - box.ymin} px"
    intent = f", {origin.presentation}" if origin.presentation else ""
    return [
        f"image {origin.image}{intent}",
        f"box {box.xmin}, {box.ymin} to {box.xmax}, {box.ymax} ({size})",
        f"contour of {origin.area_px:,} px, {CONTOURS[origin.contour]}",
        "pixel size unknown" if spacing is None else f"{spacing:.{DIGITS}g} mm a pixel ({origin.spacing_source})",
    ]


def _feature(feature: Measured, biggest: float) -> dict[str, Any]:
    share, known = feature.share, feature.range
    return {
        "name": feature.name,
        "shown": feature.shown,
        "value": _significant(feature.value),
        "unit": feature.unit,
        "z": number(feature.z),
        "range": f"{_significant(known.least)} to {_significant(known.greatest)}",
        "usual": f"{_significant(known.p1)} to {_significant(known.p99)}",
        "place": feature.place,
        "remark": feature.remark,
        "share": NOTHING if share is None else f"{'+' if share > 0 else ''}{number(share)}",
        "bar": None if share is None else round(50 + 48 * share / biggest, 2),
    }


def _named(prediction: Prediction) -> dict[str, Any]:
    answer, rows = prediction.named, []
    for feature in prediction.features:
        share, reach = answer.shares[feature.key], WIDTH * answer.deviations[feature.key]
        bounds = interval(share - reach, share + reach)
        rows.append({"name": feature.name, "share": number(share), "interval": bounds})
    return {
        "probability": number(answer.probability),
        "interval": interval(answer.interval[0], answer.interval[1]),
        "base": number(answer.base),
        "logit": number(answer.logit),
        "rows": rows,
    }


def _significant(value: float) -> str:
    text = f"{value:.{DIGITS}g}" if 1e-3 <= abs(value) < 1e6 or value == 0 else f"{value:.{DIGITS - 1}e}"
    return text.replace("-", "\N{MINUS SIGN}") if "e" not in text else text


def _pictures(box: Box, image: Mammogram, mask: np.ndarray, context: float) -> dict[str, Any]:
    rows, columns = image.pixels.shape
    region = region_around(box, (rows, columns), context)
    return {
        "side": SIDE,
        "region": data_uri(to_grid(crop(image.pixels, region), SIDE)),
        "aspect": f"{region.right - region.left} / {region.bottom - region.top}",
        "box": rectangle(box, region, SIDE),
        "outline": outline(mask, region, SIDE),
        "whole": data_uri(shrunk(image.pixels, OVERVIEW)),
        "rows": rows,
        "columns": columns,
        "whole_box": [box.xmin, box.ymin, box.xmax - box.xmin, box.ymax - box.ymin],
    }
