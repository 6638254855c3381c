"""Columns that are not measurements are named before anything runs, with a command that settles them."""

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from noise import ROWS, noise, run_check

from radprompt.core.errors import InputError
from radprompt.own_table.suspicion import name_words, names_patients, stems

RNG = np.random.default_rng(7)
ROW = np.arange(ROWS)
TWICE = np.repeat(np.arange(ROWS // 2), 2)
DAYS = [datetime.date(2015, 1, 1) + datetime.timedelta(int(day)) for day in RNG.integers(0, 3000, ROWS)]
MALIGNANT = (noise()["label"] == "malignant").to_numpy().astype(int)


@pytest.mark.parametrize(
    "values",
    [
        ROW,
        ROW + 1,
        ROW[::-1],
        ROW.astype(float),
        RNG.permutation(ROWS),
        RNG.permutation(ROWS) * 10,
        RNG.choice(160, ROWS, replace=False),
        np.sort(RNG.choice(900, ROWS, replace=False)),
        ROW / ROWS,
        [None if row in (3, 9) else row for row in range(ROWS)],
        np.where(MALIGNANT == 1, ROW - (MALIGNANT == 0).sum(), ROW),  # counts each class
        [f"{row:04d}" for row in RNG.choice(9000, ROWS, replace=False)],
        [f"LUNG-{row:03d}" for row in RNG.permutation(ROWS)],
        RNG.integers(10_000_000, 99_999_999, ROWS),  # accession numbers
        [f"1.2.840.113619.2.{row}.7919" for row in range(ROWS)],
        [f"1.2.840.113619.2.{row % 40}.7919" for row in range(ROWS)],
        [f"{row:040x}" for row in RNG.integers(1, 2**60, ROWS)],
        [f"images/{row:03d}.nii.gz" for row in RNG.permutation(ROWS)],
        RNG.integers(2004, 2020, ROWS),  # years
        RNG.integers(1_400_000_000, 1_600_000_000, ROWS),  # seconds since 1970
        np.repeat(RNG.integers(1_400_000_000, 1_600_000_000, ROWS // 2), 2) + RNG.integers(0, 2, ROWS) / 4,
        RNG.integers(41000, 45000, ROWS),  # days as Excel counts them
        [f"{hour:02d}{hour * 7 % 60:02d}{row % 60:02d}.{row}" for row, hour in enumerate(RNG.integers(7, 18, ROWS))],
    ],
)
def test_what_counts_or_names_rows_is_asked_about(stopped, values):
    again = stopped(noise(Unremarkable=values), "column 'Unremarkable'")
    assert "Unremarkable" in [*again.get("ignore", []), again.get("id"), again.get("group")]


@pytest.mark.parametrize(
    "form",
    ["%Y%m%d", "%y%m%d", "%d%m%Y", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%B %d, %Y", "%Y-%m-%dT%H:%M:%S"],
)
def test_dates_in_any_form_are_asked_about(stopped, form):
    again = stopped(noise(acquired=[day.strftime(form) for day in DAYS]), "column 'acquired': its values are dates")
    assert again["ignore"] == ["acquired"]


@pytest.mark.parametrize("name", ["EXAMDT", "RFSTDTC", "BIRTHDATE", "Geburtsdatum"])
def test_days_counted_from_any_year_are_dates_by_their_name(stopped, name):
    again = stopped(noise().assign(**{name: RNG.integers(-9000, 12000, ROWS)}), "called like a date")
    assert again["ignore"] == [name]


def test_a_few_dates_are_no_categories(stopped):
    few = [f"2021-03-{day:02d}" for day in RNG.integers(1, 8, ROWS)]
    assert stopped(noise(x=few), "dates, such as")["ignore"] == ["x"]


@pytest.mark.parametrize(
    "values",
    [
        MALIGNANT,
        1 - MALIGNANT,
        MALIGNANT + 1,
        MALIGNANT * 2 - 1,
        MALIGNANT.astype(bool),
        np.where(MALIGNANT == 1, "yes", "no"),
        np.where(MALIGNANT == 1, " Cancer", "none"),
        np.where(ROW % 33 == 4, 1 - MALIGNANT, MALIGNANT),  # wrong in four rows
        np.where(MALIGNANT == 1, RNG.choice(["IDC", "ILC"], ROWS), RNG.choice(["cyst", "FA", "scar"], ROWS)),
        np.where(MALIGNANT == 1, RNG.choice([1, 2], ROWS), None),  # filled in for one class only
        MALIGNANT / 2 + RNG.random(ROWS) / 2,
    ],
)
def test_what_tells_the_class_is_asked_about(stopped, values):
    again = stopped(noise(Unremarkable=values), "the class")
    assert again["ignore"] == ["Unremarkable"]


def test_a_former_models_probability_is_known_by_its_name(stopped):
    score = 1 / (1 + np.exp(-(3 * MALIGNANT - 1.5 + RNG.normal(size=ROWS))))
    assert stopped(noise(model_prediction=score), "called like a result (prediction)")["ignore"] == ["model_prediction"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("patient", TWICE),
        ("Patient ID", RNG.permutation(TWICE).astype(float)),
        ("case", [f"c{number}" for number in TWICE]),
        ("x", TWICE),
        ("x", RNG.permutation(TWICE)),
        ("x", RNG.permutation(np.repeat(np.arange(60), np.random.default_rng(3).integers(1, 4, 60))[:ROWS])),
        ("x", RNG.permutation(np.repeat(RNG.integers(1000, 9999, ROWS // 2), 2))),
        ("x", RNG.permutation(np.repeat(RNG.integers(10**6, 10**7, ROWS // 2), 2))),
        ("x", [f"P{number:03d}" for number in RNG.permutation(TWICE)]),
        ("x", [f"Meyer {'abcdefghij'[number % 10]}{'klmno'[number // 10]}" for number in RNG.permutation(TWICE)]),
        ("x", np.repeat(RNG.normal(60, 9, ROWS // 4).round(2), 4)),  # measured once a patient
    ],
)
def test_what_repeats_as_patients_do_is_the_group(stopped, name, values):
    again = stopped(noise().assign(**{name: values}), "--group")
    assert again["group"] == name
    assert "ignore" not in again


def test_a_patients_age_is_no_second_group(stopped):
    table = noise(patient=[f"P{number}" for number in TWICE], age=np.repeat(RNG.integers(30, 90, ROWS // 2), 2))
    again = stopped(table, "--group patient")
    assert again == {"label": "label", "group": "patient"}


def test_names_of_people_are_no_features(stopped):
    table = noise(Nachname=[f"Meyer{'abcdefghijklm'[n % 13]}" for n in TWICE])
    table["Vorname"] = [f"{['Anna', 'Bert', 'Cora', 'Dirk', 'Emma', 'Fritz'][n % 6]}" for n in TWICE]
    again = stopped(table, "2 things are to be settled")
    assert {again["group"], *again["ignore"]} == {"Nachname", "Vorname"}


def test_ids_that_occur_twice_are_the_group(stopped):
    again = stopped(noise(case=[f"c{number}" for number in TWICE]), "(50 rows have an earlier one's)", id="case")
    assert again == {"label": "label", "group": "case"}


def test_ignoring_the_patient_loses_the_grouping_only_when_insisted_on(stopped, tmp_path):
    again = stopped(noise(patient=TWICE), "it is ignored, but seems to name patients", ignore=["patient"])
    assert again == {"label": "label", "group": "patient"}
    assert run_check(tmp_path / "masses of 2024.csv", ignore=["patient"], keep=["patient"])


def test_all_faults_come_at_once(stopped):
    table = noise(nr=ROW, target=MALIGNANT, patient=TWICE, acquired=[str(day) for day in DAYS])
    table.loc[[5, 40, 71], "Mean"] = -9999
    again = stopped(table, "5 things are to be settled")
    assert again == {
        "label": "label",
        "ignore": ["nr", "target", "acquired"],
        "group": "patient",
        "missing": ["-9999"],
    }


def test_who_insists_keeps_the_column(tmp_path):
    noise(nr=ROW).to_csv(tmp_path / "t.csv", index=False)
    kept = run_check(tmp_path / "t.csv", keep=["nr"])
    assert "nr" in [column.name for column in kept.columns]


def measured(draw: Callable[[np.random.Generator], Any]) -> list[Any]:
    return [draw(np.random.default_rng(seed)) for seed in range(12)]


@pytest.mark.parametrize(
    "columns",
    [
        measured(lambda rng: rng.normal(size=ROWS)),
        measured(lambda rng: np.exp(rng.normal(8, 1, ROWS)).astype(int)),  # voxels
        measured(lambda rng: rng.poisson(12, ROWS)),
        measured(lambda rng: rng.integers(0, 256, ROWS)),  # grey levels
        measured(lambda rng: rng.integers(30, 85, ROWS)),  # ages
        measured(lambda rng: rng.choice(["1", "2", "3", "4a", "4b", "5"], ROWS)),
        measured(lambda rng: rng.integers(1, 5, ROWS)),
        measured(lambda rng: rng.normal(size=ROWS) + 1.5 * MALIGNANT),  # a good feature
        measured(lambda rng: np.where(rng.random(ROWS) < 0.9, 0, rng.integers(1, 30, ROWS))),
        measured(lambda rng: rng.normal(0.7, 0.1, ROWS).round(2)),
        measured(lambda rng: (rng.normal(750, 300, ROWS) / 5).round() * 5 + (rng.random(ROWS) < 0.2)),  # mostly fives
        measured(lambda rng: rng.normal(250, 60, ROWS).round() * 1000),  # platelets
    ],
)
def test_measurements_are_not_asked_about(tmp_path, columns):
    table = noise().assign(**{f"x{number}": values for number, values in enumerate(columns)})
    table.to_csv(tmp_path / "t.csv", index=False)
    assert len(run_check(tmp_path / "t.csv").columns) == 7 + len(columns)


def test_names_are_read_as_words():
    assert name_words("PatientID") == ["patient", "id"]
    assert names_patients("Subject-Nr")
    assert not names_patients("PatientAge")
    assert not names_patients("case control")


def test_ids_that_share_a_beginning_are_one_patients():
    ids = [f"P{number:02d}_{side}" for number in range(20) for side in "LR"]
    assert stems(ids)["P07_R"] == "P07"
    assert stems([f"LUNG-{number:03d}" for number in range(40)]) is None
    assert stems([f"2024_{number}" for number in range(40)]) is None
    assert stems([f"{year}-{number:03d}" for year in (19, 20) for number in range(20)]) is None  # of two years


@pytest.mark.parametrize(
    "form",
    [
        *("{n:03d}{side}", "{side}CC_{n}", "T{view}-{n:04d}", "{n}_{side}{view}"),
        *("LIDC-IDRI-{n:04d}_nodule{view}", "Mass-Test_P_{n:05d}_RIGHT_CC_{view}", "P_{n}_{word}_MLO"),
    ],
)
def test_the_views_of_a_patient_stay_together_wherever_the_id_names_them(tmp_path, form):
    words = {"side": "LR", "view": "12", "word": ("LEFT", "RIGHT")}
    ids = [form.format(n=101 + row // 2, **{key: own[row % 2] for key, own in words.items()}) for row in ROW]
    noise(case=ids).sample(frac=1, random_state=0).to_csv(tmp_path / "t.csv", index=False)
    found = run_check(tmp_path / "t.csv", id="case")
    assert found.about["patient"].nunique() == ROWS // 2
    assert "50 parts were taken as patients" in found.notes[-1]


@pytest.mark.parametrize(
    ("name", "form"),
    [("Fallnummer", "P{:03d}"), ("患者编号", "{}"), ("Aktenzeichen", "KLM-{:03d}"), ("key", "{:02x}7e99")],
)
def test_a_patient_column_that_is_ignored_is_asked_about_whatever_its_name(stopped, name, form):
    again = stopped(noise(**{name: [form.format(number) for number in TWICE]}), "it is ignored", ignore=[name])
    assert again["group"] == name


def test_patients_with_long_numbers_stay_apart(tmp_path):
    noise(patient=[1234567 + number for number in TWICE]).to_csv(tmp_path / "t.csv", index=False)
    assert run_check(tmp_path / "t.csv", group="patient").about["patient"].nunique() == ROWS // 2


def test_a_grade_that_tells_the_class_but_for_few_rows_is_asked_about(stopped):
    table = noise()
    stage = np.where(table["label"] == table["label"].iloc[0], RNG.integers(1, 4, ROWS), RNG.integers(4, 7, ROWS))
    stage[:2] = 7 - stage[:2]
    again = stopped(table.assign(stage=[f"pT{number}" for number in stage]), "6 values tell the class but for")
    assert again["ignore"] == ["stage"]


def test_a_measured_energy_is_no_id(tmp_path):
    energy = np.random.default_rng(4).choice(9 * 10**7, ROWS, replace=False) + 10**7
    noise(original_firstorder_Energy=energy).to_csv(tmp_path / "t.csv", index=False)
    assert "original_firstorder_Energy" in [column.source for column in run_check(tmp_path / "t.csv").columns]


def test_classes_and_hospitals_that_count_anew_are_not_patients(tmp_path):
    table = noise(site=["north", "south"] * (ROWS // 2), label=["benign"] * 50 + ["malignant"] * 50)
    table["by_class"] = [f"{'BM'[row // 50]}_{row % 50}" for row in ROW]
    table["by_site"] = [f"{'NS'[row % 2]}_{row // 2}" for row in ROW]
    table.to_csv(tmp_path / "t.csv", index=False)
    for name, other in (("by_class", "by_site"), ("by_site", "by_class")):
        found = run_check(tmp_path / "t.csv", id=name, site="site", ignore=[other])
        assert found.about["patient"].nunique() == ROWS


def test_numbers_beside_a_few_words_name_nobody(stopped):
    index = [*RNG.integers(1, 60, ROWS - 8).astype(str), *["k.A."] * 7, "10-15"]
    assert stopped(noise(Ki67=index), "are not numbers") == {"label": "label", "missing": ["Ki67=k.A.", "Ki67=10-15"]}


def test_the_id_and_the_patient_are_told_apart(stopped):
    table = noise(case=[f"c{row:03d}" for row in ROW], patient=[f"P{number}" for number in TWICE])
    assert stopped(table, "2 things are to be settled") == {"label": "label", "id": "case", "group": "patient"}


def test_a_group_finer_than_the_patient_gives_way(stopped):
    table = noise(case=[f"c{row:03d}" for row in ROW], patient=[f"P{number}" for number in TWICE])
    assert stopped(table, "--group patient", group="case") == {"label": "label", "group": "patient", "id": "case"}


def test_a_patient_is_not_a_category(stopped):
    table = noise(patient=[f"P{number % 25}" for number in range(ROWS)])
    again = stopped(table, "--group patient", category=["patient"])
    assert again == {"label": "label", "group": "patient"}


@pytest.mark.parametrize("name", ["Image", "sample_name", "diagnostics_Image-original_Hash"])
def test_lesions_of_one_image_stay_together(stopped, name):
    table = noise().assign(**{name: [f"images/{number}.nrrd" for number in TWICE]})
    assert stopped(table, "several rows share an image") == {"label": "label", "group": name}


def test_rows_without_a_patient_are_counted_with_the_advice(tmp_path):
    table = noise(patient=[f"P{row // 2}" if row % 17 else None for row in ROW])
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="6 rows have none, and each needs one"):
        run_check(tmp_path / "t.csv")


def test_what_is_trained_on_and_tested_is_no_feature(stopped):
    assert stopped(noise(cohort=["Training", "test"] * 50), "--split cohort")["ignore"] == ["cohort"]
