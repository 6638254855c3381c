"""The final model of a study of images on one more image with its mask: JSON, page and, on request, DICOM."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import DECIMALS, atomic_write, require_writable, write_csv, write_json, write_text
from radprompt.export.cases import EXCLUDED, PREDICTIONS, names_a_file, none_predicted
from radprompt.images.cases import Case, Excluded, read_cases
from radprompt.images.contact_sheets import draw_tile
from radprompt.images.dicom_results import report_of, segmentation_of
from radprompt.images.measuring import measure
from radprompt.images.quality import examine
from radprompt.images.records import refused, versions
from radprompt.images.settings import settings_from_record
from radprompt.images.study import read_case
from radprompt.own_table.answering import TableModel
from radprompt.own_table.applying import IMAGE_SETTINGS, FinalModel
from radprompt.pages.environment import environment
from radprompt.pages.wording import interval, number

if TYPE_CHECKING:
    import SimpleITK

_COLUMNS = ["id", "probability", "low", "high", "call", "outside_training_range"]
_ENDINGS = ("json", "html", "seg.dcm", "sr.dcm")
_PICTURE = 512
"""Pixels of the page's picture a side."""


class StudyPredictor:
    """The final model of a study of images, with the settings that its images were measured by.

    Parameters
    ----------
    study
        The folder that ``radprompt images --table`` made for `radprompt table` (``STUDY/table``), or its
        ``models/final``.

    Raises
    ------
    InputError
        There is no final model, or it comes of a table that was measured elsewhere.
    """

    def __init__(self, study: Path) -> None:
        self.model = TableModel(study)
        path = (FinalModel.folder(study) or study) / IMAGE_SETTINGS
        if not path.is_file():
            raise InputError(
                "the model of a table that was not measured by `radprompt images`: an image cannot be",
                where=str(study),
                fix="give its values: radprompt table new.csv --apply FOLDER",
            )
        record = json.loads(path.read_text(encoding="utf-8"))
        self.settings = settings_from_record(record, str(path))
        self._versions: dict[str, str] = record.get("versions", {})

    def predict(self, case: Case, out: Path, *, site: str | None, seg: bool, sr: bool) -> dict[str, Any]:
        """Measure a case as the study did, predict it, and write ``<case>.json`` and ``<case>.html``.

        Parameters
        ----------
        case
            Image, mask and name.
        out
            Folder; an earlier run's files of the case go first.
        site
            Hospital, where the study has several.
        seg
            Whether to write the region as a DICOM segmentation, ``<case>.seg.dcm``.
        sr
            Whether to write a DICOM structured report, ``<case>.sr.dcm``; it refers to the segmentation, written too.

        Returns
        -------
        dict
            The JSON file's content.

        Raises
        ------
        InputError
            The name cannot name a file, the image or mask is refused, the model reads what is not measured in images,
            or DICOM is wanted for another kind of image.
        """
        if not names_a_file(case.case):
            raise InputError(f"id {case.case!r} cannot name a file", fix="use letters, digits, and - _ . between them")
        require_writable(out)
        for ending in _ENDINGS:
            (out / f"{case.case}.{ending}").unlink(missing_ok=True)
        volume, region = read_case(case, self.settings)
        measured = as_cells(measure(volume.image, region.mask, self.settings))
        quality = examine(volume.image, region.mask, (*volume.notes, *region.notes))
        needed = [each["name"] for each in self.model.describe()["inputs"]]
        if foreign := [name for name in needed if name not in measured]:
            raise InputError(
                f"the model reads {', '.join(foreign[:5])}, which no image tells",
                where="--model",
                fix="give values: radprompt table new.csv --apply FOLDER",
            )
        answer = self.model.predict({name: measured[name] for name in needed}, site, case.case, None, None)
        answer["notes"] += self._remarks(quality)
        answer |= {
            "image": {"file": case.image.name, "size": quality["size"], "spacing_mm": quality["spacing_mm"]},
            "contour": {"source": "given", "file": case.mask.name, "remark": quality["flags"], **_extent(quality)},
            "measured": measured,
            "measured_by": {"settings_sha256": self.settings.digest, "versions": versions()},
        }
        found = self._dicom(case, region.mask, answer, seg=seg, sr=sr)
        page = render(answer, draw_tile(volume.image, region.mask, case.case, "", flagged=False, side=_PICTURE))
        write_json(out / f"{case.case}.json", answer)
        write_text(out / f"{case.case}.html", page)
        for ending, dataset in found.items():
            with atomic_write(out / f"{case.case}.{ending}") as part:
                dataset.save_as(part)
        return answer

    def _dicom(
        self, case: Case, mask: "SimpleITK.Image", answer: dict[str, Any], *, seg: bool, sr: bool
    ) -> dict[str, Any]:
        if not (seg or sr):
            return {}
        region = segmentation_of(case.image, mask, case.case)
        outcome = self.model.describe()["outcome"]
        return {"seg.dcm": region} | ({"sr.dcm": report_of(case.image, region, answer, outcome)} if sr else {})

    def _remarks(self, quality: dict[str, Any]) -> list[str]:
        said = [f"Of the region: {quality['flags']}."] if quality["flags"] else []
        others = [
            f"{name} {now} instead of {then}"
            for name, now in versions().items()
            if (then := self._versions.get(name, now)) != now
        ]
        if others:
            said.append(f"Measured with {', '.join(others)}: values may differ from those of the training cases.")
        return said


