"""scikit-learn's own checks of an estimator, and those that named columns do not allow."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from radprompt import NamedClassifier


def expected_failures(estimator: NamedClassifier) -> dict[str, str]:
    return {
        "check_decision_proba_consistency": (
            "probabilities average over each logit's own deviation, so that their ranks may differ from the logits'"
        ),
    }


@parametrize_with_checks([NamedClassifier()], expected_failed_checks=expected_failures)
def test_keeps_scikit_learns_contract(estimator: NamedClassifier, check: object) -> None:
    check(estimator)  # type: ignore[operator]
