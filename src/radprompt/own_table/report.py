"""The page of a user's table: how good, against what, how sure, by which features, and what to worry about."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.table_params import TableParams
from radprompt.own_table.results import perfect_scores
from radprompt.own_table.stability_section import stability_section
from radprompt.pages.environment import environment
from radprompt.pages.report.figures import KINDS, drawing
from radprompt.pages.report.provenance import machine, packages
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.sentences import bar
from radprompt.pages.wording import count, interval, listing, number, p_value, percent, verdict
from radprompt.selection.record import Selection
from radprompt.study.settings import Setting, Settings, load_settings
from radprompt.tables.model_names import model_name

FIT_CASES = 10
"""Training cases of the rarer class for each feature that is read, from which on a model is called well supported."""
_SHOWN = ("roc", "calibration", "decision", "scores")
_VERDICTS = {"above": "above 0", "below": "below 0", "includes": "includes 0", "unknown": "not defined"}


def build(root: str | Path, params: TableParams) -> str:
    """Return the page of the folder ``root`` as HTML; the same artefacts and packages give the same text."""
    templates = environment("radprompt.own_table", "radprompt.pages.report")
    return templates.get_template("own_table.html").render(collect(Path(root), params))


def collect(root: Path, params: TableParams) -> dict[str, Any]:
    """Gather what every section shows; see :func:`build`."""
    reader, settings = Reader(root), load_settings(root / "settings.yaml")
    about = reader.json("data/columns.json") or {}
    comparison = reader.table("metrics/comparison.csv")
    assert comparison is not None
    results = [
        setting_result(comparison[comparison["setting"] == name], own, reader, params) for name, own in settings.items()
    ]
    flow = reader.json("metrics/table.json")
    return {
        "title": settings.data_set("table"),
        "synthetic": False,
        "classes": about["classes"],
        "verdict": results[0]["sentence"] if results else "",
        "results": results,
        "curves": list(_curves(comparison, settings)),
        "stability": stability_section(reader, settings, params.features.min_icc),
        "worries": worries(comparison, settings, flow, about, params),
        "flow": flow,
        "columns": about["columns"],
        "left_out": about["left_out"],
        "notes": about["notes"],
        "confidence": percent(params.evaluation.confidence),
        "draws": params.evaluation.bootstrap_draws,
        "reference": model_name(params.evaluation.reference),
        "packages": packages(),
        "machine": machine(),
        "params_text": reader.text("params.yaml") or "",
    }


def setting_result(rows: pd.DataFrame, setting: Setting, reader: Reader, params: TableParams) -> dict[str, Any]:
    """Lay one setting out: models by falling AUC, their differences from the reference, features, drawings."""
    found = {(row["model"], row["metric"]): row for row in rows.to_dict("records")}
    auc = rows[rows["metric"] == "auc"].sort_values(["value", "model"], ascending=[False, True], kind="stable")
    models = [
        {
            "name": model_name(row["model"]),
            "reference": row["model"] == params.evaluation.reference,
            "auc": number(row["value"]),
            "patients": interval(row["low"], row["high"]),
            "splits": interval(max(row["repeat_low"], 0), min(row["repeat_high"], 1)),
            "bar": bar(row),
            "difference": number(row["difference"]) if not math.isnan(row["difference"]) else "",
            "difference_interval": interval(row["difference_low"], row["difference_high"]),
            "verdict": _VERDICTS[verdict(row["difference_low"], row["difference_high"])],
            "p": p_value(_p(row)) if not math.isnan(_p(row)) else "",
            "others": [_value(found.get((row["model"], metric))) for metric in ("brier", "calibration_slope")],
        }
        for row in auc.to_dict("records")
    ]
    first = auc.iloc[0]
    figures = [
        {"title": KINDS[kind], "source": source}
        for kind in _SHOWN
        if (source := drawing(reader, f"plots/evaluation/{setting.name}/{kind}.svg"))
    ]
    return {
        "name": setting.title,
        "key": setting.name,
        "cases": f"{count(int(first['lesions']), 'test case')}, {int(first['malignant'])} of class 1"
        + (f", in the first of {int(auc['repeats'].max())} repeats" if auc["repeats"].max() > 1 else ""),
        "models": models,
        "sentence": _sentence(auc.to_dict("records"), params),
        "features": _features(reader, setting),
        "coefficients": drawing(reader, f"plots/named/{setting.name}.svg"),
        "names": reader.json(f"metrics/named/{setting.name}.json")[setting.name],
        "figures": figures,
    }


def _p(row: dict[Any, Any]) -> float:
    return float(row["p_resampled_holm"] if row["repeats"] > 1 else row["p_clustered_holm"])


def _value(row: dict[Any, Any] | None) -> str:
    return number(row["value"]) if row else ""


def _sentence(rows: list[dict[Any, Any]], params: TableParams) -> str:
    """Say how good the reference is, against what, and how sure that is."""
    reference = next((row for row in rows if row["model"] == params.evaluation.reference), None)
    if reference is None:
        return ""
    sure = percent(params.evaluation.confidence)
    said = f"The {model_name(reference['model'])} has an AUC of {number(reference['value'])}"
    bounds = [f"{sure} interval over patients {interval(reference['low'], reference['high'], 3)}"]
    if reference["repeats"] > 1:
        low, high = max(reference["repeat_low"], 0), min(reference["repeat_high"], 1)
        bounds.append(f"over training sets, too, {interval(low, high, 3)}")
    others = [row for row in rows if row is not reference and row["model"] != "majority"]
    if not others:
        return f"{said} ({'; '.join(bounds)})."
    best = others[0]
    told = "none of them is told apart from it by its p-value"
    clear = [model_name(row["model"]) for row in others if _p(row) < 1 - params.evaluation.confidence]
    if clear:
        told = f"p is below {1 - params.evaluation.confidence:.2g} against {listing(clear)}"
    rank = sum(row["value"] > reference["value"] for row in others)
    return (
        f"{said} ({'; '.join(bounds)}). Of {count(len(others), 'other model')}, {rank or 'none'} measured higher; "
        f"the best of them is {model_name(best['model'])} with {number(best['value'])}; {told}."
    )


def _features(reader: Reader, setting: Setting) -> list[dict[str, Any]]:
    """Return how often each feature was selected over the repeats, the most often first."""
    paths = [path for path in reader.matching(f"models/selection/{setting.name}/*.json") if "start" not in path]
    counted = Counter(name for path in paths for name in Selection.load(reader.root / path).names)
    return [{"name": name, "share": percent(times / len(paths))} for name, times in counted.most_common(20)]


def _curves(comparison: pd.DataFrame, settings: Settings) -> Any:
    """Yield what few cases of each site are worth: a row a model, a column a number of cases."""
    adapted = [own for own in settings.values() if own.continues]
    for start in dict.fromkeys(own.continues for own in adapted):
        own = [each for each in adapted if each.continues == start]
        auc = comparison[(comparison["metric"] == "auc") & comparison["setting"].isin([each.name for each in own])]
        wide = auc.pivot_table(index="model", columns="setting", values="value", sort=False)
        wide = wide.reindex(columns=[each.name for each in own]).drop(index="majority", errors="ignore")
        order = wide.iloc[:, 1:].mean(axis=1).sort_values(ascending=False, kind="stable").index
        yield {
            "site": own[0].title.rsplit(",", 1)[0],
            "columns": [each.title.rsplit(",", 1)[1].strip() for each in own],
            "rows": [
                {
                    "name": model_name(str(model)),
                    "cells": [
                        None if math.isnan(value) else {"value": number(value), "interval": "", "spread": ""}
                        for value in wide.loc[model]
                    ],
                }
                for model in order
            ],
        }


def _by_model(rows: pd.DataFrame) -> dict[str, float]:
    return {str(model): float(value) for model, value in zip(rows["model"], rows["value"], strict=True)}


def worries(
    comparison: pd.DataFrame, settings: Settings, flow: dict[str, Any], about: dict[str, Any], params: TableParams
) -> list[str]:
    """Say what stands against the figures."""
    first = next(iter(settings.values()))
    own = comparison[(comparison["setting"] == first.name) & (comparison["metric"] == "auc")]
    said = perfect_scores(_by_model(own))
    rarer = min(sum(site[name] for site in flow["sites"].values()) for name in about["classes"])
    features = flow["features"]["number"] + flow["features"]["category"]
    if rarer < FIT_CASES * params.features.count:
        said.append(
            f"{rarer} cases of the rarer class for {params.features.count} selected features: under {FIT_CASES} for "
            "each, so other cases would select other features."
        )
    if features > flow["cases"]:
        said.append(f"{features} features of {flow['cases']} cases: some tell the classes apart by chance alone.")
    slope = comparison[
        (comparison["setting"] == first.name)
        & (comparison["model"] == params.evaluation.reference)
        & (comparison["metric"] == "calibration_slope")
    ]
    if len(slope) and not 0.8 <= slope["value"].iloc[0] <= 1.25:
        value = slope["value"].iloc[0]
        said.append(
            f"The {model_name(params.evaluation.reference)}'s calibration slope is {number(value)}: its probabilities "
            + ("are too extreme." if value < 1 else "are too timid.")
        )
    if params.table.group is None:
        said.append("Each case counts as a patient of its own. If patients have several, name them with --group.")
    if first.draws == 1:
        said.append("One part tests: the intervals do not hold the choice of cases to train on.")
    said.append("No parameter was tuned on this table beyond what inner folds choose.")
    return [*said, "Research only: not a medical device, not for clinical use."]
