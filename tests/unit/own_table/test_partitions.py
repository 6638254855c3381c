"""Who trains and who tests: by patient, with both classes everywhere, fixed by the seed."""

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import Adaptation, Repeats
from radprompt.core.table_params import Partition
from radprompt.own_table.partitions import divide, read_splits, site_names
from radprompt.study.settings import load_settings

ADAPTATION = Adaptation(Repeats(5, 100), 0.2, "own", [8, 500])


def options(**changes):
    return Partition(**({"folds": 5, "repeats": 2, "holdout": None, "validation_fraction": 0.0, "draws": 3} | changes))


def cases(patients=40, *, sites=("A",), each=2, seed=0):
    """Patients of several cases; about a third of the patients are positive, their cases mostly."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"{site}{patient:02d}-{n}", f"{site}{patient:02d}", site, int(patient % 3 == 0 and rng.random() < 0.9))
        for site in sites
        for patient in range(patients)
        for n in range(each)
    ]
    return pd.DataFrame(rows, columns=["case", "patient", "site", "label"]).assign(split="")


def run(about, seed=1, adaptation=ADAPTATION, **changes):
    return divide(about, list(dict.fromkeys(about["site"])), options(**changes), adaptation, seed, "mine")


def test_every_case_is_tested_once_in_each_round_and_no_patient_is_on_two_sides():
    about = cases()
    study = run(about)
    (cohort,) = study.cohorts.values()
    assert study.settings["settings"]["cross_validation"] | {} == {
        "title": "5-fold cross-validation, 2 times",
        "paper": None,
        "train": "table/train",
        "val": "table/val",
        "test": "table/test",
        "start": "pretrained",
        "trains": True,
        "selection": "cross_validation",
        "repeats": 10,
        "folds": 5,
        "ratio": 0.25,
    }
    test = cohort[cohort["split"] == "test"]
    for repeats in (range(5), range(5, 10)):
        assert sorted(test.loc[test["repeat"].isin(repeats), "lesion_id"]) == sorted(about["case"])
    for _, rows in cohort.groupby("repeat"):
        assert rows.groupby("patient_id")["split"].nunique().max() == 1
        assert rows.groupby("split")["label"].nunique().min() == 2
        assert len(rows) == len(about)
    first, second = (set(test.loc[test["repeat"] == repeat, "lesion_id"]) for repeat in (0, 5))
    assert first != second


def test_the_seed_and_the_names_fix_the_draw_not_the_order_of_rows():
    about = cases(sites=("A", "B"))
    one, other = run(about), run(about.sample(frac=1, random_state=3))
    for name, cohort in one.cohorts.items():
        if not name.startswith("cross"):
            continue
        pd.testing.assert_frame_equal(cohort, other.cohorts[name])
    assert not run(about, seed=2).cohorts["cross_validation_a"].equals(one.cohorts["cross_validation_a"])


def test_validation_cases_are_drawn_from_the_training_patients():
    (cohort,) = run(cases(), validation_fraction=0.25).cohorts.values()
    first = cohort[cohort["repeat"] == 0]
    patients = first.groupby("split")["patient_id"].nunique()
    assert patients.to_dict() == {"train": 24, "val": 8, "test": 8}


def test_a_rare_class_takes_fewer_folds_and_says_so():
    about = cases(12, each=1)
    about["label"] = [1, 1, 1, *[0] * 9]
    study = run(about)
    assert study.settings["settings"]["cross_validation"]["folds"] == 3
    assert study.notes == ["The table has 3 patients of its rarer class: 3 folds."]
    about["label"] = [1, *[0] * 11]
    with pytest.raises(InputError, match="1 of class 1: cross-validation needs two"):
        run(about)


def test_one_part_may_be_held_out_or_given():
    held = run(cases(), holdout=0.3)
    assert held.settings["settings"]["holdout"]["title"] == "A part held out"
    assert held.cohorts["holdout"].groupby("split")["patient_id"].nunique().to_dict() == {"train": 28, "test": 12}
    about = cases()
    about["split"] = np.where(about["patient"] < "A25", "train", "test")
    given = run(about).cohorts["holdout"].set_index("lesion_id")["split"]
    assert (given == about.set_index("case")["split"][given.index]).all()


def test_sites_are_tested_by_the_others_and_with_a_few_cases_of_their_own():
    study = run(cases(sites=("St. Anna", "Süd")))
    entries = study.settings["settings"]
    assert list(entries)[:2] == ["cross_validation_st_anna", "cross_validation_s_d"]
    assert list(entries)[2:6] == ["others_to_st_anna", "st_anna_0_cases", "st_anna_8_cases", "st_anna_half"]
    others = study.cohorts["others_to_s_d"]
    assert set(others.loc[others["split"] == "train", "patient_id"].str[0]) == {"S"}
    assert set(others["split"]) == {"train", "test"}
    few = study.cohorts["s_d_8_cases"]
    assert entries["s_d_8_cases"]["start"] == "others_to_s_d"
    assert entries["s_d_0_cases"]["labelled"] is False
    train = few[few["split"] == "train"]
    assert train.groupby("repeat").size().tolist() == [8, 8, 8]
    assert set(few.loc[few["split"] == "start", "patient_id"].str.startswith("St. Anna")) == {True}
    half = study.cohorts["s_d_half"]
    for repeat in range(3):
        drawn, whole = (set(t.loc[(t["repeat"] == repeat) & (t["split"] == "train"), "lesion_id"]) for t in (few, half))
        tested = [set(t.loc[(t["repeat"] == repeat) & (t["split"] == "test"), "lesion_id"]) for t in (few, half)]
        assert drawn < whole
        assert tested[0] == tested[1]
    assert sum("too few cases to learn from 500" in note for note in study.notes) == 2


def test_the_settings_file_is_one_that_the_pipeline_reads(tmp_path):
    from radprompt.own_table.folder import write_settings

    study = run(cases(sites=("A", "B")))
    write_settings(tmp_path / "settings.yaml", study.settings)
    settings = load_settings(tmp_path / "settings.yaml")
    assert list(settings) == list(study.cohorts)
    assert settings["cross_validation_a"].repeats(1000) == range(10)
    assert settings["cross_validation_a"].repeats(5) == range(5)
    assert settings["b_8_cases"].continues == "others_to_b"


def test_a_patient_at_two_sites_or_on_two_sides_is_refused():
    about = cases(sites=("A", "B"))
    about.loc[about["patient"] == "B01", "patient"] = "A01"
    with pytest.raises(InputError, match="patient 'A01' is in more than one site: A, B"):
        run(about)
    about = cases()
    about["split"] = np.where(np.arange(len(about)) % 2, "train", "test")
    with pytest.raises(InputError, match=r"in more than one split: test, train \(40 patients are\)"):
        run(about)


def test_a_given_split_is_one_draw_for_whoever_adapts():
    about = cases(sites=("A", "B"))
    about["split"] = np.where(about["patient"].str[1:] < "25", "train", "test")
    found = run(about).cohorts
    adapted = [name for name in found if name.startswith("b_")]
    assert adapted == ["b_0_cases", "b_8_cases", "b_half"]
    assert {found[name]["repeat"].max() for name in adapted} == {0}
    assert all(run(about).settings["settings"][name]["repeats"] == 1 for name in adapted)


@pytest.mark.parametrize("role", ["train", "test"])
def test_given_splits_of_one_class_are_refused(role):
    about = cases()
    about["split"] = np.where(about["patient"] < "A25", "train", "test")
    about.loc[about["split"] == role, "label"] = 0
    with pytest.raises(InputError, match=f"the {role} cases of the table are of one class only"):
        run(about)


def test_words_of_a_split_column():
    words = pd.Series(["Training", "valid", "TEST", "dev"], name="part", index=[1, 2, 3, 4])
    assert read_splits(words, "t.csv").tolist() == ["train", "val", "test", "val"]
    with pytest.raises(InputError, match=r"t.csv, row 2, column 'part': split 'fold 2'"):
        read_splits(pd.Series(["train", "fold 2"], name="part", index=[1, 2]), "t.csv")


def test_names_of_sites_in_files():
    assert site_names(["A b", "a-b", "Zürich"]) == {"A b": "a_b_1", "a-b": "a_b_2", "Zürich": "z_rich"}
