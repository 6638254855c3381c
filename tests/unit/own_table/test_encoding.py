"""z-scores, words and numbers from a table with categories and missing values."""

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import Prompt
from radprompt.own_table.encoding import Encoder, typed
from radprompt.study.sentences import closings, render_frame

TRAIN = pd.DataFrame(
    {
        "area": [1.0, 3.0, np.nan, 5.0],
        "shape": ["oval", None, "round", "oval"],
        "side": ["L", "R", "L", "R"],
        "empty": [np.nan] * 4,
    },
    index=["a", "b", "c", "d"],
)
NEW = pd.DataFrame(
    {"area": [np.nan, 7.0], "shape": ["spiky", "oval"], "side": ["R", None], "empty": [1.0, 2.0]}, index=["e", "f"]
)


@pytest.fixture
def encoder():
    return Encoder.fit(TRAIN)


def test_missing_numbers_count_as_the_training_median(encoder):
    assert encoder.features == ("area", "shape", "side")
    assert encoder.medians == (3.0,)
    assert encoder.scaler.mean == (3.0,)  # of 1, 3, 3, 5
    assert encoder.scaler.sd == pytest.approx((np.sqrt(2),))
    assert encoder.flagged == ("area", "shape")
    assert encoder.levels == {"shape": ["oval", "round"], "side": ["L", "R"]}
    assert encoder.scaler.fitted_on == ("a", "b", "c", "d")


def test_a_prompt_says_what_is_missing_and_names_categories(encoder):
    words = encoder.words(encoder.transform(NEW), ["shape", "area", "side"])
    prompts = render_frame(words, Prompt(instruction="Classify."))
    assert prompts == [
        "Classify. The 'area' feature is missing . The 'shape' feature is spiky . The 'side' feature is R .",
        "Classify. The 'area' feature is measured at 2.828 . The 'shape' feature is oval . "
        "The 'side' feature is missing .",
    ]
    ends = closings(prompts[0])
    assert [prompts[0][:end].rsplit("The ", 1)[1] for end in ends] == [
        "'area' feature is missing .",
        "'shape' feature is spiky .",
        "'side' feature is R .",
    ]


def test_raw_values_come_back_as_measured(encoder):
    raw = encoder.inverse_transform(encoder.transform(NEW))
    assert raw["area"].isna().tolist() == [True, False]
    assert raw["area"].iloc[1] == pytest.approx(7)
    assert raw["shape"].tolist() == ["spiky", "oval"]


def test_baselines_get_one_column_a_category_and_a_flag_where_values_were_missing(encoder):
    matrix = encoder.matrix(encoder.transform(NEW), ["side", "area", "shape"])
    expected = pd.DataFrame(
        {
            "side R": [1.0, 0.0],  # of two values one column, never missing in training: no flag
            "area": [0.0, 4 / np.sqrt(2)],
            "area missing": [1.0, 0.0],
            "shape round": [0.0, 0.0],
            "shape missing": [0.0, 0.0],
        },
        index=["e", "f"],
    )
    pd.testing.assert_frame_equal(matrix, expected)
    shown = encoder.matrix(encoder.transform(NEW), ["area"], {"area": "Feature A"})
    assert list(shown) == ["Feature A", "Feature A missing"]
    third = TRAIN.assign(shape=["oval", "spiky", "round", "oval"])
    encoder = Encoder.fit(third)
    assert encoder.matrix(encoder.transform(NEW), ["shape"]).to_numpy().tolist() == [[0, 0, 1], [1, 0, 0]]


def test_a_category_alone_and_a_number_alone_are_enough():
    for name in ("area", "shape"):
        encoder = Encoder.fit(TRAIN[[name]])
        matrix = encoder.matrix(encoder.transform(NEW), [name])
        assert np.isfinite(matrix.to_numpy()).all()


def test_two_columns_of_one_name_are_refused():
    train = TRAIN.assign(**{"shape round": [1.0, 2.0, 3.0, 4.0]})
    encoder = Encoder.fit(train)
    with pytest.raises(InputError, match="'shape round' is both a column and a value of a category"):
        encoder.matrix(encoder.transform(train), encoder.features)


def test_a_training_set_without_values_is_refused():
    with pytest.raises(InputError, match="no feature has a value"):
        Encoder.fit(TRAIN[["empty"]])


def test_saved_and_loaded_it_says_the_same(encoder, tmp_path):
    encoder.save(tmp_path / "encoder.json")
    assert Encoder.load(tmp_path / "encoder.json") == encoder
    (tmp_path / "encoder.json").write_text("{}")
    with pytest.raises(InputError, match="not a record of columns"):
        Encoder.load(tmp_path / "encoder.json")


def test_text_becomes_numbers_where_a_column_holds_them():
    cells = pd.DataFrame({"area": ["1.5", "", None], "code": ["1", "", None]}, dtype=object)
    values = typed(cells, {"area"})
    assert values["area"].dtype == float
    assert values["area"].tolist()[0] == 1.5
    assert values.isna().to_numpy().tolist() == [[False, False], [True, True], [True, True]]
    assert values["code"].iloc[0] == "1"
