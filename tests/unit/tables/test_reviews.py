"""The table of readers' decisions."""

from dataclasses import replace

import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.tables.reviews import Review, counted_reviews, fault_of_reason, read_reviews, to_frame

GOOD = Review("a", "ann", "accepted", "", "yes", "2026-11-30T08:00:00+00:00", "1.0000", "600", "1500", "0" * 16)
UNUSABLE = replace(GOOD, lesion_id="b", decision="unusable", reason="Motion blur", dice="", area_px="")
CORRECTED = replace(GOOD, lesion_id="c", decision="corrected", dice="0.9123")


def written(folder, *reviews):
    write_csv(folder / "reviews.csv", to_frame(reviews))
    return folder


def test_what_is_written_is_read(tmp_path):
    assert read_reviews(tmp_path) == []
    assert read_reviews(written(tmp_path, UNUSABLE, GOOD)) == [GOOD, UNUSABLE]
    first = (tmp_path / "reviews.csv").read_bytes()
    written(tmp_path, GOOD, UNUSABLE)
    assert (tmp_path / "reviews.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (replace(GOOD, reader="../x"), "reader '../x' is not a name"),
        (replace(GOOD, decision="maybe"), "decision 'maybe' is not one of accepted, corrected, unusable"),
        (replace(GOOD, reason="Because"), "a reason beside accepted"),
        (replace(UNUSABLE, reason=""), "no reason is given"),
        (replace(UNUSABLE, reason="=cmd()"), "does not begin with a letter or digit"),
        (replace(GOOD, counts="1"), "counts '1' is not yes or no"),
        (replace(GOOD, time="yesterday"), "time 'yesterday' is not ISO 8601"),
        (replace(GOOD, dice="1.2"), "dice '1.2' is not a number from 0 to 1"),
        (replace(GOOD, dice="nan"), "dice 'nan' is not a number from 0 to 1"),
        (replace(GOOD, milliseconds="-3"), "milliseconds '-3' is not a number"),
        (replace(GOOD, area_px=""), "area_px '' is not a number"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, said):
    with pytest.raises(InputError) as refused:
        read_reviews(written(tmp_path, row))
    assert f"row 1 ({row.lesion_id}): " in refused.value.what
    assert said in refused.value.what


def test_all_faults_are_said_at_once(tmp_path):
    rows = [replace(GOOD, reader=reader) for reader in ("ann", "ANN", "ben")]
    with pytest.raises(InputError) as refused:
        read_reviews(written(tmp_path, *rows, replace(UNUSABLE, reason="")))
    said = refused.value.what.split("; ")
    assert [line.partition(" (")[0] for line in said] == ["row 2", "row 2", "row 3", "row 4"]
    assert "has decided on this lesion in an earlier row" in said[1] + said[0]
    assert "counts already" in said[2]


def test_a_table_without_its_columns_is_refused(tmp_path):
    (tmp_path / "reviews.csv").write_text("lesion_id,reader\na,ann\n")
    with pytest.raises(InputError, match="'decision'"):
        read_reviews(tmp_path)


def test_the_decision_that_counts_is_one_a_lesion(tmp_path):
    second = replace(GOOD, reader="ben", decision="unusable", reason="Not a mass", counts="no", dice="", area_px="")
    counted = counted_reviews(written(tmp_path, GOOD, second, CORRECTED), ["a", "c"], ["c"])
    assert {name: review.reader for name, review in counted.items()} == {"a": "ann", "c": "ann"}


def test_a_decision_without_its_lesion_or_mask_is_refused(tmp_path):
    with pytest.raises(InputError) as refused:
        counted_reviews(written(tmp_path, GOOD, UNUSABLE, CORRECTED), ["a", "c"], ["a"])
    assert refused.value.what.split("; ") == [
        "a: accepted by ann, but there is a a.png",
        "b: no contour is drawn of a lesion of this name",
        "c: corrected by ann, but there is no c.png",
    ]


@pytest.mark.parametrize(
    ("reason", "good"), [("Motion blur", True), ("3 clips over it", True), ("-1", False), ("a\tb", False)]
)
def test_reasons_are_plain_text(reason, good):
    assert (fault_of_reason(reason) == "") == good
