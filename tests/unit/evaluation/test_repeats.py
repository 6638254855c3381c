"""Several halves of the same patients: means, spreads, paired differences, intervals and tests, each by plain loops."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from radprompt.core.params import Params, load_params
from radprompt.evaluation.comparisons import bootstrap_p, delong_test, holm, resampled_test
from radprompt.evaluation.intervals import interval, patient_resamples, repeat_mean, score_draws
from radprompt.evaluation.model_comparison import compare
from radprompt.evaluation.scores import METRICS, scores

pytestmark = pytest.mark.slow

DRAWS = 40
EXACT = (
    "auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "f1",
    "sensitivity",
    "specificity",
    "brier",
    "ece",
)
"""Metrics without iteration: a loop gives them to the last bits."""


@pytest.fixture(scope="module")
def params() -> Params:
    whole = load_params(Path(__file__).parents[3] / "params.yaml")
    evaluation = replace(
        whole.evaluation, threshold=0.5, bootstrap_draws=DRAWS, confidence=0.95, calibration_bins=10, reference="llm"
    )
    return replace(whole, seed=11, evaluation=evaluation)


def halves(runs: dict[str, dict[int, list[int]]], patients: int = 24, seed: int = 3) -> pd.DataFrame:
    """Test and validation rows of models, by repeat their seeds; two lesions a patient, half of the patients tested.

    Models differ in skill, and every run errs on its own.
    """
    generator = np.random.default_rng(seed)
    lesions = pd.DataFrame({"lesion_id": [f"l{i:03d}" for i in range(2 * patients)]})
    lesions["patient_id"] = [f"p{i // 2:02d}" for i in range(2 * patients)]
    lesions["label"] = np.where(np.arange(2 * patients) % 4 == 0, 1, generator.integers(0, 2, 2 * patients))
    parts = []
    for repeat in sorted({repeat for own in runs.values() for repeat in own}):
        order = generator.permutation(np.unique(lesions["patient_id"]))
        roles = dict(zip(order, ["test"] * (patients // 2) + ["val"] * (patients // 4), strict=False))
        half = lesions.assign(repeat=repeat, split=lesions["patient_id"].map(roles)).dropna(subset="split")
        for skill, (model, own) in enumerate(runs.items()):
            for number in own.get(repeat, []):
                drawn = generator.normal(0.45 + (0.2 - 0.05 * skill) * half["label"], 0.2)
                probability = np.round(np.clip(drawn, 0, 1), 2)
                parts.append(half.assign(setting="inbreast_adapted", model=model, seed=number, probability=probability))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """The reference on three halves with two seeds, a rival on five, another on the first one only."""
    rival = {repeat: [1] for repeat in range(5)}
    return halves({"llm": {0: [1, 2], 1: [1, 2], 2: [1, 2]}, "svm": rival, "forest": rival, "theirs": {0: [9]}})


@pytest.fixture(scope="module")
def comparison(table: pd.DataFrame, params: Params) -> pd.DataFrame:
    return compare(table, params)


def cell(comparison: pd.DataFrame, model: str, metric: str) -> pd.Series:
    found = comparison[(comparison["model"] == model) & (comparison["metric"] == metric)]
    assert len(found) == 1
    return found.iloc[0]


def run(table: pd.DataFrame, model: str, repeat: int, seed: int) -> pd.DataFrame:
    own = table[(table["model"] == model) & (table["repeat"] == repeat) & (table["seed"] == seed)]
    return own[own["split"] == "test"].sort_values("lesion_id")


def slow_draws(table: pd.DataFrame, params: Params, model: str, repeats: range, seeds: list[int]) -> pd.DataFrame:
    """A row for each resample and repeat: every metric on the repeat's test lesions, copied as often as drawn."""
    test = table[table["split"] == "test"].drop_duplicates("lesion_id")
    patients = sorted(test["patient_id"])
    resamples = patient_resamples(np.array(patients), DRAWS, params.seed)
    rows = []
    for draw, counts in enumerate(resamples):
        times = dict(zip(patients, counts, strict=True))
        for repeat in repeats:
            each = []
            for seed in seeds:
                own = run(table, model, repeat, seed)
                copied = own.loc[own.index.repeat(own["patient_id"].map(times))]
                each.append(scores(copied["label"].to_numpy(), copied["probability"].to_numpy(), 0.5, 10))
            rows.append({"draw": draw, "repeat": repeat} | {m: np.mean([e[m] for e in each]) for m in EXACT})
    return pd.DataFrame(rows)


