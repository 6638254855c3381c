"""Conventional models on the same features and splits as the language model.

The paper's seven, with its hyperparameters (section on baselines; what it leaves open is the library's default), and
those that reviewers ask for: the majority class, lesion size alone, what is known of the patient with and without
radiomics, every feature at once. Missing values become the training rows' median, with a column that says where they
were missing.
"""

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from radprompt.core.baseline_params import Baselines
from radprompt.core.errors import InputError
from radprompt.named.values import Standardiser

_LOGISTIC = frozenset(
    {"logistic_regression", "size_alone", "all_features_logistic", "clinical_logistic", "combined_logistic"}
)
INNER_FOLDS = frozenset({"svm", "elastic_net"})
"""Models that divide their training rows into folds."""
_EVERY_FEATURE = frozenset(
    {"all_features_logistic", "normal_scores_logistic", "elastic_net", "hist_gradient_boosting", "tabicl"}
)


def build(name: str, params: Baselines, seed: int) -> Any:
    """Return an unfitted scikit-learn classifier with ``predict_proba``.

    Parameters
    ----------
    name
        A model of ``baselines.models`` in params.yaml.
    params
        Hyperparameters of all models.
    seed
        Random seed; models that draw no random numbers ignore it.
    """
    match name:
        case logistic if logistic in _LOGISTIC:
            from sklearn.linear_model import LogisticRegression

            return LogisticRegression(C=params.logistic_regression.C, max_iter=1000)
        case "elastic_net":
            from sklearn.linear_model import LogisticRegressionCV
            from sklearn.model_selection import StratifiedKFold

            penalty = params.elastic_net
            return LogisticRegressionCV(
                Cs=penalty.C,
                l1_ratios=penalty.l1_ratio,
                cv=StratifiedKFold(penalty.folds, shuffle=True, random_state=seed),
                solver="saga",
                scoring="neg_log_loss",
                use_legacy_attributes=False,
                tol=1e-2,
                max_iter=200,
                random_state=seed,
            )
        case "hist_gradient_boosting":
            from sklearn.ensemble import HistGradientBoostingClassifier

            trees = params.hist_gradient_boosting
            return HistGradientBoostingClassifier(
                max_iter=trees.trees, learning_rate=trees.learning_rate, early_stopping=False, random_state=seed
            )
        case "normal_scores_logistic":
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline

            return make_pipeline(NormalScores(), LogisticRegression(C=params.normal_scores_logistic.C, max_iter=1000))
        case "tabicl":
            from radprompt.baselines.tabicl import build_tabicl

            return build_tabicl(params.tabicl, seed)
        case "random_forest":
            from sklearn.ensemble import RandomForestClassifier

            return RandomForestClassifier(n_estimators=params.random_forest.trees, random_state=seed, n_jobs=1)
        case "gradient_boosting":
            from sklearn.ensemble import GradientBoostingClassifier

            chosen = params.gradient_boosting
            return GradientBoostingClassifier(
                n_estimators=chosen.trees,
                learning_rate=chosen.learning_rate,
                max_depth=chosen.depth,
                random_state=seed,
            )
        case "svm":
            from sklearn.calibration import CalibratedClassifierCV
            from sklearn.svm import SVC

            # One machine on all rows; the sigmoid is fitted to cross-validated distances, as in LIBSVM. Folds are runs
            # of consecutive rows: sorted by lesion, the views of a patient mostly stay together.
            machine = SVC(kernel="rbf", C=params.svm.C)
            return CalibratedClassifierCV(machine, method="sigmoid", cv=params.svm.folds, ensemble=False)
        case "naive_bayes":
            from sklearn.naive_bayes import GaussianNB

            return GaussianNB()
        case "mlp":
            from sklearn.neural_network import MLPClassifier

            return MLPClassifier(hidden_layer_sizes=(params.mlp.units,), max_iter=params.mlp.epochs, random_state=seed)
        case "xgboost":
            from xgboost import XGBClassifier

            chosen = params.xgboost
            return XGBClassifier(
                n_estimators=chosen.trees,
                learning_rate=chosen.learning_rate,
                max_depth=chosen.depth,
                random_state=seed,
                n_jobs=1,
            )
        case "majority":
            from sklearn.dummy import DummyClassifier

            return DummyClassifier(strategy="prior")
    raise ValueError(f"no baseline is called {name!r}")


