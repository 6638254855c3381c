"""A table's experiments to one tidy table, beside the paper's figures."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from radprompt.core.errors import InputError
from radprompt.repository.ablations import queue
from radprompt.repository.ablations.commands import Ref, dvc, file_at
from radprompt.repository.ablations.running import standings
from radprompt.study.ablation_tables import Table, lookup, override
from radprompt.study.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table as Shown

METRICS = ("accuracy", "f1", "auc", "sensitivity", "balanced_accuracy")
_PRINTED = METRICS[:4]
COLUMNS = [
    *("table", "row", "params", "setting", "model"),
    *(f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")),
    *(f"paper_{metric}" for metric in _PRINTED),
    *("minutes", "rerun"),
]


class Result(NamedTuple):
    """What an experiment left.

    Parameters
    ----------
    params
        The parameters it ran with, nested.
    scores
        By setting, the rows of ``metrics/evaluation/<setting>.csv``.
    minutes
        How long it ran; None where this machine's queue does not know.
    rerun
        The stages that ran, in order, the others being up to date; None where the log is gone.
    """

    params: Mapping[str, Any]
    scores: "Mapping[str, pd.DataFrame]"
    minutes: float | None
    rerun: list[str] | None


def results(table: Table, *, partial: bool = False) -> dict[str, Result]:
    """Return what each row's experiment left, by the row's name.

    Raises
    ------
    InputError
        Unless ``partial``, for a row without a finished experiment; always for one that did not score a setting.
    """
    found = standings(table)
    refs = {standing.row.name: standing.ref for standing in found if standing.ref}
    lacking = [f"{table.experiment(s.row)} ({s.state})" for s in found if not s.ref]
    if lacking and not (partial and refs):
        raise InputError(
            f"{len(lacking)} of {len(found)} experiments are not done: {', '.join(lacking)}",
            where=f"table {table.name!r}",
            fix=f"run `make ablations TABLE={table.short}`"
            + ("" if partial else "; or collect what is there: --partial"),
        )
    shown, took = _shown(set(refs.values())), queue.minutes()
    gathered = {}
    for name, ref in refs.items():
        entry = shown[ref]
        local = (entry["executor"] or {}).get("local") or {}
        gathered[name] = Result(
            entry["revs"][0]["data"]["params"]["params.yaml"]["data"],
            {setting: _scores(ref, setting) for setting in table.settings},
            took.get(local.get("task_id", "")),
            queue.stages_run(Path(local["log"])) if local.get("log") else None,
        )
    return gathered


def _shown(refs: set[Ref]) -> dict[Ref, dict[str, Any]]:
    revs = [part for baseline in sorted({ref.baseline for ref in refs}) for part in ("--rev", baseline)]
    listed = json.loads(dvc("exp", "show", "--json", "--hide-workspace", "--hide-queued", "--hide-failed", *revs))
    return {
        Ref(entry["name"], commit["rev"], entry["revs"][0]["rev"]): entry
        for commit in listed
        for entry in commit["experiments"] or []
    }


def _scores(ref: Ref, setting: str) -> "pd.DataFrame":
    import pandas as pd

    path = f"metrics/evaluation/{setting}.csv"
    text = file_at(ref.rev, path)
    if text is None:
        raise InputError(
            "no such file", where=f"experiment {ref.name!r}, {path}", fix=f"is evaluate@{setting} a target?"
        )
    return pd.read_csv(StringIO(text))


def tabulate(table: Table, gathered: Mapping[str, Result], settings: Settings) -> "pd.DataFrame":
    """Put experiments into one table.

    Parameters
    ----------
    table
        Which rows, settings and models.
    gathered
        What :func:`results` returns.
    settings
        Protocols, for the data set that each setting tests.

    Returns
    -------
    pandas.DataFrame
        A line for each row, setting and model, in the table's order, columns :data:`COLUMNS`. ``params`` are those that
        the row sets, as ``key=value`` parted by semicolons; ``<metric>`` with ``_low`` and ``_high`` come from the
        experiment, ``paper_<metric>`` are printed; ``minutes`` and ``rerun`` concern the whole experiment, which reran
        ``nothing`` where every stage was up to date. What is not known is empty.

    Raises
    ------
    InputError
        For a model that an experiment did not score, or a row that the paper's table does not have.
    """
    import pandas as pd

    lines = [
        {
            "table": table.name,
            "row": row.name,
            "params": "; ".join(override(k, lookup(result.params, k) if result else v) for k, v in row.set.items()),
            "setting": setting,
            "model": model,
            **(_measured(result.scores[setting], setting, model, table.experiment(row)) if result else {}),
            **_printed(table, row.paper, settings[setting].test.dataset, model),
            "minutes": round(result.minutes, 1) if result and result.minutes is not None else None,
            "rerun": None if result is None or result.rerun is None else " ".join(result.rerun) or "nothing",
        }
        for row in table.rows
        for result in [gathered.get(row.name)]
        for setting in table.settings
        for model in table.models
    ]
    return pd.DataFrame(lines).reindex(columns=COLUMNS)


def _measured(scores: "pd.DataFrame", setting: str, model: str, experiment: str) -> dict[str, float]:
    rows = scores[(scores["model"] == model) & scores["metric"].isin(METRICS)]
    if rows.empty:
        raise InputError(
            f"no scores of model {model!r}",
            where=f"experiment {experiment!r}, metrics/evaluation/{setting}.csv",
            fix=f"use some of {sorted(scores['model'].unique())} as `models`",
        )
    return {
        f"{cell['metric']}{end}": cell[column]
        for cell in rows.to_dict("records")
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high"))
    }


def _printed(table: Table, name: str | None, test_set: str, model: str) -> dict[str, float]:
    from radprompt.evaluation.paper import paper_rows

    if table.paper is None or name is None:
        return {}
    rows = paper_rows(table.paper)
    rows = rows[rows["setting"] == name]
    if rows.empty:
        raise InputError(
            f"the paper's table {table.paper} has no row {name!r}",
            where=f"ablations.yaml, table {table.name!r}",
            fix="use a `setting` of src/radprompt/evaluation/paper_results.csv as `paper`",
        )
    rows = rows[(rows["test_set"] == test_set) & (rows["model"] == model)]
    return {
        f"paper_{metric}": float(value)
        for row in rows.to_dict("records")
        for metric, value in row.items()
        if metric in _PRINTED
    }


def render(table: Table, collected: "pd.DataFrame") -> "Shown":
    """Show a collected table in the terminal: each value over its interval, and the paper's below."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table as Shown

    shown = Shown(box=SIMPLE_HEAD, padding=0, title=f"{escape(table.title)}: value, interval, paper")
    shown.add_column("Row, setting, model")
    for title in ("Accuracy", "F1", "AUC", "Sens.", "Balanced", "Min."):
        shown.add_column(title, justify="right")
    for line in collected.to_dict("records"):
        cells = (_cell(line, metric) for metric in METRICS)
        label = f"[bold]{escape(line['row'])}[/]\n{line['setting']}\n[dim]{line['model']}[/]"
        shown.add_row(label, *cells, f"{line['minutes']:.1f}" if line["minutes"] == line["minutes"] else "-")
    return shown


def _cell(line: Mapping[Any, Any], metric: str) -> str:
    number, low, high = (line[f"{metric}{end}"] for end in ("", "_low", "_high"))
    paper = line.get(f"paper_{metric}", float("nan"))
    # An unknown number is NaN, which differs from itself.
    texts = [f"{number:.3f}" if number == number else "-"]
    texts.append(f"[dim]{low:.2f}–{high:.2f}[/]".replace("0.", ".") if low == low else "")
    texts.append(f"[italic]{paper:.3f}[/]" if paper == paper else "")
    return "\n".join(texts)
