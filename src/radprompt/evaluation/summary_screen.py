"""One metric of every model in every setting, on one screen: what ``radprompt summary`` prints.

Nothing heavy is imported: the command starts at once.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from tabulate import tabulate

from radprompt.core.errors import InputError
from radprompt.evaluation.tables import read_summary
from radprompt.study.settings import FILE, load_settings
from radprompt.tables.left_out import WORDS, is_left_out

SUMMARY = Path("metrics/summary.json")
EVALUATED = Path("metrics/evaluation")
ON_TOP = ("named", "llm")
LOWER_IS_BETTER = ("brier", "ece")
WITHOUT_ORDER = ("calibration_slope", "calibration_intercept", "threshold")
_NAME = 22  # characters of a model's name on a line: with five settings, 80 columns
_COUNTS = ("lesions", "patients", "malignant", "repeats")
_ENDS = ("_low", "_high", "_sd", "_difference")


class Screen(NamedTuple):
    """A metric's values: ``columns`` are settings with their titles, ``rows`` models with a value or None for each.

    ``repeats`` are the numbers of halves of the patients, ascending, that values are means over; empty for none.
    """

    metric: str
    columns: dict[str, str]
    rows: dict[str, list[float | None]]
    best: list[float | None]
    repeats: list[int]


def current_metrics() -> tuple[dict[str, Any], str]:
    """Return the metrics by setting and model, and a sentence on files that disagree, mostly empty.

    The settings' own files are read where there are any: after ``dvc exp run evaluate@<setting>`` they are newer than
    ``metrics/summary.json``, which is their merge. Settings come in the order of ``settings.yaml``.
    """
    files = {path.stem: path for path in sorted(EVALUATED.glob("*.json"))}
    known = list(load_settings()) if Path(FILE).is_file() else list(files)
    files = {name: files[name] for name in known if name in files}
    if not files:
        return read_summary(SUMMARY), ""
    metrics: dict[str, Any] = {}
    for path in files.values():
        metrics |= read_summary(path)
    merged = read_summary(SUMMARY) if SUMMARY.is_file() else metrics
    changed = [str(files[name]) for name in files if merged.get(name) != metrics.get(name)]
    if not changed:
        return metrics, _left_out(files)
    return metrics, f"{SUMMARY} is older than {', '.join(changed)}, shown here; `dvc repro summary` renews it"


def _left_out(settings: Iterable[str]) -> str:
    """Return a sentence where the language model was left out of these settings, else nothing."""
    return WORDS if any(is_left_out(Path("plots/training", name)) for name in settings) else ""


def choose(metrics: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of these settings, in their order; of all where none is named."""
    for name in settings:
        if name not in metrics:
            raise InputError(f"no setting {name!r}", where="--setting", fix=f"name one of {', '.join(metrics)}")
    return {name: metrics[name] for name in settings or metrics}


def screen(metrics: Mapping[str, Any], metric: str) -> Screen:
    """Take one metric out of a summary: named model and language model on top, the others by the first setting."""
    known = list(dict.fromkeys(name for models in metrics.values() for own in models.values() for name in own))
    known = [name for name in known if name not in _COUNTS and not name.endswith(_ENDS)]
    if metric not in known:
        raise InputError(f"no metric {metric!r}", where="--metric", fix=f"name one of {', '.join(known)}")
    names = dict.fromkeys(name for models in metrics.values() for name in models)
    rows = {name: [models.get(name, {}).get(metric) for models in metrics.values()] for name in names}
    sign = 1 if metric in LOWER_IS_BETTER else -1

    def place(name: str) -> tuple[int, bool, float, str]:
        top = ON_TOP.index(name) if name in ON_TOP else len(ON_TOP)
        first = rows[name][0]
        return top, first is None, 0.0 if first is None else sign * first, name

    ordered = {name: rows[name] for name in sorted(rows, key=place)}
    best = [_best([row[column] for row in rows.values()], metric) for column in range(len(metrics))]
    repeats = {own["repeats"] for models in metrics.values() for own in models.values() if "repeats" in own}
    return Screen(metric, _titles(metrics), ordered, best, sorted(repeats))


def render(content: Screen) -> Table:
    """Show a screen in the terminal, a star at the best value of each setting."""
    table = Table(box=SIMPLE_HEAD, padding=0, title=f"Test split: {_words(content.metric)}")
    table.add_column("Model", width=min(_NAME, max(len(_words(name)) for name in content.rows)))
    for title in content.columns.values():
        table.add_column(escape(title), justify="right", width=max(6, *map(len, title.split())))
    for name, cells in _cells(content, "[bold]*{}[/]", "{}", "-"):
        table.add_row(escape(name), *cells)
    table.caption = "* the best of its setting; `--full` has intervals and other metrics"
    if content.repeats:
        few, many = content.repeats[0], content.repeats[-1]
        counted = f"{few}, for other models {many}," if few < many else f"{many}"
        table.caption += f"\nwhere patients are halved: the mean over {counted} halves"
    return table


def as_markdown(content: Screen) -> str:
    """Return a table of Markdown, the best value of each setting in bold."""
    rows = [[name, *cells] for name, cells in _cells(content, "**{}**", "{}", "-")]
    return tabulate(rows, ["Model", *content.columns.values()], tablefmt="github", disable_numparse=True)


def as_latex(content: Screen) -> str:
    """Return a LaTeX tabular, the best value of each setting in bold."""
    head = [_latex(text) for text in ("Model", *content.columns.values())]
    rows = [[_latex(name), *cells] for name, cells in _cells(content, "\\textbf{{{}}}", "{}", "--")]
    align = ["left", *["right"] * len(content.columns)]
    return tabulate(rows, head, tablefmt="latex_raw", colalign=align, disable_numparse=True)


def as_json(content: Screen, metrics: Mapping[str, Any]) -> str:
    """Return the metric and its interval by setting and model, in the screen's order."""
    ends = ("", "_low", "_high")
    wanted = [f"{content.metric}{end}" for end in ends]
    nested = {
        setting: {
            model: {name: models[model][name] for name in wanted if name in models[model]}
            for model in content.rows
            if content.metric in models.get(model, {})
        }
        for setting, models in metrics.items()
    }
    return json.dumps(nested, indent=2, ensure_ascii=False)


def _titles(metrics: Mapping[str, Any]) -> dict[str, str]:
    settings = load_settings() if Path(FILE).is_file() else None
    return {name: settings.title(name) if settings else name for name in metrics}


def _best(values: Sequence[float | None], metric: str) -> float | None:
    known = [value for value in values if value is not None]
    if not known or metric.startswith(WITHOUT_ORDER):
        return None
    return min(known) if metric in LOWER_IS_BETTER else max(known)


def _cells(content: Screen, best: str, other: str, none: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each model's name in words with its values; ``best`` and ``other`` are their formats, ``none`` a gap's."""
    for name, row in content.rows.items():
        cells = []
        for value, top in zip(row, content.best, strict=True):
            form = best if value == top else other
            cells.append(none if value is None else form.format(f"{value:.3f}"))
        yield _words(name), cells


def _words(name: str) -> str:
    return "AUC" if name == "auc" else name.replace("_", " ")


def _latex(text: str) -> str:
    return "".join(f"\\{character}" if character in "&%$#_{}" else character for character in text)
