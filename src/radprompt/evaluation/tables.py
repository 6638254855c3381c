"""All models side by side: a tidy comparison, the metrics file, and the table that ends ``make repro``."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from radprompt.errors import InputError
from radprompt.evaluation.calibration import Floats
from radprompt.evaluation.comparisons import bootstrap_p, delong_test, holm
from radprompt.evaluation.intervals import interval, patient_resamples, score_draws
from radprompt.evaluation.scores import METRICS, scores
from radprompt.params import Evaluation, Params

TESTS = ("bootstrap", "delong", "clustered")
COLUMNS = [
    *("setting", "model", "metric", "value", "low", "high", "seeds", "seed_sd", "lesions", "patients", "malignant"),
    *("reference", "difference", "difference_low", "difference_high"),
    *(f"p_{test}{suffix}" for test in TESTS for suffix in ("", "_holm")),
]

_SHOWN = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced",
    "f1": "F1",
    "sensitivity": "Sens.",
    "specificity": "Spec.",
}
_UNORDERED = ("calibration_slope", "calibration_intercept")  # more is not better: a difference says nothing
_DECIMALS = 6  # sums differ between processors in the last bits, and a metrics file is compared line by line


def compare(predictions: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Score every model on the test rows and test it against the reference model.

    Returns
    -------
    pandas.DataFrame
        One row for each setting, model and defined metric, columns :data:`COLUMNS`: ``value`` with its bootstrap
        interval ``low`` to ``high``; with several seeds, their mean, and ``seed_sd`` their standard deviation.
        ``difference`` is the reference's value minus the model's, with the paired bootstrap's interval and
        ``p_bootstrap``. For the AUC, ``p_delong`` takes lesions for independent and ``p_clustered`` (Obuchowski) lets
        those of a patient correlate. ``..._holm`` corrects for the models compared in a setting, metric by metric. What
        does not exist is empty. The reference comes first, then the others by name.

    Raises
    ------
    InputError
        When no setting has the reference model, or there are no test rows.
    """
    rows = predictions[predictions["split"] == "test"]
    if rows.empty:
        raise InputError("no rows of the test split", where="data/predictions", fix="models predict the test split too")
    reference = params.evaluation.reference
    models = sorted(set(rows["model"]))
    if reference not in models:
        fix = f"name one of {', '.join(models)}"
        raise InputError(f"no predictions of model {reference!r}", where="params.yaml, evaluation.reference", fix=fix)
    return pd.concat([_compare(part, params) for _, part in rows.groupby("setting")], ignore_index=True)[COLUMNS]


def summary(comparison: pd.DataFrame) -> dict[str, Any]:
    """Nest a comparison as ``{setting: {model: {metric, metric_low, metric_high, ...}}}``, finite numbers only.

    Each model also has its counts of ``lesions``, ``patients`` and ``malignant`` ones, and ``metric_sd`` over seeds.
    """
    nested: dict[str, Any] = {}
    for row in comparison.to_dict("records"):
        counts = {name: int(row[name]) for name in ("lesions", "patients", "malignant")}
        model = nested.setdefault(row["setting"], {}).setdefault(row["model"], counts)
        for suffix, column in (("", "value"), ("_low", "low"), ("_high", "high"), ("_sd", "seed_sd")):
            if np.isfinite(row[column]):
                model[f"{row['metric']}{suffix}"] = round(float(row[column]), _DECIMALS)
    return nested


