"""Drawings and training curves that differ between two revisions, side by side on a page that loads nothing."""

import posixpath
from base64 import b64encode
from io import StringIO
from typing import NamedTuple

import pandas as pd

from radprompt.repository.pull_request.revisions import Revision

FOLDER = "plots/"


class Plot(NamedTuple):
    """A drawing that differs, as data URIs; empty where a revision does not have it. ``drawn`` are git's own files."""

    path: str
    before: str
    after: str
    drawn: bool


def changed_plots(before: Revision, after: Revision) -> list[Plot]:
    """Return the SVG drawings under ``plots/`` that differ, and the training curves that differ, drawn here."""
    paths = sorted({path for revision in (before, after) for path in revision.paths if path.startswith(FOLDER)})
    differing = [path for path in paths if before.content(path) != after.content(path)]
    drawings = [path for path in differing if path.endswith(".svg")]
    found = [Plot(path, _drawing(before, path), _drawing(after, path), drawn=True) for path in drawings]
    curves = sorted({_curve_of(path) for path in differing} - {""})
    return found + [Plot(path, _curves(before, path), _curves(after, path), drawn=False) for path in curves]


def page(plots: list[Plot], base: str) -> str:
    """Return the page: each plot on ``base`` to the left, on this branch to the right."""
    from radprompt.pages.environment import environment

    return environment("radprompt.repository.pull_request").get_template("page.html").render(plots=plots, base=base)


def _drawing(revision: Revision, path: str) -> str:
    content = revision.content(path)
    return "" if content is None else f"data:image/svg+xml;base64,{b64encode(content).decode()}"


def _curve_of(path: str) -> str:
    """Return what a table of training curves is drawn with: DVCLive's folder of tables, or the table itself."""
    folder, name = posixpath.split(path)
    if name.endswith(".tsv") and folder.endswith("plots/metrics"):
        return folder
    return path if name.endswith("_training.csv") else ""


def _curves(revision: Revision, path: str) -> str:
    """Draw the curves of one revision; nothing where it has none, or none that can be drawn."""
    from radprompt.pages.report.figures import draw_curves

    tables = [path] if path.endswith(".csv") else [p for p in revision.paths if posixpath.dirname(p) == path]
    curves: dict[str, pd.Series] = {}
    for table in sorted(tables):
        text = revision.text(table)
        if text is None:
            continue
        try:
            content = pd.read_csv(StringIO(text), sep="," if table.endswith(".csv") else "\t", index_col=0)
            curves |= {str(name): content[name].astype(float) for name in content.columns}
        except (ValueError, pd.errors.ParserError):
            continue
    drawable = {name: curve for name, curve in curves.items() if name.endswith("loss") or name.startswith("val_")}
    return draw_curves(drawable, "epoch", None) if drawable else ""
