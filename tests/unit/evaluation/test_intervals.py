import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from radprompt.evaluation.intervals import interval, patient_resamples, score_draws
from radprompt.evaluation.scores import METRICS, scores

THRESHOLD, BINS = 0.4, 10


@pytest.fixture(scope="module")
def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, tied probabilities and patients of 60 lesions, one to three a patient."""
    generator = np.random.default_rng(3)
    patients = np.repeat(np.arange(30), generator.choice([1, 2, 3], 30))[:60]
    labels = generator.integers(0, 2, len(patients))
    probabilities = np.round(np.clip(generator.normal(0.35 + 0.2 * labels, 0.25), 0, 1), 2)
    return labels, probabilities, np.array([f"p{number}" for number in patients])


def test_each_draw_is_the_sample_with_its_lesions_repeated(sample: tuple) -> None:
    labels, probabilities, patients = sample
    resamples = patient_resamples(patients, 40, seed=1)
    draws = score_draws(labels, probabilities, resamples, THRESHOLD, BINS)
    for number, counts in enumerate(resamples):
        repeated = np.repeat(np.arange(len(labels)), counts)
        expected = scores(labels[repeated], probabilities[repeated], THRESHOLD, BINS)
        assert {name: draws[name][number] for name in METRICS} == pytest.approx(expected, abs=1e-6)


def test_all_lesions_of_a_patient_come_together(sample: tuple) -> None:
    _, _, patients = sample
    resamples = patient_resamples(patients, 500, seed=2)
    for name in set(patients):
        own = resamples[:, patients == name]
        assert (own == own[:, :1]).all()
    first = np.unique(patients, return_index=True)[1]
    assert (resamples[:, first].sum(axis=1) == len(first)).all()
    assert resamples[:, first].mean() == pytest.approx(1, abs=1e-9)


def test_seed_decides_and_order_does_not(sample: tuple) -> None:
    _, _, patients = sample
    once = patient_resamples(patients, 20, seed=5)
    assert (patient_resamples(patients, 20, seed=5) == once).all()
    assert (patient_resamples(patients, 20, seed=6) != once).any()
    order = np.random.default_rng(0).permutation(len(patients))
    assert (patient_resamples(patients[order], 20, seed=5) == once[:, order]).all()


def test_draws_in_blocks_equal_draws_at_once(sample: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, probabilities, patients = sample
    resamples = patient_resamples(patients, 50, seed=1)
    whole = score_draws(labels, probabilities, resamples, THRESHOLD, BINS)
    monkeypatch.setattr("radprompt.evaluation.intervals._BLOCK", 700)
    parts = score_draws(labels, probabilities, resamples, THRESHOLD, BINS)
    for name in METRICS:
        np.testing.assert_allclose(parts[name], whole[name], atol=1e-9)


def test_accuracy_interval_is_the_binomial_one() -> None:
    # 400 patients with one lesion each, 80 % right: standard error sqrt(.8 * .2 / 400) = 0.02.
    labels = np.repeat([0, 1], 200)
    probabilities = np.where(np.arange(400) % 5 == 0, 1 - labels, labels).astype(float)
    draws = score_draws(labels, probabilities, patient_resamples(np.arange(400), 4000, 0), 0.5, BINS)["accuracy"]
    assert draws.std() == pytest.approx(0.02, rel=0.05)
    assert interval(draws, 0.95) == pytest.approx((0.8 - 1.96 * 0.02, 0.8 + 1.96 * 0.02), abs=0.003)


def test_copies_of_a_lesion_leave_the_interval_as_it_is() -> None:
    # Ten copies in one patient hold no more than one: the interval must not shrink with them.
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 40)
    probabilities = np.clip(generator.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
    single = score_draws(labels, probabilities, patient_resamples(np.arange(40), 1000, 1), 0.5, BINS)["auc"]
    copies = np.repeat(np.arange(40), 10)
    many = score_draws(labels[copies], probabilities[copies], patient_resamples(copies, 1000, 1), 0.5, BINS)["auc"]
    np.testing.assert_allclose(many, single, atol=1e-12)


def test_draws_of_one_class_are_dropped() -> None:
    labels, probabilities = np.array([1, 0, 0, 0]), np.array([0.9, 0.2, 0.8, 0.1])
    resamples = patient_resamples(np.arange(4), 2000, 0)
    auc = score_draws(labels, probabilities, resamples, 0.5, BINS)["auc"]
    assert (np.isnan(auc) == ((resamples[:, 0] == 0) | (resamples[:, 0] == 4))).all()
    assert np.isnan(auc).mean() == pytest.approx(0.75**4, abs=0.03)
    assert interval(auc, 0.95) == (1.0, 1.0)


def test_interval_needs_more_than_half_of_the_draws() -> None:
    assert interval(np.array([0.5, 0.7, np.nan]), 0.5) == pytest.approx((0.55, 0.65))
    assert interval(np.array([0.5, np.nan]), 0.5) is None


def test_slope_of_a_draw_is_the_unpenalised_regression(sample: tuple) -> None:
    labels, probabilities, patients = sample
    resamples = patient_resamples(patients, 10, seed=4)
    slopes = score_draws(labels, probabilities, resamples, THRESHOLD, BINS)["calibration_slope"]
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    x = np.log(clipped / (1 - clipped))[:, None]
    for slope, counts in zip(slopes, resamples, strict=True):
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(x, labels, sample_weight=counts)
        assert slope == pytest.approx(model.coef_[0, 0], rel=1e-3)
