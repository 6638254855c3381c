"""Markdown tables of metrics/ and docs/stage_times.csv, made when the site is built so that no page goes stale."""

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from radprompt.core.timing import duration
from radprompt.pages.wording import count, number, p_value
from radprompt.repository.doctor.stage_times import read_stage_times, stage_descriptions
from radprompt.tables.model_names import model_name

Row = dict[str, str]
SECOND_SITE = ("inbreast_unadapted", "inbreast_adapted", "inbreast_extended", "inbreast_scratch")
ALPHA = 0.05
"""Level of the tests that a table marks."""

LINES = {
    "extended": "from VinDr's model",
    "scratch": "from the pretrained model",
    "named": "from VinDr's model",
    "named_restarted": "on the lesions alone",
}
"""Lines of the learning curves in words; others go by their model's name."""
_OURS = ("llm", "named")


def vindr(metrics: Path) -> str:
    """Scores on the first site's test split, the best AUC first."""
    models = _json(metrics, "summary.json")["vindr"]
    shown = ("auc", "balanced_accuracy", "sensitivity", "specificity")
    rows = [
        [_model(name), *(with_interval(values, metric) for metric in shown)]
        for name, values in sorted(models.items(), key=lambda item: -item[1]["auc"])
    ]
    first = models["llm"]
    sample = f"{first['lesions']} masses, {first['malignant']} malignant, of {count(first['patients'], 'patient')}."
    head = ("model", "AUC", "balanced accuracy", "sensitivity", "specificity")
    return markdown_table(head, rows, "summary.json", sample)


def second_site(metrics: Path) -> str:
    """AUC at the second site, mean and standard deviation over the halves, in the four settings."""
    summary = _json(metrics, "summary.json")
    rows = []
    best: dict[str, float] = {}
    for setting in SECOND_SITE:  # not every model is in every setting: the first one that has it ranks it
        best = {name: values["auc"] for name, values in summary[setting].items()} | best
    for name in sorted(best, key=lambda model: (_OURS.index(model) if model in _OURS else len(_OURS), -best[model])):
        found = [summary[setting].get(name, {}) for setting in SECOND_SITE]
        halves = sorted({values["repeats"] for values in found if "repeats" in values})
        rows.append([_model(name), ", ".join(map(str, halves)), *(_with_spread(values) for values in found)])
    return markdown_table(
        ("model", "halves", *(name.removeprefix("inbreast_") for name in SECOND_SITE)), rows, "summary.json"
    )


def differences(metrics: Path) -> str:
    """AUC of the language model less that of each other model, paired, in every setting."""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    found = 0
    for row in _csv(metrics, "comparison.csv"):
        if row["metric"] == "auc" and row["difference"]:
            p = _float(row["p_resampled_holm"] or row["p_clustered_holm"])
            found += p < ALPHA
            apart = _interval(*(_float(row[key]) for key in ("difference", "difference_low", "difference_high")))
            cells[row["model"]][row["setting"]] = apart + (" \\*" if p < ALPHA else "")
    settings = ("vindr", *SECOND_SITE)
    rows = [[_model(name), *(by_setting.get(key, "–") for key in settings)] for name, by_setting in cells.items()]
    head = ("language model less", *(name.removeprefix("inbreast_") for name in settings))
    note = f"With \\*: p < {ALPHA:g} by Holm's method; here {found} of {sum(map(len, cells.values()))}."
    return markdown_table(head, rows, "comparison.csv", note)


def paper(metrics: Path, table: str) -> str:
    """One of the paper's tables beside ours."""
    rows = []
    for row in _csv(metrics, "paper_comparison.csv"):
        if row["table"] != table:
            continue
        printed = {name: number(_float(row[f"paper_{name}"])) for name in ("accuracy", "auc", "sensitivity")}
        rows.append(
            [
                _model(row["model"]),
                row["setting"].removeprefix("inbreast_") or "–",
                printed["accuracy"],
                printed["auc"] + (" (BA)" if row["matches"] == "True" else ""),
                printed["sensitivity"],
                *(_csv_interval(row, metric) for metric in ("accuracy", "auc", "balanced_accuracy", "sensitivity")),
            ]
        )
    ours = ("accuracy", "AUC", "balanced accuracy", "sensitivity")
    head = ("model", "setting", "paper: accuracy", "AUC", "sensitivity", *(f"ours: {name}" for name in ours))
    return markdown_table(head, rows, "paper_comparison.csv")


