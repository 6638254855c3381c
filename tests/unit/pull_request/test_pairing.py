"""Paired differences of two revisions: against the scores themselves, and what has no difference."""

import numpy as np
import pandas as pd
import pytest
from scratch_repository import ROOT, rows
from sklearn.metrics import brier_score_loss, roc_auc_score

from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.evaluation.intervals import patient_resamples
from radprompt.repository.pull_request.pairing import COLUMNS, contour_differences, paired_differences, verdict


@pytest.fixture(scope="module")
def params():
    from dataclasses import replace

    whole = load_params(ROOT / "params.yaml")
    return replace(whole, evaluation=replace(whole.evaluation, bootstrap_draws=200))


def _named(table, model="llm"):
    return table.assign(setting="vindr", model=model)


def test_difference_is_after_minus_before_and_its_interval_that_of_the_same_resamples(params):
    old, new = rows(0.5, seed=1), rows(0.2, seed=2)
    table = paired_differences(_named(old), _named(new), params).set_index("metric")
    test = [part[part["split"] == "test"] for part in (old, new)]
    labels = test[0]["label"].to_numpy()
    first, second = (part["probability"].to_numpy() for part in test)
    assert table.loc["auc", "difference"] == pytest.approx(roc_auc_score(labels, second) - roc_auc_score(labels, first))
    brier = brier_score_loss(labels, second) - brier_score_loss(labels, first)
    assert table.loc["brier", "difference"] == pytest.approx(brier)
    weights = patient_resamples(test[0]["patient_id"].to_numpy(), 200, params.seed)
    drawn = weights @ ((second - labels) ** 2 - (first - labels) ** 2) / weights.sum(axis=1)
    expected = np.quantile(drawn, [0.025, 0.975])
    assert table.loc["brier", ["low", "high"]].to_numpy(float) == pytest.approx(expected)
    assert table.loc["brier", "p"] == pytest.approx(2 * ((drawn <= 0).sum() + 1) / 201)
    assert set(table["lesions"]) == {60}


def test_figures_without_an_order_have_no_difference(params):
    metrics = set(paired_differences(_named(rows(0.5)), _named(rows(0.2, seed=2)), params)["metric"])
    assert {"auc", "brier", "sensitivity_at_youden"} <= metrics
    assert not metrics & {"calibration_slope", "calibration_intercept", "threshold_at_youden"}


def test_p_is_corrected_for_the_models_that_changed_in_a_setting(params):
    old, new = rows(0.5, seed=1), rows(0.3, seed=2)
    alone = paired_differences(_named(old), _named(new), params)
    many = [pd.concat([_named(table, f"m{i}") for i in range(4)]) for table in (old, new)]
    four = paired_differences(*many, params)
    p = alone.set_index("metric").loc["auc", "p"]
    assert 0 < p < 0.25
    assert four[four["metric"] == "auc"]["p"].tolist() == pytest.approx([4 * p] * 4)


def test_label_that_was_corrected_takes_the_lesion_out(params):
    old, new = rows(0.5, seed=1), rows(0.5, seed=2)
    new.loc[79, "label"] = 1 - new.loc[79, "label"]
    table = paired_differences(_named(old), _named(new), params)
    assert set(table["lesions"]) == {59}
    assert set(table["all_lesions"]) == {61}


def test_nothing_in_common_gives_no_row_and_the_columns_stay(params):
    table = paired_differences(_named(rows(0.5)), _named(rows(0.5, first=200)), params)
    assert table.empty
    assert list(table.columns) == COLUMNS


@pytest.mark.parametrize(
    ("metric", "difference", "p", "word"),
    [
        ("auc", 0.1, 0.01, "better"),
        ("auc", -0.1, 0.01, "worse"),
        ("brier", 0.1, 0.01, "worse"),
        ("ece", -0.1, 0.01, "better"),
        ("hd95_px", 1.0, 0.01, "worse"),
        ("dice", 0.1, 0.05, "within noise"),
        ("auc", 0.1, float("nan"), "not tested"),
    ],
)
def test_verdict(metric, difference, p, word):
    assert verdict(metric, difference, p, 0.05) == word


def _contours(dice, source="nnunet", lesions=30):
    table = {
        "cohort": "inbreast",
        "lesion_id": [f"l{i}" for i in range(lesions)],
        "patient_id": [f"p{i // 3}" for i in range(lesions)],
        "nnunet_dice": dice,
        "nnunet_hd95_px": 4.0,
        "source": source,
    }
    return pd.DataFrame(table).to_csv(index=False).encode()


def test_contours_that_a_person_drew_do_not_count(params):
    sources = ["review"] * 10 + ["nnunet"] * 20
    table = contour_differences(_contours(0.9, sources), _contours(0.8, sources), params)
    assert table["metric"].tolist() == ["dice"]
    assert table["lesions"].tolist() == [20]
    assert table["difference"].tolist() == [pytest.approx(-0.1)]
    assert table["p"].tolist() == [pytest.approx(2 / 201)]


def test_contours_that_are_no_table_are_refused(params):
    with pytest.raises(InputError, match="not a table of contours"):
        contour_differences(b"a,b\n1,2\n", _contours(0.8), params)
