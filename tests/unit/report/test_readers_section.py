"""The report says who looked at contours, and how far readers agree."""

import re
from html import unescape

import numpy as np
import pandas as pd

from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.mammograms.imaging.contours import read_mask, write_mask
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.readers import readers
from radprompt.tables.reviews import Review, to_frame

TIME = "2026-11-30T08:00:00+00:00"


def reviewed(repository):
    """Two readers on one lesion of VinDr, the first on another one as well; what the second drew is a shift."""
    folder, masks = repository / "data/review/vindr_mammo", repository / "data/masks/vindr_mammo"
    first, second, *_ = sorted(path.stem for path in masks.iterdir())
    drawn = read_mask(masks / f"{first}.png")
    write_mask(folder / f"readers/ben/{first}.png", np.roll(drawn, 1, axis=1))
    rows = [
        Review(first, "ann", "accepted", "", "yes", TIME, "1.0000", "600", "4000", mask_digest(drawn)),
        Review(second, "ann", "unusable", "Motion <blur>", "yes", TIME, "", "", "8000", ""),
        Review(first, "ben", "corrected", "", "no", TIME, "0.9321", "500", "21000", mask_digest(drawn)),
    ]
    write_csv(folder / "reviews.csv", to_frame(rows))
    both = 2 * (drawn & np.roll(drawn, 1, axis=1)).sum() / (2 * drawn.sum())
    return f"{both:.3f}"


def test_without_reviews_the_page_is_silent(repository, settings):
    assert readers(Reader(repository), settings) == []
    assert "Readers of" not in build(repository, load_params(repository / "params.yaml"))


def test_decisions_are_counted_once_a_lesion_and_listed_by_reader(repository, settings):
    dice = reviewed(repository)
    reader = Reader(repository)
    (found,) = readers(reader, settings)
    assert (found["lesions"], found["accepted"], found["corrected"], found["unusable"]) == (2, 1, 0, 1)
    table = pd.DataFrame(found["readers"]).set_index("name")
    assert table.loc["ann"].to_dict() == {
        "lesions": 2, "accepted": 1, "corrected": 0, "unusable": 1, "dice": "\N{EN DASH}", "seconds": "6"
    }  # fmt: skip
    assert table.loc["ben", ["corrected", "dice", "seconds"]].tolist() == [1, "0.932", "21"]
    (pair,) = found["pairs"]
    assert (pair["names"], pair["lesions"], pair["same_use"], pair["contours"]) == ("ann and ben", 1, 1, 1)
    assert (pair["dice"], pair["icc"]) == (dice, "\N{EN DASH}")
    assert "data/review/vindr_mammo/reviews.csv" in reader.digests


def test_the_page_shows_them(repository):
    dice = reviewed(repository)
    text = build(repository, load_params(repository / "params.yaml")).audit
    section = text[text.index('<section id="segmentation">') :]
    section = unescape(re.sub(r"<[^>]+>|\s+", " ", section[: section.index("</section>")]))
    section = re.sub(r"\s+", " ", section)
    assert "2 contours were looked at: 1 accepted, 0 corrected, 1 found unusable" in section
    assert f"ann and ben 1 1 1 {dice} {dice}" in section
