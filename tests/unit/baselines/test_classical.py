import warnings
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from radprompt.baselines import transfer
from radprompt.baselines.classical import Conventional, NormalScores, build, features_of
from radprompt.core.baseline_params import Baseline, Baselines
from radprompt.core.errors import InputError
from radprompt.core.params import load_params

SIZE = "shape_MaximumDiameter"

MODELS = [name for name in get_args(Baseline) if name not in ("transtab", "tabicl", *transfer.MODELS)]


def fit_predict(
    name: str, X: pd.DataFrame, y: np.ndarray, X_new: pd.DataFrame, params: Baselines, seed: int
) -> np.ndarray:
    return Conventional(name, params, seed).fit(X, y).predict_proba(X_new)[:, 1]


@pytest.fixture(scope="module")
def params() -> Baselines:
    return load_params(Path(__file__).parents[3] / "params.yaml").baselines


def test_a_patients_rows_are_on_one_side_of_elastic_nets_inner_folds(params: Baselines) -> None:
    generator = np.random.default_rng(6)
    patients, labels = np.repeat(np.arange(40), 4), np.repeat(np.arange(40) % 2, 4)
    values = np.repeat(generator.normal(size=(40, 30)), 4, axis=0) + 0.01 * generator.normal(size=(160, 30))
    X = pd.DataFrame(values, columns=[f"x{number}" for number in range(30)])
    model = Conventional("elastic_net", params, 0).fit(X, labels, patients)
    for train, test in model._estimator.cv:
        assert not set(patients[train]) & set(patients[test])
        assert set(labels[train]) == set(labels[test]) == {0, 1}
    by_rows = Conventional("elastic_net", params, 0).fit(X, labels)
    assert model._estimator.C_ < by_rows._estimator.C_  # copies on both sides favour weak penalties
    alone = Conventional("elastic_net", params, 0).fit(X, labels, np.arange(160))
    assert (alone.predict_proba(X) == by_rows.predict_proba(X)).all()


@pytest.fixture(scope="module")
def sample() -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame, np.ndarray]:
    """Training and new rows of three features; the first two tell the classes apart, with overlap."""
    generator = np.random.default_rng(0)
    labels = np.tile([0, 1, 0], 60)
    X = pd.DataFrame(generator.normal(size=(180, 3)), columns=["a", "b", SIZE])
    X["a"] += 1.2 * labels
    X["b"] -= 0.8 * labels
    return X[:120], labels[:120], X[120:], labels[120:]


def test_the_paper_and_the_reviewers_are_all_there(params: Baselines) -> None:
    of_tables = {"elastic_net", "hist_gradient_boosting", "clinical_logistic", "combined_logistic", transfer.SOURCE}
    assert set(params.models) == {*MODELS, *transfer.MODELS, "transtab"} - of_tables
    assert len(set(params.models) & set(MODELS)) == 11


@pytest.mark.parametrize("name", MODELS)
def test_learns_repeats_and_stays_quiet(name: str, sample: tuple, params: Baselines) -> None:
    X, y, X_new, y_new = sample
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # deprecated arguments would fail here
        once = fit_predict(name, X, y, X_new, params, seed=5)
    assert once.shape == (60,)
    assert ((once >= 0) & (once <= 1)).all()
    assert (fit_predict(name, X, y, X_new, params, seed=5) == once).all()
    if name == "majority":
        assert once == pytest.approx(y.mean())
    else:
        assert roc_auc_score(y_new, once) > 0.75


def test_hyperparameters_of_the_paper(params: Baselines) -> None:
    assert build("random_forest", params, 0).n_estimators == 100
    boosting = build("gradient_boosting", params, 0)
    assert (boosting.learning_rate, boosting.max_depth) == (0.1, 3)
    perceptron = build("mlp", params, 0)
    assert perceptron.hidden_layer_sizes == (1024,)
    assert perceptron.activation == "relu"
    assert build("svm", params, 0).estimator.kernel == "rbf"
    assert build("logistic_regression", params, 0).solver == "lbfgs"


