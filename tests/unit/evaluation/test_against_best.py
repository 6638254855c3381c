"""The table against the best baseline: who is chosen, and that its figures are those of the comparison."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.params import Params, load_params
from radprompt.evaluation.against_best import COLUMNS, against_best, best_by_validation
from radprompt.evaluation.model_comparison import compare

MODELS = ("named", "llm", "svm", "mlp", "transtab")


@pytest.fixture(scope="module")
def params() -> Params:
    own = load_params(Path(__file__).parents[3] / "params.yaml")
    return replace(own, evaluation=replace(own.evaluation, bootstrap_draws=200))


@pytest.fixture(scope="module")
def predictions() -> pd.DataFrame:
    """Two repeats of 40 lesions of 20 patients, validation and test; the language model has the first alone."""
    generator = np.random.default_rng(7)
    parts = []
    for repeat in (0, 1):
        for split in ("val", "test"):
            labels = generator.permutation(np.arange(40) % 2)
            ids = [f"{split}{number}" for number in range(40)]
            frame = {"lesion_id": ids, "patient_id": [f"{split}{n // 2}" for n in range(40)], "label": labels}
            for place, model in enumerate(MODELS):
                if model == "llm" and repeat:
                    continue
                probability = np.clip(0.5 + (0.05 + 0.1 * place) * (labels - 0.5) + generator.normal(0, 0.2, 40), 0, 1)
                own = pd.DataFrame(frame).assign(probability=probability, model=model, repeat=repeat, split=split)
                parts.append(own)
    return pd.concat(parts, ignore_index=True).assign(setting="inbreast_adapted", seed=1)


def test_a_model_whose_epoch_validation_rows_choose_is_no_candidate(predictions: pd.DataFrame) -> None:
    everyone = [model for model in MODELS if model not in ("named", "llm")]
    assert best_by_validation(predictions, everyone) == {"inbreast_adapted": "mlp"}
    assert best_by_validation(predictions, ["transtab", "majority"]) == {}


def test_figures_are_those_of_the_comparison_and_differences_are_to_the_baseline(
    predictions: pd.DataFrame, params: Params
) -> None:
    table = against_best(predictions, {"inbreast_adapted": "mlp"}, params)
    assert list(table.columns) == COLUMNS
    assert table[["role", "model"]].to_numpy().tolist() == [["named", "named"], ["llm", "llm"], ["best", "mlp"]]
    comparison = compare(predictions, params)
    auc = comparison[comparison["metric"] == "auc"].set_index("model")
    for row in table.itertuples():
        assert (row.value, row.low, row.high) == tuple(auc.loc[row.model, ["value", "low", "high"]])
    own = table.set_index("role")
    assert own.loc["named", "difference"] == pytest.approx(own.loc["named", "value"] - own.loc["best", "value"])
    # The language model has the first repeat alone: there it is compared.
    first = compare(predictions[predictions["repeat"] == 0], params)
    first = first[first["metric"] == "auc"].set_index("model")["value"]
    assert own.loc["llm", "paired_repeats"] == 1
    assert own.loc["llm", "difference"] == pytest.approx(first["llm"] - first["mlp"])
    # With the language model as reference, the comparison has the same difference the other way round.
    flipped = auc.loc["mlp", ["difference", "difference_low", "difference_high"]].astype(float)
    assert own.loc["llm", ["difference", "difference_low", "difference_high"]].tolist() == pytest.approx(list(flipped))
    assert own.loc["best", ["difference", "difference_low", "difference_high"]].isna().all()


def test_without_a_best_baseline_no_difference_is_known(predictions: pd.DataFrame, params: Params) -> None:
    table = against_best(predictions, {}, params)
    assert table["role"].tolist() == ["named", "llm"]
    assert table["difference"].isna().all()
    assert against_best(predictions[predictions["split"] == "val"], {}, params).empty


def test_a_setting_whose_test_rows_are_of_one_class_has_no_row(predictions: pd.DataFrame, params: Params) -> None:
    one_class = predictions[predictions["label"] == 1].assign(setting="vindr")
    best = {"inbreast_adapted": "mlp", "vindr": "mlp"}
    table = against_best(pd.concat([one_class, predictions]), best, params)
    assert table["setting"].unique().tolist() == ["inbreast_adapted"]
