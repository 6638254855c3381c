"""The section on the named model: whether its names tell anything, and the coefficient of each feature."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from radprompt.core.params import Params
from radprompt.named.variants import ALL, SELECTED
from radprompt.pages.report.explanations import SPHERICITY
from radprompt.pages.report.figures import drawing
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import count, interval, listing, number, p_value, verdict
from radprompt.study.settings import Settings
from radprompt.tables.feature_names import readable
from radprompt.tables.model_names import model_name

_COLUMNS = ("name", "site", "mean", "sd", "low", "high", "own", "leans_on", "model")
_SCALINGS = {"zscore": "z-scores", "normal": "normal scores", "none": "values as they are"}
_PAPER = "the paper's discussion has high sphericity push to benign"
_DIRECTIONS = {
    "below": "high sphericity pushes to benign, as the paper's discussion says",
    "above": "high sphericity pushes to malignant: the opposite of what the paper's discussion says",
    "includes": f"the interval includes 0, so its direction is open; {_PAPER}",
    "unknown": f"there is no interval; {_PAPER}",
}


def named_model(reader: Reader, settings: Settings, params: Params) -> dict[str, Any] | None:
    """Lay ``metrics/named/`` out; None before the stage ran in any setting.

    Returns
    -------
    dict
        ``tests``: for each setting and model whose names were tested ``setting``, ``name``, ``model``, ``p``, ``gain``,
        ``draws``, ``evidence``, ``scaling`` and ``alike``; ``sentences`` on them; ``settings``: for those that are
        explained and the one that the learning curve continues, ``name``, ``source`` (the drawing, or None), ``rows``
        of the selected features' coefficients, ``several`` (whether they are of several sites), ``sentence`` on
        Sphericity and ``agreement`` of the backbone's directions with the coefficients (None: it was not asked);
        ``elicited``: whether the backbone was asked for directions; ``used``: whether models may follow them.
    """
    records = {name: reader.json(f"metrics/named/{name}.json") for name in settings}
    tests = [
        _test(settings.title(name), name, model, record[name][model])
        for name, record in records.items()
        if record
        for model in (SELECTED, ALL)
        if model in record[name]
    ]
    if not tests:
        return None
    directions = reader.json("models/names/directions.json") or {}
    shown = dict.fromkeys([*settings.explained, *([settings.curve.continued] if settings.curve else [])])
    level = 1 - params.evaluation.confidence
    return {
        "tests": tests,
        "sentences": _sentences(tests, level),
        "settings": [
            described
            for name in shown
            if (described := _coefficients(reader, name, settings.title(name), directions, params))
        ],
        "elicited": bool(directions),
        "used": params.named.elicit == "used",
    }


def _test(title: str, setting: str, model: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "setting": setting,
        "name": title,
        "model": model_name(model),
        "value": float(found["names_p"]),
        "p": p_value(found["names_p"]),
        "gain": number(found["names_gain"], 2),
        "used": found["names_gain"] > 0,
        "draws": int(found["names_draws"]),
        "evidence": number(found["log_evidence"], 1),
        "scaling": _SCALINGS.get(found["scaling"], found["scaling"]),
        "alike": number(found["scale_alike"], 2),
    }


def _sentences(tests: list[dict[str, Any]], level: float) -> list[str]:
    """Say where the names tell something, where not, and where the evidence did without them."""
    draws = max(test["draws"] for test in tests)
    clear = [test for test in tests if test["value"] < level]
    unused = [test for test in tests if not test["used"]]
    said = [
        f"The names tell something where p is below {level:.2g}: "
        + (
            f"in {listing(_place(test) + ' (p ' + test['p'] + ')' for test in clear)}."
            if clear
            else f"in none of {count(len(tests), 'fit')}."
        )
    ]
    if len(unused) == len(tests):
        said.append(
            f"In none of {count(len(tests), 'fit')} does a likeness of names raise the evidence: "
            "the model does without it."
        )
    elif unused:
        said.append(
            f"In {len(unused)} of {count(len(tests), 'fit')} no likeness of names raises the evidence, so the model "
            f"does without it: {listing(_place(test) for test in unused)}."
        )
    if len(tests) > 1:
        said.append(
            f"The {len(tests)} tests are not corrected for their number; with {draws} permutations the smallest p is "
            f"{p_value(1 / (draws + 1))}."
        )
    return said


def _place(test: Mapping[str, Any]) -> str:
    return f"{test['name']}: {test['model']}"


def _coefficients(
    reader: Reader, setting: str, title: str, directions: Mapping[str, float], params: Params
) -> dict[str, Any] | None:
    table = reader.table(f"metrics/named/{setting}_coefficients.csv", _COLUMNS)
    if table is None:
        return None
    own = table[table["model"] == SELECTED]
    sites = list(dict.fromkeys(own["site"]))
    return {
        "setting": setting,
        "name": title,
        "source": drawing(reader, f"plots/named/{setting}.svg"),
        "several": len(sites) > 1,
        "rows": [
            {
                "name": row["name"],
                "site": row["site"],
                "mean": number(row["mean"], 2),
                "sd": number(row["sd"], 2),
                "interval": interval(row["low"], row["high"]),
                "clear": verdict(row["low"], row["high"]) in ("above", "below"),
                "own": number(row["own"], 2),
                "leans_on": "" if pd.isna(row["leans_on"]) else row["leans_on"],
                "direction": number(directions.get(row["name"]), 2),
            }
            for row in own.to_dict("records")
        ],
        "sentence": _sphericity(own, len(sites) > 1, params.prompt.names),
        "agreement": _agreement(own[own["site"] == sites[-1]], directions),
    }


def _agreement(coefficients: pd.DataFrame, directions: Mapping[str, float]) -> str | None:
    """Say how far the backbone's directions agree with the coefficients of one site."""
    said = coefficients["name"].map(directions).dropna()
    if len(said) < 3:
        return None
    means = coefficients.loc[said.index, "mean"]
    together = int((np.sign(said) == np.sign(means)).sum())
    rank = (
        f", rank correlation {number(spearmanr(said, means).statistic, 2)}" if min(map(np.ptp, (said, means))) else ""
    )
    return (
        f"asked which way each feature points, the language model gives {together} of {len(said)} coefficients their "
        f"sign{rank}."
    )


def _sphericity(coefficients: pd.DataFrame, several: bool, names: str) -> str:
    """Put Sphericity's coefficient beside the paper's remark."""
    if names != "real":
        return f"Names are {names} in this run, so the paper's remark on sphericity cannot be looked at."
    rows = coefficients[coefficients["name"] == readable(SPHERICITY)].to_dict("records")
    if not rows:
        return (
            "Sphericity is not among these features, so the paper's remark that it pushes to benign when high cannot "
            "be looked at."
        )
    said = [
        (f"at the {row['site']} site " if several else "")
        + f"{number(row['mean'], 2)} (90 % interval {interval(row['low'], row['high'])}): "
        + _DIRECTIONS[verdict(row["low"], row["high"])]
        for row in rows
    ]
    return f"The coefficient of Sphericity is {'; '.join(said)}."
