import numpy as np
import pandas as pd
import pytest

from radprompt.core.params import MRMR, Features
from radprompt.evaluation.learning_curve import COLUMNS, best_baseline, curve_ends, draw, few_lesions, nested_order
from radprompt.tables.feature_names import FEATURES

OPTIONS = Features(selection="mrmr", count=4, mrmr=MRMR(scheme="MIQ", bins=5, stability_draws=3))


def test_beginnings_keep_the_share_of_malignant_lesions() -> None:
    labels = np.array([1] * 30 + [0] * 15)
    order = nested_order(labels, [1, 0])
    assert sorted(order) == list(range(45))
    for count in range(2, 45):
        assert abs(labels[order[:count]].sum() - count * 2 / 3) <= 1
    assert not np.array_equal(order, nested_order(labels, [1, 1]))
    np.testing.assert_array_equal(order, nested_order(labels, [1, 0]))


def raw(count: int, seed: int) -> pd.DataFrame:
    values = np.random.default_rng(seed).normal(5, 2, size=(count, len(FEATURES)))
    values[:, 3] += 6 * (np.arange(count) % 2)
    table = pd.DataFrame(values, columns=list(FEATURES))
    return table.assign(lesion_id=[f"l{seed}_{i}" for i in range(count)], label=np.arange(count) % 2)


def test_everything_is_fitted_on_the_few_lesions_alone() -> None:
    train, test = raw(40, 1), raw(20, 2)
    few = few_lesions(train, test, OPTIONS)
    np.testing.assert_allclose(few.train[list(FEATURES)].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(few.train[list(FEATURES)].std(ddof=0), 1)
    assert FEATURES[3] in few.selection.features
    assert few.selection.fitted_on == tuple(train["lesion_id"])
    moved = few_lesions(train, test.assign(**{FEATURES[0]: 1e6}), OPTIONS)
    pd.testing.assert_frame_equal(moved.train, few.train)
    expected = (test[FEATURES[3]] - train[FEATURES[3]].mean()) / train[FEATURES[3]].std(ddof=0)
    np.testing.assert_allclose(few.test[FEATURES[3]], expected)


def predictions(model: str, split: str, scores: list[float], repeat: int = 0, seed: int = 1) -> pd.DataFrame:
    columns = {"repeat": repeat, "model": model, "seed": seed, "split": split, "label": [0, 0, 1, 1]}
    return pd.DataFrame({**columns, "probability": scores})


RIGHT, WRONG, MIXED = [0.1, 0.2, 0.8, 0.9], [0.9, 0.8, 0.2, 0.1], [0.1, 0.6, 0.5, 0.9]


def test_the_rival_is_chosen_on_validation_rows() -> None:
    table = pd.concat(
        [
            predictions("svm", "val", RIGHT),
            predictions("svm", "val", WRONG, repeat=1),
            predictions("mlp", "val", MIXED),
            predictions("mlp", "val", MIXED, repeat=1),
            predictions("svm", "test", RIGHT),
            predictions("mlp", "test", WRONG),
        ]
    )
    assert best_baseline(table, ["svm", "mlp"]) == "mlp"  # 0.75 against the mean of 1 and 0
    assert best_baseline(table[table["repeat"] == 0], ["svm", "mlp"]) == "svm"


def test_lines_begin_and_end_with_the_settings() -> None:
    unadapted = pd.concat([predictions("llm", "test", MIXED, 1), predictions("svm", "test", WRONG, 1)])
    extended = pd.concat([predictions("llm", "test", RIGHT, 1), predictions("llm", "test", WRONG, 1, seed=2)])
    scratch = pd.concat([predictions("llm", "test", WRONG, 1), predictions("svm", "test", RIGHT, 1)])
    assert curve_ends(unadapted, extended, scratch, "svm", 1) == [
        ("extended", "llm", False, pytest.approx(0.75)),
        ("extended", "llm", True, 1.0),  # the first seed's
        ("scratch", "llm", False, 0.5),
        ("scratch", "llm", True, 0.0),
        ("svm", "svm", False, 0.0),
        ("svm", "svm", True, 1.0),
    ]


def test_the_drawing_has_a_line_for_each_model_with_its_mean() -> None:
    rows = [
        (line, "m", count + repeat * last, last, repeat, 0.5 + 0.1 * repeat)
        for line in ("extended", "scratch", "svm")
        for count, last in ((0, False), (10, False), (40, True))
        for repeat in (0, 1)
    ]
    axes = draw(pd.DataFrame(rows, columns=COLUMNS), "t").axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(lines) == 3
    for line in lines:
        np.testing.assert_allclose(line.get_xdata(), [0, 10, 40.5])  # halves of 40 and 41 lesions
        np.testing.assert_allclose(line.get_ydata(), 0.55)
