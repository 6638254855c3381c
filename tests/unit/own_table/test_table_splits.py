"""Splits by patient, drawn or given."""

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.params import Split
from radprompt.own_table.splits import assign, read_splits

SPLIT = Split(test_fraction=0.3, validation_fraction=0.2)


def about(patients=40, cases=2, sites=("A",)):
    rows = [
        (f"{site}{patient}", site, int(patient % 3 == 0))
        for site in sites
        for patient in range(patients)
        for _ in range(cases)
    ]
    return pd.DataFrame(rows, columns=["patient", "site", "label"])


def test_a_patients_cases_stay_together_and_both_classes_are_everywhere():
    table = about(sites=("A", "B"))
    split, notes = assign(table, None, SPLIT, 1)
    assert notes == []
    assert (split.groupby(table["patient"]).nunique() == 1).all()
    for site in ("A", "B"):
        own = split[table["site"] == site]
        assert own.value_counts().to_dict() == {"train": 44, "test": 24, "val": 12}
        assert all(table.loc[own.index[own == role], "label"].nunique() == 2 for role in ("train", "val", "test"))


def test_the_draw_hangs_on_the_seed_alone():
    table = about()
    split, _ = assign(table, None, SPLIT, 1)
    turned, _ = assign(table.iloc[::-1], None, SPLIT, 1)
    pd.testing.assert_series_equal(turned.sort_index(), split)
    assert not assign(table, None, SPLIT, 2)[0].equals(split)


def test_words_of_a_split_column():
    words = pd.Series(["Train", "training", "Validation", "dev", "TEST"], name="fold")
    assert read_splits(words, "t.csv").tolist() == ["train", "train", "val", "val", "test"]
    for wrong, message in (("fold1", "split 'fold1'"), (None, "no split")):
        with pytest.raises(InputError, match=f"t.csv, row 1, column 'fold': {message}"):
            read_splits(pd.Series(["train", wrong], name="fold", dtype=object), "t.csv")


def test_given_splits_without_validation_get_some_from_the_training_patients():
    table = about()
    given = pd.Series(["test" if int(name[1:]) >= 30 else "train" for name in table["patient"]])
    split, notes = assign(table, given, SPLIT, 1)
    assert (split[given == "test"] == "test").all()
    assert split.value_counts().to_dict() == {"train": 48, "test": 20, "val": 12}
    assert notes == ["Site A has no validation cases: 12 were drawn from its training patients."]
    assert given.value_counts().to_dict() == {"train": 60, "test": 20}, "the column is left as it was"


def test_a_patient_on_two_sides_of_a_given_split_is_refused():
    table = about(cases=2)
    given = pd.Series(["train", "test"] * 40)
    with pytest.raises(InputError, match="patient 'A0' is in more than one split: test, train"):
        assign(table, given, SPLIT, 1)


def test_a_patient_at_two_sites_is_refused():
    table = about(sites=("A", "B")).replace({"B7": "A7"})
    with pytest.raises(InputError, match="patient 'A7' is in more than one site: A, B"):
        assign(table, None, SPLIT, 1)


@pytest.mark.parametrize("role", ["train", "test"])
def test_given_splits_of_one_class_are_refused(role):
    table = about(cases=1)
    other = {"train": "test", "test": "train"}[role]
    given = pd.Series([other if label else role for label in table["label"]])
    given[:6] = "val"
    given[table.index[table["label"] == 0][4:8]] = other
    with pytest.raises(InputError, match=f"the {role} cases of site 'A' are of one class only"):
        assign(table, given, SPLIT, 1)


def test_validation_cases_of_one_class_are_told():
    table = about(cases=1)
    given = pd.Series(["train", "test"] * 20)
    given[[1, 2, 4]] = "val"
    assert assign(table, given, SPLIT, 1)[1] == [
        "At site A, the validation cases are of one class only: no threshold can be chosen on them."
    ]


@pytest.mark.parametrize(("patients", "message"), [(1, "1 patients, 1 of them"), (5, "3 patients, 1 of them")])
def test_a_tiny_table_is_refused_with_its_counts(patients, message):
    with pytest.raises(InputError, match=message):
        assign(about(patients), None, SPLIT, 1)