def segmentation(metrics: Path) -> str:
    """Dice and HD95 of nnU-Net and of an ellipse in the box."""
    rows = []
    for name, found in _json(metrics, "segmentation.json").items():
        apart = found["difference"]
        rows.append(
            [
                {"cbis_test": "CBIS-DDSM, test", "inbreast": "INbreast"}.get(name, name),
                str(found["lesions"]),
                number(found["nnunet"]["dice"]),
                number(found["ellipse"]["dice"]),
                _interval(apart["dice"], apart["dice_low"], apart["dice_high"]),
                *(number(found[drawn]["hd95_px"], 2) for drawn in ("nnunet", "ellipse")),
            ]
        )
    head = ("lesions of", "lesions", "Dice: nnU-Net", "ellipse", "difference", "HD95, px: nnU-Net", "ellipse")
    return markdown_table(head, rows, "segmentation.json")


def learning_curve(metrics: Path, name: str = "learning_curve") -> str:
    """AUC against the number of lesions that the second site gives, mean over halves."""
    points: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in _csv(metrics, f"{name}.csv"):
        lesions = "all" if row["all"] == "True" else row["lesions"]
        line = f"{_model(row['model'])}, {LINES[row['line']]}" if row["line"] in LINES else _model(row["line"])
        points[line][lesions].append(_float(row["auc"]))
    columns = sorted({column for found in points.values() for column in found}, key=lambda n: (n == "all", len(n), n))
    rows = [
        [line, *(number(mean(found[column])) if column in found else "–" for column in columns)]
        for line, found in points.items()
    ]
    return markdown_table(("", *(f"{column} lesions" for column in columns)), rows, f"{name}.csv")


def named_curve(metrics: Path) -> str:
    """Lay the named model's curve out; its stage is younger than the others, so the file may be absent."""
    if not (metrics / "named_curve.csv").is_file():
        return "Not measured yet: `dvc repro named_curve` makes `metrics/named_curve.csv`."
    return learning_curve(metrics, "named_curve")


def names(metrics: Path) -> str:
    """Whether the names tell anything: the test of each setting's named model."""
    rows = [
        [
            f"`{setting}`",
            model_name(model),
            p_value(values["names_p"]),
            number(values["names_gain"], 2),
            number(values["scale_alike"], 2),
            values["scaling"],
        ]
        for setting, found in named_metrics(metrics).items()
        for model, values in found.items()
    ]
    head = ("setting", "model", "p", "gain in log evidence", "share of likeness", "values")
    return markdown_table(head, rows, "named/")


