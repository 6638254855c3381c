import random
from dataclasses import replace

import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import Data
from radprompt.mammograms.datasets.splits import assign, draw, in_both, splits_of, summary
from radprompt.tables.lesions import Lesion

DATA = Data(root="data/raw", validation_fraction=0.2, adaptation_fraction=0.5)


def lesion(number, patient, label, split):
    return Lesion(
        f"lesion{number:03}", patient, patient, "d", "i", "CC", "L", "3", label, split, 0, 0, 9, 9, "", 0.1, "table"
    )


@pytest.fixture
def cohort():
    """50 training patients of 1 to 3 lesions, 40 % with a malignant one, and 10 test patients."""
    lesions = []
    for patient in range(60):
        for _ in range(1 + patient % 3):
            split = "train" if patient < 50 else "test"
            lesions.append(lesion(len(lesions), f"p{patient:02}", int(patient % 5 < 2), split))
    return lesions


def patients(lesions, split, label=None):
    return {x.patient_id for x in lesions if x.split == split and label in (None, x.label)}


def test_validation_is_a_fifth_of_the_training_patients_of_each_class(cohort):
    split = assign("vindr_mammo", cohort, DATA, seed=1, classified=True)
    assert len(patients(split, "val")) == 10
    assert len(patients(split, "val", label=1)) == 4
    assert patients(split, "train") | patients(split, "val") == patients(cohort, "train")
    assert not patients(split, "train") & patients(split, "val")
    assert [x for x in split if x.split == "test"] == [x for x in cohort if x.split == "test"]
    assert [replace(x, split="") for x in split] == [replace(x, split="") for x in cohort]


def test_inbreast_is_halved(cohort):
    split = assign("inbreast", [replace(x, split="test") for x in cohort], DATA, seed=1, classified=True)
    assert len(patients(split, "adapt")) == len(patients(split, "test")) == 30
    assert len(patients(split, "adapt", label=1)) == len(patients(split, "test", label=1)) == 12
    assert not patients(split, "adapt") & patients(split, "test")


def test_cbis_keeps_its_official_split_and_validates_where_it_is_classified(cohort):
    assert assign("cbis_ddsm", cohort, DATA, seed=1, classified=False) == cohort
    split = assign("cbis_ddsm", cohort, DATA, seed=1, classified=True)
    assert split == assign("vindr_mammo", cohort, DATA, seed=1, classified=True)
    assert splits_of("cbis_ddsm", classified=True) == ("train", "val", "test")
    assert splits_of("cbis_ddsm", classified=False) == ("train", "test")


def test_the_draw_depends_on_the_seed_and_not_on_the_order(cohort):
    first = draw(cohort, "train", "val", 0.2, seed=3)
    shuffled = random.Random(0).sample(cohort, len(cohort))
    again = sorted(draw(shuffled, "train", "val", 0.2, seed=3), key=lambda x: x.lesion_id)
    assert again == first
    assert draw(cohort, "train", "val", 0.2, seed=4) != first


def test_too_few_patients_is_an_error_that_counts_them():
    few = [lesion(0, "a", 0, "train"), lesion(1, "b", 0, "train"), lesion(2, "c", 1, "train")]
    with pytest.raises(InputError, match="3 patients with usable masses, 1 of them with a malignant one"):
        draw(few, "train", "val", 0.2, seed=0)


def test_in_both():
    assert in_both([("a", "train"), ("a", "train"), ("b", "train"), ("b", "test")]) == {"b"}


def test_summary_counts_patients_and_lesions(cohort):
    counts = summary(cohort)
    assert list(counts) == ["test", "train"]
    assert counts["test"] == {"patients": 10, "benign": 12, "malignant": 9}
    assert sum(counts["train"][key] for key in ("benign", "malignant")) == sum(x.split == "train" for x in cohort)


def test_the_summary_counts_lesions_in_raw_images_where_there_are_any(cohort):
    assert all("for processing" not in counts for counts in summary(cohort).values())
    raw = [replace(x, presentation="FOR PROCESSING") if x.patient_id == "p00" else x for x in cohort]
    assert summary(raw)["train"]["for processing"] == sum(x.patient_id == "p00" for x in cohort)
    assert "for processing" not in summary(raw)["test"]
