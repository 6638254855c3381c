"""TransTab: that it reads names, learns from every row, repeats itself, and leaves the machine as it was."""

import copy
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from radprompt.baselines.transtab import TransTabClassifier, _package, _workplace
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.study.sentences import shown_names
from radprompt.tables.feature_names import CATALOGUE

ROOT = Path(__file__).parents[3]
ROUNDING = "computes in float32: the last digit of a row may depend on the rows beside it, and the check allows 1e-9"
NAMES = ["Sphericity", "Zone Entropy", "Maximum"]


def sample(rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Standardised values of three named features; the label follows the first, with noise."""
    generator = np.random.default_rng(seed)
    X = pd.DataFrame(generator.normal(size=(rows, 3)), columns=NAMES)
    return X, (X["Sphericity"] + 0.5 * generator.normal(size=rows) > 0).astype(int).to_numpy()


def quick(**settings: Any) -> TransTabClassifier:
    return TransTabClassifier(**({"epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "seed": 1} | settings))


def weights(classifier: TransTabClassifier) -> list[bytes]:
    return [value.numpy().tobytes() for value in classifier.model_.state_dict().values()]


@pytest.fixture(scope="module")
def fitted() -> TransTabClassifier:
    return quick(epochs=5).fit(*sample(60))


def test_learns(fitted: TransTabClassifier) -> None:
    X, y = sample(100, seed=9)
    probability = fitted.predict_proba(X)
    assert probability.sum(axis=1) == pytest.approx(1)
    assert roc_auc_score(y, probability[:, 1]) > 0.85
    assert ((probability[:, 1] > 0.5) == fitted.predict(X)).all()


@pytest.mark.parametrize("row", [0, 20])
def test_first_and_last_rows_are_trained_on(row: int) -> None:
    X, y = sample(21)
    other = y.copy()
    other[row] = 1 - other[row]
    assert weights(quick(epochs=1).fit(X, y)) != weights(quick(epochs=1).fit(X, other))


def test_the_package_alone_would_skip_the_last_row() -> None:
    X, y = sample(5)
    rows = _package().trainer.TrainDataset((X, pd.Series(y)))
    assert sorted(i for k in range(len(rows)) for i in rows[k][0].index) == [0, 1, 2, 3]


def test_each_row_counts_once_an_epoch() -> None:
    """Where a batch is the whole table, one step on it is one step of Adam on the mean loss over all rows."""
    X, y = sample(17)
    with _workplace(_package()), torch.random.fork_rng():
        torch.manual_seed(1)
        model = _package().build_classifier(numerical_columns=NAMES, device="cpu")
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    model(X, pd.Series(y))[1].backward()
    optimiser.step()
    X_new, _ = sample(10, seed=2)
    with torch.no_grad():
        expected = torch.sigmoid(model(X_new)[0].flatten()).numpy()
    own = quick(epochs=1, batch_size=17).fit(X, y).predict_proba(X_new)[:, 1]
    assert own == pytest.approx(expected, abs=1e-5)


def test_a_batch_of_a_single_row_is_no_empty_one() -> None:
    X, y = sample(17)
    probability = quick(epochs=1, batch_size=16).fit(X, y).predict_proba(X)  # batches of 16 and 1
    assert np.isfinite(probability).all()


def test_same_seed_same_bytes_whatever_came_before() -> None:
    X, y = sample(30)
    once = weights(quick().fit(X, y))
    torch.manual_seed(99)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    again = weights(quick().fit(X, y))
    torch.set_num_threads(threads)
    assert once == again
    assert once != weights(quick(seed=2).fit(X, y))


def test_validation_rows_choose_the_epoch() -> None:
    X, y = sample(40)
    X_val, y_val = sample(25, seed=3)
    # Upside-down labels: what training learns is ever worse for them, so that an early epoch wins.
    slow = {"learning_rate": 1e-4}
    classifier = quick(epochs=6, **slow).fit(X, y, X_val, 1 - y_val)
    history = classifier.history_
    assert len(history) == 6
    assert max(history) > history[-1]
    kept = roc_auc_score(1 - y_val, classifier.predict_proba(X_val)[:, 1])
    assert kept == pytest.approx(max(history))  # all 25 rows count, the last one too
    best = 6 - int(np.argmax(history[::-1]))
    assert weights(classifier) == weights(quick(epochs=best, **slow).fit(X, y))


def test_validation_rows_of_one_class_keep_the_last_epoch() -> None:
    X, y = sample(20)
    classifier = quick().fit(X, y, X[:5], np.zeros(5, dtype=int))
    assert classifier.history_ == []
    assert weights(classifier) == weights(quick().fit(X, y))


def test_reads_the_names(fitted: TransTabClassifier) -> None:
    X, y = sample(60)
    unnamed = quick(epochs=5).fit(X.set_axis(["Feature A", "Feature B", "Feature C"], axis=1), y)
    renamed = X.set_axis(list(unnamed.feature_names_in_), axis=1)
    assert np.abs(fitted.predict_proba(X) - unnamed.predict_proba(renamed)).max() > 1e-3


def test_order_of_columns_and_words_and_case_do_not_count(fitted: TransTabClassifier) -> None:
    X, y = sample(60)
    expected = fitted.predict_proba(X)
    assert (fitted.predict_proba(X[NAMES[::-1]]) == expected).all()
    other_words = X.rename(columns={"Zone Entropy": "entropy ZONE"})
    assert quick(epochs=5).fit(other_words, y).predict_proba(other_words) == pytest.approx(expected, abs=1e-4)


def test_all_67_names_differ_as_bags_of_words() -> None:
    generator = np.random.default_rng(0)
    X = pd.DataFrame(generator.normal(size=(4, len(CATALOGUE))), columns=[feature.name for feature in CATALOGUE])
    assert np.isfinite(quick(epochs=1).fit(X, np.array([0, 1, 0, 1])).predict_proba(X)).all()


def test_leaves_the_machine_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    path = list(sys.path)
    quick().fit(*sample(20), *sample(10, seed=1))
    assert torch.rand(1) == expected
    assert list(work.iterdir()) == list(temporary.iterdir()) == []
    assert Path.cwd() == work
    assert not hasattr(np, "Inf")
    assert sys.path == path
    assert "openml" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_the_import_leaves_no_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in ("transtab", "openml") or name == "transformers.optimization":
            monkeypatch.delitem(sys.modules, name)
    _package()
    assert not {"openml", "transformers.optimization"} & set(sys.modules)
    from transformers.optimization import get_constant_schedule

    assert callable(get_constant_schedule)


def test_a_failed_fit_leaves_no_alias_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    X, y = sample(20)
    with pytest.raises(InputError, match="cannot tell 'Entropy Zone' from 'Zone Entropy'"):
        quick().fit(X.rename(columns={"Maximum": "Entropy Zone"}), y)
    assert Path.cwd() == tmp_path
    assert not hasattr(np, "Inf")


def test_is_an_estimator() -> None:
    assert clone(quick(epochs=7)).get_params() == {
        "epochs": 7,
        "batch_size": 16,
        "learning_rate": 1e-3,
        "seed": 1,
        "feature_names": None,
        "verbose": False,
    }


def test_defaults_are_those_of_params_yaml() -> None:
    params = load_params(ROOT / "params.yaml").baselines.transtab
    assert TransTabClassifier.from_params(params, 0).get_params() == TransTabClassifier().get_params()


@parametrize_with_checks(
    [TransTabClassifier(epochs=1, feature_names="numbered")],
    expected_failed_checks=lambda _: {
        "check_classifier_data_not_an_array": "its frame's columns are called 0 and 1, its array's x0 and x1: other "
        "words, which this model reads",
        "check_sample_weight_equivalence_on_dense_data": "computes in float32: a weight of 2 and a row given twice "
        "differ in the last digit, 6e-8, and the check allows 1e-9 (to 1e-5: the test of weights below)",
        "check_methods_sample_order_invariance": ROUNDING,
        "check_methods_subset_invariance": ROUNDING,
    },
)
def test_scikit_learns_checks(estimator: TransTabClassifier, check: Callable[[TransTabClassifier], None]) -> None:
    check(estimator)


def test_wrong_options_are_named_at_once() -> None:
    X, y = sample(20)
    with pytest.raises(InputError) as refused:
        TransTabClassifier(epochs=0, learning_rate="fast", seed=-1, feature_names="Mean").fit(X, y)
    assert refused.value.where == "options of TransTabClassifier"
    assert [line.split(":")[0].strip() for line in refused.value.what.splitlines()] == [
        *("epochs", "learning_rate", "seed", "feature_names")
    ]


def test_a_row_of_weight_two_counts_as_two_rows_and_one_of_weight_zero_not_at_all() -> None:
    X, y = sample(20)
    whole = {"batch_size": 64, "epochs": 2}  # all rows in one step, so that the order of rows does not count
    twice = quick(**whole).fit(pd.concat([X, X.iloc[:5]]), np.r_[y, y[:5]]).predict_proba(X)
    weight = np.ones(20)
    weight[:5] = 2
    np.testing.assert_allclose(quick(**whole).fit(X, y, sample_weight=weight).predict_proba(X), twice, atol=1e-5)
    weight[5:9] = 0
    kept = weight > 0
    left_out = quick(**whole).fit(X[kept], y[kept], sample_weight=weight[kept])
    assert weights(quick(**whole).fit(X, y, sample_weight=weight)) == weights(left_out)
    plain = quick(**whole).fit(X, y)
    assert weights(quick(**whole).fit(X, y, sample_weight=np.full(20, 3.0))) == weights(plain)
    assert np.abs(plain.predict_proba(X) - twice).max() > 1e-4


@pytest.mark.parametrize(
    ("weight", "what"),
    [
        ([1.0], "20 rows but weights of shape"),
        ([-1.0] * 20, "weight -1.0 in row 0"),
        ([0.0] * 20, "all weights are zero"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weight: list[float], what: str) -> None:
    with pytest.raises(InputError, match=what):
        quick().fit(*sample(20), sample_weight=weight)


def test_the_bar_is_shown_on_a_terminal_alone(capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = sample(20)
    quick(epochs=1, verbose=True).fit(X, y)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    quick(epochs=1).fit(X, y)
    assert capfd.readouterr() == ("", "")
    quick(epochs=1, verbose=True).fit(X, y)
    assert "Epoch: 100%" in capfd.readouterr().err


def test_an_array_gets_its_names_and_any_two_classes_are_learned() -> None:
    X, y = sample(30)
    by_name = quick(epochs=1).fit(X, y)
    named = quick(epochs=1, feature_names=NAMES).fit(X.to_numpy(), np.array(["benign", "malignant"])[y])
    assert named.classes_.tolist() == ["benign", "malignant"]
    assert (named.n_features_in_, named.feature_names_in_.tolist()) == (3, NAMES)
    np.testing.assert_array_equal(named.predict_proba(X.to_numpy()), by_name.predict_proba(X))
    assert set(named.predict(X)) <= {"benign", "malignant"}
    with pytest.raises(InputError, match="no feature names"):
        quick().fit(X.to_numpy(), y)
    with pytest.raises(InputError, match="reads columns, not prompts"):
        quick().fit(["one", "two"], [0, 1])


def test_bad_input_names_the_row_or_column(fitted: TransTabClassifier) -> None:
    X, y = sample(20)
    with pytest.raises(InputError, match="Maximum"):
        fitted.predict_proba(X.drop(columns="Maximum"))  # the package would go on without it
    with pytest.raises(InputError, match="Perimeter"):
        fitted.predict_proba(X.assign(Perimeter=0.0))
    with pytest.raises(InputError, match=r"row 4: the value of 'Zone Entropy'"):
        quick().fit(X.assign(**{"Zone Entropy": X["Zone Entropy"].where(X.index != 4)}), y)  # it would read 0
    with pytest.raises(InputError, match="one class only"):
        quick().fit(X, np.ones(20, dtype=int))
    with pytest.raises(InputError, match="20 rows but labels of shape"):
        quick().fit(X, y[:-1])
    with pytest.raises(InputError, match="repeated"):
        quick().fit(X.set_axis(["Maximum", "Maximum", "Mean"], axis=1), y)


HALF = ["Elongation", "Zone Entropy", "Sphericity"]  # a new name, and another order


def half(rows: int, seed: int = 4) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of a second site, whose features differ; the label follows Elongation."""
    generator = np.random.default_rng(seed)
    X = pd.DataFrame(generator.normal(size=(rows, 3)), columns=HALF)
    return X, (X["Elongation"] + 0.5 * generator.normal(size=rows) > 0).astype(int).to_numpy()


def test_adapting_learns_what_a_new_column_says(fitted: TransTabClassifier) -> None:
    X, y = half(100, seed=8)
    adapted = copy.copy(fitted).adapt(*half(60))
    assert list(adapted.feature_names_in_) == HALF
    assert roc_auc_score(y, adapted.predict_proba(X)[:, 1]) > 0.85
    with pytest.raises(InputError, match="Maximum"):
        adapted.predict_proba(sample(5)[0])


def test_adapting_starts_from_the_fitted_weights(fitted: TransTabClassifier) -> None:
    still = copy.copy(fitted).set_params(learning_rate=1e-12).adapt(*half(20))
    for kept, start in zip(still.model_.parameters(), fitted.model_.parameters(), strict=True):
        assert torch.allclose(kept, start, atol=1e-6)
    X, y = half(20)
    assert weights(copy.copy(fitted).adapt(X, y)) != weights(clone(fitted).fit(X, y))


def test_adapting_twice_gives_the_same_bytes_and_leaves_the_start_alone(fitted: TransTabClassifier) -> None:
    before, (X, y), (X_val, y_val) = weights(fitted), half(20), half(9, seed=6)
    once = copy.copy(fitted).adapt(X, y, X_val, y_val)
    torch.manual_seed(99)
    assert weights(copy.copy(fitted).adapt(X, y, X_val, y_val)) == weights(once)
    assert weights(fitted) == before
    assert list(fitted.feature_names_in_) == NAMES


def test_adapting_follows_the_rules_of_fit(fitted: TransTabClassifier) -> None:
    X, y = half(21)
    other = y.copy()
    other[20] = 1 - other[20]  # the last row counts
    assert weights(copy.copy(fitted).adapt(X, y)) != weights(copy.copy(fitted).adapt(X, other))
    X_val, y_val = half(25, seed=3)
    slow = copy.copy(fitted).set_params(learning_rate=1e-5, epochs=4).adapt(X, y, X_val, 1 - y_val)
    assert len(slow.history_) == 4
    assert roc_auc_score(1 - y_val, slow.predict_proba(X_val)[:, 1]) == pytest.approx(max(slow.history_))
    with pytest.raises(InputError, match="one class only"):
        fitted.adapt(X, np.ones(21, dtype=int))
    assert fitted.predict_proba(sample(3)[0]).shape == (3, 2)  # as it was
    with pytest.raises(NotFittedError):
        quick().adapt(X, y)


def test_all_censored_names_differ_for_its_tokenizer() -> None:
    names = shown_names([feature.name for feature in CATALOGUE], "censored", 0)
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(4, len(names))), columns=names)
    assert {"Feature A", "Feature BO"} < set(names)  # no word is dropped: 'a' neither
    assert np.isfinite(quick(epochs=1).fit(X, np.array([0, 1, 0, 1])).predict_proba(X)).all()
