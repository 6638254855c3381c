"""Agreement of readers."""

from dataclasses import replace

import numpy as np
import pytest

from radprompt.mammograms.imaging.contours import write_mask
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.segmentation.agreement import agreements, icc
from radprompt.tables.reviews import Review

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
"""Table 2 of the paper: six targets, four judges."""


def test_icc_is_that_of_shrout_and_fleiss():
    assert icc(SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)


def test_icc_is_one_where_readers_agree_and_falls_with_an_offset():
    values = np.array([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]])
    assert icc(values) == 1
    # The variance of lesions is 16, that of readers 8, and nothing is left as error.
    assert icc(values + np.array([0.0, 4.0])) == pytest.approx(16 / (16 + 8))
    assert np.isnan(icc(np.ones((3, 2))))


def rectangle(rows: int, columns: int) -> np.ndarray:
    mask = np.zeros((60, 60), bool)
    mask[10 : 10 + rows, 10 : 10 + columns] = True
    return mask


def review(lesion_id: str, reader: str, decision: str, mask: np.ndarray) -> Review:
    counts, dice = "yes" if reader == "ann" else "no", "" if decision == "unusable" else "0.9"
    reason = "Motion blur" if decision == "unusable" else ""
    time = "2026-11-30T08:00:00+00:00"
    return Review(lesion_id, reader, decision, reason, counts, time, dice, "400", "1000", mask_digest(mask))


def test_readers_are_compared_on_the_contours_that_they_decided_for(tmp_path):
    folder, masks, drawn = tmp_path / "review", tmp_path / "masks", rectangle(20, 20)
    reviews = []
    for name in "abcd":
        write_mask(masks / f"{name}.png", drawn)
        reviews.append(review(name, "ann", "accepted", drawn))
    write_mask(folder / "readers/ben/a.png", rectangle(20, 30))
    write_mask(folder / "readers/ben/b.png", rectangle(10, 20))
    reviews += [
        review("a", "ben", "corrected", drawn),
        review("b", "ben", "corrected", drawn),
        review("c", "ben", "accepted", drawn),
        review("d", "ben", "unusable", drawn),
        review("e", "ben", "accepted", drawn),
    ]
    (pair,) = agreements(folder, masks, reviews)
    assert (pair.first, pair.second, pair.lesions, pair.same_use, pair.contours) == ("ann", "ben", 4, 3, 3)
    assert pair.dice == pytest.approx((2 * 400 / 1000, 2 * 200 / 600, 1.0))
    assert pair.area_icc == pytest.approx(icc(np.array([[400.0, 600.0], [400.0, 200.0], [400.0, 400.0]])))


def test_a_contour_that_is_not_there_any_more_is_not_compared(tmp_path):
    write_mask(tmp_path / "masks/a.png", rectangle(30, 30))  # redrawn since
    accepted = review("a", "ann", "accepted", rectangle(20, 20))
    (pair,) = agreements(tmp_path, tmp_path / "masks", [accepted, replace(accepted, reader="ben", counts="no")])
    assert (pair.lesions, pair.same_use, pair.contours, pair.dice) == (1, 1, 0, ())
    write_mask(tmp_path / "drawn/a.png", rectangle(20, 20))
    (pair,) = agreements(tmp_path, tmp_path / "masks", [accepted, replace(accepted, reader="ben", counts="no")])
    assert pair.dice == (1.0,)
