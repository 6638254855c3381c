import numpy as np
import pytest
from sklearn import metrics

from radprompt.evaluation.scores import METRICS, scores

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 0, 1, 1])
PROBABILITIES = np.array([0.1, 0.2, 0.5, 0.7, 0.5, 0.8, 0.9, 0.3, 0.4, 0.6])


def test_by_hand() -> None:
    # At 0.5: malignant called 0.5 0.8 0.9 0.6 (4 of 5), benign called 0.5 0.7 (2 of 5).
    values = scores(LABELS, PROBABILITIES, 0.5, 10)
    assert tuple(values) == METRICS
    assert values["sensitivity"] == pytest.approx(4 / 5)
    assert values["specificity"] == pytest.approx(3 / 5)
    assert values["accuracy"] == pytest.approx(7 / 10)
    assert values["ppv"] == pytest.approx(4 / 6)
    assert values["npv"] == pytest.approx(3 / 4)
    assert values["f1"] == pytest.approx(8 / 11)
    # Of 25 pairs, lost: 0.4 against 0.5 and 0.7, 0.5 against 0.7, 0.6 against 0.7; tied: 0.5 with 0.5.
    assert values["auc"] == pytest.approx(20.5 / 25)
    assert values["brier"] == pytest.approx(1.70 / 10)


def test_against_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 200)
    probabilities = np.round(generator.beta(1, 1, 200) * 0.6 + labels * 0.2, 2)
    called = probabilities >= 0.37
    values = scores(labels, probabilities, 0.37, 10)
    assert values["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(labels, called))
    assert values["f1"] == pytest.approx(metrics.f1_score(labels, called))
    assert values["ppv"] == pytest.approx(metrics.precision_score(labels, called))
    assert values["sensitivity"] == pytest.approx(metrics.recall_score(labels, called))


def test_a_mass_on_the_threshold_is_malignant() -> None:
    assert scores(np.array([1, 0]), np.array([0.5, 0.4999]), 0.5, 10)["accuracy"] == 1.0


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(label: int) -> None:
    values = scores(np.full(4, label), np.array([0.1, 0.4, 0.6, 0.9]), 0.5, 10)
    both = {"auc", "average_precision", "balanced_accuracy", "calibration_slope", "calibration_intercept"}
    assert not both & set(values)
    assert values["accuracy"] == 0.5
    assert values["brier"] == pytest.approx((0.01 + 0.16 + 0.36 + 0.81) / 4)
    assert ("sensitivity" in values) == (label == 1)
    assert ("specificity" in values) == (label == 0)


def test_nothing_called_malignant() -> None:
    values = scores(np.array([0, 0, 1, 1]), np.full(4, 0.3), 0.5, 10)
    assert "ppv" not in values
    assert "calibration_slope" not in values
    assert values["f1"] == 0.0
    assert values["auc"] == 0.5
    assert values["npv"] == 0.5
    assert "f1" not in scores(np.zeros(3, dtype=int), np.full(3, 0.3), 0.5, 10)
