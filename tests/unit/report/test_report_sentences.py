"""The sentences on results follow from the numbers, and say of several halves what they can say."""

import math

import pandas as pd
import pytest

from radprompt.pages.report.sentences import bar, differences, headline, steps

NAN = math.nan
VALUES = {
    "llm": (0.70, 0.60, 0.80, NAN, NAN),
    "svm": (0.90, 0.80, 0.95, -0.30, -0.05),
    "mlp": (0.72, 0.60, 0.85, -0.10, 0.05),
    "majority": (0.50, 0.50, 0.50, 0.10, 0.30),
}


def test_headline_follows_interval_and_differences(make_comparison):
    said = headline(make_comparison(VALUES), "llm", 0.95)
    assert said == [
        "On 20 test lesions of 9 patients, 8 of them malignant, the language model has an AUC of 0.700 (95 % interval "
        "0.600 to 0.800): better than chance.",
        "Of 3 other models, 2 measured higher on the same lesions, SVM by most (0.200).",
    ]


def test_headline_of_several_halves_has_their_spread_and_compares_on_common_ones(make_comparison):
    rows = make_comparison(VALUES, setting="inbreast_adapted", repeats=3)
    # Over its own twenty halves naive Bayes is higher, on the three common ones it is not.
    other = rows[rows["model"] == "mlp"].assign(model="naive_bayes", value=0.8, repeats=20, difference=0.01)
    said = headline(pd.concat([rows, other]), "llm", 0.95)
    assert said[0].startswith(
        "Over 3 halves of the patients (the first: 20 test lesions of 9 patients, 8 malignant) the"
    )
    assert "mean AUC of 0.700 (95 % interval 0.600 to 0.800; SD 0.034): better" in said[0]
    assert said[1] == "Of 4 other models, 2 measured higher on the halves that both ran on, SVM by most (0.200)."


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.5, 0.7, "chance is not excluded"), (0.51, 0.7, "better than chance"), (0.3, 0.45, "worse than chance")],
)
def test_an_interval_that_touches_chance_is_not_called_better(make_comparison, low, high, words):
    said = headline(make_comparison({"llm": (0.6, low, high, NAN, NAN)}), "llm", 0.95)
    assert words in said[0]
    assert said[1] == "No other model was evaluated here."


def test_calls_that_are_no_better_than_chance_are_said_to_be_so(make_comparison):
    auc = make_comparison({"llm": (0.64, 0.51, 0.79, NAN, NAN)})
    calls = auc.assign(metric="balanced_accuracy", value=0.514, low=0.46, high=0.56)
    said = headline(pd.concat([auc, calls]), "llm", 0.95)
    assert said[0].endswith("0.640 (95 % interval 0.510 to 0.790): better than chance.")
    assert said[1].startswith(
        "Its calls have a balanced accuracy of 0.514 (95 % interval 0.460 to 0.560); the interval"
    )
    assert "chance is not excluded" in said[1]
    alike = headline(pd.concat([auc, calls.assign(value=0.5, low=0.5, high=0.5)]), "llm", 0.95)
    assert alike[1].endswith("(95 % interval 0.500 to 0.500): it calls every lesion alike.")


def test_without_the_reference_nothing_is_compared(make_comparison):
    rows = make_comparison(VALUES)
    rows = rows[rows["model"] != "llm"]
    assert len(headline(rows, "llm", 0.95)) == 1
    assert differences(rows, "llm", 0.95) == []


def test_differences_follow_the_intervals(make_comparison):
    said = " ".join(differences(make_comparison(VALUES), "llm", 0.95))
    assert "lies below 0 against SVM: there the language model is worse" in said
    assert "includes 0 against MLP: on these lesions they cannot be told apart" in said
    assert "lies above 0 against majority class: there the language model is better" in said
    assert (
        "Tested by patient and corrected by Holm for 3 comparisons, p stays below 0.05 against majority class." in said
    )
    assert "halves" not in said


@pytest.mark.parametrize(
    ("repeats", "freedom", "weak"), [(2, "1 degree", True), (3, "2 degrees", True), (20, "19 degrees", False)]
)
def test_the_test_over_few_halves_is_said_to_have_little_power(make_comparison, repeats, freedom, weak):
    said = differences(make_comparison(VALUES, repeats=repeats), "llm", 0.95)[-1]
    assert f"over the {repeats} common halves (Nadeau and Bengio's corrected t, {freedom} of freedom)" in said
    assert said.endswith("little power.") is weak


def test_steps_put_both_settings_side_by_side_for_models_that_read_names(make_comparison, settings):
    both = {"svm": VALUES["svm"], "llm": VALUES["llm"]}
    after = {**both, "llm": (0.75, 0.65, 0.85, NAN, NAN)}
    rows = [
        make_comparison(values, setting=f"inbreast_{name}", repeats=3)
        for name, values in (("unadapted", both), ("adapted", after), ("extended", both))
    ]
    ((title, said),) = steps(pd.concat(rows), settings, 0.95)  # without inbreast_scratch names cannot be judged
    assert title == "What adapting brings"
    assert said == [
        "The language model as VinDr trained it: 0.700 (95 % interval 0.600 to 0.800; SD 0.034 over 3 halves); after "
        "adapting on the other half: 0.750 (95 % interval 0.650 to 0.850; SD 0.034 over 3 halves), measured higher."
    ]


def test_bars_are_drawn_where_all_is_known():
    assert bar({"value": 0.9, "low": 0.8, "high": 0.95}) == {"value": 90, "low": 80, "high": 95}
    assert bar({"value": 0.9, "low": NAN, "high": 0.95}) is None
