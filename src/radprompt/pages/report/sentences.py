"""What the AUCs allow to be said, in sentences that the numbers write."""

from typing import Any

import pandas as pd

from radprompt.pages.wording import count, interval, listing, number, percent, spread, verdict
from radprompt.study.settings import Settings
from radprompt.tables.model_names import model_name

CHANCE = 0.5
FEW = 5
"""Common repeats up to which a test over them is said to have little power."""

_CHANCE_WORDS = {
    "above": ": better than chance.",
    "includes": "; the interval includes 0.5, so chance is not excluded.",
    "below": ": worse than chance.",
    "unknown": ".",
}
_ALIKE = ": it calls every lesion alike."
_DIFFERENCE_WORDS = {
    "above": "The {level} interval of the difference ({name} minus the other) lies above 0 against {others}: there the "
    "{name} is better.",
    "includes": "The {level} interval of the difference ({name} minus the other) includes 0 against {others}: on these "
    "lesions they cannot be told apart.",
    "below": "The {level} interval of the difference ({name} minus the other) lies below 0 against {others}: there the "
    "{name} is worse.",
    "unknown": "There is no interval of the difference against {others}.",
}
_NAME_READERS = {"llm": "The language model", "named": "The named model", "transtab": "TransTab"}
"""Models that can continue from one set of named features to another."""


def headline(own: pd.DataFrame, reference: str, confidence: float) -> list[str]:
    """Say how well the reference ranks and calls in one setting, and how many others measured higher.

    Parameters
    ----------
    own
        The comparison's rows of one setting.
    reference
        The model that the others are compared with.
    confidence
        Level of every interval, such as 0.95.
    """
    auc = _auc(own)
    if reference not in auc.index:
        return [f"No AUC of the {model_name(reference)} in this setting: there is nothing to compare with."]
    mine, others = _record(auc, reference), auc.drop(index=reference)
    lesions = f"{count(int(mine['lesions']), 'test lesion')} of {count(int(mine['patients']), 'patient')}"
    malignant, repeats, name = int(mine["malignant"]), _repeats(mine), model_name(reference)
    sample = f"On {lesions}, {malignant} of them malignant, the {name} has an AUC of"
    if repeats > 1:
        sample = (
            f"Over {repeats} halves of the patients (the first: {lesions}, {malignant} malignant) the {name} "
            "has a mean AUC of"
        )
    said = [
        f"{sample} {_value(mine, confidence, of_halves=False)}"
        + _CHANCE_WORDS[verdict(mine["low"], mine["high"], CHANCE)]
    ]
    calls = own[(own["model"] == reference) & (own["metric"] == "balanced_accuracy")].to_dict("records")
    said += [
        f"Its calls have a balanced accuracy of {_value(row, confidence, of_halves=False)}"
        + (_ALIKE if row["low"] == row["high"] == CHANCE else _CHANCE_WORDS[verdict(row["low"], row["high"], CHANCE)])
        for row in calls
    ]
    if others.empty:
        return [*said, "No other model was evaluated here."]
    # On the repeats that both have: the means in the table are over more of them for some models.
    better = others[others["difference"] < 0].sort_values("difference", kind="stable")
    where = "on the same lesions" if repeats == 1 else "on the halves that both ran on"
    if better.empty:
        said.append(f"None of the {count(len(others), 'other model')} measured higher {where}.")
    else:
        best = f"{model_name(str(better.index[0]))} by most ({number(-better['difference'].iloc[0])})"
        said.append(f"Of {count(len(others), 'other model')}, {len(better)} measured higher {where}, {best}.")
    return said


def differences(own: pd.DataFrame, reference: str, confidence: float) -> list[str]:
    """Say against whom the reference is better, worse or not to be told apart, and what the tests leave of it.

    Parameters
    ----------
    own, reference, confidence
        See :func:`headline`.
    """
    auc = _auc(own)
    if reference not in auc.index or len(auc) == 1:
        return []
    others = auc.drop(index=reference).sort_values("value", ascending=False, kind="stable")
    bounds = zip(others["difference_low"], others["difference_high"], strict=True)
    verdicts = [verdict(low, high) for low, high in bounds]
    said = []
    for kind, words in _DIFFERENCE_WORDS.items():
        names = [model_name(str(model)) for model, one in zip(others.index, verdicts, strict=True) if one == kind]
        if names:
            said.append(words.format(level=percent(confidence), name=model_name(reference), others=listing(names)))
    common = int(others["paired_repeats"].max()) if others["paired_repeats"].notna().any() else 1
    how = {
        "p_clustered_holm": "Tested by patient",
        "p_resampled_holm": f"Tested over the {common} common halves (Nadeau and Bengio's corrected t, "
        f"{count(common - 1, 'degree')} of freedom)",
    }
    for column, words in how.items():
        if column not in others or others[column].isna().all():
            continue
        clear = others.index[others[column] < 1 - confidence]
        whom = listing(model_name(str(model)) for model in clear) or "none of them"
        weak = "; with so few halves this test has little power" if "resampled" in column and common <= FEW else ""
        said.append(
            f"{words} and corrected by Holm for {count(int(others[column].notna().sum()), 'comparison')}, "
            f"p stays below {1 - confidence:.2g} against {whom}{weak}."
        )
    return said


def steps(comparison: pd.DataFrame, settings: Settings, confidence: float) -> list[tuple[str, list[str]]]:
    """Say what models that read names measured before and after each step of ``settings.yaml``.

    Returns
    -------
    list of tuple
        Title and sentences, for each step of which both settings were evaluated. No difference is tested: none is in
        ``comparison``.
    """
    found = []
    for step in settings.steps:
        sides = [_auc(comparison[comparison["setting"] == side.setting]) for side in (step.before, step.after)]
        said = [
            f"{words} {step.before.words}: {_value(first, confidence)}; {step.after.words}: "
            f"{_value(second, confidence)}, measured {_direction(first['value'], second['value'])}."
            for model, words in _NAME_READERS.items()
            if all(model in side.index for side in sides)
            for first, second in [(_record(side, model) for side in sides)]
        ]
        if said:
            found.append((step.title, said))
    return found


def bar(row: Any) -> dict[str, float] | None:
    """Return ``value``, ``low`` and ``high`` in per cent of an axis from 0 to 1; None where one is not known."""
    if any(pd.isna(row[key]) for key in ("value", "low", "high")):
        return None
    return {key: round(100 * float(row[key]), 1) for key in ("value", "low", "high")}


def _auc(own: pd.DataFrame) -> pd.DataFrame:
    columns = ("difference", "difference_low", "difference_high", "paired_repeats")
    rows = own[own["metric"] == "auc"].set_index("model")
    return rows.reindex(columns=[*rows.columns, *(name for name in columns if name not in rows)])


def _record(auc: pd.DataFrame, model: str) -> dict[Any, Any]:
    return auc.to_dict("index")[model]


def _repeats(row: dict[Any, Any]) -> int:
    repeats = row.get("repeats", 1)
    return 1 if pd.isna(repeats) else int(repeats)


def _value(row: dict[Any, Any], confidence: float, *, of_halves: bool = True) -> str:
    """Return an AUC with its interval and, of several repeats, its spread; ``of_halves`` says over how many."""
    bounds = f"{percent(confidence)} interval {interval(row['low'], row['high'], 3) or 'not defined'}"
    if _repeats(row) > 1:
        bounds += f"; {spread(row['repeat_sd'])}" + (f" over {_repeats(row)} halves" if of_halves else "")
    return f"{number(row['value'])} ({bounds})"


def _direction(before: float, after: float) -> str:
    return "higher" if after > before else "lower" if after < before else "the same"
