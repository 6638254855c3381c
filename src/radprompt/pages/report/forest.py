"""The verdict: named model, language model and best baseline of each setting, in one sentence and one picture."""

import math
from typing import Any

import pandas as pd

from radprompt.evaluation.against_best import BEST, COLUMNS, MODELS
from radprompt.pages.report.protocols import training_words
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.results import repeats
from radprompt.pages.report.sentences import CHANCE
from radprompt.pages.wording import count, interval, listing, number, verdict
from radprompt.study.settings import Settings
from radprompt.tables.model_names import model_name

ROLES = (*MODELS, BEST)
_STEP = 0.1
_WORDS = {
    "above": "higher in {}",
    "below": "lower in {}",
    "includes": "not distinguishable in {}",
    "unknown": "open in {}",
}


def forest(reader: Reader, settings: Settings) -> dict[str, Any] | None:
    """Lay ``metrics/against_best.csv`` out; None before the stage ran.

    Returns
    -------
    dict
        ``sentence``, the verdict; ``groups``, one for each setting in the order of ``settings.yaml``: ``setting``,
        ``name``, ``lesions``, ``malignant`` (test rows of the first repeat), ``about`` (what trains the models) and
        ``rows``; and of the axis ``ticks`` (per cent of its length, text) and ``chance`` (per cent). A row has
        ``role``, ``name``, ``value``, ``interval``, ``repeats``, ``bar`` (``value``, ``low`` and ``high`` in per cent
        of the axis, or None), ``difference`` and ``difference_interval`` (to the best baseline, empty for itself) and
        ``verdict``.
    """
    table = reader.table("metrics/against_best.csv", tuple(COLUMNS))
    if table is None or table.empty:
        return None
    lowest = min(CHANCE, float(table["low"].min())) if table["low"].notna().any() else CHANCE
    start = math.floor(lowest / _STEP + 1e-9) * _STEP
    groups = []
    for name in settings:
        own = table[table["setting"] == name]
        if own.empty:
            continue
        rows = {row["role"]: row for row in own.to_dict("records")}
        first = own.iloc[0]
        groups.append(
            {
                "setting": name,
                "name": settings.title(name),
                "lesions": int(first["lesions"]),
                "malignant": int(first["malignant"]),
                "about": training_words(settings[name], settings),
                "rows": [_row(role, rows[role], start) for role in ROLES if role in rows],
            }
        )
    ticks = [start + _STEP * step for step in range(round((1 - start) / _STEP) + 1)]
    return {
        "sentence": _sentence(groups),
        "groups": groups,
        "ticks": [(_place(tick, start), f"{tick:.1f}") for tick in ticks],
        "chance": _place(CHANCE, start),
    }


def _row(role: str, row: dict[Any, Any], start: float) -> dict[str, Any]:
    bounds = [float(row[key]) for key in ("value", "low", "high")]
    known = all(map(math.isfinite, bounds))
    compared = pd.notna(row["difference"])
    return {
        "role": role,
        "name": model_name(row["model"]),
        "value": number(row["value"]),
        "interval": interval(row["low"], row["high"]),
        "repeats": repeats(row),
        "bar": dict(zip(("value", "low", "high"), (_place(x, start) for x in bounds), strict=True)) if known else None,
        "difference": number(row["difference"]) if compared else "",
        "difference_interval": interval(row["difference_low"], row["difference_high"], 3) if compared else "",
        "verdict": verdict(row["difference_low"], row["difference_high"]) if compared else "",
    }


def _place(value: float, start: float) -> float:
    """Return where a value lies on an axis from ``start`` to 1, in per cent of its length."""
    return round(100 * (value - start) / (1 - start), 2)


def _sentence(groups: list[dict[str, Any]]) -> str:
    """Count for each model in which settings it is above the best baseline, below it, or neither."""
    settings = count(len(groups), "setting")
    said: list[str] = []
    for role in MODELS:
        found: dict[str, list[str]] = {key: [] for key in _WORDS}
        for group in groups:
            for row in group["rows"]:
                if row["role"] == role:
                    found[row["verdict"] or "unknown"].append(group["name"])
        shown = [_counted(key, names, first=not said and key == "above", of=settings) for key, names in found.items()]
        if any(found.values()):
            said.append(f"the {model_name(role)}'s AUC is {listing(filter(None, shown))}")
    return f"Beside the best baseline, {'; '.join(said)}." if said else ""


def _counted(key: str, names: list[str], *, first: bool, of: str) -> str:
    if not names and key not in ("above", "below"):
        return ""
    amount = f"{len(names)} of {of}" if first else str(len(names))
    which = f" ({'; '.join(names)})" if names and key in ("above", "below") else ""
    return _WORDS[key].format(amount) + which
