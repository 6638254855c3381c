"""Cells become numbers: categories a column of 0 and 1 for each value, and names that meet no other column's."""

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.applying import unknown_levels
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import encode, feature_name


def column(name, kind="number", levels=(), *, clinical=False):
    return Column(name, name, kind, list(levels), 0, ["table"], clinical)


def test_categories_get_a_column_a_value_and_of_two_values_one():
    cells = pd.DataFrame(
        {"area": ["1.5", None, "3"], "sex": ["f", "m", None], "shape": ["oval", "round", "new"]}, index=[1, 2, 3]
    )
    columns = [column("area"), column("sex", "category", "fm"), column("shape", "category", ["lobed", "oval", "round"])]
    found = encode(cells, columns)
    assert list(found) == ["area", "sex: m", "shape: lobed", "shape: oval", "shape: round"]
    np.testing.assert_array_equal(found["area"], [1.5, np.nan, 3])
    np.testing.assert_array_equal(found["sex: m"], [0, 1, np.nan])
    np.testing.assert_array_equal(found["shape: oval"], [1, 0, np.nan])  # a value that training did not have is missing


def test_features_may_be_called_like_our_own_columns():
    assert feature_name(column("split")) == "split (measured)"
    assert feature_name(column("lesion_id")) == "lesion id"
    assert feature_name(column("glcm_Idm")) == "glcm Idm"
    assert feature_name(column("age", clinical=True)) == "clinical: age"
    assert feature_name(column("Margin", "category"), "spiculated") == "Margin: spiculated"


def test_two_columns_of_one_feature_are_refused():
    shapes = [column("Shape", "category", ["lobed", "oval", "round"]), column("Shape: oval")]
    cells = pd.DataFrame({"Shape": ["oval", "round"], "Shape: oval": ["1", "2"]})
    with pytest.raises(InputError, match="columns 'Shape' and 'Shape: oval' would both be the feature 'Shape: oval'"):
        encode(cells, shapes)


def test_values_that_a_category_did_not_have_are_named() -> None:
    margin = Column("Margin", "margin", "category", ["round", "spiculated"], 0, ["table"], clinical=False)
    size = Column("Size", "size", "number", [], 0, ["table"], clinical=False)
    cells = pd.DataFrame({"margin": ["round", "lobed", None, "lobed"], "size": ["1", "2", "3", "4"]})
    assert unknown_levels(cells, [margin, size]) == [
        "column 'margin': 'lobed' in 2 rows is none of the values that the model learned ('round', 'spiculated') and "
        "counts as missing"
    ]
    assert encode(cells, [margin])["Margin: spiculated"].isna().tolist() == [False, True, True, True]
    assert unknown_levels(cells.iloc[[0]], [margin, size]) == []