def test_two_halves_by_hand(params: Params) -> None:
    # Half 0 tests a to d: llm ranks all four pairs right, svm two. Half 1 tests e to h: llm three, svm four.
    labels = [1, 1, 0, 0]
    probabilities = {
        ("llm", 0): [0.9, 0.8, 0.2, 0.1],
        ("llm", 1): [0.9, 0.4, 0.6, 0.1],
        ("svm", 0): [0.9, 0.1, 0.7, 0.6],
        ("svm", 1): [0.9, 0.7, 0.3, 0.2],
    }
    parts = [
        pd.DataFrame({"lesion_id": [*("abcd", "efgh")[repeat]], "label": labels, "probability": values}).assign(
            patient_id=lambda part: part["lesion_id"], setting="inbreast_adapted", repeat=repeat, model=model, seed=1
        )
        for (model, repeat), values in probabilities.items()
    ]
    found = compare(pd.concat(parts).assign(split="test"), params)
    llm, svm = cell(found, "llm", "auc"), cell(found, "svm", "auc")
    assert (llm["value"], svm["value"]) == ((1 + 0.75) / 2, (0.5 + 1) / 2)
    assert llm["repeat_sd"] == pytest.approx(0.25 / np.sqrt(2))
    assert svm["repeat_sd"] == pytest.approx(0.5 / np.sqrt(2))
    assert (svm["repeats"], svm["paired_repeats"]) == (2, 2)
    # The differences are 0.5 and -0.25: mean 1/8, variance 9/32, and t = (1/8) / sqrt((1/2 + 1) 9/32) with 1 df.
    assert svm["difference"] == 0.125
    assert svm["p_resampled"] == pytest.approx(2 * t.sf(0.125 / np.sqrt(1.5 * 9 / 32), 1))
    assert (svm["lesions"], svm["patients"], svm["malignant"]) == (4, 4, 2)
    assert svm[["p_delong", "p_clustered"]].isna().all()


def test_means_and_spreads(table: pd.DataFrame, comparison: pd.DataFrame) -> None:
    by_repeat, within = [], []
    for repeat in range(3):
        pair = []
        for seed in (1, 2):
            own = run(table, "llm", repeat, seed)
            pair.append(roc_auc_score(own["label"], own["probability"]))
        by_repeat.append(sum(pair) / 2)
        within.append(np.std(pair, ddof=1))
    found = cell(comparison, "llm", "auc")
    assert found["value"] == pytest.approx(sum(by_repeat) / 3, abs=1e-12)
    assert found["repeat_sd"] == pytest.approx(np.std(by_repeat, ddof=1), abs=1e-12)
    assert found["seed_sd"] == pytest.approx(sum(within) / 3, abs=1e-12)
    assert (found["repeats"], found["seeds"]) == (3, 2)
    rival = cell(comparison, "svm", "auc")
    assert (rival["repeats"], rival["seeds"]) == (5, 1)
    assert np.isnan(rival["seed_sd"])
    alone = cell(comparison, "theirs", "auc")
    assert alone["repeats"] == 1
    assert np.isnan(alone["repeat_sd"])
    first = run(table, "llm", 0, 1)
    assert (comparison["lesions"] == len(first)).all()
    assert (comparison["patients"] == first["patient_id"].nunique()).all()
    assert (comparison["malignant"] == first["label"].sum()).all()


