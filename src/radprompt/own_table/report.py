"""The own table's page: data, prompts, results and their limits, one file that loads nothing."""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.own_table.checking import Checked
from radprompt.own_table.language_model import EXTENDED, MODEL, SCRATCH
from radprompt.own_table.lessons import Lesson, first_lesson
from radprompt.own_table.params import OwnParams
from radprompt.own_table.results import perfect_scores
from radprompt.own_table.store import read_checked
from radprompt.pages.environment import environment
from radprompt.pages.report.figures import draw_curves, drawing
from radprompt.pages.report.provenance import machine, packages
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import cell
from radprompt.pages.report.sentences import bar
from radprompt.pages.wording import count, interval, listing, metric_name, number, percent, verdict
from radprompt.tables.model_names import model_name

METRICS = ("auc", "balanced_accuracy", "sensitivity", "specificity", "brier", "calibration_slope")
_NAMES = {
    EXTENDED: "language model, going on",
    SCRATCH: "language model, from scratch",
    "transtab_extended": "TransTab, going on",
    "transtab_scratch": "TransTab, from scratch",
    "extended": "language model, going on",
    "scratch": "language model, from scratch",
}
_VERDICTS = {"above": "lies above 0", "below": "lies below 0", "includes": "includes 0", "unknown": "not defined"}


def shown_model(key: str) -> str:
    """Return a model's name in words."""
    return _NAMES.get(key, model_name(key))


def shown_setting(lesson: Lesson, only: bool) -> str:
    """Return a setting's name in words; ``only``: there is no other site."""
    if only:
        return "All test cases"
    learned = {None: "all training cases", 0: "no case of its own"}.get(lesson.cases, f"{lesson.cases} cases")
    return f"{lesson.site}, {learned}"


def build(root: str | Path, params: OwnParams) -> str:
    """Return the page of the folder ``root`` as HTML; the same artefacts and packages give the same text."""
    templates = environment("radprompt.own_table", "radprompt.pages.report")
    return templates.get_template("own_table.html").render(collect(Path(root), params))


def collect(root: Path, params: OwnParams) -> dict[str, Any]:
    """Gather what every section shows; see :func:`build`."""
    reader, checked = Reader(root), read_checked(root)
    record = reader.json("data/other_sites/lessons.json") or {"lessons": [], "notes": []}
    first = first_lesson(checked.sites)
    lessons = [first, *(Lesson(**each) for each in record["lessons"])]
    names = {lesson.setting: shown_setting(lesson, len(checked.sites) == 1) for lesson in lessons}
    comparison = reader.table("metrics/comparison.csv")
    notes = [*checked.notes, *record["notes"]]
    for name in ("baselines", "other_sites_baselines"):
        notes += (reader.json(f"data/notes/{name}.json") or {"notes": []})["notes"]
    notes += perfect_scores(reader.json("metrics/summary.json") or {})
    confidence = params.evaluation.confidence
    results = [] if comparison is None else [setting_result(comparison, s, names[s], confidence) for s in names]
    return {
        "classes": checked.classes,
        "flow": checked.flow,
        "columns": [column._asdict() for column in checked.columns],
        "left_out": checked.left_out,
        "notes": notes,
        "sites": checked.sites,
        "first": first.site,
        "several": len(checked.sites) > 1,
        "task": params.prompt.instruction,
        "prompts": _prompts(reader, lessons, names),
        "results": [result for result in results if result],
        "curves": [_curve(reader, site, names, lessons) for site in checked.sites[1:]],
        "figures": _figures(reader, lessons, names),
        "training": _training(reader, params.seed),
        "limits": _limits(checked, params),
        "confidence": percent(confidence),
        "draws": params.evaluation.bootstrap_draws,
        "threshold": params.evaluation.threshold,
        "packages": packages(),
        "machine": machine(),
        "params_text": reader.text("params.yaml") or "",
    }


def setting_result(comparison: pd.DataFrame, setting: str, name: str, confidence: float) -> dict[str, Any] | None:
    """Lay one setting out; None where it was not evaluated."""
    own = comparison[comparison["setting"] == setting]
    if own.empty:
        return None
    auc = own[own["metric"] == "auc"].set_index("model")
    found = {(row["model"], row["metric"]): row for row in own.to_dict("records")}
    models = sorted(set(own["model"]), key=lambda model: (-auc["value"].get(model, -math.inf), model))
    reference = EXTENDED if EXTENDED in models else MODEL
    rows = [
        {
            "name": shown_model(model),
            "reference": model in (MODEL, EXTENDED, SCRATCH),
            "cells": [cell(found.get((model, metric))) for metric in METRICS],
            "bar": bar(found[model, "auc"]) if (model, "auc") in found else None,
        }
        for model in models
    ]
    tested = auc["p_clustered_holm"].notna().any()
    compared = auc[auc["difference"].notna()] if reference in auc.index else auc.iloc[:0]
    differences = [
        {
            "name": shown_model(str(model)),
            "difference": number(row["difference"]),
            "interval": interval(row["difference_low"], row["difference_high"]),
            "verdict": _VERDICTS[verdict(row["difference_low"], row["difference_high"])],
            "p": number(row["p_clustered_holm"]) if tested else "",
        }
        for model, row in compared.sort_values("value", ascending=False, kind="stable").iterrows()
    ]
    about = own.iloc[0]
    draws = int(own["repeats"].max())
    return {
        "name": name,
        "setting": setting,
        "reference": shown_model(reference),
        "cases": f"{count(int(about['lesions']), 'test case')} of {count(int(about['patients']), 'patient')}, "
        f"{int(about['malignant'])} of class 1" + (f"; the mean over {draws} draws" if draws > 1 else ""),
        "metrics": [metric_name(metric) for metric in METRICS],
        "rows": rows,
        "differences": differences,
        "tested": bool(tested),
        "sentence": _sentence(auc, reference, confidence),
    }


