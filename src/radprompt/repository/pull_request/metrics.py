"""Which figures differ between two revisions, and which of the differences are more than noise."""

import math
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Params
from radprompt.evaluation.model_comparison import ALL_METRICS
from radprompt.repository.lock_check import leaves
from radprompt.repository.pull_request.pairing import (
    QUALITY,
    changed_predictions,
    contour_differences,
    paired_differences,
    verdict,
)
from radprompt.repository.pull_request.revisions import AbsentError, Revision
from radprompt.study.settings import FILE, load_settings

EVALUATION = "metrics/evaluation"
SEGMENTATION = "metrics/segmentation.json"
VALIDATION = "metrics/validation.json"
REPEATED = ("metrics/summary.json", "metrics/headline.json", "metrics/headline/")
"""Files, also of older revisions, that repeat figures of settings and segmentation; skipped, so none counts twice."""

CLEAR = ("worse", "better")
COUNTS = ("lesions", "patients", "malignant", "repeats")
UNORDERED = "no order"
"""Verdict for metrics without a direction."""

_WITHOUT_ORDER = ("calibration_slope", "calibration_intercept", "threshold_at_youden", "threshold_at_fixed_sensitivity")
_ORDER = {word: place for place, word in enumerate((*CLEAR, "within noise"))}


class Change(NamedTuple):
    """A figure of a model that differs. Values are None where a revision has none, or one that is not finite.

    ``difference`` with ``low`` and ``high`` is that of the paired bootstrap; None without predictions to resample.
    """

    setting: str
    model: str
    metric: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: str


class Rivals(NamedTuple):
    """A revision's language model beside the best other model of a setting, by AUC; ``difference`` is between them."""

    own: float
    best: str
    value: float
    difference: float | None
    low: float | None
    high: float | None


class Figures(NamedTuple):
    """All that :func:`metric_changes` found; ``notes`` are sentences, ``others`` values by file and key."""

    changes: list[Change]
    contours: list[Change]
    rivals: dict[str, tuple[Rivals | None, Rivals | None]]
    validation: dict[str, tuple[Any, Any]]
    others: dict[str, tuple[Any, Any]]
    notes: list[str]


def metric_changes(before: Revision, after: Revision, params: Params) -> Figures:
    """Compare the metrics that git tracks, and test what predictions and contours allow to test."""
    files = sorted({path for revision in (before, after) for path in _files(revision)})
    old, new = ({path: _numbers(revision, path) for path in files} for revision in (before, after))
    evaluated = [path for path in files if posixpath.dirname(path) == EVALUATION]
    settings = {posixpath.basename(path).removesuffix(".json"): path for path in evaluated}
    changed = [name for name, path in settings.items() if old[path] != new[path]]
    notes = _renamed(settings, old, new)
    tests, same = _tests(before, after, changed, params, notes)
    changes = [change for name in changed for change in _changes(name, old[settings[name]], new[settings[name]])]
    changes = [_tested(change, tests, same, params) for change in changes]
    reference = params.evaluation.reference
    rivals = {name: tuple(_rivals(side[settings[name]], name, reference) for side in (old, new)) for name in changed}
    contours = _contours(before, after, old.get(SEGMENTATION, {}), new.get(SEGMENTATION, {}), params, notes)
    rest = [path for path in files if path not in (*evaluated, VALIDATION) and not path.startswith(REPEATED)]
    others = {f"{path}: {key}": pair for path in rest for key, pair in _pairs(old[path], new[path]).items()}
    shown = {f"{SEGMENTATION}: {change.setting}.nnunet.{change.metric}" for change in contours}
    return Figures(
        sorted(changes, key=_place),
        contours,
        {name: pair for name, pair in rivals.items() if any(pair) and pair[0] != pair[1]},  # type: ignore[misc]
        _pairs(old.get(VALIDATION, {}), new.get(VALIDATION, {})),
        {key: pair for key, pair in others.items() if key not in shown},
        notes,
    )


def _files(revision: Revision) -> list[str]:
    return [path for path in revision.paths if path.startswith("metrics/") and path.endswith(".json")]


def _numbers(revision: Revision, path: str) -> dict[str, Any]:
    """Return the leaves of a metrics file; a value that is not finite is None, as is one that is no JSON at all."""
    content = revision.yaml(path)
    found = leaves(content) if isinstance(content, Mapping) and content else {}
    return {key: None if _undefined(value) else value for key, value in found.items()}


def _undefined(value: Any) -> bool:
    """Tell a figure that is not finite; YAML's readers take JSON's NaN and Infinity for words."""
    return value in ("NaN", "Infinity", "-Infinity") or (isinstance(value, float) and not math.isfinite(value))


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [*new, *(key for key in old if key not in new)]
    return {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}


