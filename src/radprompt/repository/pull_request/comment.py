"""The comment in Markdown, as GitHub shows it."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from radprompt.pages.wording import NOTHING, count, interval, metric_name, number, percent
from radprompt.repository.pull_request.changes import ParamChange, StageChange
from radprompt.repository.pull_request.metrics import CLEAR, UNORDERED, Change, Figures, Rivals
from radprompt.repository.pull_request.plots import Plot

MARKER = "<!-- radprompt pr-report -->"
"""First line of every comment, by which the one before is found and updated."""

LIMIT = 60_000
"""Characters; GitHub takes 65,536."""

_ROWS = {"clear": 40, "all": 150, "others": 80, "params": 60, "stages": 100, "plots": 40, "drawn": 6}


class Links(NamedTuple):
    """Where pictures of the two commits lie: ``web`` is the repository's address, empty for none."""

    web: str = ""
    before: str = ""
    after: str = ""


class Report(NamedTuple):
    """All that a comment tells; ``base`` names the commit that this branch is compared with."""

    base: str
    params: list[ParamChange]
    stages: list[StageChange]
    figures: Figures
    plots: list[Plot]
    confidence: float
    draws: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all differs."""
        figures = self.figures
        found = (figures.changes, figures.contours, figures.validation, figures.others, figures.rivals, figures.notes)
        return not any((self.params, self.stages, self.plots, *found))


def comment(report: Report, links: Links = Links()) -> str:  # noqa: B008
    """Write the comment; where it would be longer than GitHub takes, the longest tables are cut and it says so."""
    head = f"{MARKER}\n## What this branch changes\n\nCompared with {_code(report.base)}: "
    if report.is_empty:
        return f"{head}**no change**. Parameters, stages, figures and plots are the same.\n"
    figures = report.figures
    parts = [
        head + _overview(report),
        _clear(report),
        _rivals(figures.rivals),
        _contours(figures.contours, report.confidence),
        _values("Validation", figures.validation),
        _params(report.params),
        _plots(report.plots, links),
        _stages(report.stages),
        _folded("Every score that differs", _changes(figures.changes, report.confidence, _ROWS["all"])),
        _folded("Other figures", _table(["figure", "before", "after"], _value_rows(figures.others), _ROWS["others"])),
        "\n".join(figures.notes),
        _method(report),
    ]
    parts = [part for part in parts if part]
    note = "Tables were left out: the comment would be longer than GitHub takes. The page has the plots."
    while len("\n\n".join(parts)) > LIMIT:
        longest = max(range(1, len(parts)), key=lambda place: len(parts[place]))
        parts[longest] = note if note not in parts else ""
        parts = [part for part in parts if part]
    return "\n\n".join(parts) + "\n"


def _overview(report: Report) -> str:
    changes = (*_main(report.figures.changes), *report.figures.contours)
    words = Counter(change.verdict for change in changes if change.verdict != UNORDERED)
    told = [f"**{words.pop(word)} {word}**" for word in CLEAR if word in words]
    told += [f"{words[word]} {word}" for word in sorted(words)]
    scores = f"scores: {', '.join(told)}" if told else "no score differs"
    ran = [count(len(report.stages), "stage") + " ran", count(len(report.params), "parameter") + " changed"]
    return f"{', '.join(ran)}; {scores}."


def _clear(report: Report) -> str:
    """Show what is better or worse, and beside it the AUC of every model that changed."""
    shown = [c for c in _main(report.figures.changes) if c.verdict in CLEAR or c.metric == "auc"]
    if not report.figures.changes:
        return ""
    table = _changes(shown, report.confidence, _ROWS["clear"]) or "No AUC changed, and no score is better or worse."
    return f"### Scores\n\n{table}"


def _main(changes: Iterable[Change]) -> list[Change]:
    """Leave out what follows from thresholds that each model chose for itself: the folded table has it."""
    return [change for change in changes if "_at_" not in change.metric]


def _changes(changes: list[Change], confidence: float, limit: int) -> str:
    rows = [
        [
            _code(change.setting),
            _code(change.model),
            metric_name(change.metric),
            number(change.before),
            number(change.after),
            _difference(change.difference, change.low, change.high),
            f"**{change.verdict}**" if change.verdict in CLEAR else change.verdict,
        ]
        for change in changes
    ]
    titles = [
        "setting",
        "model",
        "metric",
        "before",
        "after",
        f"difference ({percent(confidence)} interval)",
        "verdict",
    ]
    return _table(titles, rows, limit)


def _rivals(rivals: dict[str, tuple[Rivals | None, Rivals | None]]) -> str:
    rows = []
    for setting, pair in rivals.items():
        for side, rival in zip(("before", "after"), pair, strict=True):
            told = ["not evaluated", "", "", ""]
            if rival:
                gap = _difference(rival.difference, rival.low, rival.high)
                told = [number(rival.own), _code(rival.best), number(rival.value), gap]
            rows.append([_code(setting) if side == "before" else "", side, *told])
    titles = ["setting", "", "language model", "best other model", "its AUC", "language model minus best (interval)"]
    table = _table(titles, rows, 40)
    return f"### Language model against the best baseline (AUC)\n\n{table}" if rows else ""


def _contours(changes: list[Change], confidence: float) -> str:
    return f"### Segmentation\n\n{_changes(changes, confidence, 20)}" if changes else ""


def _values(title: str, pairs: dict[str, tuple[Any, Any]]) -> str:
    """List totals, errors and warnings, of which more is worse; how much was checked where is not for a comment."""
    counted = ("errors", "warnings", "failed")
    pairs = {
        key: pair
        for key, pair in pairs.items()
        if key.startswith("total.") or (key.rpartition(".")[2] in counted and any(pair))
    }
    if not pairs:
        return ""
    rows = []
    for row, (key, (before, after)) in zip(_value_rows(pairs), pairs.items(), strict=True):
        judged = key.rpartition(".")[2] in counted and None not in (before, after)
        rows.append([*row, ("**worse**" if after > before else "**better**") if judged else ""])
    return f"### {title}\n\n{_table(['figure', 'before', 'after', ''], rows, 40)}"


def _value_rows(pairs: dict[str, tuple[Any, Any]]) -> list[list[str]]:
    return [[_code(key), *(_value(value) for value in pair)] for key, pair in pairs.items()]


def _value(value: Any) -> str:
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else _code(str(value))


def _params(params: list[ParamChange]) -> str:
    rows = [[_code(p.key), *(NOTHING if v is None else _code(v) for v in (p.before, p.after))] for p in params]
    return f"### Parameters\n\n{_table(['key', 'before', 'after'], rows, _ROWS['params'])}" if rows else ""


def _plots(plots: list[Plot], links: Links) -> str:
    if not plots:
        return ""
    rows, pictures = [], 0
    for plot in plots:
        cells = ["" if plot.before else "not there", "" if plot.after else "not there"]
        if links.web and plot.drawn and pictures < _ROWS["drawn"]:
            pictures += 1
            for place, (source, sha) in enumerate(((plot.before, links.before), (plot.after, links.after))):
                address = f"{links.web}/blob/{sha}/{plot.path.replace(' ', '%20')}?raw=true"
                cells[place] = f'<img src="{address}" width="360">' if source else cells[place]
        rows.append([_code(plot.path), *cells])
    table = _table(["plot", "before", "after"], rows, _ROWS["plots"])
    page = "Side by side: `pull_request.html` among this run's artefacts."
    return _folded(f"Plots: {count(len(plots), 'differs', 'differ')}", f"{page}\n\n{table}")


def _stages(stages: list[StageChange]) -> str:
    rows = [
        [_code(s.name), s.kind, ", ".join(map(_code, _few(s.causes))), ", ".join(map(_code, _few(s.outputs)))]
        for s in stages
    ]
    table = _table(["stage", "", "because of", "outputs that differ"], rows, _ROWS["stages"])
    return _folded(f"Stages that ran: {len(stages)}", table) if rows else ""


def _method(report: Report) -> str:
    if not (report.figures.changes or report.figures.contours):
        return ""
    return (
        "<sub>Differences are after minus before on the same lesions, from "
        f"{count(report.draws, 'paired bootstrap draw')} over patients, both revisions scored with this branch's "
        f"parameters. Better and worse: p below {1 - report.confidence:.2g}, by Holm's method corrected for the models "
        "that changed in a setting and metric; the intervals are not corrected. Not for clinical use.</sub>"
    )


def _few(names: list[str]) -> list[str]:
    return names if len(names) <= 4 else [*names[:4], f"{len(names) - 4} more"]


def _difference(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return NOTHING
    sign = "+" if value > 0 else ""
    between = interval(low, high, 3)
    return f"{sign}{number(value)}" + (f" ({between})" if between else "")


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>" if content else ""


def _table(titles: list[str], rows: Iterable[list[str]], limit: int) -> str:
    rows = list(rows)
    if not rows:
        return ""
    lines = [titles, ["---"] * len(titles), *rows[:limit]]
    more = f"\n\n... and {len(rows) - limit} more" if len(rows) > limit else ""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + more


def _code(text: str) -> str:
    """Show text as it is: no mention, link, tag or new cell comes of it."""
    return f"`{' '.join(text.replace('`', chr(39)).split())}`".replace("|", "\\|") if text.strip() else ""
