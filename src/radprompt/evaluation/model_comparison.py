"""Every model on the same test rows: scores, intervals, and tests against the reference model, in one tidy table."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.compute import IN_THIS_PROCESS, parallel_map
from radprompt.core.errors import InputError
from radprompt.core.params import Compute, Evaluation, StudyParams
from radprompt.evaluation.calibration import Floats
from radprompt.evaluation.comparisons import bootstrap_p, delong_test, holm, resampled_interval, resampled_test
from radprompt.evaluation.intervals import decision_draws, interval, patient_resamples, repeat_mean, score_draws
from radprompt.evaluation.scores import DECISIONS, METRICS, decision_scores, scores
from radprompt.evaluation.thresholds import RULES, Cuts, Run, choose_thresholds, main_threshold

TESTS = ("bootstrap", "delong", "clustered", "resampled")
COLUMNS = [
    *("setting", "model", "metric", "value", "low", "high", "repeats", "repeat_sd", "repeat_low", "repeat_high"),
    *("seeds", "seed_sd"),
    *("lesions", "patients", "malignant"),
    *("reference", "paired_repeats", "difference", "difference_low", "difference_high"),
    *(f"p_{test}{suffix}" for test in TESTS for suffix in ("", "_holm")),
]

ALL_METRICS = (*METRICS, *(f"{metric}_at_{rule}" for rule in RULES for metric in ("threshold", *DECISIONS)))
"""Metrics at the main threshold, then at each one chosen on validation rows, and that threshold itself."""

# More is not better: a difference says nothing.
_UNORDERED = ("calibration_slope", "calibration_intercept", *(f"threshold_at_{rule}" for rule in RULES))


class _Sample(NamedTuple):
    """The test lesions of one repeat, sorted, and how often each resample has them."""

    lesions: NDArray
    labels: NDArray
    patients: NDArray
    resamples: NDArray[np.int16]


class _Scored(NamedTuple):
    """One model. By repeat: the probabilities of its runs, and the draws of its metrics, averaged over seeds.

    ``means`` and ``spreads`` (mean and standard deviation over seeds) have a row a metric and a column a repeat;
    ``metrics`` are those that every run defines.
    """

    probabilities: dict[int, Floats]
    means: pd.DataFrame
    spreads: pd.DataFrame
    draws: dict[int, dict[str, Floats]]
    metrics: list[str]


def compare(
    predictions: pd.DataFrame, params: StudyParams, ratio: float = 1.0, compute: Compute = IN_THIS_PROCESS
) -> pd.DataFrame:
    """Score every model on the test rows and test it against the reference model, setting by setting.

    Parameters
    ----------
    predictions
        The table of :func:`~radprompt.tables.predictions.read_predictions`.
    params
        Seed and section ``evaluation`` are read.
    ratio
        Test over training rows of a repeat: 1 for halves, 1 / (folds - 1) in cross-validation.
    compute
        How the models are spread.

    Returns
    -------
    pandas.DataFrame
        One row for each setting, model and defined metric, columns :data:`COLUMNS`. The reference comes first, then the
        others by name. What does not exist is empty.

        ``value`` is the mean over the model's ``repeats`` and ``seeds``, ``repeat_sd`` the standard deviation over
        repeats of the mean over seeds, and ``seed_sd`` the mean over repeats of the standard deviation over seeds.
        ``low`` to ``high`` is the bootstrap interval of ``value``: all patients whom any repeat tests are resampled
        together, and a draw is the mean over the repeats of their metric on their own test lesions, as often as drawn.
        It holds the choice of patients to test, not that of patients to train on; ``repeat_low`` to ``repeat_high``,
        of several repeats, holds both (:func:`~radprompt.evaluation.comparisons.resampled_interval`). ``lesions``,
        ``patients`` and ``malignant`` count the test rows of repeat 0.

        ``difference`` is the reference's value minus the model's on the ``paired_repeats`` that both have, with the
        paired bootstrap's interval and ``p_bootstrap``. On a single repeat the AUC has ``p_delong``, which takes
        lesions for independent, and ``p_clustered`` (Obuchowski), which lets those of a patient correlate; on several,
        every metric has ``p_resampled`` (:func:`~radprompt.evaluation.comparisons.resampled_test`) instead.
        ``..._holm`` corrects for the models compared in a setting, metric by metric. All is empty in a setting that the
        reference has no rows of.

        Metrics are those of :data:`ALL_METRICS` that every run of the model defines. A run without validation rows of
        both classes has none at a chosen threshold; where ``evaluation.threshold`` itself is to be chosen, it has no
        calls at all.

    Raises
    ------
    InputError
        When there are no test rows.
    """
    rows = predictions[predictions["split"] == "test"]
    if rows.empty:
        raise InputError("no rows of the test split", where="data/predictions", fix="models predict the test split too")
    cuts = choose_thresholds(predictions, params.evaluation)
    parts = [_compare(part, cuts, params, ratio, compute) for _, part in rows.groupby("setting")]
    return pd.concat(parts, ignore_index=True)


def _compare(rows: pd.DataFrame, cuts: Cuts, params: StudyParams, ratio: float, compute: Compute) -> pd.DataFrame:
    """Compare the models of one setting."""
    evaluation = params.evaluation
    samples = _samples(rows, evaluation.bootstrap_draws, params.seed)
    first = samples[0]
    about = {"lesions": len(first.labels), "patients": len(set(first.patients)), "malignant": first.labels.sum()}
    reference, records = None, []
    setting = rows["setting"].iloc[0]
    names = sorted(set(rows["model"]), key=lambda name: (name != evaluation.reference, name))
    scored = parallel_map(
        _score,
        [rows[rows["model"] == name] for name in names],
        compute,
        f"Scores in {setting}",
        unit="model",
        samples=samples,
        cuts=cuts,
        evaluation=evaluation,
    )
    for name, own in zip(names, scored, strict=True):
        if name == evaluation.reference:
            reference = own
        for metric in own.metrics:
            means = own.means.loc[metric]
            bounds = None
            if not metric.startswith("threshold"):
                bounds = interval(repeat_mean([draws[metric] for draws in own.draws.values()]), evaluation.confidence)
            record = {
                "setting": setting,
                "model": name,
                "metric": metric,
                "value": means.mean(),
                **_bounds("", bounds),
                "repeats": len(means),
                "repeat_sd": means.std(),
                **_bounds("repeat_", resampled_interval(means.to_numpy(), ratio, evaluation.confidence)),
                "seeds": max(len(runs) for runs in own.probabilities.values()),
                "seed_sd": own.spreads.loc[metric].mean(),
                **about,
            }
            if reference and own is not reference and metric not in _UNORDERED and metric in reference.metrics:
                record |= {
                    "reference": evaluation.reference,
                    **_differ(metric, reference, own, samples, evaluation, ratio),
                }
            records.append(record)
    table = pd.DataFrame(records).reindex(columns=COLUMNS)
    for test in TESTS:
        table[f"p_{test}_holm"] = table.groupby("metric")[f"p_{test}"].transform(lambda p: holm(p.to_numpy(float)))
    return table


def _samples(rows: pd.DataFrame, draws: int, seed: int) -> dict[int, _Sample]:
    """Each repeat's test lesions, with the resamples of all patients whom any repeat tests."""
    everyone = rows.drop_duplicates("lesion_id").sort_values("lesion_id").set_index("lesion_id")
    resamples = patient_resamples(everyone["patient_id"].to_numpy(), draws, seed)
    samples = {}
    for repeat in sorted(set(rows["repeat"])):
        at = np.flatnonzero(everyone.index.isin(rows.loc[rows["repeat"] == repeat, "lesion_id"]))
        own = everyone.iloc[at]
        values = own.index.to_numpy(), own["label"].to_numpy(), own["patient_id"].to_numpy()
        samples[repeat] = _Sample(*values, resamples[:, at])
    return samples


