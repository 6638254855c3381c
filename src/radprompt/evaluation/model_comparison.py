"""Every model on the same test rows: scores, intervals, and tests against the reference model, in one tidy table."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.errors import InputError
from radprompt.evaluation.calibration import Floats
from radprompt.evaluation.comparisons import bootstrap_p, delong_test, holm
from radprompt.evaluation.intervals import decision_draws, interval, patient_resamples, score_draws
from radprompt.evaluation.scores import DECISIONS, METRICS, decision_scores, scores
from radprompt.evaluation.thresholds import RULES, Cuts, Run, choose_thresholds, main_threshold
from radprompt.params import Evaluation, Params

TESTS = ("bootstrap", "delong", "clustered")
COLUMNS = [
    *("setting", "model", "metric", "value", "low", "high", "seeds", "seed_sd", "lesions", "patients", "malignant"),
    *("reference", "difference", "difference_low", "difference_high"),
    *(f"p_{test}{suffix}" for test in TESTS for suffix in ("", "_holm")),
]

ALL_METRICS = (*METRICS, *(f"{metric}_at_{rule}" for rule in RULES for metric in ("threshold", *DECISIONS)))
"""Metrics at the main threshold, then at each one chosen on validation rows, and that threshold itself."""

# More is not better: a difference says nothing.
_UNORDERED = ("calibration_slope", "calibration_intercept", *(f"threshold_at_{rule}" for rule in RULES))


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

        Metrics are those of :data:`ALL_METRICS`. A model without validation rows of both classes has none at a chosen
        threshold; where ``evaluation.threshold`` itself is to be chosen, it has no calls at all.

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
    cuts = choose_thresholds(predictions, params.evaluation)
    return pd.concat([_compare(part, cuts, params) for _, part in rows.groupby("setting")], ignore_index=True)[COLUMNS]


def _compare(rows: pd.DataFrame, cuts: Cuts, params: Params) -> pd.DataFrame:
    """Compare the models of one setting."""
    evaluation, reference = params.evaluation, params.evaluation.reference
    lesions = rows.drop_duplicates("lesion_id").sort_values("lesion_id")
    labels = lesions["label"].to_numpy()
    patients = lesions["patient_id"].to_numpy()
    resamples = patient_resamples(patients, evaluation.bootstrap_draws, params.seed)
    by_run = rows.pivot_table(index=["model", "seed"], columns="lesion_id", values="probability")[lesions["lesion_id"]]
    names = sorted(set(rows["model"]), key=lambda name: (name != reference, name))
    setting = rows["setting"].iloc[0]
    probabilities, values, draws = {}, {}, {}
    for name in names:
        runs = {(setting, name, seed): row.to_numpy() for seed, row in by_run.loc[name].iterrows()}
        probabilities[name] = np.stack(list(runs.values()))
        values[name] = pd.DataFrame([_scores(labels, run, own, cuts, evaluation) for run, own in runs.items()])
        draws[name] = _mean_draws(labels, runs, resamples, cuts, evaluation)
    records = [
        {
            "setting": setting,
            "model": name,
            "metric": metric,
            "value": values[name][metric].mean(),
            "seeds": len(values[name]),
            "seed_sd": values[name][metric].std(),
            **_bounds("", interval(draws[name][metric], evaluation.confidence) if metric in draws[name] else None),
        }
        for name in names
        for metric in ALL_METRICS
        if metric in values[name] and values[name][metric].notna().all()
    ]
    table = pd.DataFrame(records).reindex(columns=COLUMNS)
    table = table.assign(lesions=len(lesions), patients=lesions["patient_id"].nunique(), malignant=labels.sum())
    return (
        _against_reference(table, labels, patients, probabilities, draws, evaluation) if reference in names else table
    )


def _scores(labels: NDArray, run: Run, probabilities: Floats, cuts: Cuts, evaluation: Evaluation) -> dict[str, float]:
    """Score one run at the main threshold and at its chosen ones."""
    values = scores(labels, probabilities, main_threshold(run, cuts, evaluation), evaluation.calibration_bins)
    for rule, threshold in cuts.get(run, {}).items():
        at_cut = {"threshold": threshold, **decision_scores(labels, probabilities, threshold)}
        values |= {f"{metric}_at_{rule}": value for metric, value in at_cut.items()}
    return values


def _mean_draws(
    labels: NDArray, runs: dict[Run, Floats], resamples: NDArray, cuts: Cuts, evaluation: Evaluation
) -> dict[str, Floats]:
    """Bootstrap draws of each metric that all of a model's runs have, averaged over the runs."""
    each = []
    for run, probabilities in runs.items():
        threshold = main_threshold(run, cuts, evaluation)
        draws = score_draws(labels, probabilities, resamples, threshold, evaluation.calibration_bins)
        for rule, cut in cuts.get(run, {}).items():
            at_cut = decision_draws(labels, probabilities, resamples, cut)
            draws |= {f"{metric}_at_{rule}": drawn for metric, drawn in at_cut.items()}
        each.append(draws)
    shared = set(each[0]).intersection(*each)
    return {metric: np.mean([draws[metric] for draws in each], axis=0) for metric in shared}


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