def test_svm_probabilities_order_as_its_distances(sample: tuple, params: Baselines) -> None:
    from sklearn.svm import SVC

    X, y, X_new, _ = sample
    distance = SVC(C=params.svm.C).fit(X.to_numpy(), y).decision_function(X_new.to_numpy())
    probability = fit_predict("svm", X, y, X_new, params, 0)
    assert (np.argsort(probability) == np.argsort(distance)).all()


@pytest.mark.parametrize("name", ["random_forest", "mlp"])
def test_the_seed_counts(name: str, sample: tuple, params: Baselines) -> None:
    X, y, X_new, _ = sample
    assert (fit_predict(name, X, y, X_new, params, 1) != fit_predict(name, X, y, X_new, params, 2)).any()


def test_features_that_a_model_sees() -> None:
    everything, known = ["a", "b", SIZE, "c"], ["clinical: age"]

    def seen(name: str) -> list[str]:
        return features_of(name, ["c", "a"], everything, known, SIZE)

    assert seen("svm") == ["c", "a"]
    assert seen("size_alone") == [SIZE]
    assert seen("all_features_logistic") == seen("elastic_net") == everything
    assert seen("clinical_logistic") == known
    assert seen("combined_logistic") == ["clinical: age", "c", "a"]


@pytest.mark.parametrize(
    "name", ["logistic_regression", "random_forest", "svm", "elastic_net", "normal_scores_logistic"]
)
def test_missing_values_become_the_training_median_and_a_column_says_so(
    name: str, sample: tuple, params: Baselines
) -> None:
    X, y, X_new, _ = sample
    gaps = X.assign(a=X["a"].mask(np.arange(len(X)) % 5 == 0))
    filled = gaps.assign(a=gaps["a"].fillna(gaps["a"].median()), gone=gaps["a"].isna().astype(float))
    new = X_new.assign(a=np.nan)
    by_hand = new.assign(a=gaps["a"].median(), gone=1.0)
    expected = fit_predict(name, filled, y, by_hand, params, 0)
    np.testing.assert_allclose(fit_predict(name, gaps, y, new, params, 0), expected, rtol=1e-12)


def test_one_class_or_too_few_rows_is_an_input_error(sample: tuple, params: Baselines) -> None:
    X, y, X_new, _ = sample
    with pytest.raises(InputError, match="0 malignant"):
        fit_predict("naive_bayes", X, np.zeros(120, dtype=int), X_new, params, 0)
    few = np.flatnonzero(y == 1)[:3].tolist() + np.flatnonzero(y == 0).tolist()
    with pytest.raises(InputError, match="5 folds") as caught:
        fit_predict("svm", X.iloc[few], y[few], X_new, params, 0)
    assert "3 or less" in caught.value.fix
    enough = replace(params, svm=replace(params.svm, folds=3))
    assert fit_predict("svm", X.iloc[few], y[few], X_new, enough, 0).shape == (60,)


def test_other_columns_are_refused_by_name(sample: tuple, params: Baselines) -> None:
    X, y, X_new, _ = sample
    fitted = Conventional("svm", params, 0).fit(X, y)
    with pytest.raises(InputError, match="svm was fitted on other features: b missing; c unknown") as caught:
        fitted.predict_proba(X_new.rename(columns={"b": "c"}))
    assert "no way to go on learning" in caught.value.fix
    with pytest.raises(InputError, match="c unknown"):
        fitted.predict_proba(X_new.assign(c=0.0))
    with pytest.raises(InputError, match="a missing"):
        fitted.predict_proba(X_new.drop(columns="a"))


def test_columns_go_by_name_not_by_place(sample: tuple, params: Baselines) -> None:
    X, y, X_new, _ = sample
    fitted = Conventional("logistic_regression", params, 0).fit(X, y)
    assert (fitted.predict_proba(X_new[X_new.columns[::-1]]) == fitted.predict_proba(X_new)).all()
    assert fitted.predict_proba(X_new).sum(axis=1) == pytest.approx(1)


def test_no_such_baseline(params: Baselines) -> None:
    with pytest.raises(ValueError, match="no baseline is called 'oracle'"):
        build("oracle", params, 0)


@parametrize_with_checks([NormalScores()])
def test_normal_scores_keep_scikit_learns_contract(estimator: NormalScores, check: object) -> None:
    check(estimator)  # type: ignore[operator]
