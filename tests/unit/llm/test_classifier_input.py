"""What the classifier takes: options as in params.yaml, any frame, arrays with names, two classes of any kind."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from tiny_models import write_model

from radprompt import LanguageModelClassifier
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.llm.backbone import write_backbone
from radprompt.llm.classifier_input import check_options, read_labels, read_rows

ROUNDING = "computes in float32: the last digit of a row may depend on the rows beside it, and the checks allow 1e-7"
FAST = {"tuning": "head", "epochs": 1, "batch_size": 64, "device": "cpu", "precision": "fp32"}


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A backbone of one layer, 16 wide."""
    folder = tmp_path_factory.mktemp("small")
    sizes = {"num_hidden_layers": 1, "hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    write_model(folder / "weights", "llama", **sizes)
    (folder / "record").mkdir()
    write_backbone(str(folder / "weights"), None, folder / "record")
    return folder / "record"


@parametrize_with_checks(
    [LanguageModelClassifier("record", **FAST, feature_names="numbered")],
    expected_failed_checks=lambda _: {
        "check_methods_sample_order_invariance": ROUNDING,
        "check_methods_subset_invariance": ROUNDING,
        "check_sample_weight_equivalence_on_dense_data": "learns in batches: a row given twice is in other "
        "batches than one of weight 2 (a row of weight 0 is left out exactly: test_classifier.py)",
    },
)
def test_scikit_learns_checks(estimator, check, small, monkeypatch):
    monkeypatch.chdir(small.parent)  # the checks' estimators are made before any fixture: their backbone is relative
    check(estimator)


def options(**changes):
    return LanguageModelClassifier(**changes).get_params()


def test_defaults_are_those_of_params_yaml():
    params = load_params(Path(__file__).parents[3] / "params.yaml")
    made = LanguageModelClassifier.from_params(params.llm, params.prompt, "smollm2", 0)
    assert made.get_params() == options()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"readout": "feature"}, "readout: Input should be 'last', 'features' or 'closing'; found 'feature'"),
        ({"precision": "fp16"}, "precision: Input should be 'auto', 'bf16' or 'fp32'; found 'fp16'"),
        ({"tuning": "full"}, "tuning: Input should be 'lora' or 'head'"),
        ({"tuning": "none"}, "tuning: Input should be 'lora' or 'head'; found 'none'"),
        ({"rank": 0}, "rank: Input should be greater than 0; found 0"),
        ({"rank": 4.5}, "rank: Input should be a valid integer"),
        ({"layers": "some"}, "layers: Input should be"),
        ({"dropout": 1.0}, "dropout: Input should be less than 1"),
        ({"learning_rate": "fast"}, "learning_rate: Input should be a valid number"),
        ({"patience": 0}, "patience: Input should be greater than 0"),
        ({"decimals": 10}, "decimals: Input should be less than or equal to 9"),
        ({"order": "alphabetic"}, "order: Input should be 'fixed' or 'random'"),
        ({"seed": -1}, "seed: a whole number from 0 on is expected; found -1"),
        ({"seed": None}, "seed: a whole number from 0 on is expected; found None"),
        ({"columns": "some"}, "columns: Input should be 'fitted' or 'any'; found 'some'"),
        ({"feature_names": "Mean"}, "feature_names: different texts, 'numbered' or None are expected; found 'Mean'"),
        ({"feature_names": ["a", "a"]}, "feature_names: different texts"),
    ],
)
def test_a_wrong_option_is_refused_by_fit_before_anything_is_read(changes, message):
    with pytest.raises(InputError) as refused:
        LanguageModelClassifier("nowhere", **changes).fit(pd.DataFrame({"a": [0.0, 1.0]}), [0, 1])
    assert message in refused.value.what


def test_all_wrong_options_are_named_at_once_and_numpys_numbers_are_taken():
    with pytest.raises(InputError) as refused:
        check_options(options(rank=-1, readout="feature", decimals=-1, seed=-1))
    assert [line.split(":")[0].strip() for line in refused.value.what.splitlines()] == [
        *("rank", "readout", "decimals", "seed")
    ]
    check_options(options(rank=np.int64(4), learning_rate=np.float32(0.5), seed=np.int64(3), layers="all", alpha=32))


def test_a_single_text_is_refused():
    with pytest.raises(InputError, match=r"X: a single text is not a sequence of prompts\nFix: give a list"):
        read_rows("Classify. The 'Mean' feature is measured at 1 .", None)


@pytest.mark.parametrize(
    "make", [list, tuple, pd.Series, np.array, lambda x: np.array(x, dtype=object)], ids=["list", "tuple", *"sao"]
)
def test_prompts_may_come_in_any_sequence(make):
    assert read_rows(make(["one", "two"]), None) == ["one", "two"]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (["one", 2.0], "row 1 is 2.0, not text as others are"),
        (np.ones((2, 2)), "an array has no feature names, and the model reads names"),
        (np.ones(3), "Expected 2D array, got 1D array instead"),
        (np.array([[1.0, np.nan]]), "Input X contains NaN"),
        (pd.DataFrame({"a": []}), "a frame of 0 rows and 1 columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"column\(s\) \['a'\] repeated"),
        (SimpleNamespace(__arrow_c_stream__=1), "not a frame of columns"),
    ],
)
def test_rows_that_cannot_be_read_say_why(X, message):
    with pytest.raises(InputError, match=message):
        read_rows(X, None)


