"""What single sections say, and that the sentences follow from the numbers."""

import math

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.mammograms.imaging.dicom import Mammogram
from radprompt.pages.report.cohorts import cohorts, describe, flow
from radprompt.pages.report.examples import SIDE, examples, picture
from radprompt.pages.report.figures import draw_curves
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import decision_threshold, setting_results
from radprompt.pages.wording import count, interval, listing, number, p_value, verdict
from radprompt.tables.lesions import Lesion
from radprompt.tables.model_names import model_name

NAN = math.nan


@pytest.mark.parametrize(
    ("low", "high", "at", "expected"),
    [
        (0.01, 0.2, 0, "above"),
        (-0.2, -0.01, 0, "below"),
        (-0.1, 0.1, 0, "includes"),
        (0.0, 0.2, 0, "includes"),
        (-0.2, 0.0, 0, "includes"),
        (0.5, 0.5, 0.5, "includes"),
        (NAN, 0.2, 0, "unknown"),
    ],
)
def test_verdict(low, high, at, expected):
    assert verdict(low, high, at) == expected


def test_numbers_and_lists_in_words():
    assert number(-0.0004) == "0.000"
    assert number(-0.1234) == "\N{MINUS SIGN}0.123"
    assert number(None) == number(NAN) == "\N{EN DASH}"
    assert p_value(0.0004) == "<0.001"
    assert p_value(NAN) == "\N{EN DASH}"
    assert interval(0.1, NAN) == ""
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert count(1, "mass", "lesions") == "1 mass"
    assert count(1200, "patient") == "1,200 patients"
    assert model_name("embedding_svm") == "SVM on embeddings"


def test_models_are_ranked_by_auc_the_reference_among_them(make_comparison, settings):
    values = {"llm": (0.7, 0.6, 0.8, NAN, NAN), "svm": (0.9, 0.8, 0.95, -0.3, -0.05), "mlp": (0.5, 0.4, 0.6, 0.1, 0.3)}
    result = setting_results(make_comparison(values), "vindr", settings, "llm", 0.95)
    assert [row["name"] for row in result["rows"]] == ["SVM", "language model", "MLP"]
    assert [row["reference"] for row in result["rows"]] == [False, True, False]
    assert result["rows"][0]["bar"] == {"value": 90, "low": 80, "high": 95}
    assert [row["verdict"] for row in result["differences"]] == ["below", "above"]


def test_metrics_at_chosen_thresholds_have_their_own_table(make_comparison, settings):
    rows = make_comparison({"llm": (0.7, 0.6, 0.8, NAN, NAN)})
    chosen = rows.assign(metric="sensitivity_at_youden", value=0.25)
    blocks = setting_results(pd.concat([rows, chosen]), "vindr", settings, "llm", 0.95)["blocks"]
    assert [block["rule"] for block in blocks] == ["", "Youden's index"]
    assert [block["metrics"] for block in blocks] == [["AUC"], ["Sensitivity"]]
    assert blocks[1]["rows"][0]["cells"][0]["value"] == "0.250"


def test_threshold_of_the_examples_is_the_one_that_validation_chose(make_comparison, repository):
    from dataclasses import replace

    evaluation = load_params(repository / "params.yaml").evaluation
    rows = make_comparison({"llm": (0.7, 0.6, 0.8, NAN, NAN)})
    chosen = pd.concat([rows, rows.assign(metric="threshold_at_youden", value=0.25)])
    assert decision_threshold(None, "vindr", replace(evaluation, threshold=0.5)) == 0.5
    assert decision_threshold(chosen, "vindr", replace(evaluation, threshold="youden")) == 0.25
    assert decision_threshold(rows, "vindr", replace(evaluation, threshold="youden")) is None


def test_flow_keeps_what_left_between_two_counts():
    steps = flow({"rows": 10, "excluded: a": 2, "excluded: b": 1, "mass": 7, "lesions": 7, "splits": {"test": {}}})
    assert [(step["count"], step["left"]) for step in steps] == [(10, [("a", 2), ("b", 1)]), (7, []), (7, [])]


def test_flow_that_does_not_add_up_is_refused():
    with pytest.raises(InputError, match="mass is 8, but 7 remain"):
        flow({"rows": 10, "excluded: a": 3, "mass": 8})


def test_splits_add_up(repository, settings):
    found = {cohort["key"]: cohort for cohort in cohorts(Reader(repository), settings)}
    for cohort in found.values():
        assert sum(split["lesions"] for split in cohort["splits"]) == cohort["steps"][-1]["count"]
        assert all(split["benign"] + split["malignant"] == split["lesions"] for split in cohort["splits"])
    assert found["inbreast"]["exclusions"] == [("a/", "no <mass>", 1), ("table.csv", "image missing", 1)]
    assert describe(pd.DataFrame({"split": []})) == []


def test_examples_are_the_first_of_each_class_and_outcome(repository, settings):
    params = load_params(repository / "params.yaml")
    shown = examples(Reader(repository), params, settings, 0.5, synthetic=True)["lesions"]
    facts = [lesion["facts"] for lesion in shown]
    assert [fact[0] for fact in facts[:4]] == [f"lesion vindr_mammo_test_{n}" for n in (0, 2, 1, 3)]
    assert facts[0][-1] == "probability of malignancy 0.100: called benign, right"
    assert facts[1][-1] == "probability of malignancy 0.800: called malignant, wrong"
    assert len(shown) == 8
    without = examples(Reader(repository), params, settings, None, synthetic=True)
    assert len(without["lesions"]) == 6
    assert "called" not in without["rule"]


def test_box_and_contour_lie_where_the_region_puts_them():
    # A mass of 20 x 20 px in the middle, a margin of half its side: the box spans the second and third quarter.
    mask = np.zeros((80, 80), dtype=bool)
    mask[30:50, 30:50] = True
    lesion = Lesion(*("a", "p", "s", "inbreast", "", "CC", "L", "3", 0, "test", 30, 30, 50, 50, "", NAN, "unknown"))
    mammogram = Mammogram(np.linspace(0, 1, 6400, dtype=np.float32).reshape(80, 80), NAN, "unknown")
    drawn = picture(lesion, mammogram, {"nnunet": mask, "reference": None}, 0.5, pixels=False)
    assert drawn["image"] == ""
    assert drawn["box"] == [SIDE / 4, SIDE / 4, SIDE / 2, SIDE / 2]
    ((source, path),) = drawn["contours"]
    points = np.array([float(v) for v in path.replace("M", "").replace("L", "").replace("Z", "").split()])
    assert source == "nnunet"
    np.testing.assert_allclose([points.min(), points.max()], [SIDE / 4, SIDE * 3 / 4], atol=0.5)


def test_a_mask_that_fills_the_region_has_a_closed_outline():
    lesion = Lesion(*("a", "p", "s", "inbreast", "", "CC", "L", "3", 0, "test", 0, 0, 40, 40, "", NAN, "unknown"))
    mammogram = Mammogram(np.eye(40, dtype=np.float32), NAN, "unknown")
    ((_, path),) = picture(lesion, mammogram, {"nnunet": np.ones((40, 40), bool)}, 0.0, pixels=True)["contours"]
    assert path.count("M") == path.count("Z") == 1


def test_same_curves_give_the_same_drawing():
    curves = {"train_loss": pd.Series([0.7, 0.5], index=[1, 2]), "val_auc": pd.Series([0.5, 0.6], index=[1, 2])}
    assert draw_curves(curves, "epoch", 2) == draw_curves(curves, "epoch", 2)
    assert draw_curves(curves, "epoch", 2) != draw_curves(curves, "epoch", None)
