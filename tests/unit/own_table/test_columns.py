"""Numbers, categories, and what is neither."""

import pandas as pd
import pytest

from radprompt.own_table.columns import judge


def column(cells, name="area"):
    return pd.Series(cells, index=range(1, len(cells) + 1), name=name, dtype=object)


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2.5"],
        ["-1e-3", "+.5", None],
        ["3.", "1E6"],
        ["0", "1"],
        ["00012", "7"],
        ["1.234.5".replace(".5", ""), "2"],
    ],
)
def test_numbers(cells):
    assert judge(column(cells)) == "number"


@pytest.mark.parametrize(
    "cells",
    [
        ["oval", "round", None],
        ["yes", "no"],
        ["True", "False"],
        ["4a", "4b", "3"],
        ["rund", "länglich"],
        ["1/2", "2/3"],
    ],
)
def test_categories(cells):
    assert judge(column(cells)) == "category"


def test_codes_are_categories_when_the_user_says_so():
    assert judge(column(["1", "2", "1,5"]), category=True) == "category"


@pytest.mark.parametrize("odd", ["<0.1", "5 mm", "inf", "1_000", "12%", "-", "n.d."])
def test_a_word_among_numbers_is_refused_with_its_row(odd):
    fault = judge(column(["1", "2", odd, "3"]))
    assert fault.place == "row 3, column 'area'"
    assert fault.what.startswith(f"{odd!r} is not a number, but 3 of the column's 4 values are")


def test_a_word_beside_numbers_is_a_code_however_often_it_occurs():
    fault = judge(column(["-"] * 90 + ["1.5", "2.5", "3", "4", "5", "6.25"]))
    assert fault.options == {"missing": ["area=-"]}
    assert "--missing area=-" in fault.advice
    assert judge(column(["1", "2", "3", "4a", "4b"] * 5)) != "number"


@pytest.mark.parametrize("cell", ["1e999", "1.7976931348623157e+308", "-3.4028235e38"])
def test_a_number_that_nothing_measures_is_asked_about(cell):
    fault = judge(column(["1", cell, "2", cell]))
    assert fault.place == "row 2, column 'area'"
    assert "2 of 4 values are" in fault.what
    assert fault.options == {"missing": [cell]}


@pytest.mark.parametrize(
    "cells",
    [
        [f"patient {number}" for number in range(31)] * 4,  # more values than a category has
        [f"about {day:02d} times" for day in range(1, 13)],  # more than half are different
        ["a", "b", "x" * 81],
    ],
)
def test_free_text_is_refused(cells):
    fault = judge(column(cells, "a remark"))
    assert "free text, dates or identifiers" in fault.what
    assert "--ignore 'a remark'" in fault.advice
    assert fault.options == {"ignore": ["a remark"]}


def test_numbers_in_a_form_that_is_not_read_are_called_so():
    fault = judge(column([f"€{n}.25" for n in range(40)]))
    assert "numbers in a form that is not read, such as '€0.25'" in fault.what


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (["<0.30", "haemolytic"], "a limit"),
        (["5 %"], "a unit that other cells lack"),
        (["05. Mrz", "12. Jan"], "a date, as spreadsheets make of numbers"),
        (["3-May"], "a date, as spreadsheets make of numbers"),
        (["(12.3)"], "in brackets, as accounting has negative numbers"),
    ],
)
def test_odd_words_are_all_named_with_what_they_look_like(odd, said):
    fault = judge(column([*odd, *map(str, range(40))]))
    assert all(repr(word) in fault.what for word in odd)
    assert said in fault.what
    assert fault.options == {"missing": [f"area={word}" for word in odd]}
    assert "--category" not in fault.advice


@pytest.mark.parametrize("cells", [["055Y", "007M", "061Y"], ["18.1 mm", "2.4 cm", "17 mm"]])
def test_two_units_in_a_column_are_called_so(cells):
    fault = judge(column(cells * 20))
    assert f"{cells[0]!r} and {cells[1]!r} have different units" in fault.what
