"""The verdict and its picture follow from the table against the best baseline."""

import pandas as pd
import pytest

from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.pages.report.forest import forest
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader

BETTER, WORSE, ALIKE = (0.05, 0.01, 0.09), (-0.05, -0.09, -0.01), (0.01, -0.02, 0.04)
MODEL, BEST = (0.75, 0.65, 0.85), (0.7, 0.4, 0.9)


@pytest.fixture
def written(repository, against):
    """Write what three settings came to, and return the picture's content."""

    def write(settings, found):
        parts = [
            against(name, {role: MODEL + difference for role, difference in own.items()} | {"best": BEST})
            for name, own in found.items()
        ]
        write_csv(repository / "metrics/against_best.csv", pd.concat(parts))
        return forest(Reader(repository), settings)

    return write


def test_the_sentence_counts_settings_by_where_the_interval_of_the_difference_lies(written, settings):
    found = written(
        settings,
        {
            "inbreast_adapted": {"named": WORSE, "llm": WORSE},
            "vindr": {"named": BETTER, "llm": ALIKE},
            "inbreast_scratch": {"named": ALIKE, "llm": WORSE},
        },
    )
    assert found["sentence"] == (
        "Beside the best baseline, the named model's AUC is higher in 1 of 3 settings (VinDr-Mammo, internal test), "
        "lower in 1 (INbreast, adapted) and not distinguishable in 1; the language model's AUC is higher in 0, lower "
        "in 2 (INbreast, adapted; INbreast, from scratch) and not distinguishable in 1."
    )
    assert [group["setting"] for group in found["groups"]] == ["vindr", "inbreast_adapted", "inbreast_scratch"]


def test_the_axis_holds_every_interval_and_chance(written, settings):
    found = written(settings, {"vindr": {"named": ALIKE}})
    assert [text for _, text in found["ticks"]] == ["0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
    assert (found["ticks"][0][0], found["ticks"][-1][0]) == (0, 100)
    assert found["chance"] == pytest.approx(100 / 6, abs=0.01)
    named, best = found["groups"][0]["rows"]
    assert best["bar"] == {"value": 50, "low": 0, "high": pytest.approx(100 * 5 / 6, abs=0.01)}
    assert (named["name"], best["name"], best["difference"]) == ("named model", "SVM", "")


def test_without_a_baseline_nothing_is_said_to_be_distinguishable_or_not(written, settings, against, repository):
    write_csv(repository / "metrics/against_best.csv", against("vindr", {"named": MODEL}))
    found = forest(Reader(repository), settings)
    assert found["sentence"] == (
        "Beside the best baseline, the named model's AUC is higher in 0 of 1 setting, lower in 0 and open in 1."
    )
    assert found["groups"][0]["rows"][0]["verdict"] == ""


def test_the_first_thing_on_the_page_is_the_sentence(written, settings, repository):
    sentence = written(settings, {"vindr": {"named": WORSE}})["sentence"]
    page = build(repository, load_params(repository / "params.yaml")).results
    first = page[page.index("<section") : page.index("</p>", page.index("<section"))]
    assert "lower in 1 (VinDr-Mammo, internal test)" in sentence
    assert first.endswith(sentence.replace("'", "&#39;"))


def test_what_trains_the_models_is_said_beside_each_setting(repository, settings):
    about = {group["setting"]: group["about"] for group in forest(Reader(repository), settings)["groups"]}
    assert about == {
        "vindr": "trained on VinDr-Mammo: train",
        "inbreast_unadapted": "VinDr-Mammo's models as they are",
        "inbreast_adapted": "trained on INbreast: adapting half, training part; models that read names continue "
        "VinDr-Mammo's",
        "inbreast_extended": "trained on INbreast: adapting half, training part; models that read names continue "
        "VinDr-Mammo's",
        "inbreast_scratch": "trained on INbreast: adapting half, training part",
    }
