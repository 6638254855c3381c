"""Example lesions: region, box and contours as one inline drawing, beside the prompt and what the model said."""

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from radprompt.core.errors import ImageError
from radprompt.core.params import Params
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.dicom import Mammogram, read_mammogram
from radprompt.mammograms.imaging.pictures import data_uri, outline, rectangle
from radprompt.mammograms.imaging.roi import crop, region_around, to_grid
from radprompt.mammograms.wording import SHAREABLE, describe_lesion
from radprompt.pages.report.cohorts import lesion_table
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import number
from radprompt.study.settings import Settings
from radprompt.tables.lesions import MALIGNANT, Lesion, from_table

SIDE = 192

SOURCES = {"nnunet": "nnU-Net's contour", "ellipse": "ellipse in the box (fallback)", "review": "a reader's contour"}


def examples(
    reader: Reader, params: Params, settings: Settings, threshold: float | None, *, synthetic: bool
) -> dict[str, Any]:
    """Choose and draw example lesions.

    Parameters
    ----------
    reader
        Access to lesion tables, masks, prompts and predictions.
    params
        For the region's context and the reference model.
    settings
        Protocols. From the test lesions of the first one come benign and malignant ones that the reference model called
        right and wrong; from each other data set with masks one benign and one malignant.
    threshold
        Probability from which the reference model calls a lesion malignant; None makes no calls.
    synthetic
        Pixels are embedded for synthetic data and for data sets that may be passed on; for others box and contour only,
        without ids: a page travels further than the data may.

    Returns
    -------
    dict
        ``rule`` of choice and ``lesions``: ``title``, ``home`` (whether of the first setting's data set), ``facts``,
        ``prompt``, ``picture`` (see :func:`picture`) or ``problem`` where the image cannot be read.
    """
    setting = settings.first
    predictions = _predictions(reader, setting.name, params.evaluation.reference)
    prompts = _prompts(reader, setting.name)
    sources: dict[str, str] = {}
    chosen: list[Lesion] = []
    for dataset in sorted(settings.data_sets, key=lambda key: key != setting.test.dataset):
        table, drawn = lesion_table(reader, dataset), reader.table(f"data/masks/{dataset}.csv", ("lesion_id", "source"))
        if table is None or drawn is None:
            continue
        sources.update(zip(drawn["lesion_id"], drawn["source"], strict=True))
        table = table[table["lesion_id"].isin(drawn["lesion_id"])]
        own = dataset == setting.test.dataset
        if own:
            table = table[table["split"] == setting.test.split]
        chosen += _choose(table, predictions if own else {}, threshold)
    read = lru_cache(maxsize=1)(read_mammogram)
    shown = []
    for lesion in chosen:
        open_pixels = synthetic or lesion.dataset in SHAREABLE
        source, probability = sources[lesion.lesion_id], predictions.get(lesion.lesion_id)
        label = "malignant" if lesion.label == MALIGNANT else "benign"
        entry: dict[str, Any] = {
            "home": lesion.dataset == setting.test.dataset,
            "title": f"{settings.data_set(lesion.dataset)}, {lesion.split}: {label}",
            "facts": [
                *([f"lesion {lesion.lesion_id}"] if open_pixels else []),
                describe_lesion(lesion.view, lesion.birads),
                SOURCES[source],
                *([] if probability is None else [_call(lesion, probability, threshold)]),
            ],
            "prompt": prompts.get(lesion.lesion_id, ""),
            "picture": None,
            "problem": "",
        }
        try:
            mammogram = read(reader.root / lesion.image_path)
            mask = read_mask(reader.root / "data" / "masks" / lesion.dataset / f"{lesion.lesion_id}.png")
            contour = read_mask(reader.root / lesion.mask_path) if lesion.mask_path else None
            entry["picture"] = picture(
                lesion, mammogram, {source: mask, "reference": contour}, params.segmentation.context, pixels=open_pixels
            )
        except ImageError as error:
            entry["problem"] = error.what
        shown.append(entry)
    outcomes = ", called right and called wrong" if predictions and threshold is not None else ""
    home = settings.data_set(setting.test.dataset)
    return {
        "rule": f"{home}, {setting.test.split}: benign and malignant{outcomes}; the other data "
        "sets: benign and malignant. The first by lesion id of each group, so not picked by hand",
        "lesions": shown,
    }


def picture(
    lesion: Lesion, mammogram: Mammogram, masks: dict[str, np.ndarray | None], context: float, *, pixels: bool
) -> dict[str, Any]:
    """Cut the region around a lesion and trace what lies on it.

    Parameters
    ----------
    lesion
        Its box is drawn.
    mammogram
        Its image.
    masks
        bool (rows, columns) by who drew them; None is left out.
    context
        Margin around the box as a fraction of its longer side.
    pixels
        Whether to embed the region; without it only the lines are returned.

    Returns
    -------
    dict
        In units of a square of :data:`SIDE`: ``image`` (data URI of a PNG, or empty), ``box`` (x, y, width, height) and
        ``contours`` (source and SVG path).
    """
    region = region_around(lesion.box, mammogram.pixels.shape, context)
    return {
        "image": data_uri(to_grid(crop(mammogram.pixels, region), SIDE)) if pixels else "",
        "box": rectangle(lesion.box, region, SIDE),
        "contours": [(source, outline(mask, region, SIDE)) for source, mask in masks.items() if mask is not None],
    }


def _call(lesion: Lesion, probability: float, threshold: float | None) -> str:
    said = f"probability of malignancy {number(probability)}"
    if threshold is None:
        return said
    malignant = probability >= threshold
    right = malignant == (lesion.label == MALIGNANT)
    return f"{said}: called {'malignant' if malignant else 'benign'}, {'right' if right else 'wrong'}"


def _choose(table: pd.DataFrame, predictions: dict[str, float], threshold: float | None) -> list[Lesion]:
    """Return the first lesion by id of each class, and of each outcome where there are predictions."""
    groups: dict[tuple[bool, bool], Lesion] = {}
    for lesion in from_table(table.sort_values("lesion_id")):
        malignant = lesion.label == MALIGNANT
        probability = predictions.get(lesion.lesion_id)
        right = probability is None or threshold is None or (probability >= threshold) == malignant
        groups.setdefault((malignant, right), lesion)
    return [groups[key] for key in sorted(groups, key=lambda key: (key[0], not key[1]))]


def _predictions(reader: Reader, setting: str, reference: str) -> dict[str, float]:
    """Return the reference model's probabilities on the test split, from the first repeat and its lowest seed."""
    for path in reader.matching(f"data/predictions/{setting}/*.csv"):
        rows = reader.table(path, ("lesion_id", "model", "seed", "split", "probability"))
        assert rows is not None
        own = rows[(rows["model"] == reference) & (rows["split"] == "test")]
        own = own[own["repeat"] == own["repeat"].min()] if "repeat" in own else own
        own = own[own["seed"] == own["seed"].min()]
        if not own.empty:
            return dict(zip(own["lesion_id"], own["probability"].astype(float), strict=True))
    return {}


def _prompts(reader: Reader, setting: str) -> dict[str, str]:
    rows = reader.json_lines(f"data/prompts/{setting}.jsonl") or []
    return {row["lesion_id"]: row["prompt"] for row in rows if row.get("repeat", 0) == 0}
