"""Agreement of readers."""

from dataclasses import replace

import numpy as np
import pytest

from radprompt.mammograms.imaging.contours import write_mask
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.mammograms.segmentation.agreement import agreements, corrections
from radprompt.tables.reviews import Review


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
    assert (pair.first, pair.second, pair.lesions, pair.same_use) == ("ann", "ben", 4, 3)
    assert [each.lesion_id for each in pair.contours] == ["a", "b", "c"]
    assert [each.dice() for each in pair.contours] == pytest.approx([2 * 400 / 1000, 2 * 200 / 600, 1.0])
    assert corrections(folder, reviews) == []  # none of ben's counts


def test_a_contour_that_is_not_there_any_more_is_not_compared(tmp_path):
    write_mask(tmp_path / "masks/a.png", rectangle(30, 30))  # redrawn since
    accepted = review("a", "ann", "accepted", rectangle(20, 20))
    (pair,) = agreements(tmp_path, tmp_path / "masks", [accepted, replace(accepted, reader="ben", counts="no")])
    assert (pair.lesions, pair.same_use, pair.contours) == (1, 1, ())
    write_mask(tmp_path / "drawn/a.png", rectangle(20, 20))
    (pair,) = agreements(tmp_path, tmp_path / "masks", [accepted, replace(accepted, reader="ben", counts="no")])
    assert [each.dice() for each in pair.contours] == [1.0]


def test_a_correction_that_counts_is_compared_with_what_was_drawn(tmp_path):
    write_mask(tmp_path / "drawn/a.png", rectangle(20, 20))
    write_mask(tmp_path / "a.png", rectangle(20, 30))
    write_mask(tmp_path / "b.png", rectangle(20, 30))  # put there by hand: nothing drawn is left
    reviews = [review(name, "ann", "corrected", rectangle(20, 20)) for name in "ab"]
    (found,) = corrections(tmp_path, reviews)
    assert (found.lesion_id, found.dice()) == ("a", pytest.approx(2 * 400 / 1000))
