"""The permutation test of names: power, level, what it refuses."""

import numpy as np
import pandas as pd
import pytest
from simulated_tables import simulate

from radprompt import NamedClassifier
from radprompt.core.errors import InputError


def test_names_that_mean_something_are_told_from_permuted_ones():
    data = simulate(300, 40, 0)
    found = NamedClassifier(data.vectors).fit(data.X, data.y).name_test(draws=99)
    assert found.p_value == 0.01
    assert found.gain > found.permuted_gains.max()


def test_names_that_mean_nothing_are_seldom_called_significant():
    """Of 40 tables whose vectors are noise about a twentieth has p below 0.05; at most 6, with 99 %."""
    p_values = []
    for seed in range(40):
        data = simulate(80, 12, seed)
        noise = pd.DataFrame(np.random.default_rng(seed).normal(size=(12, 4)), data.X.columns)
        p_values.append(NamedClassifier(noise, scaling="zscore").fit(data.X, data.y).name_test(draws=39).p_value)
    assert sum(p < 0.05 for p in p_values) <= 6
    assert np.mean(p_values) > 0.35


def test_the_same_seed_gives_the_same_test_also_after_loading(site_a, tmp_path):
    model = NamedClassifier(site_a.vectors, seed=3).fit(site_a.X, site_a.y)
    model.save(tmp_path / "model")
    first, again = model.name_test(draws=20), NamedClassifier.load(tmp_path / "model").name_test(draws=20)
    assert first.p_value == again.p_value
    assert first.permuted_gains.tolist() == again.permuted_gains.tolist()


def test_both_sites_count():
    site_a, site_b = simulate(60, 20, 0, strength=2), simulate(200, 20, 1, first=100, strength=4)
    names = pd.concat([site_a.vectors, site_b.vectors])
    model = NamedClassifier(names).fit(site_a.X, site_a.y)
    before = model.name_test(draws=99)
    after = model.adapt(site_b.X, site_b.y).name_test(draws=99)
    assert after.gain > before.gain
    assert after.p_value <= 0.02


def test_without_vectors_there_is_nothing_to_test(site_a):
    with pytest.raises(InputError, match="no vectors"):
        NamedClassifier().fit(site_a.X, site_a.y).name_test()
    with pytest.raises(InputError, match="2 names and 200 draws"):
        NamedClassifier(site_a.vectors).fit(site_a.X.iloc[:, :2], site_a.y).name_test()


def test_names_that_share_a_vector_have_no_root_and_the_same_evidence():
    data = simulate(60, 10, 0)
    vectors = data.vectors.copy()
    vectors.iloc[1:5] = vectors.iloc[0].to_numpy()
    nearly = vectors + 1e-6 * np.random.default_rng(0).normal(size=vectors.shape)
    found = [NamedClassifier(v, seed=1).fit(data.X, data.y).name_test(draws=10) for v in (vectors, nearly)]
    assert found[0].gain == pytest.approx(found[1].gain, abs=1e-4)
    assert found[0].permuted_gains == pytest.approx(found[1].permuted_gains, abs=1e-4)