@pytest.mark.parametrize(("model", "repeats", "seeds"), [("llm", range(3), [1, 2]), ("svm", range(5), [1])])
def test_intervals_are_those_of_a_loop_over_resamples(
    table: pd.DataFrame, comparison: pd.DataFrame, params: Params, model: str, repeats: range, seeds: list[int]
) -> None:
    means = slow_draws(table, params, model, repeats, seeds).groupby("draw")[list(EXACT)].mean()
    for metric in EXACT:
        found = cell(comparison, model, metric)
        low, high = np.quantile(means[metric], [0.025, 0.975])
        assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-12), metric


def test_differences_are_paired_on_the_halves_that_both_have(
    table: pd.DataFrame, comparison: pd.DataFrame, params: Params
) -> None:
    llm, svm = (slow_draws(table, params, model, range(3), seeds) for model, seeds in (("llm", [1, 2]), ("svm", [1])))
    for metric in EXACT:
        each = []
        for repeat in range(3):
            values = {}
            for model, seeds in (("llm", [1, 2]), ("svm", [1])):
                own = [run(table, model, repeat, seed) for seed in seeds]
                values[model] = np.mean([scores(r["label"], r["probability"].to_numpy(), 0.5, 10)[metric] for r in own])
            each.append(values["llm"] - values["svm"])
        gap = (llm[metric] - svm[metric]).groupby(llm["draw"]).mean().to_numpy()
        found = cell(comparison, "svm", metric)
        assert found["paired_repeats"] == 3
        assert found["difference"] == pytest.approx(np.mean(each), abs=1e-12)
        low, high = np.quantile(gap, [0.025, 0.975])
        assert (found["difference_low"], found["difference_high"]) == pytest.approx((low, high), abs=1e-12)
        assert found["p_bootstrap"] == bootstrap_p(np.round(gap, 12))
        assert found["p_resampled"] == pytest.approx(resampled_test(np.array(each)), abs=1e-9)


def test_each_comparison_has_the_tests_of_its_repeats(table: pd.DataFrame, comparison: pd.DataFrame) -> None:
    svm, theirs = cell(comparison, "svm", "auc"), cell(comparison, "theirs", "auc")
    assert svm[["p_delong", "p_clustered", "p_delong_holm"]].isna().all()
    assert theirs["paired_repeats"] == 1
    assert np.isnan(theirs["p_resampled"])
    pair = np.stack([run(table, "llm", 0, seed)["probability"] for seed in (1, 2)])
    own = run(table, "theirs", 0, 9)
    labels, patients = own["label"].to_numpy(), own["patient_id"].to_numpy()
    assert theirs["p_delong"] == delong_test(labels, pair, own["probability"].to_numpy()).p
    assert theirs["p_clustered"] == delong_test(labels, pair, own["probability"].to_numpy(), patients).p
    for metric in ("auc", "brier"):
        p = [cell(comparison, model, metric)["p_resampled"] for model in ("forest", "svm")]
        adjusted = [cell(comparison, model, metric)["p_resampled_holm"] for model in ("forest", "svm")]
        assert adjusted == pytest.approx(holm(np.array(p)))


def test_a_metric_that_one_half_lacks_is_left_out(table: pd.DataFrame, params: Params) -> None:
    shy = table.copy()
    shy.loc[(shy["model"] == "svm") & (shy["repeat"] == 4), "probability"] *= 0.4  # calls none malignant
    found = compare(shy, params)
    assert "ppv" not in set(found.loc[found["model"] == "svm", "metric"])
    assert "ppv" in set(found.loc[found["model"] == "forest", "metric"])


def test_draws_that_a_half_leaves_undefined_are_means_over_the_others() -> None:
    draws = [np.array([0.2, np.nan, np.nan]), np.array([0.4, 0.6, np.nan])]
    np.testing.assert_allclose(repeat_mean(draws), [0.3, 0.6, np.nan], atol=1e-15)
    alone = np.array([0.1, np.nan, 0.7])
    np.testing.assert_array_equal(repeat_mean([alone]), alone)


