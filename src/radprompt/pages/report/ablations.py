"""The section on ablations: each table of ``metrics/ablations``, the paper's figures beside ours."""

from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from radprompt.core.params import Params
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import count, interval, metric_name, number, spread
from radprompt.study.ablation_tables import FILE, Table, load_tables, lookup
from radprompt.study.settings import Settings
from radprompt.tables.model_names import model_name

FOLDER = "metrics/ablations"
METRICS = ("auc", "accuracy", "f1", "sensitivity", "balanced_accuracy")
_ABLATION = ("table", "row", "params", "setting", "model")
BENCHMARKED = {"closing": "Weights on closing tokens (llm.readout: closing) beside LoRA, by patient folds"}
"""Titles of tables that a benchmark made, by file."""
_DECISION = ("readout", "layers", "learning_rate", "seeds", "val_auc", "val_auc_sd", "last_loss", "last_loss_sd")


def ablations(reader: Reader, settings: Settings, params: Params) -> dict[str, Any]:
    """Lay out every table that is there.

    Returns
    -------
    dict
        ``tables``: ``title``, ``path``, ``note``, ``head`` (column names and whether they are numbers) and ``rows``
        (cells: text, with ``interval`` and ``spread``); ``absent``: number and title of the paper's tables that were
        not made in this run, ``others``: names of further ones, and ``seeds``: over how many readout and layers were
        compared on validation rows, 0 where they were not.
    """
    planned = _planned(reader, settings)
    paths = {PurePosixPath(path).stem: path for path in reader.matching(f"{FOLDER}/*.csv")}
    order = [*(name for name in planned if name in paths), *(name for name in paths if name not in planned)]
    absent = [table for name, table in planned.items() if name not in paths]
    tables = [_lay_out(reader, paths[name], planned.get(name), settings, params) for name in order]
    return {
        "tables": tables,
        "seeds": max((table.get("seeds", 0) for table in tables), default=0),
        "absent": [(table.paper, table.title) for table in absent if table.paper],
        "others": [table.name for table in absent if not table.paper],
    }


def _planned(reader: Reader, settings: Settings) -> dict[str, Table]:
    """Return the tables of ``ablations.yaml`` about these settings; none where the file is not there."""
    absent = reader.content(FILE.as_posix()) is None
    return {} if absent else load_tables(settings, reader.root / FILE, strict=False)


def _lay_out(reader: Reader, path: str, planned: Table | None, settings: Settings, params: Params) -> dict[str, Any]:
    table = reader.table(path)
    assert table is not None
    if set(_DECISION) <= set(table.columns):
        laid_out = _decision(table, settings, params)
    elif set(_ABLATION) <= set(table.columns):
        title = planned.title if planned else PurePosixPath(path).stem
        title = f"Table {planned.paper}: {title}" if planned and planned.paper else title
        laid_out = _ablation(table, title, settings)
        laid_out["note"] += _since(reader, table, planned, settings, params) if planned else ""
    else:
        stem = PurePosixPath(path).stem.replace("_", " ")
        laid_out = _plain(table, BENCHMARKED.get(stem, stem))
    return laid_out | {"path": path}


def _decision(table: pd.DataFrame, settings: Settings, params: Params) -> dict[str, Any]:
    """Lay out what decided readout, layers and learning rate, validation rows alone."""
    layers = {"head": 0}.get(params.llm.tuning, params.llm.lora.layers)
    chosen = {"readout": params.llm.readout, "layers": layers, "learning_rate": params.llm.learning_rate}
    alike = (table["readout"] == params.llm.readout) & (table["layers"].astype(str) == str(layers))
    used = table[alike & (table["learning_rate"] == params.llm.learning_rate)]
    best = table.sort_values("last_loss", kind="stable").iloc[0]
    seeds = int(table["seeds"].max())
    rows = f"the validation rows of {settings.data_set(settings.first.val.dataset)} over {count(seeds, 'seed')}"
    note = (
        f"Decided on {rows}; no test row was read. Lowest mean loss of "
        f"the last epoch, which no choice of epoch flatters: {_configuration(best)}, {number(best['last_loss'])}. "
    )
    if used.empty:
        note += f"What this run uses ({_configuration(chosen)}) is not in it."
    else:
        row = used.iloc[0]
        note += (
            f"This run uses: {_configuration(row)}, {number(row['last_loss'])}. "
            "Rows whose spreads overlap are not told apart."
        )
    columns = {"val_auc": "Validation AUC", "val_loss": "Validation loss", "last_loss": "Loss of the last epoch"}
    columns = {key: name for key, name in columns.items() if key in table}
    return {
        "title": "Readout, layers and learning rate, decided on validation rows",
        "seeds": seeds,
        "note": note,
        "head": [
            ("Readout", False),
            ("LoRA layers", True),
            ("Learning rate", True),
            ("Seeds", True),
            *((name, True) for name in columns.values()),
        ],
        "rows": [
            [
                _text(row["readout"]),
                _text("none, head only" if str(row["layers"]) == "0" else row["layers"]),
                _text(f"{row['learning_rate']:g}"),
                _text(row["seeds"]),
                *(
                    {"value": number(row[key]), "interval": "", "spread": spread(row.get(f"{key}_sd"))}
                    for key in columns
                ),
            ]
            for row in table.to_dict("records")
        ],
    }


