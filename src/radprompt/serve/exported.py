"""An exported model behind the page: images and boxes, or values, to what ``radprompt predict`` writes."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from radprompt.export.cases import Case, id_of
from radprompt.export.commands import open_predictor
from radprompt.export.images import with_spacing
from radprompt.export.page import SIDE, render, tested
from radprompt.export.prediction import Prediction, as_json, unit_of
from radprompt.export.predictor import Measurement
from radprompt.export.record import NOT_CLINICAL
from radprompt.mammograms.imaging.pictures import outline
from radprompt.mammograms.imaging.roi import region_around
from radprompt.serve.reading import kept_image

Corners = tuple[float, float, float, float]

KEPT = 2
"""Masses whose measurement is kept, for other values of their features."""


class ExportedModel:
    """An exported model, loaded.

    Parameters
    ----------
    model, shares, backbone, device
        As :func:`radprompt.export.commands.open_predictor` takes them.
    images
        Folder of the images that were read.
    """

    def __init__(self, model: Path, images: Path, shares: str, backbone: Path | None, device: str) -> None:
        self._predictor = open_predictor(model, shares, backbone, device)
        self._predictor.load()
        self._images = images
        self._measure = lru_cache(maxsize=KEPT)(self._measured)

    def describe(self) -> dict[str, Any]:
        """Say what the model takes, and how its features lay in training."""
        package = self._predictor.package
        record, selection = package.record, package.selection
        names = dict(zip(selection.features, selection.names, strict=True))
        return {
            "warning": NOT_CLINICAL,
            "kind": "images",
            "title": record.title,
            "outcome": "malignancy",
            "classes": ["benign", "malignant"],
            "threshold": record.threshold,
            "rule": record.rule,
            "tested": tested(package).replace("this model", "the language model"),
            "synthetic_training_images": record.synthetic,
            "needs_spacing": record.unit == "mm" or record.radiomics.resample_mm is not None,
            "sites": [],
            "inputs": [
                {
                    "name": key,
                    "label": names[key],
                    "kind": "number",
                    "unit": unit_of(key, record.unit),
                    "levels": [],
                    "sites": [],
                    "range": _range(asdict(record.ranges[key])),
                }
                for key in selection.features
            ],
            "trained_on": f"{record.training.lesions} lesions, {record.training.malignant} of them malignant",
            "manifest_sha256": package.sha256,
        }

    def predict(self, **question: Any) -> dict[str, Any]:
        """Answer as :func:`radprompt.export.prediction.as_json`; with ``drawing``, also the contour as a path."""
        prediction, measured = self._ask(**question)
        answer = as_json(prediction, self._predictor.package)
        if question["drawing"] and measured is not None:
            answer["drawing"] = self._drawing(measured)
        return answer

    def page(self, **question: Any) -> str:
        """Answer as :func:`radprompt.export.page.render`."""
        prediction, measured = self._ask(**question)
        image, mask = (None, None) if measured is None else (measured.image, measured.mask)
        return render(prediction, image, mask, self._predictor.package)

    def _ask(
        self,
        image: str | None,
        name: str,
        box: list[float] | None,
        spacing_mm: float | None,
        values: Mapping[str, float],
        case_id: str,
        shares: str,
        **_: Any,
    ) -> tuple[Prediction, Measurement | None]:
        orders = "none" if shares == "none" else None
        if image is None or box is None:
            return self._predictor.judge_values(case_id or "case", values, orders), None  # type: ignore[arg-type]
        spacing = math.nan if spacing_mm is None else spacing_mm
        corners = (box[0], box[1], box[2], box[3])
        measured = self._measure(image, name, corners, spacing, case_id or id_of(Path(name)))
        return self._predictor.judge(measured, values, orders), measured  # type: ignore[arg-type]

    def _measured(self, key: str, name: str, corners: Corners, spacing: float, case_id: str) -> Measurement:
        image = with_spacing(kept_image(self._images, key), spacing, name)
        return self._predictor.measure(Case(case_id, Path(name), corners, None, spacing), image)

    def _drawing(self, measured: Measurement) -> dict[str, Any]:
        shape = measured.mask.shape[0], measured.mask.shape[1]
        region = region_around(measured.origin.box, shape, self._predictor.package.record.context)
        return {"region": list(region), "side": SIDE, "outline": outline(measured.mask, region, SIDE)}


def _range(known: Mapping[str, float]) -> dict[str, float]:
    return {"min": known["least"], "p1": known["p1"], "p99": known["p99"], "max": known["greatest"]}
