from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radprompt.baselines.embedded import fit_predict_embedded
from radprompt.core.baseline_params import Baselines
from radprompt.core.params import load_params
from radprompt.tables.predictions import COLUMNS, prediction_rows


@pytest.fixture(scope="module")
def params() -> Baselines:
    return load_params(Path(__file__).parents[3] / "params.yaml").baselines


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings of 12 dimensions on scales a million apart; the label follows two of them."""
    generator = np.random.default_rng(0)
    labels = np.tile([0, 1, 0], 60)
    X = generator.normal(size=(180, 12))
    X[:, :2] += 2.0 * labels[:, None]
    X = (X * np.logspace(-3, 3, 12) + 50).astype(np.float32)
    return X[:120], labels[:120], X[120:], labels[120:]


def test_every_chosen_model_learns_and_repeats(sample: tuple, params: Baselines) -> None:
    X, y, X_new, y_new = sample
    for name in params.on_embeddings:
        once = fit_predict_embedded(name, X, y, X_new, params, 5)
        assert roc_auc_score(y_new, once) > 0.8
        assert (fit_predict_embedded(name, X, y, X_new, params, 5) == once).all()


def test_logistic_regression_is_scikit_learns_on_z_scores(sample: tuple, params: Baselines) -> None:
    X, y, X_new, _ = sample
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=params.logistic_regression.C, max_iter=1000))
    expected = plain.fit(X.astype(float), y).predict_proba(X_new.astype(float))[:, 1]
    assert fit_predict_embedded("logistic_regression", X, y, X_new, params, 0) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["logistic_regression", "svm"])
def test_scale_shift_and_constant_dimensions_do_not_count(name: str, sample: tuple, params: Baselines) -> None:
    X, y, X_new, _ = sample
    expected = fit_predict_embedded(name, X, y, X_new, params, 0)
    other = fit_predict_embedded(name, X.astype(float) * 4 - 3, y, X_new.astype(float) * 4 - 3, params, 0)
    assert other == pytest.approx(expected, abs=1e-6)
    # Of a dimension that never moved in training nothing is known, whatever it does later.
    train, new = np.column_stack([X, np.full(120, 0.1)]), np.column_stack([X_new, np.linspace(-9, 9, 60)])
    assert (
        fit_predict_embedded(name, train, y, new, params, 0)[0]
        == fit_predict_embedded(name, train, y, np.column_stack([X_new, np.full(60, 0.1)]), params, 0)[0]
    )


def test_rows_carry_patients_and_fit_the_schema() -> None:
    columns = {"lesion_id": ["b", "a"], "patient_id": ["p2", "p1"], "split": ["val", "test"], "label": [0, 1]}
    table = pd.DataFrame(columns).assign(x=[1.0, 2.0])
    rows = prediction_rows(table, "inbreast_adapted", 3, "m", 7, np.array([0.25, 0.5]))
    assert sorted(rows.columns) == sorted(COLUMNS)
    assert rows.set_index("lesion_id").loc["b", ["patient_id", "repeat", "probability"]].tolist() == ["p2", 3, 0.25]