def _score(rows: pd.DataFrame, samples: dict[int, _Sample], cuts: Cuts, evaluation: Evaluation) -> _Scored:
    """Score one model of one setting on each of its repeats."""
    setting, model = rows["setting"].iloc[0], rows["model"].iloc[0]
    probabilities, means, spreads, draws = {}, {}, {}, {}
    for repeat in sorted(set(rows["repeat"])):
        sample, part = samples[repeat], rows[rows["repeat"] == repeat]
        by_seed = part.pivot(index="seed", columns="lesion_id", values="probability")[sample.lesions]  # noqa: PD010 - fast
        runs: dict[Run, Floats] = {
            (setting, repeat, model, int(seed)): by_seed.loc[seed].to_numpy(float) for seed in by_seed.index
        }
        each = pd.DataFrame([_scores(sample.labels, run, own, cuts, evaluation) for run, own in runs.items()])
        probabilities[repeat] = np.stack(list(runs.values()))
        means[repeat], spreads[repeat] = each.mean(skipna=False), each.std()
        draws[repeat] = _mean_draws(sample, runs, cuts, evaluation)
    table = pd.DataFrame(means)
    metrics = [name for name in ALL_METRICS if name in table.index and table.loc[name].notna().all()]
    return _Scored(probabilities, table, pd.DataFrame(spreads), draws, metrics)