def test_frames_of_pyarrow_are_read():
    frame = pd.DataFrame({"Mean": [0.5, -1.0], "Zone Entropy": [1.0, 2.0]})
    pyarrow = pytest.importorskip("pyarrow")
    pd.testing.assert_frame_equal(read_rows(pyarrow.table(frame), None), frame)


def test_frames_of_polars_are_read():
    polars = pytest.importorskip("polars")
    frame = pd.DataFrame({"Mean": [0.5, -1.0]})
    pd.testing.assert_frame_equal(read_rows(polars.DataFrame({"Mean": [0.5, -1.0]}), None), frame)


def test_an_array_gets_its_names(small, table):
    X, y = table
    by_name = LanguageModelClassifier(small, **FAST).fit(X, y)
    assert (by_name.n_features_in_, by_name.feature_names_in_.tolist()) == (3, list(X.columns))
    assert by_name.feature_names_in_.dtype == object
    named = LanguageModelClassifier(small, **FAST, feature_names=list(X.columns)).fit(X.to_numpy(), y)
    assert named.feature_names_in_.tolist() == list(X.columns)
    np.testing.assert_array_equal(named.decision_function(X.to_numpy()), by_name.decision_function(X))
    np.testing.assert_array_equal(by_name.decision_function(X.to_numpy()), by_name.decision_function(X))
    with pytest.raises(InputError, match="X has 2 features, but LanguageModelClassifier is expecting 3 features"):
        by_name.predict(X.to_numpy()[:, :2])
    with pytest.raises(InputError, match="2 feature_names for 3 columns"):
        LanguageModelClassifier(small, **FAST, feature_names=["a", "b"]).fit(X.to_numpy(), y)


def test_the_usual_pipeline_works_with_names_and_says_so_without(small, table):
    X, y = table
    with pytest.raises(InputError, match=r"no feature names.*\nFix: .*set_output\(transform='pandas'\).*feature_names"):
        make_pipeline(StandardScaler(), LanguageModelClassifier(small, **FAST)).fit(X, y)
    pandas = make_pipeline(StandardScaler(), LanguageModelClassifier(small, **FAST)).set_output(transform="pandas")
    named = make_pipeline(StandardScaler(), LanguageModelClassifier(small, **FAST, feature_names=list(X.columns)))
    np.testing.assert_allclose(pandas.fit(X, y).predict_proba(X), named.fit(X, y).predict_proba(X), rtol=1e-6)


def test_a_missing_or_misspelt_column_is_refused_unless_any_is_asked_for(small, table):
    X, y = table
    fitted = LanguageModelClassifier(small, **FAST).fit(X, y)
    np.testing.assert_array_equal(fitted.predict(X[X.columns[::-1]]), fitted.predict(X))
    other = X.rename(columns={"Sphericity": "Sphericty"})
    with pytest.raises(InputError) as refused:
        fitted.predict_proba(other)
    assert refused.value.what == ("missing: 'Sphericity'; unknown: 'Sphericty' (perhaps 'Sphericty' for 'Sphericity')")
    with pytest.raises(InputError, match="missing: 'Mean'"):
        fitted.embed(X.drop(columns="Mean"))
    with pytest.raises(InputError, match="missing: 'Sphericity'; unknown: 'Sphericty'"):
        LanguageModelClassifier(small, **FAST).fit(X, y, other, y)
    assert fitted.set_params(columns="any").predict_proba(other).shape == (24, 2)
    assert fitted.adapt(other, y).feature_names_in_.tolist() == list(other.columns)


@pytest.mark.parametrize("pair", [("benign", "malignant"), (-1, 1), (1, 2), (False, True), (0.0, 1.0)])
def test_any_two_classes_are_learned_and_predicted(small, table, pair, tmp_path):
    X, codes = table
    y = np.array(pair)[codes]
    fitted = LanguageModelClassifier(small, **FAST).fit(X, y)
    plain = LanguageModelClassifier(small, **FAST).fit(X, codes)
    assert fitted.classes_.tolist() == list(pair)
    np.testing.assert_array_equal(fitted.predict_proba(X), plain.predict_proba(X))
    np.testing.assert_array_equal(fitted.predict(X), np.array(pair)[plain.predict(X)])
    fitted.save(tmp_path / "model")
    loaded = LanguageModelClassifier.load(tmp_path / "model")
    assert loaded.predict(X).tolist() == fitted.predict(X).tolist()
    assert loaded.feature_names_in_.tolist() == list(X.columns)
    with pytest.raises(InputError, match=r"label 'odd' in row 0 is none of the classes"):
        loaded.adapt(X, ["odd"] * len(X))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 1, 1], "one class only: 1"),
        ([0, 1, 2], "Only binary classification is supported"),
        ([0.1, 0.5, 0.7], "Unknown label type"),
        ([0, np.nan, 1], "Input y contains NaN"),
        (["a", None, "b"], "no label in row 1"),
        ([0, 1], r"3 rows but labels of shape \(2,\)"),
        (["a", 1, None], "no label in row 2"),
        (np.array(["a", 1, "b"], dtype=object), "give one label a row, all of one kind"),
        (None, "requires y to be passed"),
    ],
)
def test_labels_that_cannot_be_learned_say_why(y, message):
    with pytest.raises(InputError, match=message):
        read_labels(y, 3)