def _sentence(auc: pd.DataFrame, reference: str, confidence: float) -> str:
    if reference not in auc.index:
        return ""
    mine: dict[Any, Any] = auc.to_dict("index")[reference]
    better = auc[auc["difference"] < 0].sort_values("difference", kind="stable")
    said = (
        f"The {shown_model(reference)} has an AUC of {number(mine['value'])} "
        f"({percent(confidence)} interval {interval(mine['low'], mine['high'], 3) or 'not defined'})."
    )
    if better.empty:
        return f"{said} None of {count(len(auc) - 1, 'other model')} measured higher."
    clear = better[better["difference_high"] < 0]
    against = listing(shown_model(str(model)) for model in clear.index)
    told = f"; the interval of the difference lies below 0 against {against}" if len(clear) else ""
    best = f"{shown_model(str(better.index[0]))} by most ({number(-better['difference'].iloc[0])})"
    return f"{said} Of {count(len(auc) - 1, 'other model')}, {len(better)} measured higher, {best}{told}."


def _prompts(reader: Reader, lessons: list[Lesson], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return each lesson's features and its first training prompt; of drawn cases, those of the first draw."""
    shown = []
    for place, lesson in enumerate(lessons):
        if lesson.draw:
            continue
        prompts, selection = (
            ("data/prompts.jsonl", "models/selection.json")
            if place == 0
            else (f"data/other_sites/{lesson.key}.jsonl", f"models/other_sites/{lesson.key}/selection.json")
        )
        lines, record = reader.json_lines(prompts), reader.json(selection)
        if lines and record:
            shown.append(
                {"name": names[lesson.setting], "features": record["features"][:100], "prompt": lines[0]["prompt"]}
            )
    return shown


def _curve(reader: Reader, site: str, names: dict[str, str], lessons: list[Lesson]) -> dict[str, Any] | None:
    points = reader.table("metrics/learning_curve.csv", ("site", "line", "lesions", "all", "repeat", "auc"))
    if points is None or points[points["site"].astype(str) == site].empty:
        return None
    own = points[points["site"].astype(str) == site]
    setting = next(lesson.setting for lesson in lessons if lesson.site == site and lesson.cases is None)
    columns = sorted(set(own["lesions"]))
    means = own.groupby(["line", "lesions"])["auc"].agg(["mean", "std"])
    rows = []
    for line in sorted(set(own["line"]), key=lambda line: ["extended", "scratch", line].index(line)):
        cells = []
        for column in columns:
            known = (line, column) in means.index
            mean, deviation = means.loc[(line, column)] if known else (math.nan, math.nan)
            spread = f"SD {number(deviation)}" if math.isfinite(deviation) else ""
            cells.append({"value": number(mean), "interval": "", "spread": spread} if known else None)
        rows.append({"name": shown_model(line), "cells": cells})
    return {
        "site": site,
        "columns": columns,
        "rows": rows,
        "source": drawing(reader, f"plots/evaluation/{setting}_curve.svg"),
    }


def _figures(reader: Reader, lessons: list[Lesson], names: dict[str, str]) -> list[dict[str, str]]:
    shown = []
    for lesson in lessons:
        for kind, title in (("roc", "ROC curves"), ("calibration", "Predicted against observed")):
            source = drawing(reader, f"plots/evaluation/{lesson.setting}_{kind}.svg")
            if source:
                shown.append({"title": f"{title}: {names[lesson.setting]}", "source": source})
    return shown


def _training(reader: Reader, seed: int) -> str | None:
    curves = {}
    for path in reader.matching("plots/training/plots/metrics/*.tsv"):
        name = path.rsplit("/", 1)[1].removesuffix(".tsv")
        table = reader.table(path, ("step", name))
        assert table is not None
        curves[name] = table.set_index("step")[name].astype(float)
    record = reader.json(f"models/language_model/seed_{seed}/classifier.json") or {}
    return draw_curves(curves, "epoch", record.get("best_epoch")) if curves else None


def _limits(checked: Checked, params: OwnParams) -> list[str]:
    """Say what the figures do not show."""
    about = checked.about
    test = about[(about["site"] == checked.sites[0]) & (about["split"] == "test")]
    drawn = "drawn by the seed" if params.table.split is None else "given by the table"
    said = [
        f"One test split, {drawn}: intervals hold the choice of patients to test, not that of patients to train on.",
        f"{count(test['patient'].nunique(), 'test patient')} at {checked.sites[0]}: small differences cannot be seen.",
        "No parameter was tuned on this table; neither the language model nor its rivals are at their best.",
    ]
    if params.table.group is None:
        said.append("Each case counts as a patient of its own. If patients have several, name them with --group.")
    if len(checked.sites) > 1:
        said.append(
            "At other sites the rival is chosen on validation cases, which lessons of few do not have: its advantage."
        )
    if params.llm.backbone.source == "smollm2":
        said.append("The language model is SmolLM2-135M, the smallest that is packaged; a larger one may do better.")
    return [*said, "Research only: not a medical device, not for clinical use."]
