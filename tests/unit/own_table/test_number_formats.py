"""Numbers in another dress: the same values come out, and it is said."""

import numpy as np
import pandas as pd
import pytest

from radprompt.own_table.number_formats import Written, rewrite

VALUES = [0.1257, 1.304, -2.325, 1234.5, -0.0004, 987654.25, 12.0]


def thousands(separator, decimal):
    return lambda value: f"{value:,.4f}".replace(",", "_").replace(".", decimal).replace("_", separator)


def read(cells, decimal=None, **others):
    table = pd.DataFrame({"area": cells, **others}, dtype=object)
    return rewrite(table, list(table), decimal)


@pytest.mark.parametrize(
    "written",
    [
        lambda value: f"{value:.4f}".replace(".", ","),
        lambda value: f"{value:.8E}".replace(".", ","),
        thousands(".", ","),
        thousands(",", "."),
        thousands(" ", ","),
        thousands("'", "."),
        thousands("\u2019", "."),
        *(lambda value, minus=minus: f"{value:.4f}".replace("-", minus) for minus in "\u2212\u2013\u2010\uff0d"),
        lambda value: f"{value:.4f}".replace("-", "\u2212").replace(".", ","),
        lambda value: f"{value:.4f}%",
        lambda value: f"{value:.4f} %".replace(".", ","),
        lambda value: f"{value:.4f} mm",
        lambda value: f"{value:.4f} mm\u00b2",
        lambda value: f"{value:.4f}\u339c",
        lambda value: f"{value:.4f} HU",
        lambda value: f"{value / 100:.8f}\u00d710^2",
        lambda value: f"{value / 100:.8f} \u00b7 10\u00b2",
        lambda value: f"{value:.8E}".replace("E", "D"),
        lambda value: f'="{value:.4f}"',
        lambda value: f"'{value:.4f}",
        lambda value: f"{abs(value):.4f}" + "-" * (value < 0),
        lambda value: f"[{value:.4f}]",
        lambda value: f"array({value:.4f})",
        lambda value: f"tensor({value:.4f}, device='cuda:0')",
        lambda value: f"{value:.4f}".translate({ord("0") + n: chr(0xFF10 + n) for n in range(10)}),
    ],
)
def test_what_is_unambiguous_is_read_and_said(written):
    found = read([written(value) for value in VALUES] + [None])
    assert found.faults == []
    assert len(found.notes) == 1
    np.testing.assert_allclose(found.cells["area"].iloc[:-1].astype(float), VALUES, atol=1e-9)
    assert found.cells["area"].iloc[-1] is None


def test_points_and_commas_in_a_column_are_read_where_each_number_has_one_reading():
    found = read(["0,57949", "0.64588", "12", "-3.25", "1.234.567,5"])
    assert found.cells["area"].tolist() == ["0.57949", "0.64588", "12", "-3.25", "1234567.5"]
    assert "points and commas" in found.notes[0]


def test_plain_numbers_and_words_stay_as_they_are():
    cells = ["1.234", "0.5", "-1e-3", "12", ".5", "7."]
    words = ["oval", "round", "T1a", "1/2", "<0.1", "2024-01-05"]
    found = read(cells, shape=words)
    assert found.notes == []
    assert found.cells["area"].tolist() == cells
    assert found.cells["shape"].tolist() == words


def test_the_table_settles_what_a_column_leaves_open():
    german = read(["1,234", "2,345"], other=["0,5", "1,25"])
    assert german.cells["area"].tolist() == ["1.234", "2.345"]
    english = read(["1,234", "2,345"], other=["0.5", "1.25"])
    assert english.cells["area"].tolist() == ["1234", "2345"]
    assert "commas between thousands" in english.notes[0]


def test_what_stays_open_is_asked_with_the_option_that_settles_it():
    found = read(["1,234", "2,345"])
    assert found.faults[0].what == "'1,234' may be 1.234 or 1234"
    assert set(found.faults[0].options) == {"decimal"}
    assert read(["1,234", "2,345"], ",").cells["area"].tolist() == ["1.234", "2.345"]
    assert read(["1,234", "2,345"], ".").cells["area"].tolist() == ["1234", "2345"]


@pytest.mark.parametrize("others", [{}, {"text": ["a"] * 12}])
def test_points_that_may_stand_between_thousands_are_asked_about(others):
    cells = ["949", "848", "1.093", "1.368", "777", "1.044", "690", "1.204", "1.101", "812", "1.300", "905"]
    found = read(cells, **others)
    assert found.faults[0].what == "'1.093' may be 1.093 or 1093"
    assert "--decimal ." in found.faults[0].advice
    assert read(cells, ",").cells["area"].tolist()[:3] == ["949", "848", "1093"]
    assert read(cells, ".").cells["area"].tolist() == cells
    assert read(cells, mean=["0.5"] * 12).cells["area"].tolist() == cells  # the table has decimal points
    assert read([*cells[:-1], "905.5"]).cells["area"].tolist()[2] == "1.093"


def test_what_a_table_leaves_open_is_read_as_in_the_models_table():
    table = pd.DataFrame({"area": ["1.084", "3.127"]}, dtype=object)
    for mark, first in ((",", "1084"), (".", "1.084"), ("", "1.084")):
        assert rewrite(table, ["area"], None, {"area": Written(mark, "")}).cells["area"].iloc[0] == first
    assert rewrite(table, ["area"], ".", {"area": Written(",", "")}).cells["area"].iloc[0] == "1.084"


def test_two_marks_in_a_column_are_a_fault():
    assert read(["1,5", "2.5", "1,234"]).faults[0].what == "'1,5' has a decimal comma, '2.5' a decimal point"


def test_two_units_and_some_units_are_left_to_the_check():
    for cells in (["1.5 mm", "2.5 cm"], ["1.5%", "2.5"]):
        assert read(cells).cells["area"].tolist() == cells


def test_a_word_after_every_number_is_a_unit():
    cells = pd.DataFrame({"age": [f"{n} ans" for n in (34, 51, 78)], "x": ["3 left", "2 right", "1 left"]})
    found = rewrite(cells, list(cells), None)
    assert found.cells["age"].tolist() == ["34", "51", "78"]
    assert found.cells["x"].tolist() == cells["x"].tolist()