class NormalScores(TransformerMixin, BaseEstimator):
    """Values as quantiles of the normal distribution by their ranks among the training rows.

    Attributes
    ----------
    standardiser_ : Standardiser
        Training values, up to 64 a column, and their normal scores.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Examples
    --------
    >>> NormalScores().fit_transform([[1.0], [2.0], [1000.0]]).round(2).ravel().tolist()
    [-0.97, 0.0, 0.97]
    """

    def fit(self, X: NDArray, y: object = None) -> Self:
        """Rank the training rows of each column."""
        values = validate_data(self, X, dtype=np.float64)
        self.standardiser_ = Standardiser.fit(values, np.ones(len(values)), "normal")
        return self

    def transform(self, X: NDArray) -> NDArray[np.float64]:
        """Return normal scores, linear between the training rows' values and constant beyond them."""
        check_is_fitted(self, "standardiser_")
        return self.standardiser_.transform(validate_data(self, X, dtype=np.float64, reset=False))


def features_of(
    name: str, selected: Sequence[str], available: Sequence[str], clinical: Sequence[str], size: str
) -> list[str]:
    """Return the columns that a model sees.

    Parameters
    ----------
    name
        A model of ``baselines.models`` in params.yaml.
    selected, available
        The selected radiomics features, and all.
    clinical
        Clinical columns.
    size
        The feature of ``size_alone``.
    """
    if name == "size_alone":
        return [size]
    if name == "clinical_logistic":
        return list(clinical)
    if name == "combined_logistic":
        return [*clinical, *selected]
    return list(available if name in _EVERY_FEATURE else selected)


def _folds_by_patient(y: NDArray, patients: NDArray, most: int, seed: int) -> list[tuple[NDArray, NDArray]] | None:
    """Return inner folds by patient with both classes on both sides, as many as can be; None where two cannot."""
    from sklearn.model_selection import StratifiedGroupKFold

    for count in range(most, 1, -1):
        if len(set(patients)) < count:
            continue
        folds = list(StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(y, y, patients))
        if all(len(np.unique(y[part])) == 2 for fold in folds for part in fold):
            return folds
    return None


class Conventional:
    """A conventional model, bound to the columns that it is fitted on: at a site with other features it starts again.

    Parameters
    ----------
    name
        A model of ``baselines.models`` in params.yaml.
    params
        Hyperparameters of all models.
    seed
        Random seed; models that draw no random numbers ignore it.
    """

    def __init__(self, name: str, params: Baselines, seed: int) -> None:
        self.name = name
        self.params = params
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: NDArray, patients: NDArray | None = None) -> Self:
        """Fit on standardised features and labels, 0 benign and 1 malignant, one per row of ``X``; NaN is missing.

        Rows of one patient stay together in the inner folds by which elastic net chooses its penalty.

        Raises
        ------
        InputError
            When a class has no training row, or a model with inner folds has more of them than a class has rows.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.impute import SimpleImputer

        rows = np.bincount(np.asarray(y, dtype=int), minlength=2)
        if rows.min() == 0:
            raise InputError(
                f"{rows[0]} benign and {rows[1]} malignant training rows", fix="a model needs both classes"
            )
        folds = getattr(self.params, self.name).folds if self.name in INNER_FOLDS else 0
        if rows.min() < folds:
            what = f"{folds} folds, but a class has only {rows.min()} training rows"
            where = f"params.yaml, baselines.{self.name}.folds"
            raise InputError(what, where=where, fix=f"set it to {max(2, rows.min())} or less")
        estimator = build(self.name, self.params, self.seed)
        if self.name == "elastic_net" and patients is not None and len(set(patients)) < len(patients):
            estimator.set_params(cv=_folds_by_patient(y, patients, folds, self.seed) or estimator.cv)
        # One thread: sums over several come in another order, and the last digits with them.
        with threadpool_limits(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is a parameter
            self._imputer = SimpleImputer(strategy="median", add_indicator=True).set_output(transform="default")
            self._estimator = estimator.fit(self._imputer.fit_transform(X.to_numpy(dtype=float)), y)
        self._columns = list(X.columns)
        return self

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities of benign and malignant, shape (rows, 2); columns as in :meth:`fit`, in any order.

        Raises
        ------
        InputError
            For other columns than those of :meth:`fit`; it names them.
        """
        missing = [str(name) for name in self._columns if name not in X]
        unknown = [str(name) for name in X if name not in self._columns]
        if missing or unknown:
            found = [
                f"{', '.join(names[:5])} {what}"
                for names, what in ((missing, "missing"), (unknown, "unknown"))
                if names
            ]
            raise InputError(
                f"{self.name} was fitted on other features: {'; '.join(found)}",
                where="columns of X",
                fix="give it those it was fitted on, or fit it again: it has no way to go on learning on others",
            )
        with threadpool_limits(limits=1):
            values = self._imputer.transform(X[self._columns].to_numpy(dtype=float))
            return self._estimator.predict_proba(values).astype(float)
