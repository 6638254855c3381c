"""scikit-learn's own checks of an estimator, and those that named columns do not allow."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from radprompt import NamedClassifier


def expected_failures(estimator: NamedClassifier) -> dict[str, str]:
    return {}


@parametrize_with_checks([NamedClassifier()], expected_failed_checks=expected_failures)
def test_keeps_scikit_learns_contract(estimator: NamedClassifier, check: object) -> None:
    check(estimator)  # type: ignore[operator]