def predict_table(
    predictor: StudyPredictor, table: Path, out: Path, *, site: str | None, seg: bool, sr: bool
) -> tuple[int, int]:
    """Predict every case of a table as ``radprompt images`` reads it; a column ``site`` goes before ``site``.

    ``predictions.csv`` has one row each, ``excluded.csv`` what could not be predicted, with row and reason.

    Returns
    -------
    tuple
        How many were predicted and how many excluded.

    Raises
    ------
    InputError
        The table cannot be read, or not one of its cases can be predicted.
    """
    require_writable(out)
    read = read_cases(table)
    rows: list[dict[str, Any]] = []
    excluded = list(read.excluded)
    for case in read.cases:
        try:
            answer = predictor.predict(case, out, site=dict(case.about).get("site") or site, seg=seg, sr=sr)
        except InputError as error:
            excluded.append(refused(case, error))
            continue
        outside = "; ".join(f"{f['name']} {f['place']}" for f in answer["features"] if f["place"] in ("below", "above"))
        bounds = answer["named_model"]["interval_90"]
        rows.append(
            dict(zip(_COLUMNS, (case.case, answer["probability"], *bounds, answer["call"], outside), strict=True))
        )
    write_csv(out / EXCLUDED, pd.DataFrame(excluded, columns=list(Excluded.__dataclass_fields__)))
    write_csv(out / PREDICTIONS, pd.DataFrame(rows, columns=_COLUMNS))
    if not rows:
        raise none_predicted(table, len(excluded), excluded[0].reason, out)
    return len(rows), len(excluded)


def as_cells(values: dict[str, float]) -> dict[str, float | None]:
    """Return features as the table of a study keeps them: :data:`DECIMALS` significant digits, None where undefined."""
    return {name: float(f"{value:.{DECIMALS}g}") if np.isfinite(value) else None for name, value in values.items()}


def render(answer: dict[str, Any], picture: bytes) -> str:
    """Return a prediction as one page that loads nothing.

    Parameters
    ----------
    answer
        What :meth:`StudyPredictor.predict` returns.
    picture
        PNG of the region.
    """
    named, shares = answer["named_model"], answer["named_model"]["shares"]
    biggest = max((abs(each["share"]) for each in shares.values()), default=0) or 1
    low, high = named["interval_90"]
    content: dict[str, Any] = {
        "warning": answer["warning"],
        "case": answer["id"],
        "classes": answer["model"]["classes"],
        "probability": number(answer["probability"]),
        "percent": round(100 * answer["probability"], 2),
        "interval": interval(low, high),
        "call": answer["call"],
        "threshold": number(answer["threshold"], 2),
        "notes": answer["notes"],
        "picture": f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}",
        "facts": _facts(answer),
        "features": [_feature(each, shares.get(each["feature"]), biggest) for each in answer["features"]],
        "base": number(named["base"]),
        "logit": number(named["logit"]),
        "study": answer["model"]["study"],
        "site": answer["model"]["site"],
        "measured": len(answer["measured"]),
        "measured_by": answer["measured_by"],
    }
    templates = environment("radprompt.images", "radprompt.export", "radprompt.pages.report")
    return templates.get_template("image_case.html").render(content)


def _facts(answer: dict[str, Any]) -> Sequence[str]:
    image, contour = answer["image"], answer["contour"]
    size = f"{contour['volume_mm3']:.4g} mm³" if "volume_mm3" in contour else f"{contour['area_mm2']:.4g} mm²"
    return [
        f"image {image['file']}: {image['size']} voxels of {image['spacing_mm']} mm",
        f"mask {contour['file']}: {contour['voxels']} voxels in {contour['slices']} slices, {size}",
    ]


def _feature(feature: dict[str, Any], share: dict[str, float] | None, biggest: float) -> dict[str, Any]:
    known, value = feature["training_range"], feature["value"]
    return {
        "name": feature["name"],
        "value": number(None) if value is None else f"{value:.4g}",
        "z": number(feature["z_score"]),
        "range": f"{known['min']:.4g} to {known['max']:.4g}",
        "place": feature["place"],
        "remark": feature["remark"],
        "share": number(share["share"]) if share else number(None),
        "bar": round(50 + 48 * share["share"] / biggest, 2) if share else 50,
    }


def _extent(quality: dict[str, Any]) -> dict[str, Any]:
    return {name: quality[name] for name in ("voxels", "slices", "volume_mm3", "area_mm2") if name in quality}
