"""What another contour does to the features: of two readers, and of nnU-Net before and a reader after correction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.params import Compute, Radiomics
from radprompt.evaluation.intraclass import Intraclass, intraclass_between
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.radiomics.cohort import Outcome, measure
from radprompt.mammograms.segmentation.agreement import TwoContours, agreements, corrections
from radprompt.tables.feature_names import FEATURES, readable
from radprompt.tables.lesions import Lesion
from radprompt.tables.reviews import CORRECTED, DECISIONS, Review, read_reviews

COLUMNS = ["dataset", "comparison", "feature", "name", "lesions", "icc", "low", "high", "shift"]
"""``shift``: median absolute difference of the two contours' values, in standard deviations over the data set."""
DRAWN_AND_CORRECTED = "drawn and corrected"
FEWEST = 3
"""Lesions from which on an intraclass correlation is computed."""
STABLE = 0.75
"""Intraclass correlation from which on a feature is called stable (Koo and Li 2016: good reliability)."""


class Effects(NamedTuple):
    """What is known of a data set's readers.

    ``summary`` is its part of ``metrics/readers.json``, ``features`` has rows of :data:`COLUMNS`, and ``drawn`` the
    features of contours that were corrected, as they were drawn, by lesion id.
    """

    summary: dict[str, Any]
    features: pd.DataFrame
    drawn: pd.DataFrame


def contour_effects(
    dataset: str,
    lesions: Mapping[str, Lesion],
    features: pd.DataFrame | None,
    compute: Compute,
    settings: Radiomics,
    root: str | Path = ".",
) -> Effects | None:
    """Compare a data set's readers with each other and with what was drawn.

    Parameters
    ----------
    dataset
        Name of the data set.
    lesions
        Its lesions by id.
    features
        Its features in the pipeline's contours, by lesion id; None where they are not measured in contours that a
        reader could correct. Features are compared for these lesions alone.
    compute, settings
        As of :func:`radprompt.mammograms.radiomics.cohort.measure`. A contour that the pipeline has measured is not
        measured again.
    root
        The repository.

    Returns
    -------
    Effects or None
        None where no reader has decided on a contour.
    """
    folder, masks = Path(root, "data/review", dataset), Path(root, "data/masks", dataset)
    reviews = read_reviews(folder)
    if not reviews:
        return None
    pairs, corrected = agreements(folder, masks, reviews), corrections(folder, reviews)
    compared = {f"{pair.first} and {pair.second}": pair.contours for pair in pairs}
    compared[DRAWN_AND_CORRECTED] = tuple(corrected)
    files = [(each.lesion_id, path) for contours in compared.values() for each in contours for path in each[1:]]
    values = _values(files, lesions, features, masks, compute, settings) if features is not None else {}
    scale = features[list(FEATURES)].std() if features is not None else pd.Series(dtype=float)
    tables = [_table(dataset, name, contours, values, scale) for name, contours in compared.items()]
    drawn = {c.lesion_id: values[c.lesion_id, c.first] for c in corrected if (c.lesion_id, c.first) in values}
    counted = [review for review in reviews if review.counts == "yes"]
    names = sorted({review.reader for review in reviews})
    summary = {
        "lesions": len(counted),
        **_counts(counted),
        "readers": {name: _reader(review for review in reviews if review.reader == name) for name in names},
        "pairs": [
            {"first": pair.first, "second": pair.second, "lesions": pair.lesions, "same_use": pair.same_use}
            | _said(pair.contours, table)
            for pair, table in zip(pairs, tables, strict=False)
        ],
        "corrections": _said(corrected, tables[-1]),
    }
    return Effects(
        summary,
        pd.concat([pd.DataFrame(columns=COLUMNS), *(t for t in tables if len(t))], ignore_index=True),
        pd.DataFrame.from_dict(drawn, orient="index", columns=list(FEATURES), dtype=float).rename_axis("lesion_id"),
    )


def _values(
    files: Iterable[tuple[str, Path]],
    lesions: Mapping[str, Lesion],
    features: pd.DataFrame,
    masks: Path,
    compute: Compute,
    settings: Radiomics,
) -> dict[tuple[str, Path], np.ndarray]:
    """Return the features of each contour, in the order of FEATURES, by lesion and file of its mask."""
    known: dict[tuple[str, Path], np.ndarray] = {}
    left: dict[str, tuple[str, Path]] = {}
    for name, path in sorted(set(files)):
        if name not in features.index:
            continue
        if mask_digest(read_mask(path)) == mask_digest(read_mask(masks / f"{name}.png")):
            known[name, path] = features.loc[name, list(FEATURES)].to_numpy(dtype=float)
        else:
            left[path.as_posix()] = name, path
    # A contour's file stands for its lesion's id: one lesion has several.
    contours = [replace(lesions[name], lesion_id=key) for key, (name, _) in left.items()]
    outcomes: dict[str, Outcome] = measure(contours, lambda one: Path(one.lesion_id), compute, settings) if left else {}
    measured = {key: outcome for key, outcome in outcomes.items() if isinstance(outcome, dict)}
    return known | {left[key]: np.array([values[f] for f in FEATURES], dtype=float) for key, values in measured.items()}


def _table(
    dataset: str,
    comparison: str,
    contours: Sequence[TwoContours],
    values: Mapping[tuple[str, Path], np.ndarray],
    scale: pd.Series,
) -> pd.DataFrame:
    both = [
        (values[name, first], values[name, second])
        for name, first, second in contours
        if (name, first) in values and (name, second) in values
    ]
    if not both:
        return pd.DataFrame(columns=COLUMNS)
    pairs = np.array(both)  # (lesions, two contours, features)
    nothing = np.full(len(FEATURES), np.nan)
    icc = intraclass_between(pairs) if len(both) >= FEWEST else Intraclass(nothing, nothing, nothing)
    spread = scale.where(scale > 0).to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "dataset": dataset,
            "comparison": comparison,
            "feature": list(FEATURES),
            "name": [readable(feature) for feature in FEATURES],
            "lesions": len(both),
            **icc._asdict(),
            "shift": np.median(np.abs(pairs[:, 1] - pairs[:, 0]), axis=0) / spread,
        }
    )


def _counts(reviews: Sequence[Review]) -> dict[str, int]:
    return {decision: sum(review.decision == decision for review in reviews) for decision in DECISIONS}


def _reader(own: Iterable[Review]) -> dict[str, Any]:
    reviews = list(own)
    likeness = [float(review.dice) for review in reviews if review.decision == CORRECTED and review.dice]
    return {
        "lesions": len(reviews),
        **_counts(reviews),
        "dice": _median(likeness),
        "seconds": _median([float(review.milliseconds) / 1000 for review in reviews]),
    }


def _said(contours: Sequence[TwoContours], table: pd.DataFrame) -> dict[str, Any]:
    """Return Dice and the intraclass correlations of the features of some lesions in two contours."""
    likeness, icc = [each.dice() for each in contours], table["icc"].dropna()
    return {
        "contours": len(contours),
        "dice": _median(likeness),
        "lowest_dice": min(likeness, default=None),
        "measured": int(table["lesions"].max()) if len(table) else 0,
        "features": len(icc),
        "icc": _median(icc.tolist()),
        "stable": int((icc >= STABLE).sum()),
        "shift": _median(table["shift"].dropna().tolist()),
    }


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if len(values) else None