def named_metrics(metrics: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what the named model's stage measured, by setting in the order of the protocols, and by model."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted((metrics / "named").glob("*.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    order = ("vindr", *SECOND_SITE)
    return dict(sorted(found.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def shares(metrics: Path) -> str:
    """Each prompt feature's share in the language model's logit, and how often resampling selects it."""
    stable = {row["feature"]: row["share"] for row in _csv(metrics, "selection_stability_vindr.csv")}
    rows = [
        [
            row["name"],
            number(_float(row["mean_absolute_share"])),
            row["pushes"],
            number(_float(stable[row["feature"]]), 2),
        ]
        for row in _csv(metrics, "explanations.csv")
    ]
    head = ("feature of the prompt", "mean absolute share in the logit", "pushes to", "selected in so many resamples")
    return markdown_table(head, rows, "explanations.csv", also="selection_stability_vindr.csv")


def checks(metrics: Path) -> str:
    """Count what validation, leakage gate and drift found."""
    total = _json(metrics, "validation.json")["total"]
    rows = [
        [
            "expectations met",
            f"{total['met']} of {total['expectations']} in {total['suites']} suites",
            "validation.json",
        ]
    ]
    rows.append(["errors; warnings", f"{total['errors']}; {total['warnings']}", "validation.json"])
    for path in sorted((metrics / "leakage").rglob("*.json")):
        name = path.relative_to(metrics).as_posix()
        found = next(iter(_json(metrics, name).values()))
        compared, leaks = (sum(check[key] for check in found.values()) for key in ("compared", "found"))
        rows.append([f"leaks in `{path.stem}`", f"{leaks} of {compared:,} comparisons", name])
    drift = _json(metrics, "drift.json")["drift"]
    shifted = (
        f"{drift['shifted']} of {drift['features']}, {drift['selected_shifted']} of {drift['selected']} in the prompt"
    )
    rows.append(["features shifted at INbreast", shifted, "drift.json"])
    return markdown_table(("check", "count", "file below `metrics/`"), [[a, b, f"`{c}`"] for a, b, c in rows])


def ablations(metrics: Path) -> str:
    """Every collected table of ablations, beside the paper's figures where it has them."""
    parts = []
    for path in sorted((metrics / "ablations").glob("table*.csv")):
        rows = [
            [
                f"`{row['params']}`",
                f"`{row['setting']}`",
                _model(row["model"]),
                _csv_interval(row, "auc"),
                _csv_interval(row, "accuracy"),
                row["paper_auc"] or "–",
                row["paper_accuracy"] or "–",
            ]
            for row in _csv(metrics, f"ablations/{path.name}")
        ]
        head = ("parameters", "setting", "model", "AUC", "accuracy", "paper: AUC", "paper: accuracy")
        parts.append(markdown_table(head, rows, f"ablations/{path.name}"))
    return "\n\n".join(parts)


def tuning(metrics: Path) -> str:
    """Losses and AUCs on validation rows that decided readout, layers and rate, over several seeds."""
    rows = [
        [
            f"`{row['readout']}`",
            row["layers"],
            row["learning_rate"],
            row["seeds"],
            *(f"{row[name]} ± {row[f'{name}_sd']}" for name in ("last_loss", "val_loss", "val_auc")),
        ]
        for row in _csv(metrics, "ablations/language_model_settings.csv")
    ]
    head = (
        "readout",
        "layers with LoRA",
        "learning rate",
        "seeds",
        "loss, last epoch",
        "loss, best epoch",
        "AUC, best epoch",
    )
    return markdown_table(head, rows, "ablations/language_model_settings.csv")


def closing(metrics: Path) -> str:
    """Readouts on held-out patients of the first site's training and validation rows."""
    found = _csv(metrics, "ablations/closing.csv")
    rows = [
        [
            f"`{row['readout']}`",
            row["layer"],
            row["lora_layers"],
            *(f"{row[name]} ± {row[f'{name}_sd']}" for name in ("val_loss", "to_features", "val_auc")),
            row.get("test_auc") or "–",
        ]
        for row in found
    ]
    head = ("readout", "layer read", "layers with LoRA", "held-out loss", "difference, fold by fold", "held-out AUC")
    note = f"Mean and spread of {found[0]['folds']} folds of patients. The last column is not what decided."
    return markdown_table((*head, "AUC on the test lesions"), rows, "ablations/closing.csv", note)


def named_limits(metrics: Path) -> str:
    """Promises made of the named model, and what one core shows."""
    with (metrics.parent / "benchmarks/named.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    rows = [
        [
            row["what"],
            f"{row['found']} {row['unit']}".strip(),
            row["promised"] or "–",
            "yes" if row["kept"] == "True" else "no",
        ]
        for row in found
    ]
    note = (
        "Seconds are of one core with one thread. From `benchmarks/named.csv`, made by `benchmarks/named.py --limits`."
    )
    return f"{markdown_table(('', 'found', 'promised', 'kept'), rows)}\n\n{note}"


def slopes(metrics: Path) -> str:
    """Calibration slopes of the named models beside plain logistic regression."""
    shown = ("named", "named_all", "logistic_regression", "normal_scores_logistic")
    summary = _json(metrics, "summary.json")
    rows = [
        [f"`{setting}`", *(with_interval(models.get(model, {}), "calibration_slope") for model in shown)]
        for setting, models in summary.items()
    ]
    return markdown_table(
        ("setting", *map(_model, shown)), rows, "summary.json", "1 is calibrated; below 1: too certain."
    )


def stage_times(metrics: Path) -> str:
    """Every stage of the demo with its measured time and memory."""
    times = read_stage_times(metrics.parent)
    rows = []
    for name, description in stage_descriptions(metrics.parent, phantom=True).items():
        row = times.rows.get(name) if times else None
        measured = (duration(row.seconds), f"{row.peak_gb:.1f} GB") if row else ("–", "–")
        rows.append([f"`{name}`", description, *measured])
    shown = markdown_table(("stage", "what", "time", "memory"), rows)
    if times is None:
        return f"{shown}\n\nNot measured: `docs/stage_times.csv` is not there."
    total = duration(sum(row.seconds for row in times.rows.values()))
    note = "Time of all settings and data sets of a stage; memory of its largest process."
    return f"{shown}\n\nIn all {total} on {times.machine}. {note} From `docs/stage_times.csv`."


def benchmarks(metrics: Path) -> str:
    """Beside each other, the last two runs of `make bench`."""
    runs = json.loads((metrics.parent / "benchmarks/results.json").read_text(encoding="utf-8"))
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for run in runs:
        for part in run["parts"].values():
            for row in part["rows"]:
                goal = "" if row["goal"] is None else f"{row['goal']:g}x"
                found[row["what"], row["unit"], goal].append(row)
    rows = [
        [
            what,
            unit,
            *("; ".join("–" if row[way] is None else f"{row[way]:.3g}" for row in both) for way in ("plain", "ours")),
            "; ".join("–" if row["ratio"] is None else f"**{row['ratio']:.3g}x**" for row in both),
            goal or "–",
            both[-1]["note"] or "–",
        ]
        for (what, unit, goal), both in found.items()
    ]
    places = list(dict.fromkeys(_machine(run["machine"]) for run in runs))
    machine = f"{'; the newer on '.join(places)}. Two runs, the older first. From `benchmarks/results.json`."
    return f"{markdown_table(('', 'in', 'plain', 'ours', 'ratio', 'goal', 'note'), rows)}\n\n{machine}"


def _machine(place: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in place["versions"].items())
    return (
        f"{place['processor']}, {place['cores']} cores with {', '.join(place['extensions'])}, "
        f"{place['memory_gb']:g} GB; Python {place['python']}, {versions}"
    )


TABLES: dict[str, Callable[[Path], str]] = {
    "vindr": vindr,
    "second-site": second_site,
    "differences": differences,
    "paper-1": lambda metrics: paper(metrics, "1"),
    "paper-2": lambda metrics: paper(metrics, "2"),
    "segmentation": segmentation,
    "learning-curve": learning_curve,
    "named-curve": named_curve,
    "names": names,
    "shares": shares,
    "checks": checks,
    "ablations": ablations,
    "tuning": tuning,
    "closing": closing,
    "named-limits": named_limits,
    "slopes": slopes,
    "benchmarks": benchmarks,
    "stage-times": stage_times,
}
"""By the name that a page asks for; each gets the folder metrics/."""


def markdown_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], source: str = "", note: str = "", also: str = ""
) -> str:
    """Return a table in Markdown, under it the note and the files below metrics/ that it is from."""
    lines = [head, ["---"] * len(head), *rows]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    files = " and ".join(f"`metrics/{name}`" for name in (source, also) if name)
    ending = " ".join(filter(None, [note, f"From {files}." if files else ""]))
    return f"{text}\n\n{ending}".rstrip()


def _model(name: str) -> str:
    return f"**{model_name(name)}**" if name in _OURS else model_name(name)


def with_interval(values: dict[str, Any], metric: str) -> str:
    """Return a metric's value with its interval in brackets; dashes for what is not there."""
    low, high = (values.get(f"{metric}_{end}", math.nan) for end in ("low", "high"))
    return _interval(values.get(metric), low, high)


def _interval(value: float | None, low: float, high: float) -> str:
    """Break lines before the bracket only."""
    return f"{number(value)} ({number(low, 2)}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{number(high, 2)})"


def _with_spread(values: dict[str, Any]) -> str:
    return f"{number(values['auc'])} ± {number(values.get('auc_repeat_sd'), 2)}" if values else "–"


def _csv_interval(row: Row, metric: str) -> str:
    return with_interval({key: _float(row[key]) for key in (metric, f"{metric}_low", f"{metric}_high")}, metric)


def _float(text: str) -> float:
    return float(text) if text else math.nan


def _json(metrics: Path, name: str) -> Any:
    return json.loads((metrics / name).read_text(encoding="utf-8"))


def _csv(metrics: Path, name: str) -> list[Row]:
    with (metrics / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
