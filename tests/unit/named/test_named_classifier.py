"""The estimator on one site: names, gaps, labels, explanations, faults."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated_tables import simulate
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from radprompt import NamedClassifier
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.named.variants import Variant, build


def test_with_verbose_one_line_says_what_was_learned(site_a, capsys):
    NamedClassifier().fit(site_a.X, site_a.y)
    assert capsys.readouterr() == ("", "")
    model = NamedClassifier(verbose=True, scaling="zscore").fit(site_a.X, site_a.y)
    said = capsys.readouterr().err
    assert said.startswith(f"NamedClassifier: 'site 1' {len(site_a.y)} cases, {site_a.X.shape[1]} names; scales total ")
    assert said.endswith(f"log evidence {model.log_evidence_:.2f}; values: zscore\n")
    model.adapt(site_a.X[:30], site_a.y[:30])
    assert "'site 2' 30 cases" in capsys.readouterr().err
    with pytest.raises(InputError, match="verbose is 'loud', not True or False"):
        NamedClassifier(verbose="loud").fit(site_a.X, site_a.y)


def test_defaults_are_those_of_params_yaml():
    named = load_params(Path(__file__).parents[3] / "params.yaml").named
    made = build(Variant("named", False, None), named, None, seed=0)
    assert made.get_params() == NamedClassifier().get_params()
    assert made.layer == named.layer


def test_columns_in_another_order_change_no_bit(site_a):
    turned = site_a.X[site_a.X.columns[::-1]]
    one = NamedClassifier(site_a.vectors).fit(site_a.X, site_a.y)
    other = NamedClassifier(site_a.vectors.iloc[::-1]).fit(turned, site_a.y)
    assert one.predict_proba(site_a.X).tolist() == other.predict_proba(turned).tolist()
    pd.testing.assert_frame_equal(one.coefficients(), other.coefficients(), check_exact=True)


def test_numbers_of_any_kind_are_read_alike(site_a):
    whole = (site_a.X * 10).round().astype("int64")
    kinds = [whole, whole.astype(object), whole.astype("Float64"), whole.astype(str)]
    read = [NamedClassifier(site_a.vectors).fit(X, site_a.y).decision_function(X).tolist() for X in kinds]
    assert read[1:] == read[:1] * 3


def test_units_do_not_count(site_a):
    one = NamedClassifier(scaling="zscore").fit(site_a.X, site_a.y)
    scaled = site_a.X * 1000 - 5
    assert NamedClassifier(scaling="zscore").fit(scaled, site_a.y).decision_function(scaled) == pytest.approx(
        one.decision_function(site_a.X)
    )


def test_without_names_it_is_a_ridge_regression():
    """The mode of a prior of deviation t is scikit-learn's with C = t^2, but for the intercept's weak prior."""
    data = simulate(3000, 6, 2)
    z = (data.X - data.X.mean()) / data.X.std(ddof=0)
    ours = NamedClassifier(scaling="zscore", scales={"total": 0.3}).fit(data.X, data.y).coefficients()["mean"]
    theirs = LogisticRegression(C=0.09, tol=1e-8).fit(z, data.y).coef_[0]
    assert ours.to_numpy() == pytest.approx(theirs, abs=1e-3)


def test_explanations_add_up_to_the_logit(site_a):
    model = NamedClassifier(site_a.vectors).fit(site_a.X, site_a.y)
    rows = site_a.X.copy()
    rows.iloc[0, 3] = np.nan
    found = model.explain(rows)
    assert (found.base + found.shares.sum(axis=1)).to_numpy() == pytest.approx(model.decision_function(rows), abs=1e-9)
    assert found.shares.iloc[0, 3] == 0
    assert found.deviations.iloc[0, 3] > 0
    assert found.shares.index.equals(rows.index)


def test_a_missing_value_adds_nothing_to_the_logit_and_to_its_variance_what_is_unknown():
    data = simulate(400, 3, 4)
    model = NamedClassifier(scaling="zscore").fit(data.X, data.y)
    row = pd.DataFrame([data.X.mean()])
    gap = row.assign(**{"feature 0000": np.nan})
    (known,), (known_sd,) = model.decision_function(row, return_std=True)
    (unknown,), (unknown_sd,) = model.decision_function(gap, return_std=True)
    coefficient = model.coefficients().set_index("name").loc["feature 0000"]
    assert unknown == pytest.approx(known)
    assert unknown_sd**2 - known_sd**2 == pytest.approx(coefficient["mean"] ** 2 + coefficient["sd"] ** 2)
    assert model.decision_function(row.drop(columns="feature 0000"), return_std=True)[1] == pytest.approx(unknown_sd)


def test_learns_with_a_third_of_the_values_missing():
    train, test = simulate(600, 8, 5), simulate(600, 8, 6)
    gaps = train.X.mask(np.random.default_rng(0).uniform(size=train.X.shape) < 1 / 3)
    full = NamedClassifier().fit(train.X, train.y).decision_function(test.X)
    holey = NamedClassifier().fit(gaps, train.y).decision_function(test.X)
    assert roc_auc_score(test.y, holey) > roc_auc_score(test.y, full) - 0.02


def test_probabilities_are_less_certain_than_the_mean_logit(site_a):
    model = NamedClassifier().fit(site_a.X, site_a.y)
    logit = model.decision_function(site_a.X)
    probability = model.predict_proba(site_a.X)[:, 1]
    assert (np.abs(probability - 0.5) < np.abs(1 / (1 + np.exp(-logit)) - 0.5)).all()
    assert ((probability > 0.5) == (logit > 0)).all()


def test_an_array_with_feature_names_is_the_frame(site_a):
    frame = NamedClassifier(site_a.vectors).fit(site_a.X, site_a.y)
    array = NamedClassifier(site_a.vectors, feature_names=list(site_a.X)).fit(site_a.X.to_numpy(), site_a.y)
    assert array.decision_function(site_a.X.to_numpy()).tolist() == frame.decision_function(site_a.X).tolist()


def test_any_two_labels(site_a):
    words = np.where(site_a.y == 1, "sick", "healthy")
    model = NamedClassifier().fit(site_a.X, words)
    assert model.classes_.tolist() == ["healthy", "sick"]
    assert (model.predict(site_a.X) == words).mean() > 0.7


def test_heavy_tails_are_read_by_rank_and_the_choice_is_recorded():
    data = simulate(300, 4, 8, strength=4)
    z = (data.X - 100) / 7
    assert NamedClassifier().fit(np.exp(2 * z), data.y).scaling_ == "normal"


def test_a_coefficient_says_what_it_leans_on():
    """Of two names with one vector and a third, the idle one leans on its twin."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 3))
    y = (rng.uniform(size=300) < 1 / (1 + np.exp(-2 * z[:, 0]))).astype(int)
    table = pd.DataFrame(z, columns=["busy", "twin", "other"]).assign(twin=rng.normal(size=300) * 1e-3)
    table.loc[5:, "twin"] = np.nan  # five values
    vectors = pd.DataFrame([[1.0, 0], [1.0, 0], [-1.0, 1]], ["busy", "twin", "other"])
    scales = {"total": 1.0, "alike": 0.9, "length": 1.0}
    found = NamedClassifier(vectors, scales=scales).fit(table, y).coefficients().set_index("name")
    assert found.loc["twin", "leans_on"].startswith("busy")
    assert found.loc["twin", "mean"] > 0.5
    assert found.loc["busy", "own"] > 0.8
    assert found.loc["twin", "sd"] > found.loc["busy", "sd"]


