from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radprompt.core.errors import InputError
from radprompt.core.params import Compute, Params, load_params
from radprompt.evaluation.comparisons import delong_test, holm
from radprompt.evaluation.model_comparison import ALL_METRICS, COLUMNS, compare
from radprompt.evaluation.scores import DECISIONS, METRICS
from radprompt.evaluation.thresholds import youden_threshold


@pytest.fixture(scope="module")
def params() -> Params:
    whole = load_params(Path(__file__).parents[3] / "params.yaml")
    return replace(whole, evaluation=replace(whole.evaluation, bootstrap_draws=300, reference="llm"))


def predictions(seeds: dict[str, list[int]], lesions: int = 60) -> pd.DataFrame:
    generator = np.random.default_rng(11)
    labels = generator.integers(0, 2, lesions)
    parts = []
    for model, own in seeds.items():
        for seed in own:
            probability = np.round(np.clip(generator.normal(0.4 + 0.2 * labels, 0.25), 0, 1), 3)
            if model == "majority":
                probability = np.full(lesions, 0.4)
            part = {
                "lesion_id": [f"l{i:03d}" for i in range(lesions)],
                "patient_id": [f"p{i // 2}" for i in range(lesions)],
            }
            part |= {"setting": "vindr", "model": model, "seed": seed, "label": labels, "probability": probability}
            parts.append(pd.DataFrame(part).assign(split=["val"] * 10 + ["test"] * (lesions - 10)))
    return pd.concat(parts, ignore_index=True).assign(repeat=0)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return predictions({"svm": [1], "llm": [1, 2], "majority": [1], "another": [1]})


@pytest.fixture(scope="module")
def comparison(table: pd.DataFrame, params: Params) -> pd.DataFrame:
    return compare(table, params)


def row(comparison: pd.DataFrame, model: str, metric: str) -> pd.Series:
    found = comparison[(comparison["model"] == model) & (comparison["metric"] == metric)]
    assert len(found) == 1
    return found.iloc[0]


def auc(table: pd.DataFrame, model: str, seed: int) -> float:
    own = table[(table["model"] == model) & (table["seed"] == seed) & (table["split"] == "test")]
    return roc_auc_score(own["label"], own["probability"])


def test_one_row_for_each_model_and_defined_metric(comparison: pd.DataFrame) -> None:
    assert list(comparison) == COLUMNS
    assert list(dict.fromkeys(comparison["model"])) == ["llm", "another", "majority", "svm"]
    assert comparison[comparison["model"] == "svm"]["metric"].tolist() == list(ALL_METRICS)
    undefined = set(ALL_METRICS) - set(comparison[comparison["model"] == "majority"]["metric"])
    # At 0.5 it calls none malignant, at any chosen threshold all.
    assert undefined == {"ppv", "calibration_slope", "npv_at_youden", "npv_at_fixed_sensitivity"}
    counts = comparison[["lesions", "patients", "malignant"]].drop_duplicates()
    assert len(counts) == 1
    assert counts["lesions"].iloc[0] == 50
    assert counts["patients"].iloc[0] == 25


def test_only_test_rows_count(table: pd.DataFrame, comparison: pd.DataFrame, params: Params) -> None:
    assert row(comparison, "svm", "auc")["value"] == pytest.approx(auc(table, "svm", 1))
    spoilt = table.copy()
    spoilt.loc[spoilt["split"] == "val", "probability"] = 0.0
    both = [
        found[found["metric"].isin(METRICS)].reset_index(drop=True) for found in (compare(spoilt, params), comparison)
    ]
    pd.testing.assert_frame_equal(*both)


def test_seeds_are_averaged_with_their_spread(table: pd.DataFrame, comparison: pd.DataFrame) -> None:
    each = [auc(table, "llm", 1), auc(table, "llm", 2)]
    found = row(comparison, "llm", "auc")
    assert found["value"] == pytest.approx(np.mean(each))
    assert found["seed_sd"] == pytest.approx(np.std(each, ddof=1))
    assert found["seeds"] == 2
    assert np.isnan(row(comparison, "svm", "auc")["seed_sd"])


def test_intervals_hold_their_value(comparison: pd.DataFrame) -> None:
    # Resampling biases the calibration error upwards, and a chosen threshold is taken as it is.
    apart = comparison[~comparison["metric"].str.contains("^ece|^threshold")]
    assert (apart["low"] <= apart["value"] + 1e-9).all()
    assert (apart["value"] <= apart["high"] + 1e-9).all()
    own = apart[apart["model"] != "majority"]
    assert (own["low"] <= own["high"]).all()
    assert (own["low"] < own["high"]).mean() > 0.9


def test_differences_from_the_reference(table: pd.DataFrame, comparison: pd.DataFrame) -> None:
    found = row(comparison, "svm", "auc")
    assert found["reference"] == "llm"
    expected = np.mean([auc(table, "llm", 1), auc(table, "llm", 2)]) - auc(table, "svm", 1)
    assert found["difference"] == pytest.approx(expected)
    assert found["difference_low"] < expected < found["difference_high"]
    test = table[table["split"] == "test"]
    runs = test.pivot_table(index=["model", "seed"], columns="lesion_id", values="probability")
    labels = test.drop_duplicates("lesion_id").sort_values("lesion_id")["label"].to_numpy()
    p = delong_test(labels, runs.loc["llm"].to_numpy(), runs.loc["svm"].to_numpy()).p
    assert found["p_delong"] == pytest.approx(p)
    assert comparison[comparison["model"] == "llm"]["difference"].isna().all()
    slopes = comparison[comparison["metric"].str.startswith("calibration")]
    assert slopes["p_bootstrap"].isna().all()


