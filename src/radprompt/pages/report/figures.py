"""Drawings for the report: those of other stages, and training curves drawn from their tables."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import number, spread
from radprompt.study.settings import Setting

KINDS = {
    "roc": "ROC curves",
    "calibration": "Calibration: predicted against observed",
    "decision": "Decision curves: net benefit by threshold",
    "scores": "Probabilities by true class",
    "confusion": "Calls against truth at the threshold",
}
"""What the evaluate stage draws, in the page's order; other drawings follow by name."""

_COLOURS = {"train_loss": "#0072B2", "val_loss": "#D55E00"}


def evaluation_figures(reader: Reader, setting: str) -> list[dict[str, str]]:
    """Return ``plots/evaluation/<setting>/<kind>.svg`` as ``title`` and ``source`` (a data URI).

    A drawing inside an ``img`` keeps its ids to itself: Matplotlib's repeat from one drawing to the next.
    """
    drawings = {}
    for path in reader.matching(f"plots/evaluation/{setting}/*.svg"):
        kind = path.rsplit("/", 1)[1].removesuffix(".svg")
        drawings[kind] = {"title": KINDS.get(kind, kind.replace("_", " ")), "source": drawing(reader, path) or ""}
    return [drawings[kind] for kind in [*(k for k in KINDS if k in drawings), *sorted(drawings.keys() - KINDS.keys())]]


def training(reader: Reader, setting: Setting, seed: int) -> dict[str, Any] | None:
    """Return the language model's training in one setting; None before the stage ran.

    Parameters
    ----------
    reader
        Access to DVCLive's ``plots/training/<setting>/plots/metrics/*.tsv``, which are those of the first run.
    setting
        Protocol that the model was trained by.
    seed
        Random seed of the first run.

    Returns
    -------
    dict
        Of the first run ``epochs``, ``best`` (the epoch kept, or None), ``auc`` then and ``source``; of all runs
        ``runs``, ``mean_auc`` and ``spread`` of the validation AUC, empty where there is one.
    """
    curves = {}
    for path in reader.matching(f"plots/training/{setting.name}/plots/metrics/*.tsv"):
        name = path.rsplit("/", 1)[1].removesuffix(".tsv")
        table = reader.table(path, ("step", name))
        assert table is not None
        curves[name] = table.set_index("step")[name].astype(float)
    if not curves:
        return None
    record = reader.json((setting.model_folder(0, seed) / "classifier.json").as_posix()) or {}
    scores = (reader.json(f"metrics/training/{setting.name}.json") or {}).get(setting.name, {})
    best = record.get("best_epoch")
    auc = curves.get("val_auc", pd.Series(dtype=float))
    several = scores.get("runs", 1) > 1 and "val_auc" in scores
    return {
        "epochs": max(len(curve) for curve in curves.values()),
        "best": best,
        "auc": number(float(auc.loc[best])) if best is not None and best in auc.index else "",
        "source": draw_curves(curves, "epoch", best),
        "runs": scores.get("runs", 1),
        "mean_auc": number(scores["val_auc"]) if several else "",
        "spread": spread(scores.get("val_auc_sd")) if several else "",
    }


def drawing(reader: Reader, path: str) -> str | None:
    """Return an SVG that another stage drew as a data URI, or None."""
    content = reader.content(path)
    return None if content is None else _data_uri(content)


def segmenter_training(reader: Reader) -> str | None:
    """Return nnU-Net's training curves as a data URI, or None without ``plots/segmenter_training.csv``."""
    table = reader.table("plots/segmenter_training.csv", ("epoch",))
    if table is None:
        return None
    curves = {str(name): table.set_index("epoch")[name] for name in table.columns if name != "epoch"}
    return draw_curves(curves, "epoch", None)


def draw_curves(curves: dict[str, pd.Series], x: str, mark: int | None) -> str:
    """Draw losses in one panel and everything else in another, as the data URI of an SVG; same curves, same bytes.

    Parameters
    ----------
    curves
        By name (``train_loss``, ``val_auc``, ...), values over ``x``.
    x
        Label of the abscissa.
    mark
        Abscissa of a vertical line: the epoch that was kept.
    """
    losses = {name: curve for name, curve in curves.items() if name.endswith("loss")}
    # A learning rate has another scale than a score.
    scores = {name: curve for name, curve in curves.items() if name not in losses and name.startswith("val_")}
    panels = [panel for panel in (losses, scores) if panel]
    figure = Figure(figsize=(3.75 * len(panels), 2.8), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for name, curve in panel.items():
            axes.plot(curve.index, curve.to_numpy(), label=_curve_name(name), color=_COLOURS.get(name, "#009E73"))
        if mark is not None:
            axes.axvline(mark, color="grey", linewidth=0.8, linestyle=":", label="kept")
        axes.set_xlabel(x)
        axes.grid(alpha=0.25)
        axes.legend(frameon=False, fontsize=8)
    buffer = BytesIO()
    with rc_context({"svg.hashsalt": "radprompt"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _data_uri(buffer.getvalue())


def _curve_name(key: str) -> str:
    """Return a curve's name in words, such as ``validation AUC`` for ``val_auc``."""
    words = {"train": "training", "val": "validation", "auc": "AUC", "dice": "Dice"}
    return " ".join(words.get(word, word) for word in key.split("_"))


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