def _scores(labels: NDArray, run: Run, probabilities: Floats, cuts: Cuts, evaluation: Evaluation) -> dict[str, float]:
    """Score one run at the main threshold and at its chosen ones."""
    values = scores(labels, probabilities, main_threshold(run, cuts, evaluation), evaluation.calibration_bins)
    for rule, threshold in cuts.get(run, {}).items():
        at_cut = {"threshold": threshold, **decision_scores(labels, probabilities, threshold)}
        values |= {f"{metric}_at_{rule}": value for metric, value in at_cut.items()}
    return values


def _mean_draws(sample: _Sample, runs: dict[Run, Floats], cuts: Cuts, evaluation: Evaluation) -> dict[str, Floats]:
    """Bootstrap draws of each metric that all of a repeat's runs have, averaged over the runs."""
    each = []
    for run, probabilities in runs.items():
        threshold = main_threshold(run, cuts, evaluation)
        draws = score_draws(sample.labels, probabilities, sample.resamples, threshold, evaluation.calibration_bins)
        for rule, cut in cuts.get(run, {}).items():
            at_cut = decision_draws(sample.labels, probabilities, sample.resamples, cut)
            draws |= {f"{metric}_at_{rule}": drawn for metric, drawn in at_cut.items()}
        each.append(draws)
    shared = set(each[0]).intersection(*each)
    return {metric: np.mean([draws[metric] for draws in each], axis=0) for metric in shared}


def _differ(
    metric: str,
    reference: _Scored,
    own: _Scored,
    samples: dict[int, _Sample],
    evaluation: Evaluation,
    ratio: float,
) -> dict[str, float]:
    """Compare a model with the reference on the repeats that both have."""
    common = [repeat for repeat in own.draws if repeat in reference.draws]
    each = (reference.means[common] - own.means[common]).loc[metric].to_numpy(float)
    drawn = repeat_mean([reference.draws[repeat][metric] - own.draws[repeat][metric] for repeat in common])
    record = {
        "paired_repeats": len(common),
        "difference": each.mean(),
        **_bounds("difference_", interval(drawn, evaluation.confidence)),
        "p_bootstrap": bootstrap_p(drawn),
    }
    if len(common) > 1:
        record["p_resampled"] = resampled_test(each, ratio)
    elif metric == "auc":
        sample = samples[common[0]]
        first, second = (model.probabilities[common[0]] for model in (reference, own))
        record["p_delong"] = delong_test(sample.labels, first, second).p
        record["p_clustered"] = delong_test(sample.labels, first, second, patients=sample.patients).p
    return record


def _bounds(prefix: str, bounds: tuple[float, float] | None) -> dict[str, float]:
    return {f"{prefix}low": bounds[0], f"{prefix}high": bounds[1]} if bounds else {}
