from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc, confusion_matrix, roc_auc_score

from radprompt.core.params import Evaluation, load_params
from radprompt.evaluation.figures import ALL, BASELINE, COLOURS, NONE, OTHER, confusion, curves, draw
from radprompt.pages.drawing import write_svg


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 2, 40)
    parts = [
        pd.DataFrame(
            {
                "lesion_id": np.arange(40),
                "model": model,
                "seed": seed,
                "label": labels,
                "probability": np.round(np.clip(generator.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 2),
            }
        )
        for model, seed in [("svm", 1), ("llm", 2), ("llm", 1), ("logistic", 1)]
    ]
    return pd.concat(parts, ignore_index=True).assign(setting="inbreast_adapted", repeat=0)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return load_params(Path(__file__).parents[3] / "params.yaml").evaluation


def test_area_under_the_points_is_the_auc_of_the_lowest_seed(rows: pd.DataFrame) -> None:
    points = curves(rows, 10, "llm")["roc"]
    assert list(points) == ["fpr", "tpr", "model"]
    assert list(dict.fromkeys(points["model"])) == ["llm", "logistic", "svm"]
    for model, own in points.groupby("model"):
        run = rows[(rows["model"] == model) & (rows["seed"] == 1)]
        assert auc(own["fpr"], own["tpr"]) == pytest.approx(roc_auc_score(run["label"], run["probability"]))


def test_of_several_repeats_the_first_is_drawn(rows: pd.DataFrame, evaluation: Evaluation) -> None:
    # In another repeat other lesions are tested, here only malignant ones, and by a model of its own seed.
    other = rows[rows["label"] == 1].assign(repeat=1, seed=0, probability=0.0)
    both = pd.concat([other, rows])
    for kind, points in curves(rows, 10, "llm").items():
        pd.testing.assert_frame_equal(curves(both, 10, "llm")[kind], points)
    cuts = {("inbreast_adapted", 0, "svm", 1): {"youden": 0.2}, ("inbreast_adapted", 1, "svm", 1): {"youden": 0.9}}
    at_rule = replace(evaluation, threshold="youden")
    pd.testing.assert_frame_equal(confusion(both, cuts, at_rule), confusion(rows, cuts, at_rule))


def test_histograms_hold_every_lesion(rows: pd.DataFrame) -> None:
    points = curves(rows, 10, "llm")["scores"]
    counts = points.groupby(["model", "label"])["lesions"].sum().unstack()
    labels = rows.groupby("model")["label"].first().index
    assert (counts.loc[labels].sum(axis=1) == 40).all()
    assert points["low"].min() == 0
    assert points["high"].max() == 1


def test_decision_curves_have_both_rivals(rows: pd.DataFrame) -> None:
    points = curves(rows, 10, "llm")["decision"]
    prevalence = rows["label"].mean()
    everyone = points[points["model"] == ALL].set_index("threshold")["net_benefit"]
    assert everyone.loc[0.5] == pytest.approx(2 * prevalence - 1)
    assert (points.loc[points["model"] == NONE, "net_benefit"] == 0).all()


def test_one_class_has_neither_roc_nor_decision_curve(rows: pd.DataFrame) -> None:
    assert set(curves(rows[rows["label"] == 1], 10, "llm")) == {"calibration", "scores"}


@pytest.mark.parametrize("kind", ["roc", "calibration", "decision", "scores"])
def test_drawings_repeat_byte_for_byte(rows: pd.DataFrame, kind: str, tmp_path: Path) -> None:
    points = curves(rows, 10, "llm")[kind]
    for name in ("first.svg", "second.svg"):
        write_svg(tmp_path / name, draw(kind, points, "Test"))
    first = (tmp_path / "first.svg").read_bytes()
    assert first == (tmp_path / "second.svg").read_bytes()
    assert b"<dc:date>" not in first


def test_roc_drawing_has_a_line_for_each_model_and_areas_of_those_in_colour(rows: pd.DataFrame) -> None:
    points = curves(rows, 10, "llm")["roc"]
    figure = draw("roc", points, "Test", ["llm", "svm"])
    grey, *coloured = figure.axes[0].get_lines()[:3]
    areas = {
        model: roc_auc_score(own["label"], own["probability"])
        for model, own in rows[rows["seed"] == 1].groupby("model")
    }
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        f"language model ({areas['llm']:.3f})",
        f"SVM ({areas['svm']:.3f})",
        f"1 other model ({areas['logistic']:.3f})",
    ]
    assert [line.get_color() for line in coloured] == [COLOURS["llm"], BASELINE]
    assert grey.get_color() == OTHER
    assert auc(grey.get_xdata(), grey.get_ydata()) == pytest.approx(areas["logistic"])


def test_only_models_in_colour_have_a_panel(rows: pd.DataFrame) -> None:
    points = curves(rows, 10, "llm")["calibration"]
    titles = [axes.get_title() for axes in draw("calibration", points, "Test", ["named", "llm", "svm"]).axes]
    assert titles == ["language model", "SVM"]  # none is drawn for a model without predictions
    assert [axes.get_title() for axes in draw("calibration", points, "Test").axes] == ["language model"]
    stranger = draw("calibration", points[points["model"] == "svm"], "Test", ["named"])
    assert [axes.get_title() for axes in stranger.axes] == ["SVM"]


def test_confusion_has_a_column_for_each_model_as_dvc_wants_it(rows: pd.DataFrame, evaluation: Evaluation) -> None:
    table = confusion(rows, {}, evaluation)
    assert list(table) == ["actual", "llm", "logistic", "svm"]
    assert len(table) == 40
    for model in ("llm", "svm"):
        run = rows[(rows["model"] == model) & (rows["seed"] == 1)]
        expected = confusion_matrix(run["label"], run["probability"] >= 0.5)
        assert (
            confusion_matrix(table["actual"], table[model], labels=["benign", "malignant"]).tolist()
            == expected.tolist()
        )


def test_confusion_at_a_rule_leaves_out_who_has_no_threshold(rows: pd.DataFrame, evaluation: Evaluation) -> None:
    chosen = {"youden": 0.2}
    cuts = {("inbreast_adapted", 0, "svm", 1): chosen, ("inbreast_adapted", 0, "llm", 2): chosen}  # llm shows seed 1
    table = confusion(rows, cuts, replace(evaluation, threshold="youden"))
    assert list(table) == ["actual", "svm"]
    run = rows[rows["model"] == "svm"].sort_values("lesion_id")
    assert (table["svm"] == "malignant").tolist() == (run["probability"] >= 0.2).tolist()


def test_drawn_counts_are_those_of_the_table(rows: pd.DataFrame, evaluation: Evaluation, tmp_path: Path) -> None:
    table = confusion(rows, {}, evaluation)
    figure = draw("confusion", table, "Test", ["llm", "svm"])
    shown = [int(text.get_text().split()[0]) for text in figure.axes[1].texts]
    expected = confusion_matrix(table["actual"], table["svm"], labels=["benign", "malignant"])
    assert shown == expected.ravel().tolist()
    for name in ("first.svg", "second.svg"):
        write_svg(tmp_path / name, draw("confusion", table, "Test"))
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