def _renamed(settings: Mapping[str, str], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    gone = [name for name, path in settings.items() if old[path] and not new[path]]
    come = [name for name, path in settings.items() if new[path] and not old[path]]
    notes = [f"Setting `{name}` is only on the base: there is nothing to compare it with." for name in gone]
    notes += [f"Setting `{name}` is new: the base has no figures of it." for name in come]
    return [*notes, "A setting that was renamed counts as one gone and one new."] if gone and come else notes


def _tests(
    before: Revision, after: Revision, changed: Iterable[str], params: Params, notes: list[str]
) -> tuple[pd.DataFrame, set[tuple[str, str]]]:
    known = load_settings(after.root / FILE)
    predictions = changed_predictions(before, after, [name for name in changed if name in known])
    if predictions.absent:
        notes.append("Not tested, for want of predictions (`dvc pull`, or `dvc push` where they were made):")
        notes += [f"- {line}" for line in predictions.absent]
    table = paired_differences(predictions.before, predictions.after, params)
    partly = table[table["lesions"] < table["all_lesions"]].drop_duplicates(["setting", "lesions", "all_lesions"])
    for _, row in partly.iterrows():
        shared, every = row["lesions"], row["all_lesions"]
        notes.append(f"`{row['setting']}`: tested on the {shared} of {every} test rows that both revisions have.")
    return table, predictions.same


def _changes(setting: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """List the scores that differ; keys are setting, model and metric."""
    found = []
    for key, (before, after) in _pairs(old, new).items():
        model, _, metric = key.removeprefix(f"{setting}.").rpartition(".")
        if not model or metric not in (*ALL_METRICS, *COUNTS):  # intervals and spreads go with their score
            continue
        first, second = (value if isinstance(value, int | float) else None for value in (before, after))
        if first == second:
            continue
        word = "new" if key not in old else "gone" if key not in new else "not tested"
        word = UNORDERED if word == "not tested" and metric in (*_WITHOUT_ORDER, *COUNTS) else word
        found.append(Change(setting, model, metric, first, second, None, None, None, word))
    return found


def _tested(change: Change, tests: pd.DataFrame, same: set[tuple[str, str]], params: Params) -> Change:
    if change.verdict != "not tested":
        return change
    if (change.setting, change.model) in same:
        return change._replace(verdict="same predictions")
    is_it = [tests[name] == getattr(change, name) for name in ("setting", "model", "metric")]
    row = tests[is_it[0] & is_it[1] & is_it[2]]
    return _judged(change, row.iloc[0], params) if len(row) else change


def _judged(change: Change, row: "pd.Series", params: Params) -> Change:
    low, high = (float(row[end]) if math.isfinite(row[end]) else None for end in ("low", "high"))
    word = verdict(change.metric, row["difference"], row["p"], 1 - params.evaluation.confidence)
    return change._replace(difference=float(row["difference"]), low=low, high=high, verdict=word)


def _rivals(values: Mapping[str, Any], setting: str, reference: str) -> Rivals | None:
    """Put the reference model beside the best other one, with the difference that the evaluate stage recorded."""
    aucs = {}
    for key, value in values.items():
        model, _, metric = key.removeprefix(f"{setting}.").rpartition(".")
        if metric == "auc" and isinstance(value, int | float):
            aucs[model] = float(value)
    own = aucs.pop(reference, None)
    if own is None or not aucs:
        return None
    best = min(aucs, key=lambda model: (-aucs[model], model))
    recorded = [values.get(f"{setting}.{best}.auc_difference{end}") for end in ("", "_low", "_high")]
    return Rivals(own, best, aucs[best], *recorded)


def _contours(
    before: Revision, after: Revision, old: Mapping[str, Any], new: Mapping[str, Any], params: Params, notes: list[str]
) -> list[Change]:
    """Compare the contours' scores where they differ, lesion by lesion where both tables are at hand."""
    if old == new or not (old and new):
        return []
    try:
        table = contour_differences(before.artefact(QUALITY), after.artefact(QUALITY), params)
    except (AbsentError, InputError) as error:
        notes.append(f"Contours not tested: {error}")
        return []
    found = []
    for _, row in table.iterrows():
        key = f"{row['setting']}.nnunet.{row['metric']}"
        change = Change(row["setting"], "nnunet", row["metric"], old.get(key), new.get(key), None, None, None, "")
        found.append(_judged(change, row, params))
    return found


def _place(change: Change) -> tuple[int, float, str, str, str]:
    """Sort the worse first, then the better, then the rest; within each the largest difference first."""
    size = change.difference
    if size is None:
        size = change.after - change.before if change.after is not None and change.before is not None else 0.0
    return _ORDER.get(change.verdict, 9), -abs(size), change.setting, change.model, change.metric
