"""An exported model at work: one image and one mass in, one prediction with its reasons out."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from radprompt.core.errors import ImageError, InputError
from radprompt.evaluation.shapley import check_size, explain
from radprompt.export.cases import Case
from radprompt.export.images import box_in, read_contour, read_image, spacing_as_written
from radprompt.export.package import Package
from radprompt.export.prediction import Measured, NamedAnswer, Origin, Prediction, check_values, unit_of
from radprompt.export.record import ADAPTER, NAMED, SEGMENTER
from radprompt.mammograms.imaging.dicom import Mammogram
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.named.classifier import NamedClassifier
from radprompt.tables.lesions import Box

if TYPE_CHECKING:
    from radprompt.llm.classifier import LanguageModelClassifier
    from radprompt.mammograms.segmentation.segmenter import Segmenter

PADDING = " ." * 32
"""What makes a prompt longer than all others; it names no feature."""

Shares = int | Literal["all", "none"]


@dataclass(frozen=True, eq=False)
class Measurement:
    """The features of a mass as measured, by key, and where: with the image and the mask (bool, rows x columns)."""

    case_id: str
    values: Mapping[str, float]
    origin: Origin
    image: Mammogram
    mask: np.ndarray


class Predictor:
    """An exported model, ready to predict.

    Parameters
    ----------
    folder
        What ``radprompt export`` wrote; every file is checked against its manifest.
    device
        ``auto``, ``cpu`` or ``cuda[:n]``.
    backbone
        Folder of a licensed backbone that the exported model only names.
    orders
        Orders a training row behind the shares, ``all``: exact, ``none``: no shares. None: as the model was exported.

    Raises
    ------
    InputError
        A file is absent or altered, the backbone is not there, or exact shares are asked for of too many features.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        backbone: Path | None = None,
        orders: Shares | None = None,
    ) -> None:
        self.package = Package.load(folder)
        self.orders: Shares = self.package.record.orders if orders is None else orders
        self._background = self.package.background()
        if self.orders != "none":
            check_size(len(self.package.selection.features), len(self._background), self.orders)
        self._device, self._backbone = device, backbone
        self._read = lru_cache(maxsize=1)(read_image)  # neighbours in a table often share an image

    def predict(self, case: Case) -> tuple[Prediction, Mammogram, np.ndarray]:
        """Measure, word and classify one mass.

        Returns
        -------
        tuple
            The prediction, the image, and the mask (bool, rows x columns) that the features were measured on.

        Raises
        ------
        InputError
            The image, box or mask cannot be used, or a pixel size is needed and unknown; it names the file.
        """
        measured = self.measure(case)
        return self.judge(measured), measured.image, measured.mask

    def measure(self, case: Case, image: Mammogram | None = None) -> Measurement:
        """Draw the contour of a mass and measure its features; errors as in :meth:`predict`.

        Parameters
        ----------
        case
            The mass.
        image
            Its image, where it has been read already.
        """
        if image is None:
            image = self._read(case.image, case.spacing_mm)
        try:
            spacing = self._spacing(image)
            box, mask, source, flag = self._contour(case, image)
            # One case is not worth a second engine, which would have to be held to PyRadiomics on that very case.
            measured_by = replace(self.package.record.radiomics, engine="pyradiomics")
            values = extract(image.pixels, mask, spacing, measured_by)
        except ImageError as error:
            raise ImageError(error.what, where=error.where or str(case.image), fix=error.fix) from None
        origin = Origin(
            image=case.image.name,
            box=box,
            contour=source,
            flag=flag,
            area_px=int(mask.sum()),
            spacing_mm=None if math.isnan(image.spacing_mm) else image.spacing_mm,
            spacing_source=image.spacing_source,
            presentation=image.presentation,
        )
        return Measurement(case.case_id, values, origin, image, mask)

    def judge(
        self, measured: Measurement, changed: Mapping[str, float] | None = None, orders: Shares | None = None
    ) -> Prediction:
        """Word and classify a mass as measured.

        Parameters
        ----------
        measured
            What :meth:`measure` returned.
        changed
            Values by key to take instead of measured ones ("what if"); an :class:`InputError` if they are not the
            model's features or not finite.
        orders
            Orders behind the shares; None: those of this predictor.
        """
        changed = changed or {}
        check_values(changed, self.package.selection.features, all_needed=False)
        before = {key: measured.values[key] for key in changed}
        values = {**measured.values, **changed}
        return self._judge(measured.case_id, values, measured.origin, before, orders)

    def judge_values(self, case_id: str, values: Mapping[str, float], orders: Shares | None = None) -> Prediction:
        """Word and classify a mass whose selected features are given by key; other arguments as in :meth:`judge`."""
        check_values(values, self.package.selection.features, all_needed=True)
        unknown = dict.fromkeys(self.package.scaler.features, math.nan)
        return self._judge(case_id, unknown | dict(values), None, {}, orders)

    def load(self) -> None:
        """Load all models now, so that the first case does not wait for them."""
        _ = self._named, self._segmenter, self._classifier

    def _judge(
        self,
        case_id: str,
        raw: Mapping[str, float],
        origin: Origin | None,
        changed: Mapping[str, float],
        orders: Shares | None,
    ) -> Prediction:
        orders = self.orders if orders is None else orders
        recipe = self.package.recipe
        z = recipe.standardise(pd.DataFrame([raw], index=[case_id]))
        values = recipe.values(z)
        logit, base, shares = self._classify(values, orders)
        return Prediction(
            case_id=case_id,
            origin=origin,
            logit=logit,
            base=base,
            orders=orders,
            features=self._features(raw, z, shares),
            named=self._ask_named(z),
            prompt=recipe.sentences(values)[0],
            changed=changed,
        )

    def _spacing(self, image: Mammogram) -> float:
        """Return the pixel size to measure with; NaN measures in pixels, as the training images were."""
        record, spacing = self.package.record, spacing_as_written(image.spacing_mm)
        if math.isnan(spacing) and (record.unit == "mm" or record.radiomics.resample_mm is not None):
            wanted = "lengths in mm" if record.unit == "mm" else f"images at {record.radiomics.resample_mm} mm a pixel"
            raise ImageError(
                f"pixel spacing unknown, and the model was trained on {wanted}",
                fix="say it: --spacing MM, a column spacing_mm in the table, or spacing_mm in a request",
            )
        if record.unit == "px" and record.radiomics.shape_unit == "mm":
            return math.nan  # no training image had a spacing
        return spacing

    def _contour(self, case: Case, image: Mammogram) -> tuple[Box, np.ndarray, str, str]:
        shape = image.pixels.shape[0], image.pixels.shape[1]
        if case.mask is not None:
            mask, box = read_contour(case.mask, shape)
            return box, mask, "given", ""
        assert case.corners is not None
        box = box_in(case.corners, shape)
        drawn = self._segmenter.draw(image.pixels, box, self.package.record.mask_threshold)
        return box, drawn.mask, drawn.source, drawn.flag

    def _classify(self, values: pd.DataFrame, orders: Shares) -> tuple[float, float | None, dict[str, float]]:
        """Return the logit, and where shares are wanted the training rows' mean logit and the shares by name."""
        recipe = self.package.recipe
        if orders == "none":
            # Beside a training row's sentence, as with shares and in the pipeline: what two prompts have in common is
            # computed once, and in bfloat16 the logit depends in its last bits on how much that is.
            other = self._background.iloc[:1].set_axis(values.index, axis=0)
            return float(self._logits(recipe.sentences(pd.concat([values, other])))[0]), None, {}
        seed = self.package.record.seed
        found = explain(values, self._background, recipe.sentences, self._logits, orders, seed, progress=False)
        shares = {str(name): float(share) for name, share in found.shares.iloc[0].items()}
        return float(found.base[0]) + sum(shares.values()), float(found.base[0]), shares

    def _ask_named(self, z: pd.DataFrame) -> NamedAnswer:
        """Return what the named model says of exact values, with its shares by the features' keys."""
        keys = list(self.package.selection.features)
        X = z[keys].set_axis(self.package.recipe.shown, axis=1)
        mean, deviation = self._named.decision_function(X, return_std=True)
        found = self._named.explain(X)
        shares, spread = (frame[self.package.recipe.shown].iloc[0] for frame in (found.shares, found.deviations))
        return NamedAnswer(
            probability=float(self._named.predict_proba(X)[0, 1]),
            logit=float(mean[0]),
            deviation=float(deviation[0]),
            base=found.base,
            shares=dict(zip(keys, map(float, shares), strict=True)),
            deviations=dict(zip(keys, map(float, spread), strict=True)),
        )

    def _logits(self, prompts: list[str]) -> np.ndarray:
        """Return the logits, each prompt computed beside a longer one, so that none depends on the others.

        In bfloat16 a logit hangs in its last bits on whether its prompt is padded: alone, probabilities of the demo are
        off by up to 0.001 from those of the pipeline, whose batches pad nearly all; padded they equal them to 1e-9.
        """
        classifier = self._classifier
        longer, room = max(prompts, key=len) + PADDING, max(1, classifier.batch_size - 1)
        batches = (prompts[start : start + room] for start in range(0, len(prompts), room))
        logits = np.concatenate([classifier.decision_function([*batch, longer])[:-1] for batch in batches])
        if classifier.trunk_ is not None:  # the next case has other prompts: memory stays flat
            classifier.trunk_ = type(classifier.trunk_)(classifier.trunk_.origin)
        return logits

    def _features(self, raw: Mapping[str, float], z: pd.DataFrame, shares: dict[str, float]) -> tuple[Measured, ...]:
        record, selection = self.package.record, self.package.selection
        shown = self.package.recipe.shown
        return tuple(
            Measured(
                key=key,
                name=name,
                shown=printed,
                value=raw[key],
                unit=unit_of(key, record.unit),
                z=float(z[key].iloc[0]),
                share=shares.get(name),
                range=record.ranges[key],
            )
            for key, name, printed in zip(selection.features, selection.names, shown, strict=True)
        )

    @cached_property
    def _named(self) -> NamedClassifier:
        return NamedClassifier.load(self.package.folder / NAMED)

    @cached_property
    def _segmenter(self) -> "Segmenter":
        from radprompt.mammograms.segmentation.segmenter import Segmenter

        return Segmenter.load(self.package.folder / SEGMENTER, self._device)

    @cached_property
    def _classifier(self) -> "LanguageModelClassifier":
        from radprompt.llm.classifier import LanguageModelClassifier

        with self.package.backbone(self._backbone) as place:
            try:
                return LanguageModelClassifier.load(self.package.folder / ADAPTER, backbone=place, device=self._device)
            except OSError as error:
                raise InputError(
                    f"the backbone cannot be read: {str(error).splitlines()[0]}",
                    where=str(self.package.folder / "backbone"),
                    fix="fetch it first (README.md says which), or name its folder: --backbone FOLDER",
                ) from None
