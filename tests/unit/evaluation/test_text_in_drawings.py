"""No text of a drawing is cut off at the picture's edge."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import radprompt
from radprompt.core.params import Drift
from radprompt.evaluation import figures, learning_curve
from radprompt.evaluation.coefficients import draw_coefficients
from radprompt.evaluation.explanations import COLUMNS, draw_cohort, draw_lesions
from radprompt.gates.drift import draw_drift
from radprompt.pages.report import figures as report_figures
from radprompt.tables.feature_names import FEATURES, readable

TITLE = "INbreast, continued with the features of the first site"
NAMES = [readable(feature) for feature in FEATURES[:8]]


def cut_off(figure: Figure) -> list[str]:
    """The texts of a figure that its picture does not hold, as Agg draws them; half a pixel is rounding."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    hidden = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        if not axes.axison or not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
        for label in (tick.label1, tick.label2)
    }
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden]
    picture = figure.bbox.padded(0.5).extents
    found = []
    for text in texts:
        left, bottom, right, top = text.get_window_extent(canvas.get_renderer()).extents
        if left < picture[0] or bottom < picture[1] or right > picture[2] or top > picture[3]:
            found.append(text.get_text())
    return found


def test_every_drawing_is_looked_at_here() -> None:
    source = Path(radprompt.__file__).parent
    files = [path for room in ("evaluation", "gates", "pages") for path in (source / room).rglob("*.py")]
    defined = re.compile(r"^def (draw(?:_\w+)?)\(", re.MULTILINE)
    drawn = {name for path in files for name in defined.findall(path.read_text(encoding="utf-8"))}
    looked_at = set(re.findall(r"\b(draw(?:_\w+)?)\(", Path(__file__).read_text(encoding="utf-8")))
    assert drawn <= looked_at
    assert len(drawn) >= 6


def test_a_label_outside_is_found() -> None:
    figure = Figure(figsize=(4, 4))
    axes = figure.subplots()
    axes.set_title("ROC")
    axes.set_ylabel("Sensitivity", labelpad=60)
    assert cut_off(figure) == ["Sensitivity"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Two classes, 22 models, the longest name that the demo has among them."""
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 2, 60)
    names = ["llm", "embedding_logistic_regression", *(f"model_{number}" for number in range(20))]
    parts = [
        pd.DataFrame({"lesion_id": np.arange(60), "model": name, "label": labels, "probability": generator.random(60)})
        for name in names
    ]
    return pd.concat(parts, ignore_index=True).assign(setting="inbreast_adapted", repeat=0, seed=1)


@pytest.mark.parametrize("models", [2, 14, 22])
@pytest.mark.parametrize("coloured", [1, 2, 3])
@pytest.mark.parametrize("kind", ["roc", "calibration", "decision", "scores"])
def test_curves_of_a_setting(rows: pd.DataFrame, kind: str, models: int, coloured: int) -> None:
    names = rows["model"].unique()
    chosen = rows[rows["model"].isin(names[:models])]
    points = figures.curves(chosen, 10, "llm")[kind]
    assert cut_off(figures.draw(kind, points, TITLE, list(names[:coloured]))) == []


@pytest.mark.parametrize("names", [["llm", "svm"], ["llm", "gradient_boosting_of_a_hundred_and_fifty_trees"]])
def test_roc_beside_narrow_and_wide_legends(rows: pd.DataFrame, names: list[str]) -> None:
    renamed = pd.concat([rows[rows["model"] == "llm"].assign(model=name) for name in names])
    figure = figures.draw("roc", figures.curves(renamed, 10, "llm")["roc"], TITLE, names)
    assert cut_off(figure) == []
    width, height = figure.axes[0].get_window_extent().size
    assert width == pytest.approx(height, rel=1e-6)  # a diagonal at 45 degrees


@pytest.mark.parametrize("models", [1, 3, 14])
def test_confusion(models: int) -> None:
    kinds = np.array(["benign", "malignant"])
    table = pd.DataFrame({"actual": kinds[[0, 1, 1, 0]]} | {f"model_{n}": kinds[[0, 1, 0, 1]] for n in range(models)})
    assert cut_off(figures.draw("confusion", table, TITLE, [*table][1:4])) == []


@pytest.mark.parametrize("lines", [1, 4, 6])
def test_learning_curve_and_its_legend_covers_no_point(lines: int) -> None:
    names = [*learning_curve.LINES, "gradient_boosting"][-lines:]
    points = [(line, line, n, n == 40, 0, 0.5 - n / 100) for line in names for n in (0, 10, 40)]
    figure = learning_curve.draw(pd.DataFrame(points, columns=learning_curve.COLUMNS), TITLE)
    assert cut_off(figure) == []
    (legend,) = figure.legends
    assert len(legend.get_texts()) == lines
    assert not legend.get_window_extent().overlaps(figure.axes[0].get_window_extent())


def test_coefficients() -> None:
    rows = [(name, site, 0.1 * n, 0.1 * n - 1, 0.1 * n + 1) for n, name in enumerate(NAMES) for site in ("a", "b")]
    table = pd.DataFrame(rows, columns=["name", "site", "mean", "low", "high"])
    assert cut_off(draw_coefficients(table, TITLE)) == []


def test_explanations() -> None:
    rows = [
        {"lesion_id": str(lesion), "label": lesion % 2, "probability": 0.1 * lesion, "logit": lesion / 2}
        | {"feature": feature, "name": name, "value": number - lesion / 3, "share": (number - 3) * lesion / 9}
        for lesion in range(1, 9)
        for number, (feature, name) in enumerate(zip(FEATURES, NAMES, strict=False))
    ]
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    assert cut_off(draw_cohort(table, TITLE)) == []
    assert cut_off(draw_lesions(table, 3)) == []


def test_drift() -> None:
    table = pd.DataFrame({"feature": FEATURES, "name": [readable(feature) for feature in FEATURES]})
    table = table.assign(difference=np.linspace(-5, 5, len(table)), shifted="yes", selected="yes")
    assert cut_off(draw_drift(table, Drift(difference=0.5, alpha=0.05), "INbreast less VinDr-Mammo")) == []


def test_training_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(report_figures, "Figure", lambda **options: drawn.append(Figure(**options)) or drawn[0])
    curves = {name: pd.Series([0.7, 0.5, 0.61234], [1, 2, 3]) for name in ("train_loss", "val_loss", "val_auc")}
    report_figures.draw_curves(curves, "epoch", 2)
    assert cut_off(drawn[0]) == []
    named = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in drawn[0].axes]
    assert named == [["training loss", "validation loss", "kept"], ["validation AUC", "kept"]]
