"""The section on the named model says what its metrics say."""

from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.pages.report.learning_curve import named_curve
from radprompt.pages.report.named import named_model
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def params(repository):
    return load_params(repository / "params.yaml")


def test_tests_of_names_are_listed_and_said_as_they_came_out(repository, settings, params):
    found = named_model(Reader(repository), settings, params)
    assert [(row["setting"], row["model"], row["p"], row["gain"], row["scaling"]) for row in found["tests"]] == [
        ("vindr", "named model", "1.000", "0.00", "z-scores"),
        ("vindr", "named model, all features", "1.000", "0.00", "normal scores"),
        ("inbreast_extended", "named model", "0.005", "3.50", "z-scores"),
        ("inbreast_extended", "named model, all features", "1.000", "0.00", "normal scores"),
    ]
    assert found["sentences"] == [
        "The names tell something where p is below 0.05: in INbreast, extended: named model (p 0.005).",
        "In 3 of 4 fits no likeness of names raises the evidence, so the model does without it: VinDr-Mammo, internal "
        "test: named model, VinDr-Mammo, internal test: named model, all features and INbreast, extended: named model, "
        "all features.",
        "The 4 tests are not corrected for their number; with 200 permutations the smallest p is 0.005.",
    ]


def test_names_that_tell_nowhere_are_said_to(repository, settings, params):
    (repository / "metrics/named/inbreast_extended.json").unlink()
    assert named_model(Reader(repository), settings, params)["sentences"][0].endswith("in none of 2 fits.")


def test_coefficients_are_those_of_selected_features_site_by_site(repository, settings, params):
    alone, continued = named_model(Reader(repository), settings, params)["settings"]
    assert (alone["name"], alone["several"], [row["name"] for row in alone["rows"]]) == (
        "VinDr-Mammo, internal test",
        False,
        ["Sphericity"],
    )
    assert alone["source"].startswith("data:image/svg+xml")
    assert [(row["name"], row["site"], row["clear"], row["leans_on"]) for row in continued["rows"]] == [
        ("Sphericity", "first", True, "Perimeter"),
        ("Perimeter", "first", False, "Sphericity"),
        ("Sphericity", "second", False, "Perimeter"),
    ]
    assert alone["rows"][0]["interval"] == f"{MINUS}0.94 to {MINUS}0.24"


def test_sphericity_stands_beside_the_papers_remark(repository, settings, params):
    alone, continued = named_model(Reader(repository), settings, params)["settings"]
    assert alone["sentence"] == (
        f"The coefficient of Sphericity is {MINUS}0.59 (90 % interval {MINUS}0.94 to {MINUS}0.24): high sphericity "
        "pushes to benign, as the paper's discussion says."
    )
    assert "at the second site" in continued["sentence"]
    assert "0.10): the interval includes 0, so its direction is open" in continued["sentence"]


@pytest.mark.parametrize(
    ("change", "names", "words"),
    [
        ({"low": 0.1, "high": 0.9}, "real", "the opposite of what the paper's discussion says"),
        ({"name": "Perimeter"}, "real", "Sphericity is not among these features"),
        ({}, "shuffled", "Names are shuffled in this run"),
    ],
)
def test_sphericity_is_not_said_to_agree_where_it_does_not(repository, settings, params, change, names, words):
    path = repository / "metrics/named/vindr_coefficients.csv"
    write_csv(path, pd.read_csv(path).assign(**change))
    shown = replace(params, prompt=replace(params.prompt, names=names))
    assert words in named_model(Reader(repository), settings, shown)["settings"][0]["sentence"]


def test_directions_stand_beside_coefficients_where_they_were_asked_for(repository, settings, params):
    assert not named_model(Reader(repository), settings, params)["elicited"]
    assert "was not asked which way features point" in build(repository, params).results
    write_json(repository / "models/names/directions.json", {"Sphericity": -0.625})
    found = named_model(Reader(repository), settings, params)
    assert found["elicited"]
    assert found["settings"][0]["rows"][0]["direction"] == f"{MINUS}0.62"
    page = build(repository, params).results
    assert "Direction by the language model" in page
    assert "was not asked which way" not in page
    assert "no model uses\nit (" in page
    used = replace(params, named=replace(params.named, elicit="used"))
    assert "the model follows it as far as the evidence supports" in build(repository, used).results


def test_signs_and_ranks_of_directions_are_counted_against_the_last_sites_coefficients(repository, settings, params):
    directions = {"Mean": 0.4, "Energy": -0.2, "Contrast": 0.1, "Sphericity": 0.3}
    write_json(repository / "models/names/directions.json", directions)
    path = repository / "metrics/named/inbreast_extended_coefficients.csv"
    table = pd.read_csv(path)
    rows = table[table["site"] == "second"].iloc[[0, 0, 0, 0]]
    rows = rows.assign(name=["Mean", "Energy", "Contrast", "Unasked"], mean=[0.5, -0.1, -0.2, 9.0])
    write_csv(path, pd.concat([table[table["site"] == "first"], rows]))
    alone, continued = named_model(Reader(repository), settings, params)["settings"]
    assert alone["agreement"] is None  # a single feature
    assert continued["agreement"] == (
        "asked which way each feature points, the language model gives 2 of 3 coefficients their sign, rank "
        "correlation 0.50."
    )
    assert "Of the coefficients at the last site: asked which way" in build(repository, params).results


def test_the_named_curve_stands_beside_the_language_models(repository, settings, params):
    found = named_curve(Reader(repository), settings)
    assert found["columns"] == ["0", "10", "all (40)"]
    assert [row["name"] for row in found["rows"]] == [
        "named model, continued",
        "named model, restarted",
        "logistic regression on both sites",
    ]
    assert found["rows"][1]["cells"][0] is None  # without a lesion there is nothing to restart on
    assert found["sentence"] == (
        "Continuing against restarting, the named model's mean AUC: from 10 lesions 0.750 against 0.600; from all "
        "lesions 0.800 against 0.800."
    )
    page = unescape(build(repository, params).results)
    assert page.index("named model's mean AUC: from 10") < page.index("language model's mean AUC: from 10")


def test_before_the_stages_the_page_names_them(repository, settings, params):
    for path in (*(repository / "metrics/named").iterdir(), repository / "metrics/named_curve.csv"):
        path.unlink()
    assert named_model(Reader(repository), settings, params) is None
    page = build(repository, params).results
    assert "dvc repro named<" in page
    assert "dvc repro named_curve<" in page


def test_a_broken_table_of_coefficients_is_named(repository, settings, params):
    (repository / "metrics/named/vindr_coefficients.csv").write_text("name,site\nSphericity,site 1\n")
    with pytest.raises(InputError, match=r"vindr_coefficients\.csv: column\(s\) mean"):
        named_model(Reader(repository), settings, params)