@pytest.mark.parametrize("test", ["bootstrap", "delong", "clustered"])
def test_holm_counts_the_rivals_of_one_metric(comparison: pd.DataFrame, test: str) -> None:
    found = comparison[(comparison["metric"] == "auc") & (comparison["model"] != "llm")]
    assert len(found) == 3
    assert found[f"p_{test}_holm"].to_numpy() == pytest.approx(holm(found[f"p_{test}"].to_numpy()))


def test_models_share_their_resamples(table: pd.DataFrame, params: Params) -> None:
    copy = table[table["model"] == "svm"].assign(model="copy")
    paired = compare(pd.concat([table, copy]), replace(params, evaluation=replace(params.evaluation, reference="copy")))
    found = row(paired, "svm", "brier")
    assert (found["difference"], found["difference_low"], found["difference_high"], found["p_bootstrap"]) == (
        0,
        0,
        0,
        1,
    )


def test_models_scored_by_workers_give_the_same_table(
    table: pd.DataFrame, comparison: pd.DataFrame, params: Params
) -> None:
    spread = compare(table, params, compute=Compute("loky", 2))
    pd.testing.assert_frame_equal(spread, comparison, check_exact=True)


def test_order_of_rows_does_not_matter(table: pd.DataFrame, comparison: pd.DataFrame, params: Params) -> None:
    pd.testing.assert_frame_equal(compare(table.sample(frac=1, random_state=0), params), comparison)


def test_a_setting_without_the_reference_has_no_differences(table: pd.DataFrame, params: Params) -> None:
    other = table[table["model"] == "svm"].assign(setting="inbreast_adapted")
    found = compare(pd.concat([table, other]), params)
    assert found[found["setting"] == "inbreast_adapted"]["difference"].isna().all()
    shown = found[(found["setting"] == "inbreast_adapted") & ~found["metric"].str.startswith("threshold")]
    assert shown["low"].notna().all()


def test_without_test_rows_there_is_nothing_to_compare(table: pd.DataFrame, params: Params) -> None:
    with pytest.raises(InputError, match="test split"):
        compare(table[table["split"] == "val"], params)


def test_one_class_in_the_test_split(table: pd.DataFrame, params: Params) -> None:
    found = compare(table[table["label"] == 1], params)
    assert set(found[found["model"] == "svm"]["metric"]) == {
        *("accuracy", "f1", "sensitivity", "ppv", "npv", "brier", "ece"),
    }


def test_each_seed_calls_at_its_own_threshold_from_validation(table: pd.DataFrame, comparison: pd.DataFrame) -> None:
    cuts, sensitivities = [], []
    for seed in (1, 2):
        own = table[(table["model"] == "llm") & (table["seed"] == seed)]
        val, test = own[own["split"] == "val"], own[own["split"] == "test"]
        cuts.append(youden_threshold(val["label"].to_numpy(), val["probability"].to_numpy()))
        malignant = test.loc[test["label"] == 1, "probability"]
        sensitivities.append((malignant >= cuts[-1]).mean())
    assert cuts[0] != cuts[1]
    assert row(comparison, "llm", "threshold_at_youden")["value"] == pytest.approx(np.mean(cuts))
    found = row(comparison, "llm", "sensitivity_at_youden")
    assert found["value"] == pytest.approx(np.mean(sensitivities))
    assert found["low"] <= found["value"] <= found["high"]
    other = row(comparison, "svm", "sensitivity_at_youden")
    assert other["difference"] == pytest.approx(found["value"] - other["value"])
    assert np.isnan(row(comparison, "svm", "threshold_at_youden")["difference"])


def test_a_model_without_validation_rows_has_no_chosen_threshold(table: pd.DataFrame, params: Params) -> None:
    without = table[(table["model"] != "svm") | (table["split"] == "test")]
    found = compare(without, params)
    assert found[found["model"] == "svm"]["metric"].tolist() == list(METRICS)
    assert found[found["model"] == "llm"]["metric"].tolist() == list(ALL_METRICS)


def test_a_rule_can_be_the_main_threshold(table: pd.DataFrame, comparison: pd.DataFrame, params: Params) -> None:
    without = table[(table["model"] != "svm") | (table["split"] == "test")]
    found = compare(without, replace(params, evaluation=replace(params.evaluation, threshold="youden")))
    for metric in DECISIONS:
        main, chosen = row(found, "llm", metric), row(comparison, "llm", f"{metric}_at_youden")
        assert main[["value", "low", "high"]].tolist() == chosen[["value", "low", "high"]].tolist()
    assert set(found[found["model"] == "svm"]["metric"]) == set(METRICS) - set(DECISIONS)
    assert row(found, "svm", "auc")["value"] == row(comparison, "svm", "auc")["value"]