def test_one_repeat_gives_what_one_sample_gives(params: Params) -> None:
    """Nothing about repeats shows in a setting of one sample: to the bit what a comparison without them computes."""
    table = halves({"llm": {0: [1, 2, 3]}, "svm": {0: [1]}, "forest": {0: [1]}})
    found = compare(table, params)
    own = {name: [run(table, name, 0, seed) for seed in seeds] for name, seeds in (("llm", [1, 2, 3]), ("svm", [1]))}
    labels, patients = (own["svm"][0][name].to_numpy() for name in ("label", "patient_id"))
    resamples = patient_resamples(patients, DRAWS, params.seed)
    draws = {}
    for name, runs in own.items():
        each = [score_draws(labels, r["probability"].to_numpy(), resamples, 0.5, 10) for r in runs]
        draws[name] = {metric: np.mean([e[metric] for e in each], axis=0) for metric in METRICS}
        values = pd.DataFrame([scores(labels, r["probability"].to_numpy(), 0.5, 10) for r in runs])
        for metric in METRICS:
            got = cell(found, name, metric)
            assert got["value"] == values[metric].mean()
            assert (got["low"], got["high"]) == interval(draws[name][metric], 0.95)
            assert got["seed_sd"] == values[metric].std() or len(runs) == 1
    got = cell(found, "svm", "auc")
    gap = draws["llm"]["auc"] - draws["svm"]["auc"]
    assert (got["difference_low"], got["difference_high"]) == interval(gap, 0.95)
    assert got["p_bootstrap"] == bootstrap_p(gap)
    pair = [np.stack([r["probability"] for r in runs]) for runs in own.values()]
    assert got["p_delong"] == delong_test(labels, *pair).p
    assert got["p_clustered"] == delong_test(labels, *pair, patients).p
    assert found[["repeat_sd", "p_resampled", "p_resampled_holm"]].isna().all(axis=None)
    assert (found["repeats"] == 1).all()


def test_order_of_rows_does_not_matter(table: pd.DataFrame, comparison: pd.DataFrame, params: Params) -> None:
    pd.testing.assert_frame_equal(compare(table.sample(frac=1, random_state=0), params), comparison)


def test_resampled_test_by_hand() -> None:
    # Mean 0.03; deviations -0.02, 0, 0.02, so variance 0.0004; 3 splits of ratio 1: sqrt((1/3 + 1) 0.0004) = 0.023094,
    # t = 1.299038. With 2 degrees of freedom P(|T| > t) = 1 - t / sqrt(2 + t^2).
    differences = np.array([0.01, 0.03, 0.05])
    error = (4 / 3 * 0.0004) ** 0.5
    assert error == pytest.approx(0.023094, abs=5e-7)
    statistic = 0.03 / error
    assert resampled_test(differences) == pytest.approx(1 - statistic / np.sqrt(2 + statistic**2), abs=1e-12)
    assert resampled_test(differences) == pytest.approx(0.323519, abs=5e-7)
    # A tenth tested: sqrt((1/3 + 1/9) 0.0004), t = 2.25.
    assert resampled_test(differences, ratio=1 / 9) == pytest.approx(1 - 2.25 / np.sqrt(2 + 2.25**2), abs=1e-12)
    assert resampled_test(-differences) == resampled_test(differences)


def test_resampled_test_without_variance() -> None:
    assert resampled_test(np.zeros(3)) == 1.0
    assert np.isnan(resampled_test(np.full(3, 0.1)))
    assert np.isnan(resampled_test(np.array([0.1])))


def test_resampled_test_keeps_its_level_on_halves_and_the_plain_t_test_does_not() -> None:
    # Two models that are equally often right, on 20 random halves of the same 60 lesions, over and over.
    generator = np.random.default_rng(7)
    corrected, plain = [], []
    for _ in range(600):
        right = generator.random((2, 60)) < 0.7
        gain = right[0].astype(float) - right[1]
        each = np.array([gain[generator.permutation(60)[:30]].mean() for _ in range(20)])
        corrected.append(resampled_test(each) < 0.05)
        plain.append(resampled_test(each, ratio=0.0) < 0.05)
    assert np.mean(corrected) == pytest.approx(0.05, abs=0.03)
    assert np.mean(plain) > 0.3
