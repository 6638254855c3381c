import numpy as np
import pytest
from scipy.special import expit, logit

from radprompt.evaluation.calibration import (
    decision_curve,
    expected_calibration_error,
    recalibration,
    reliability_curve,
)


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn with exactly the stated probabilities, 20,000 of them."""
    generator = np.random.default_rng(1)
    probabilities = expit(generator.normal(0, 1.5, 20_000))
    return (generator.random(20_000) < probabilities).astype(int), probabilities


def test_true_probabilities_have_slope_one_and_intercept_zero(calibrated: tuple) -> None:
    slope, intercept = recalibration(*calibrated)
    assert slope[0] == pytest.approx(1, abs=0.04)
    assert intercept[0] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("factor", "shift"), [(2.0, 0.0), (0.5, 0.0), (1.0, 0.8), (3.0, -1.0)])
def test_distorted_probabilities_show_their_distortion(calibrated: tuple, factor: float, shift: float) -> None:
    labels, probabilities = calibrated
    distorted = expit(factor * logit(probabilities) + shift)
    slope, intercept = recalibration(labels, distorted)
    # Some probabilities times three logits are clipped at 1e-6.
    assert slope[0] == pytest.approx(recalibration(*calibrated)[0][0] / factor, rel=1e-3)
    # With slope 1 the recalibrated probabilities have the observed mean: that defines the intercept.
    assert expit(logit(distorted) + intercept[0]).mean() == pytest.approx(labels.mean(), abs=1e-8)
    if factor == 1:
        assert intercept[0] == pytest.approx(-shift, abs=0.05)


def test_there_is_no_slope_for_separated_constant_or_single_classes() -> None:
    labels = np.array([0, 0, 1, 1])
    separated, intercept = recalibration(labels, np.array([0.1, 0.2, 0.8, 0.9]))
    assert np.isnan(separated[0])
    assert intercept[0] == pytest.approx(0, abs=1e-9)
    assert np.isnan(recalibration(labels, np.full(4, 0.3))[0][0])
    assert recalibration(labels, np.full(4, 0.3))[1][0] == pytest.approx(logit(0.5) - logit(0.3))
    assert np.isnan(recalibration(np.ones(4, dtype=int), np.array([0.1, 0.2, 0.8, 0.9]))).all()


def test_certain_and_wrong_has_a_finite_intercept() -> None:
    slope, intercept = recalibration(np.array([0, 1, 0, 1, 0]), np.array([0.0, 1.0, 1.0, 0.0, 0.0]))
    assert np.isfinite([slope[0], intercept[0]]).all()


def test_expected_calibration_error_by_hand() -> None:
    # Bin [0, .5): mean 0.2, rate 1/2, two of five; bin [.5, 1]: mean 0.8, rate 1/3, three of five.
    labels, probabilities = np.array([0, 1, 1, 0, 0]), np.array([0.1, 0.3, 0.5, 0.9, 1.0])
    assert expected_calibration_error(labels, probabilities, 2)[0] == pytest.approx(0.4 * 0.3 + 0.6 * (0.8 - 1 / 3))
    curve = reliability_curve(labels, probabilities, 2)
    assert curve["lesions"].tolist() == [2, 3]
    assert curve["predicted"].tolist() == pytest.approx([0.2, 0.8])
    assert curve["observed"].tolist() == pytest.approx([0.5, 1 / 3])


def test_empty_bins_have_no_point() -> None:
    curve = reliability_curve(np.array([0, 1]), np.array([0.05, 0.95]), 10)
    assert curve["lesions"].tolist() == [1, 1]


def test_net_benefit_by_hand() -> None:
    # At 0.2: all four called, two right: 2/4 - 2/4 * (0.2 / 0.8). At 0.5: one right, one wrong: 1/4 - 1/4.
    labels, probabilities = np.array([1, 1, 0, 0]), np.array([0.9, 0.3, 0.6, 0.2])
    curve = decision_curve(labels, probabilities, np.array([0.2, 0.5, 0.95]))
    assert curve["net_benefit"].tolist() == pytest.approx([0.5 - 0.5 * 0.25, 0.0, 0.0])


def test_working_up_everyone_breaks_even_at_the_prevalence() -> None:
    labels = np.array([1, 0, 0, 0])
    assert decision_curve(labels, np.ones(4), np.array([0.25]))["net_benefit"][0] == pytest.approx(0)
