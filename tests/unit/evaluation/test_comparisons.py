import numpy as np
import pytest
from scipy.stats import norm

from radprompt.evaluation.comparisons import auc_covariance, bootstrap_p, delong_test, holm
from radprompt.evaluation.intervals import patient_resamples, score_draws


def plain_covariance(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare each malignant lesion with each benign one, as DeLong et al. 1988 write the structural components."""
    malignant, benign = scores[:, labels == 1], scores[:, labels == 0]
    wins = np.zeros((len(scores), malignant.shape[1], benign.shape[1]))
    for model in range(len(scores)):
        for i, x in enumerate(malignant[model]):
            for j, y in enumerate(benign[model]):
                wins[model, i, j] = 1.0 if x > y else 0.5 if x == y else 0.0
    m, n = wins.shape[1:]
    s10, s01 = np.cov(wins.mean(axis=2)), np.cov(wins.mean(axis=1))
    return wins.mean(axis=(1, 2)), s10 / m + s01 / n


def correlated(seed: int, lesions: int = 90, ties: bool = True) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(lesions) % 3 == 0).astype(int)
    shared = generator.normal(size=lesions)
    scores = np.stack([labels * gain + shared + generator.normal(size=lesions) for gain in (1.2, 0.7, 0.0)])
    return labels, np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("seed", range(5))
def test_delong_equals_the_plain_computation(seed: int) -> None:
    labels, scores = correlated(seed)
    auc, covariance = auc_covariance(labels, scores)
    expected_auc, expected = plain_covariance(labels, scores)
    np.testing.assert_allclose(auc, expected_auc, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
    test = delong_test(labels, scores[0], scores[1])
    error = np.sqrt(expected[0, 0] + expected[1, 1] - 2 * expected[0, 1])
    assert test.difference == pytest.approx(expected_auc[0] - expected_auc[1], abs=1e-12)
    assert test.standard_error == pytest.approx(error, abs=1e-12)
    assert test.p == pytest.approx(2 * norm.sf(abs(test.difference) / error), abs=1e-12)


def test_published_ratings() -> None:
    # Hanley and McNeil, Radiology 1982, table I: 109 CT scans read on five levels. Stata's manual ([R] roctab) gives
    # for them an area of 0.8932 with DeLong's standard error 0.0307.
    normal, abnormal = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]
    labels = np.repeat([0, 1], [58, 51])
    ratings = np.r_[np.repeat(np.arange(5), normal), np.repeat(np.arange(5), abnormal)]
    auc, covariance = auc_covariance(labels, ratings[None])
    assert auc[0] == pytest.approx(0.8932, abs=5e-5)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(0.0307, abs=5e-5)


def test_one_lesion_a_patient_is_delong() -> None:
    labels, scores = correlated(0)
    clustered = auc_covariance(labels, scores, patients=np.arange(len(labels))[::-1])[1]
    np.testing.assert_allclose(clustered, auc_covariance(labels, scores)[1], atol=1e-15)


def test_copies_of_a_lesion_are_no_evidence() -> None:
    # Ten copies of every lesion: DeLong's variance falls tenfold, Obuchowski's stays that of the originals.
    labels, scores = correlated(1)
    copies = np.repeat(np.arange(len(labels)), 10)
    single = auc_covariance(labels, scores)[1]
    many = auc_covariance(labels[copies], scores[:, copies])[1]
    clustered = auc_covariance(labels[copies], scores[:, copies], patients=copies)[1]
    np.testing.assert_allclose(many, single / 10, rtol=0.05)
    np.testing.assert_allclose(clustered, single, rtol=1e-9)


def test_clustered_variance_agrees_with_the_patient_bootstrap() -> None:
    generator = np.random.default_rng(8)
    patients = np.repeat(np.arange(150), 2)
    labels = np.where(generator.random(300) < 0.8, np.repeat(generator.integers(0, 2, 150), 2), np.tile([0, 1], 150))
    shared = np.repeat(generator.normal(size=150), 2)
    scores = 1 / (1 + np.exp(-(labels * 1.0 + shared + generator.normal(size=(2, 300)) * 0.5)))
    resamples = patient_resamples(patients, 4000, 0)
    draws = [score_draws(labels, own, resamples, 0.5, 10)["auc"] for own in scores]
    auc, covariance = auc_covariance(labels, scores, patients)
    assert draws[0].mean() == pytest.approx(auc[0], abs=0.005)
    assert draws[0].std() == pytest.approx(np.sqrt(covariance[0, 0]), rel=0.08)
    gap = delong_test(labels, scores[0], scores[1], patients)
    assert (draws[0] - draws[1]).std() == pytest.approx(gap.standard_error, rel=0.08)
    # These lesions come in correlated pairs: taking them for independent is overconfident.
    assert covariance[0, 0] > 1.2 * auc_covariance(labels, scores)[1][0, 0]


def test_bootstrap_and_delong_p_agree() -> None:
    for seed in range(3):
        labels, scores = correlated(seed, lesions=200, ties=False)
        probabilities = 1 / (1 + np.exp(-scores))
        resamples = patient_resamples(np.arange(200), 4000, seed)
        draws = [score_draws(labels, own, resamples, 0.5, 10)["auc"] for own in probabilities[:2]]
        assert bootstrap_p(draws[0] - draws[1]) == pytest.approx(delong_test(labels, *scores[:2]).p, abs=0.05)


def test_p_is_uniform_when_models_are_equally_good() -> None:
    generator = np.random.default_rng(4)
    labels = np.arange(80) % 2
    p = [delong_test(labels, *(labels * 0.8 + generator.normal(size=(2, 80)))).p for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(p) == pytest.approx(0.5, abs=0.05)


def test_seeds_are_averaged() -> None:
    labels, scores = correlated(2)
    twice = delong_test(labels, np.stack([scores[0], scores[0]]), scores[1])
    assert twice == pytest.approx(delong_test(labels, scores[0], scores[1]))
    mixed = delong_test(labels, scores[:2], scores[2])
    auc = auc_covariance(labels, scores)[0]
    assert mixed.difference == pytest.approx((auc[0] + auc[1]) / 2 - auc[2])


def test_swapping_changes_the_sign_and_ranks_are_all_that_counts() -> None:
    labels, scores = correlated(3)
    forth, back = delong_test(labels, scores[0], scores[1]), delong_test(labels, scores[1], scores[0])
    assert forth.difference == -back.difference
    assert forth.p == back.p
    assert delong_test(labels, np.exp(scores[0]), scores[1] * 3 - 5) == pytest.approx(forth)


def test_where_there_is_no_variance() -> None:
    labels, scores = correlated(0)
    assert delong_test(labels, scores[0], scores[0]) == (0.0, 0.0, 1.0)
    perfect = delong_test(labels, labels, 1 - labels)
    assert perfect.difference == 1.0
    assert np.isnan(perfect.p)
    assert np.isnan(delong_test(np.array([1, 0, 0]), np.array([0.5, 0.1, 0.9]), np.array([0.2, 0.4, 0.1])).p)
    with pytest.raises(ValueError, match="benign and malignant"):
        auc_covariance(np.ones(4), scores[:, :4])


def test_bootstrap_p() -> None:
    assert bootstrap_p(np.full(1999, 0.1)) == pytest.approx(2 / 2000)
    assert bootstrap_p(np.r_[np.full(95, 1.0), np.full(4, -1.0)]) == pytest.approx(2 * 5 / 100)
    assert bootstrap_p(np.zeros(99)) == 1.0
    assert bootstrap_p(np.array([np.nan, 0.2])) == 1.0
    assert np.isnan(bootstrap_p(np.array([np.nan])))


def test_holm_by_hand() -> None:
    # 0.005 * 4, 0.01 * 3, 0.03 * 2, then 0.04 * 1 raised to the one before.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    with_gap = holm(np.array([0.02, np.nan, 0.5]))
    assert with_gap[[0, 2]] == pytest.approx([0.04, 0.5])
    assert np.isnan(with_gap[1])
    assert holm(np.array([])).size == 0
