"""Every model on the same test rows: scores, intervals, and tests against the reference model, in one tidy table."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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

_UNORDERED = ("calibration_slope", "calibration_intercept")  # more is not better: a difference says nothing


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
