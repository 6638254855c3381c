"""A second site from the posterior of the first: no rows of it, other columns, few cases or none."""

import copy
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from simulated_tables import simulate
from sklearn.metrics import roc_auc_score

from radprompt import NamedClassifier
from radprompt.core.errors import InputError


def vectors(*tables):
    joined = pd.concat([table.vectors for table in tables])
    return joined[~joined.index.duplicated()]


@pytest.mark.parametrize("first", [0, 6, 100], ids=["same columns", "some in common", "other columns"])
def test_adapting_from_the_saved_posterior_alone_equals_the_joint_fit(first, tmp_path):
    site_a, site_b = simulate(300, 12, 0, strength=1.5), simulate(60, 8, 1, first=first, strength=1.5)
    names = vectors(site_a, site_b)
    NamedClassifier(names).fit(site_a.X, site_a.y, site="A").save(tmp_path / "a")
    rows_a, labels_a = site_a.X.copy(), site_a.y.copy()
    del site_a
    adapted = NamedClassifier.load(tmp_path / "a").set_params(names=names).adapt(site_b.X, site_b.y, site="B")
    joint = NamedClassifier(names, scales=asdict(adapted.scales_), scaling=adapted.scaling_).fit(
        pd.concat([rows_a, site_b.X]), np.r_[labels_a, site_b.y], site=["A"] * 300 + ["B"] * 60
    )
    test = simulate(200, 8, 2, first=first, strength=1.5).X
    assert adapted.decision_function(test) == pytest.approx(joint.decision_function(test, site="B"), abs=0.05)
    expected, found = joint.coefficients(), adapted.coefficients()
    assert found["sd"].to_numpy() == pytest.approx(expected["sd"].to_numpy(), abs=0.02)
    assert adapted.decision_function(rows_a, site="A") == pytest.approx(
        joint.decision_function(rows_a, site="A"), abs=0.1
    )


def test_names_carry_what_was_learnt_to_columns_never_seen():
    site_a, site_b = simulate(400, 30, 0), simulate(300, 30, 1, first=100)
    with_names = NamedClassifier(vectors(site_a, site_b)).fit(site_a.X, site_a.y).adapt(site_b.X)
    without = NamedClassifier().fit(site_a.X, site_a.y).adapt(site_b.X)
    assert roc_auc_score(site_b.y, with_names.decision_function(site_b.X)) > 0.75
    assert np.ptp(without.decision_function(site_b.X)) == 0


def test_few_cases_of_one_class_are_enough_to_adapt():
    site_a, site_b = simulate(200, 6, 0), simulate(300, 6, 3)
    model = NamedClassifier().fit(site_a.X, site_a.y)
    benign = site_b.X[site_b.y == 0].iloc[:3]
    model.adapt(benign, np.zeros(3, dtype=int), reference=site_b.X)
    assert roc_auc_score(site_b.y, model.decision_function(site_b.X)) > 0.75


def test_more_cases_of_a_known_site_are_added_to_it():
    data = simulate(400, 6, 0, strength=1.5)
    scales = {"total": 0.5, "site": 0.2}
    whole = NamedClassifier(scaling="none", scales=scales).fit(data.X - 100, data.y, site="A")
    parts = NamedClassifier(scaling="none", scales=scales).fit(data.X[:300] - 100, data.y[:300], site="A")
    parts.adapt(data.X[300:] - 100, data.y[300:], site="A")
    assert len(parts.model_.sites) == 1
    assert parts.decision_function(data.X - 100) == pytest.approx(whole.decision_function(data.X - 100), abs=0.05)


def test_each_site_has_its_own_units_and_prevalence():
    site_a, site_b = simulate(300, 6, 0), simulate(300, 6, 1)
    model = NamedClassifier().fit(site_a.X, site_a.y, site="A").adapt(site_b.X * 1000, site_b.y, site="B")
    mixed = pd.concat([site_a.X, site_b.X * 1000])
    logits = model.decision_function(mixed, site=["A"] * 300 + ["B"] * 300)
    assert roc_auc_score(site_a.y, logits[:300]) > 0.75
    assert roc_auc_score(site_b.y, logits[300:]) > 0.75
    assert logits[:300].tolist() == model.decision_function(site_a.X, site="A").tolist()


def test_a_third_site():
    sites = [simulate(150, 6, seed) for seed in range(3)]
    model = NamedClassifier().fit(sites[0].X, sites[0].y)
    for data in sites[1:]:
        model.adapt(data.X, data.y)
    assert [site.name for site in model.model_.sites] == ["site 1", "site 2", "site 3"]
    one = NamedClassifier().fit(sites[2].X, sites[2].y)
    assert model.coefficients().groupby("site")["sd"].mean()["site 3"] < one.coefficients()["sd"].mean()


def test_scales_stay_while_the_new_cases_are_fewer():
    """A summary is exact only near the scales at which it was made."""
    site_a, site_b = simulate(100, 10, 0, strength=1), simulate(400, 10, 1, strength=12)
    fitted = NamedClassifier(scaling="zscore").fit(site_a.X, site_a.y)
    few = copy.deepcopy(fitted).adapt(site_b.X[:99], site_b.y[:99])
    many = copy.deepcopy(fitted).adapt(site_b.X, site_b.y)
    assert few.scales_.total == fitted.scales_.total
    assert many.scales_.total > fitted.scales_.total


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"y": np.repeat(["odd", "even"], 100)}, "unknown labels ['even', 'odd']"),
        ({"y": np.zeros(3)}, "3 labels for 200 rows"),
    ],
)
def test_labels_that_do_not_fit(site_a, site_b, arguments, words):
    model = NamedClassifier().fit(site_a.X, site_a.y)
    with pytest.raises(InputError) as refused:
        model.adapt(site_b.X, **arguments)
    assert words in str(refused.value)


def test_an_unknown_site_is_refused_with_the_way_to_make_it_known(site_a):
    model = NamedClassifier().fit(site_a.X, site_a.y)
    with pytest.raises(InputError, match="site 'B' is not known") as refused:
        model.predict(site_a.X, site="B")
    assert "adapt(X, site='B')" in refused.value.fix
    model.adapt(site_a.X, site="B").predict(site_a.X, site="B")


def test_standardised_values_of_a_site_never_seen_need_no_adaptation():
    site_a, site_b = simulate(400, 30, 0), simulate(300, 30, 1, first=100)
    model = NamedClassifier(vectors(site_a, site_b), scaling="none").fit((site_a.X - 100) / 7, site_a.y)
    z = (site_b.X - 100) / 7
    logits, deviations = model.decision_function(z, return_std=True, site="B")
    assert roc_auc_score(site_b.y, logits) > 0.75
    own = model.decision_function((site_a.X - 100) / 7, return_std=True)[1]
    assert deviations.mean() > own.mean()
    adapted = copy.deepcopy(model).adapt(z, site="B")
    assert np.corrcoef(adapted.decision_function(z), logits)[0, 1] > 0.99
