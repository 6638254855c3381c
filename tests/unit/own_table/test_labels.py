"""Which label counts as 1."""

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.labels import label_key, read_labels


def labels(values, positive=None):
    return read_labels(pd.Series(values, name="diagnosis", dtype=object), positive, "t.csv")


@pytest.mark.parametrize(
    ("values", "classes", "codes"),
    [
        (["0", "1", "1"], ("0", "1"), [0, 1, 1]),
        (["1.0", "0", "1"], ("0", "1.0"), [1, 0, 1]),
        (["M", "B", "b"], ("B", "M"), [1, 0, 0]),
        (["Malignant", "benign"], ("benign", "Malignant"), [1, 0]),
        (["no", "YES", "No"], ("no", "YES"), [0, 1, 0]),
        (["TRUE", "false"], ("false", "TRUE"), [1, 0]),
        (["control", "case"], ("control", "case"), [0, 1]),
        (["Maligno", "Benigno"], ("Benigno", "Maligno"), [1, 0]),
        (["bénin", "malin"], ("bénin", "malin"), [0, 1]),
        (["bösartig", "gutartig"], ("gutartig", "bösartig"), [1, 0]),
        (["恶性", "良性"], ("良性", "恶性"), [1, 0]),
    ],
)
def test_plain_pairs_need_no_word(values, classes, codes):
    found = labels(values)
    assert found.classes == classes
    assert found.codes.tolist() == codes


@pytest.mark.parametrize(
    "values",
    [
        *(["1234567", "1234568"], ["9" * 31 + "1", "9" * 31 + "2"], ["0.1234567", "0.1234568"]),
        *(["72e996", "07e994"], ["1.1", "1.10"]),
    ],
)
def test_long_numbers_and_names_with_an_e_are_told_apart(values):
    assert len({label_key(value) for value in values}) == 2


@pytest.mark.parametrize(
    "spellings", [["7", "7.0", "007", "+7"], ["0", "-0", "0.00"], ["Left", "left "], ["-1.0", "-1"]]
)
def test_spellings_of_one_value_are_one(spellings):
    assert len({label_key(value) for value in spellings}) == 1


@pytest.mark.parametrize(("positive", "codes"), [("1", [1, 0]), (2, [0, 1]), ("2.0", [0, 1])])
def test_what_is_not_plain_is_said(positive, codes):
    assert labels(["1", "2"], positive).codes.tolist() == codes


def test_the_user_may_turn_a_plain_pair_round():
    found = labels(["benign", "malignant"], "BENIGN")
    assert found.classes == ("malignant", "benign")
    assert found.codes.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "positive", "message"),
    [
        (["1", "2"], None, "which of '1' and '2' counts as 1"),
        (["luminal", "basal"], None, "--positive 'basal' or --positive 'luminal'"),
        (["benign", "malignant"], "M", "no case is 'M'"),
        (["benign", "Benign"], None, "every case is 'benign'"),
        (
            ["a", "b", "c", "c"],
            None,
            "3 different values, and only two classes are supported so far: a (1), b (1), c (2)",
        ),
        ([str(n) for n in range(9)], None, "9 different values"),
    ],
)
def test_what_leaves_it_open_is_refused(values, positive, message):
    with pytest.raises(InputError) as error:
        labels(values, positive)
    assert message in str(error.value)
    assert "t.csv, column 'diagnosis'" in str(error.value)
