"""z-scores and normal scores of tables with gaps, ties, constants and heavy tails."""

import numpy as np
import pytest
from scipy.stats import norm

from radprompt.named.values import KNOTS, Standardiser


def standardise(method, values, weights=None):
    weights = np.ones(len(values)) if weights is None else weights
    return Standardiser.fit(values, weights, method).transform(values)


def test_z_scores_divide_by_n_leave_gaps_at_zero_and_end_at_5():
    column = np.array([1.0, 3.0, np.nan, 5.0])
    assert standardise("zscore", column[:, None])[:, 0] == pytest.approx([-(1.5**0.5), 0, 0, 1.5**0.5])
    outlier = np.append(np.zeros(99), 1.0)
    assert standardise("zscore", outlier[:, None]).max() == 5.0


@pytest.mark.parametrize("method", ["zscore", "normal"])
def test_constant_and_empty_columns_are_zero_for_any_value(method):
    values = np.column_stack([np.full(9, 0.1), np.full(9, np.nan), np.arange(9.0)])
    fitted = Standardiser.fit(values, np.ones(9), method)
    assert fitted.transform(np.array([[7.0, 7.0, 4.0]])).tolist() == [[0, 0, 0]]
    assert fitted.varies(3).tolist() == [False, False, True]


def test_normal_scores_are_quantiles_of_mid_ranks():
    values = np.array([10.0, 1e9, 20.0, 20.0])[:, None]
    expected = norm.ppf([0.125, 0.875, 0.5, 0.5])
    assert standardise("normal", values)[:, 0] == pytest.approx(expected)


def test_normal_scores_are_interpolated_and_constant_beyond_the_ends():
    fitted = Standardiser.fit(np.array([[0.0], [1.0]]), np.ones(2), "normal")
    assert fitted.transform(np.array([[-9.0], [0.5], [9.0]]))[:, 0] == pytest.approx(
        [norm.ppf(0.25), 0, norm.ppf(0.75)]
    )


def test_many_values_are_thinned_and_stay_normal():
    values = np.random.default_rng(0).lognormal(size=(5000, 1))
    fitted = Standardiser.fit(values, np.ones(5000), "normal")
    scores = fitted.transform(values)[:, 0]
    assert len(fitted.knots[0]) == KNOTS
    assert scores.std() == pytest.approx(1, abs=0.05)
    assert np.corrcoef(scores, np.log(values[:, 0]))[0, 1] > 0.99


@pytest.mark.parametrize("method", ["zscore", "normal"])
def test_a_weight_of_3_is_three_rows(method):
    values = np.array([[1.0], [4.0], [9.0]])
    weighted = Standardiser.fit(values, np.array([3.0, 1.0, 1.0]), method)
    repeated = Standardiser.fit(values[[0, 0, 0, 1, 2]], np.ones(5), method)
    assert weighted.transform(values) == pytest.approx(repeated.transform(values))