def render_summary(path: str | Path = "metrics/summary.json") -> Table:
    """Show ``metrics/summary.json`` as a table for the terminal: a block a setting, a row a model, value over interval.

    Raises
    ------
    InputError
        When the file is absent or is not such a summary.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        sections = {setting: list(models.items()) for setting, models in content.items()}
        table = Table(box=SIMPLE_HEAD, padding=0, title="Test split: each value over its patient-bootstrap interval")
        table.add_column("Model", no_wrap=True)
        captions = []
        for title in _SHOWN.values():
            table.add_column(title, justify="right")
        for setting, models in sections.items():
            table.add_section()
            first = models[0][1]
            captions.append(
                f"{setting}: {first['lesions']} masses, {first['malignant']} malignant, {first['patients']} patients"
            )
            table.add_row(f"[bold]{setting}[/]")
            for name, metrics in models:
                table.add_row(escape(name.replace("_", " ")), *(_cell(metrics, metric) for metric in _SHOWN))
        table.caption = "\n".join(captions)
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
    except (ValueError, KeyError, AttributeError, TypeError, IndexError):
        raise InputError("not a summary of metrics", where=str(path), fix="run `dvc repro evaluate`") from None
    return table


def _cell(metrics: dict[str, float], metric: str) -> str:
    if metric not in metrics:
        return "-"
    # Without leading zeros six metrics fit into the 80 columns that a pipe or a log has.
    bounds = [metrics.get(f"{metric}_{end}") for end in ("low", "high")]
    between = "–".join("?" if bound is None else f"{bound:.2f}".removeprefix("0") for bound in bounds)
    return f"{metrics[metric]:.3f}\n[dim]{between}[/]"


def _compare(rows: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Compare the models of one setting."""
    evaluation, reference = params.evaluation, params.evaluation.reference
    lesions = rows.drop_duplicates("lesion_id").sort_values("lesion_id")
    labels = lesions["label"].to_numpy()
    patients = lesions["patient_id"].to_numpy()
    resamples = patient_resamples(patients, evaluation.bootstrap_draws, params.seed)
    by_run = rows.pivot_table(index=["model", "seed"], columns="lesion_id", values="probability")[lesions["lesion_id"]]
    names = sorted(set(rows["model"]), key=lambda name: (name != reference, name))
    probabilities = {name: by_run.loc[name].to_numpy() for name in names}
    draws = {name: _mean_draws(labels, probabilities[name], resamples, evaluation) for name in names}
    records = []
    for name in names:
        runs = pd.DataFrame(
            [scores(labels, run, evaluation.threshold, evaluation.calibration_bins) for run in probabilities[name]]
        )
        records += [
            {
                "setting": rows["setting"].iloc[0],
                "model": name,
                "metric": metric,
                "value": runs[metric].mean(),
                "seeds": len(runs),
                "seed_sd": runs[metric].std(),
                **_bounds("", interval(draws[name][metric], evaluation.confidence)),
            }
            for metric in METRICS
            if metric in runs and runs[metric].notna().all()
        ]
    table = pd.DataFrame(records).reindex(columns=COLUMNS)
    table = table.assign(lesions=len(lesions), patients=lesions["patient_id"].nunique(), malignant=labels.sum())
    return (
        _against_reference(table, labels, patients, probabilities, draws, evaluation) if reference in names else table
    )


def _mean_draws(labels: NDArray, runs: Floats, resamples: NDArray, evaluation: Evaluation) -> dict[str, Floats]:
    """Bootstrap draws of each metric, averaged over a model's seeds."""
    each = [score_draws(labels, run, resamples, evaluation.threshold, evaluation.calibration_bins) for run in runs]
    return {metric: np.mean([run[metric] for run in each], axis=0) for metric in METRICS}


def _against_reference(
    table: pd.DataFrame,
    labels: NDArray,
    patients: NDArray,
    probabilities: dict[str, Floats],
    draws: dict[str, dict[str, Floats]],
    evaluation: Evaluation,
) -> pd.DataFrame:
    """Fill the columns that compare with the reference model."""
    reference = evaluation.reference
    expected = table[table["model"] == reference].set_index("metric")["value"]
    compared = (table["model"] != reference) & ~table["metric"].isin(_UNORDERED) & table["metric"].isin(expected.index)
    records = {}
    for index, row in table[compared].to_dict("index").items():
        name, metric = row["model"], row["metric"]
        gap = draws[reference][metric] - draws[name][metric]
        record = {
            "reference": reference,
            "difference": expected[metric] - row["value"],
            **_bounds("difference_", interval(gap, evaluation.confidence)),
            "p_bootstrap": bootstrap_p(gap),
        }
        if metric == "auc":
            pair = (probabilities[reference], probabilities[name])
            record["p_delong"] = delong_test(labels, *pair).p
            record["p_clustered"] = delong_test(labels, *pair, patients=patients).p
        records[index] = record
    own = COLUMNS[: COLUMNS.index("reference")]
    filled = table[own].join(pd.DataFrame.from_dict(records, orient="index")).reindex(columns=COLUMNS)
    for test in TESTS:
        filled[f"p_{test}_holm"] = filled.groupby("metric")[f"p_{test}"].transform(lambda p: holm(p.to_numpy(float)))
    return filled


def _bounds(prefix: str, bounds: tuple[float, float] | None) -> dict[str, float]:
    return {f"{prefix}low": bounds[0], f"{prefix}high": bounds[1]} if bounds else {}