def _ablation(table: pd.DataFrame, title: str, settings: Settings) -> dict[str, Any]:
    """Lay out one table of experiments."""
    metrics = [metric for metric in METRICS if metric in table]
    printed = [metric for metric in metrics if f"paper_{metric}" in table and table[f"paper_{metric}"].notna().any()]
    timed = "minutes" in table and table["minutes"].notna().any()
    head = [("Row", False), ("Parameters", False), ("Setting", False), ("Model", False)]
    head += [(metric_name(metric), True) for metric in metrics]
    rows = []
    for row in table.to_dict("records"):
        names = (row["row"], row["params"], settings.title(row["setting"]), model_name(row["model"]))
        cells = [
            {
                "value": number(row[metric]),
                "interval": interval(row.get(f"{metric}_low"), row.get(f"{metric}_high")),
                "spread": f"paper {number(row[f'paper_{metric}'])}" if metric in printed else "",
            }
            for metric in metrics
        ]
        rows.append([*map(_text, names), *cells, *([_text(number(row["minutes"], 1))] if timed else [])])
    notes = [
        "Parameters are those that the row changes.",
        *(["Below each value its interval and the paper's figure."] if printed else []),
        *(["Minutes are those of the whole experiment, stages that it did not touch left out."] if timed else []),
    ]
    return {
        "title": title,
        "note": " ".join(notes),
        "head": [*head, *([("Minutes", True)] if timed else [])],
        "rows": rows,
    }


def _since(reader: Reader, table: pd.DataFrame, planned: Table, settings: Settings, params: Params) -> str:
    """Say so where the row of today's parameters has other scores than this run: the table is then of another run."""
    now = asdict(params)
    today = [row.name for row in planned.rows if all(lookup(now, key) == value for key, value in row.set.items())]
    for row in table[table["row"].isin(today)].to_dict("records"):
        scores = reader.table(f"metrics/evaluation/{row['setting']}.csv", ("model", "metric", "value"))
        if scores is None:
            continue
        here = scores.loc[(scores["model"] == row["model"]) & (scores["metric"] == "auc"), "value"]
        if len(here) and number(here.iloc[0]) != number(row["auc"]):
            return (
                f" The table is of an earlier run: for today's parameters (row {row['row']}) it has an AUC of "
                f"{number(row['auc'])} in {settings.title(row['setting'])}, this run {number(here.iloc[0])}. Compare "
                "its rows with each other, not with this run's."
            )
    return ""


def _plain(table: pd.DataFrame, title: str) -> dict[str, Any]:
    """Lay out a table of which nothing is known."""
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
    rows = [
        [_text(float(f"{value:.4g}") if isinstance(value, float) else value) for value in row]
        for row in table.itertuples(index=False, name=None)
    ]
    return {"title": title, "note": "", "head": list(zip(map(str, table.columns), numeric, strict=True)), "rows": rows}


def _configuration(row: Any) -> str:
    layers = "the head alone" if str(row["layers"]) == "0" else f"{row['layers']} layers"
    return f"readout {row['readout']}, {layers}, learning rate {row['learning_rate']:g}"


def _text(value: Any) -> dict[str, str]:
    return {"value": "" if value is None or value != value else str(value), "interval": "", "spread": ""}