def test_a_true_direction_is_followed_and_a_false_one_is_not():
    data = simulate(150, 40, 9, strength=6)
    direction = dict(zip(data.X, np.sign(data.vectors.iloc[:, 0]), strict=True))
    assert NamedClassifier(direction=direction).fit(data.X, data.y).scales_.direction > 0
    opposite = {name: -value for name, value in direction.items()}
    assert NamedClassifier(direction=opposite).fit(data.X, data.y).scales_.direction == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda X: X.rename(columns={"feature 0001": "feature 0000"}), ["occur twice: feature 0000"]),
        (lambda X: X.assign(**{"feature 0002": "high"}), ["'feature 0002'", "row 0", "'high'"]),
        (lambda X: X.replace(X.iloc[4, 3], np.inf), ["'feature 0003'", "row 4", "inf"]),
        (
            lambda X: X.assign(**{"feature 0002": "high", "feature 0004": np.inf}),
            ["'feature 0002'", "'feature 0004'"],
        ),
        (lambda X: X.mask(X > 0), ["no column has a value"]),
    ],
)
def test_tables_that_cannot_be_read(site_a, change, words):
    with pytest.raises(InputError) as refused:
        NamedClassifier().fit(change(site_a.X), site_a.y)
    assert all(word in str(refused.value) for word in words)


def test_all_faulty_parameters_are_named_at_once(site_a):
    faulty = NamedClassifier(
        site_a.vectors.assign(a=np.nan), scaling="rank", scales={"totl": 1, "alike": 2, "total": 0}, direction="up"
    )
    with pytest.raises(InputError) as refused:
        faulty.fit(site_a.X, site_a.y)
    for word in ("scaling is 'rank'", "'totl'", "scales['alike'] is 2", "scales['total'] is 0", "'up'", "feature 0000"):
        assert word in str(refused.value)


def test_names_without_a_vector_are_listed(site_a):
    with pytest.raises(InputError, match="no vector for: feature 0000, feature 0001"):
        NamedClassifier(site_a.vectors.iloc[2:]).fit(site_a.X, site_a.y)


def test_a_column_that_was_not_there_at_fit_is_refused(site_a):
    model = NamedClassifier().fit(site_a.X, site_a.y)
    with pytest.raises(InputError, match="columns that site 'site 1' has not: new") as refused:
        model.predict(site_a.X.assign(new=1.0))
    assert "adapt" in refused.value.fix
    assert model.predict(site_a.X.assign(new=np.nan)).tolist() == model.predict(site_a.X).tolist()


def test_a_light_model_carries_no_similarities_of_names_and_says_the_same():
    table = simulate(80, 60, 0)
    model = NamedClassifier(table.vectors, scales={"total": 0.3, "alike": 0.5}).fit(table.X, table.y)
    before, heavy = model.decision_function(table.X), vars(model.model_.prior)
    assert heavy["_similarities"]
    assert "_distances" in heavy
    model.model_ = model.model_.light()
    assert not model.model_.prior._similarities
    assert "_distances" not in vars(model.model_.prior)
    assert (model.decision_function(table.X) == before).all()
