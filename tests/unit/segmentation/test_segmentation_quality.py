"""Dice and HD95 on shapes whose answer is known, and the cohort's summary."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK

from radprompt.mammograms.imaging.contours import inscribed_ellipse
from radprompt.mammograms.segmentation.quality import compare, dice, hd95, summarise
from radprompt.tables.lesions import Box


def square(left: int, top: int, side: int, shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def disc(radius: float, size: int = 121) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return np.hypot(y, x) <= radius


def test_dice_of_half_shifted_squares_is_one_half():
    assert dice(square(10, 10, 20), square(20, 10, 20)) == 0.5


def test_dice_ends():
    assert dice(square(5, 5, 9), square(5, 5, 9)) == 1
    assert dice(square(0, 0, 9), square(30, 30, 9)) == 0
    with pytest.raises(ValueError, match="undefined"):
        dice(np.zeros((4, 4), bool), np.zeros((4, 4), bool))


def test_dice_agrees_with_simpleitk():
    generator = np.random.default_rng(1)
    first, second = generator.random((2, 40, 50)) > 0.6
    overlap = SimpleITK.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in (first, second)))
    assert dice(first, second) == pytest.approx(overlap.GetDiceCoefficient(), abs=1e-12)


def test_hd95_of_a_shift_is_the_shift():
    # 20 of the 76 surface pixels (the left edge) lie exactly 4 px away, more than 5 per cent of them.
    assert hd95(square(10, 10, 20), square(14, 10, 20)) == 4


def test_hd95_of_concentric_discs_is_the_difference_of_radii():
    assert hd95(disc(40), disc(25)) == pytest.approx(15, abs=0.75)


def test_hd95_is_symmetric_and_zero_on_itself():
    first, second = disc(30), np.roll(disc(22), (3, -7), axis=(0, 1))
    assert hd95(first, second) == hd95(second, first) > 0
    assert hd95(first, first) == 0


def test_hd95_forgives_a_stray_pixel():
    stray = square(10, 10, 20)
    stray[50, 75] = True
    assert hd95(stray, square(10, 10, 20)) == 0


def test_hd95_takes_the_worse_direction_and_does_not_pool_them():
    reference = square(5, 5, 20)  # 76 surface pixels, all of them in the other surface too
    satellite = reference | square(60, 40, 3)  # 8 more: 9.5 per cent of that direction, 5.0 of both together
    assert hd95(satellite, reference) > 30


def test_hd95_counts_the_image_border_as_surface():
    assert hd95(np.ones((30, 30), bool), square(2, 2, 26, (30, 30))) == pytest.approx(2, abs=0.9)


def test_hd95_of_an_empty_mask_is_refused():
    with pytest.raises(ValueError, match="undefined"):
        hd95(np.zeros((60, 80), bool), square(1, 1, 5))


def test_the_ellipse_scores_itself_perfectly():
    box = Box(10, 12, 50, 40)
    ellipse = inscribed_ellipse(box, (60, 80))
    scores = compare(square(10, 12, 28), ellipse, box)
    assert scores["ellipse_dice"] == 1
    assert scores["ellipse_hd95_px"] == 0
    assert scores["nnunet_dice"] == dice(square(10, 12, 28), ellipse) < 1


def cohort(**changes: list) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": ["a", "a", "b", "c"],
            "source": ["nnunet", "ellipse", "nnunet", "nnunet"],
            "spacing_mm": [0.5, 0.5, 0.25, 0.25],
            "nnunet_dice": [0.9, 0.7, 0.8, 1.0],
            "ellipse_dice": [0.7, 0.7, 0.8, 0.8],
            "nnunet_hd95_px": [2.0, 4.0, 4.0, 4.0],
            "ellipse_hd95_px": [4.0, 4.0, 4.0, 8.0],
        }
        | changes
    )


SETTINGS = {"draws": 500, "confidence": 0.95, "seed": 3}


def test_summary_of_a_cohort():
    summary = summarise(cohort(), **SETTINGS)
    assert (summary["lesions"], summary["fallbacks"], summary["reviewed"]) == (4, 1, 0)
    assert summary["nnunet"] == pytest.approx({"dice": 0.85, "dice_median": 0.85, "hd95_px": 3.5, "hd95_mm": 1.25})
    difference = summary["difference"]
    assert difference["dice"] == pytest.approx(0.1)
    assert difference["dice_low"] <= 0.1 <= difference["dice_high"]


def test_millimetres_only_where_every_spacing_is_known():
    summary = summarise(cohort(spacing_mm=[0.5, np.nan, 0.25, 0.25]), **SETTINGS)
    assert "hd95_mm" not in summary["nnunet"]
    assert summary["nnunet"]["hd95_px"] == 3.5


def test_reviewed_masks_are_counted_and_not_scored():
    summary = summarise(cohort(source=["nnunet", "ellipse", "review", "nnunet"]), **SETTINGS)
    assert (summary["lesions"], summary["reviewed"]) == (3, 1)
    assert summary["nnunet"]["dice"] == pytest.approx((0.9 + 0.7 + 1.0) / 3)
    assert summarise(cohort(source=["review"] * 4), **SETTINGS) == {"lesions": 0, "fallbacks": 0, "reviewed": 4}


def test_the_interval_resamples_patients_not_lesions():
    once = summarise(cohort(), **SETTINGS)["difference"]
    copies = pd.concat([cohort()] * 5, ignore_index=True)  # more lesions, the same three patients
    assert summarise(copies, **SETTINGS)["difference"] == pytest.approx(once)
