"""Which cases of which site teach, and which test."""

import pandas as pd
import pytest

from radprompt.own_table.lessons import Lesson, first_lesson, members, other_lessons, slug
from radprompt.own_table.params import Adaptation


def about(positive: int = 12, cases: int = 30) -> pd.DataFrame:
    rows = [
        (f"{site}{role}{n:02d}", site, role, int(n < positive))
        for site in ("A", "B")
        for role in ("train", "val", "test")
        for n in range(cases)
    ]
    return pd.DataFrame(rows, columns=["case", "site", "split", "label"])


def test_lessons_of_none_some_and_all_cases():
    lessons, notes = other_lessons(about(), ["A", "B"], Adaptation(cases=[20, 10, 30], draws=2))
    assert [(lesson.setting, lesson.cases, lesson.draw) for lesson in lessons] == [
        ("B_0_cases", 0, 0),
        ("B_10_cases", 10, 0),
        ("B_10_cases", 10, 1),
        ("B_20_cases", 20, 0),
        ("B_20_cases", 20, 1),
        ("B_all_cases", None, 0),
    ]
    assert notes == ["Site B has 30 training cases: no lesson of 30."]
    assert first_lesson(["A", "B"]) == Lesson("A", "A", None, 0)
    assert other_lessons(about(), ["A"], Adaptation(cases=[10], draws=2)) == ([], [])


def test_a_class_too_rare_for_few_cases_is_told():
    lessons, notes = other_lessons(about(positive=2), ["A", "B"], Adaptation(cases=[10, 20], draws=1))
    assert [lesson.cases for lesson in lessons] == [0, 20, None]
    assert notes == ["At site B, 10 cases would hold one class only: no lesson of so few."]


def test_few_cases_hold_the_classes_shares_and_are_among_the_more():
    ten, twenty, other = (
        members(Lesson("B", "B", count, draw), about(), 1) for count, draw in ((10, 0), (20, 0), (10, 1))
    )
    for lesson, count in ((ten, 10), (twenty, 20)):
        train = lesson[lesson["split"] == "train"]
        assert len(train) == count
        assert abs(train["label"].sum() - 0.4 * count) <= 1
        assert lesson["split"].value_counts().to_dict() == {"test": 30, "train": count}
    assert set(ten["case"]) < set(twenty["case"])
    assert set(ten["case"]) != set(other["case"])
    assert set(ten["site"]) == {"B"}


def test_all_and_no_cases():
    whole = members(Lesson("B", "B", None, 0), about(), 1)
    assert whole["split"].tolist() == ["train"] * 30 + ["val"] * 30 + ["test"] * 30
    assert members(Lesson("B", "B", 0, 0), about(), 1)["split"].unique().tolist() == ["test"]


@pytest.mark.parametrize(
    ("sites", "names"),
    [
        (["St. Mary's", "München"], ["St_Mary_s", "München"]),
        (["A/B", "A B"], ["A_B_1", "A_B_2"]),
        (["??"], ["site"]),
    ],
)
def test_names_of_sites_in_files(sites, names):
    assert [slug(site, sites) for site in sites] == names
