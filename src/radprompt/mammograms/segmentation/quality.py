"""How close a mask comes to the reference contour, compared with a trivial mask: an ellipse inscribed in the box."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import binary_erosion, distance_transform_edt

from radprompt.evaluation.intervals import interval, patient_resamples
from radprompt.mammograms.imaging.contours import box_of, inscribed_ellipse
from radprompt.tables.lesions import Box

RIVALS = ("nnunet", "ellipse")


def dice(mask: np.ndarray, reference: np.ndarray) -> float:
    """Return 2 |A and B| / (|A| + |B|) of two bool masks of one shape; two empty masks are a ValueError."""
    total = int(mask.sum()) + int(reference.sum())
    if not total:
        raise ValueError("Dice of two empty masks is undefined")
    return 2 * int((mask & reference).sum()) / total


def hd95(mask: np.ndarray, reference: np.ndarray) -> float:
    """Return the symmetric 95 % Hausdorff distance of two bool masks of one shape, px.

    The surface of a mask is its pixels that have a 4-neighbour outside it (beyond the image is outside). From each
    surface pixel of one mask, the Euclidean distance between pixel centres to the nearest surface pixel of the other;
    of these the 95th percentile, in each direction; of the two directions the larger. An empty mask is a ValueError.
    """
    box = box_of(mask | reference)
    inner = np.s_[box.ymin : box.ymax, box.xmin : box.xmax]
    first, second = _surface(mask[inner]), _surface(reference[inner])
    if not (first.any() and second.any()):
        raise ValueError("the Hausdorff distance to an empty mask is undefined")
    there = np.percentile(distance_transform_edt(~second)[first], 95)
    back = np.percentile(distance_transform_edt(~first)[second], 95)
    return float(max(there, back))


def compare(mask: np.ndarray, reference: np.ndarray, box: Box) -> dict[str, float]:
    """Score a mask and the inscribed ellipse against the reference: ``<rival>_dice`` and ``<rival>_hd95_px``."""
    candidates = zip(RIVALS, (mask, inscribed_ellipse(box, reference.shape)), strict=True)
    return {
        f"{rival}_{name}": score(candidate, reference)
        for rival, candidate in candidates
        for name, score in (("dice", dice), ("hd95_px", hd95))
    }


def summarise(table: pd.DataFrame, *, draws: int, confidence: float, seed: int) -> dict[str, Any]:
    """Sum a cohort up.

    Parameters
    ----------
    table
        One row a lesion: patient_id, source (nnunet, ellipse, review), spacing_mm (NaN unknown) and the columns of
        :func:`compare`. Reviewed masks are a person's: they are counted and left out of every score. Lesions that fell
        back to the ellipse stay in, as what the pipeline hands on.
    draws, confidence, seed
        Options of the patient bootstrap behind the interval of the difference.

    Returns
    -------
    dict
        ``lesions`` (scored), ``fallbacks``, ``reviewed``; per rival mean ``dice``, ``dice_median``, mean ``hd95_px``,
        and mean ``hd95_mm`` only where every lesion's spacing is known; ``difference``: mean Dice of nnU-Net minus
        that of the ellipse on the same lesions, with its interval. Without a scored lesion: the counts only.
    """
    scored = table[table["source"] != "review"]
    summary: dict[str, Any] = {
        "lesions": len(scored),
        "fallbacks": int((scored["source"] == "ellipse").sum()),
        "reviewed": len(table) - len(scored),
    }
    if scored.empty:
        return summary
    for rival in RIVALS:
        distances = scored[f"{rival}_hd95_px"]
        summary[rival] = {
            "dice": float(scored[f"{rival}_dice"].mean()),
            "dice_median": float(scored[f"{rival}_dice"].median()),
            "hd95_px": float(distances.mean()),
        }
        if scored["spacing_mm"].notna().all():
            summary[rival]["hd95_mm"] = float((distances * scored["spacing_mm"]).mean())
    difference = scored["nnunet_dice"] - scored["ellipse_dice"]
    weights = patient_resamples(scored["patient_id"].to_numpy(), draws, seed).astype(float)
    limits = interval(weights @ difference.to_numpy() / weights.sum(axis=1), confidence)
    summary["difference"] = {"dice": float(difference.mean())}
    if limits:
        summary["difference"] |= {"dice_low": limits[0], "dice_high": limits[1]}
    return summary


def _surface(mask: np.ndarray) -> np.ndarray:
    return mask & ~binary_erosion(mask)
