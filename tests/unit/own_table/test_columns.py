"""Numbers, categories, and what is neither."""

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.columns import kind_of


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
    assert kind_of(column(cells), "t.csv") == "number"


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
    assert kind_of(column(cells), "t.csv") == "category"


def test_codes_are_categories_when_the_user_says_so():
    assert kind_of(column(["1", "2", "1,5"]), "t.csv", category=True) == "category"


@pytest.mark.parametrize(
    "cells", [["1,5", "2,25"], ["1,5", "2"], ["1,234", "2,345"], ["1.234,5", "2"], ["1.234.567", "8"], ["-0,5", None]]
)
def test_decimal_commas_are_refused_with_a_hint(cells):
    with pytest.raises(InputError) as error:
        kind_of(column(cells), "t.csv")
    assert "t.csv, row 1, column 'area': " in str(error.value)
    assert "decimal comma" in str(error.value)
    assert "decimal point" in error.value.fix
    assert "--category 'area'" in error.value.fix


@pytest.mark.parametrize("odd", ["<0.1", "5 mm", "inf", "1_000", "\u22125", "12%"])
def test_a_word_among_numbers_is_refused_with_its_row(odd):
    with pytest.raises(InputError) as error:
        kind_of(column(["1", "2", odd, "3"]), "t.csv")
    assert f"t.csv, row 3, column 'area': {odd!r} is no number, but 3 of the column's 4 values are" in str(error.value)


def test_a_number_too_large_is_refused():
    with pytest.raises(InputError, match="row 2, column 'area': 1e999 is too large"):
        kind_of(column(["1", "1e999"]), "t.csv")


@pytest.mark.parametrize(
    "cells",
    [
        [f"patient {number}" for number in range(31)] * 4,  # more values than a category has
        [f"2024-01-{day:02d}" for day in range(1, 13)],  # more than half are different
        ["a", "b", "x" * 81],
    ],
)
def test_free_text_dates_and_identifiers_are_refused(cells):
    with pytest.raises(InputError, match="free text, dates or identifiers") as error:
        kind_of(column(cells, "remark"), "t.csv")
    assert "--ignore 'remark'" in error.value.fix
