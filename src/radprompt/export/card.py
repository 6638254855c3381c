"""The card of an exported model: what it is for, what it learned from, how well it did, where it fails."""

from typing import Any

from radprompt.export.metadata import card_data
from radprompt.export.prediction import unit_of
from radprompt.export.record import NOT_CLINICAL, Record
from radprompt.export.sources import LANGUAGE_MODEL, Sources
from radprompt.mammograms.wording import NOT_FOR, SEGMENTER, SUBJECT, USERS, WHAT, labels_of
from radprompt.pages.environment import environment
from radprompt.pages.report.limits import limits
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import read_comparison, repeats, setting_results
from radprompt.pages.report.segmentation import contours_of
from radprompt.pages.wording import MINUS, NOTHING, SELECTIONS, count, interval, metric_name, number, percent
from radprompt.study.settings import Settings
from radprompt.tables.feature_names import CATALOGUE
from radprompt.tables.model_names import model_name

SHOWN = ("auc", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "brier", "ece", "calibration_slope")


def model_card(sources: Sources, licensed: str | None) -> str:
    """Return the card as Markdown, headed by what hubs read (:mod:`radprompt.export.metadata`).

    Parameters
    ----------
    sources
        The model, and the repository's metrics; those that are not there yet are said to be missing.
    licensed
        The backbone, where the exported model only names it.
    """
    params, settings, setting = sources.params, sources.settings, sources.setting
    record, reader = sources.record(), Reader(".")
    comparison = read_comparison(reader)
    evaluated = [] if comparison is None else [name for name in settings if name in set(comparison["setting"])]
    results = [
        setting_results(comparison, name, settings, params.evaluation.reference, params.evaluation.confidence)
        for name in evaluated
        if comparison is not None
    ]
    masks = {name: reader.table(f"data/masks/{name}.csv", ("lesion_id", "source")) for name in settings.data_sets}
    drawn = {name: table for name, table in masks.items() if table is not None}
    content: dict[str, Any] = {
        "warning": NOT_CLINICAL,
        "what": WHAT,
        "users": USERS,
        "not_for": NOT_FOR,
        "subject": SUBJECT,
        "labels": labels_of(setting.train.dataset, settings.data_set(setting.train.dataset)),
        "trained_segmenter": settings.data_set(SEGMENTER),
        "catalogue": len(CATALOGUE),
        "record": record,
        "setting": setting.title,
        "repeated": setting.repeated,
        "backbone": licensed or "SmolLM2-135M-Instruct (Apache-2.0), in this folder",
        "licensed": licensed,
        "tuning": _tuning(sources.classifier["parameters"]),
        "epoch": _epoch(sources.classifier),
        "start": None if setting.start is None else settings.title(setting.start),
        "trains": setting.trains,
        "cohorts": _cohorts(sources),
        "segmenter": _segmenter(reader, settings),
        "selection": SELECTIONS.get(sources.selection.method, sources.selection.method),
        "features": _features(sources, record),
        "threshold": "none" if record.threshold is None else number(record.threshold),
        "figures": [] if comparison is None else _figures(comparison, setting.name),
        "rivals": [] if comparison is None else _rivals(comparison, setting.name),
        "confidence": percent(params.evaluation.confidence),
        "limits": limits(settings, params, results, drawn, comparison, synthetic=record.synthetic),
        "root": params.data.root,
    }
    text = environment("radprompt.export").get_template("model_card.md").render(content)
    return f"---\n{card_data(sources, licensed, comparison).to_yaml()}\n---\n\n{text.lstrip()}"


def _tuning(parameters: dict[str, Any]) -> str:
    if parameters.get("readout") == "closing":
        layer = parameters["closing_layer"]
        return (
            "a Bayesian model reads its states at the features' closing tokens, after "
            f"{'the last layer' if layer is None else f'layer {layer}'}; nothing was trained"
        )
    if parameters["tuning"] == "head":
        return "its classification head alone was trained"
    layers = "every layer" if parameters["layers"] == "all" else f"the last {count(int(parameters['layers']), 'layer')}"
    return f"LoRA of rank {parameters['rank']} on {layers}"


def _epoch(classifier: dict[str, Any]) -> int | None:
    """Return the epoch that was kept; None where nothing was trained in epochs."""
    return None if classifier["parameters"].get("readout") == "closing" else classifier["best_epoch"]


def _cohorts(sources: Sources) -> list[dict[str, Any]]:
    """Describe the lesions of each role."""
    return [
        {
            "role": {"train": "training", "val": "validation", "test": "test"}[role],
            "dataset": sources.settings.data_set(members.dataset),
            "lesions": len(own),
            "malignant": int(own["label"].sum()),
        }
        for role, members in sources.setting.members.items()
        for own in [sources.rows[sources.rows["split"] == role]]
    ]


def _segmenter(reader: Reader, settings: Settings) -> list[str]:
    """Say how nnU-Net's contours agree with those that data sets bring."""
    measured = reader.json("metrics/segmentation.json") or {}
    return [
        f"{contours_of(key, settings)}: mean Dice {number(own['nnunet']['dice'])}, an ellipse in the box "
        f"{number(own['ellipse']['dice'])} ({count(own['lesions'], 'lesion')})"
        for key, own in measured.items()
    ]


def _features(sources: Sources, record: Record) -> list[dict[str, str]]:
    scale = dict(zip(sources.scaler.features, zip(sources.scaler.mean, sources.scaler.sd, strict=True), strict=True))
    return [
        {
            "name": name,
            "key": key,
            "unit": unit_of(key, record.unit) or NOTHING,
            "mean": _short(scale[key][0]),
            "sd": _short(scale[key][1]),
            "range": f"{_short(record.ranges[key].least)} to {_short(record.ranges[key].greatest)}",
            "usual": f"{_short(record.ranges[key].p1)} to {_short(record.ranges[key].p99)}",
        }
        for key, name in zip(sources.selection.features, sources.selection.names, strict=True)
    ]


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", MINUS)


def _figures(comparison: Any, setting: str) -> list[dict[str, str]]:
    own = comparison[(comparison["setting"] == setting) & (comparison["model"] == LANGUAGE_MODEL)]
    by_metric = {row["metric"]: row for row in own.to_dict("records")}
    return [
        {
            "name": metric_name(metric),
            "value": number(row["value"]),
            "interval": interval(row["low"], row["high"]) or NOTHING,
            "halves": f", mean over {repeats(row)} halves, SD {number(row['repeat_sd'])}" if repeats(row) > 1 else "",
        }
        for metric in SHOWN
        if (row := by_metric.get(metric)) is not None
    ]


def _rivals(comparison: Any, setting: str) -> list[str]:
    own = comparison[(comparison["setting"] == setting) & (comparison["metric"] == "auc")]
    own = own[own["model"] != LANGUAGE_MODEL].sort_values(["value", "model"], ascending=[False, True])
    return [
        f"{model_name(row['model'])} {number(row['value'])} ({interval(row['low'], row['high'])})"
        for row in own.to_dict("records")
    ]
