"""The section on explanations: what each named feature adds to the language model's logits."""

from math import isclose
from typing import Any

from radprompt.pages.report.figures import drawing
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import count, number

SPHERICITY = "shape_Sphericity"
"""The feature that the paper's discussion says pushes to benign when high."""

_COLUMNS = ("feature", "name", "lesions", "mean_share", "mean_absolute_share", "correlation", "pushes")
_DRAWINGS = {
    "cohort": "Each lesion's share of each feature",
    "lesions": "Single lesions: the most and the least suspicious",
}
_VERDICTS = {
    "benign when high": "High sphericity pushes to benign here (rank correlation of value and share {correlation}), as "
    "the paper's discussion says.",
    "malignant when high": "High sphericity pushes to malignant here (rank correlation of value and share "
    "{correlation}): the opposite of what the paper's discussion says.",
    "neither": "Sphericity has no clear direction here (rank correlation of value and share {correlation}); the "
    "paper's discussion has high sphericity push to benign.",
}


def explanations(reader: Reader) -> dict[str, Any] | None:
    """Lay ``metrics/explanations.csv`` out; None before the stage ran.

    Returns
    -------
    dict
        ``lesions``, ``rows`` (name, mean share, mean absolute share, correlation, pushes; the weightiest first),
        ``sentences`` and ``drawings`` (title and source).
    """
    table = reader.table("metrics/explanations.csv", _COLUMNS)
    if table is None:
        return None
    rows = table.to_dict("records")
    lesions = int(table["lesions"].max()) if rows else 0
    return {
        "lesions": lesions,
        "rows": [
            {
                "name": row["name"],
                "mean_share": number(row["mean_share"]),
                "mean_absolute_share": number(row["mean_absolute_share"]),
                "correlation": number(row["correlation"], 2),
                "pushes": row["pushes"],
            }
            for row in rows
        ],
        "sentences": [*([_weightiest(rows, lesions)] if rows else []), _sphericity(rows)],
        "drawings": [
            (title, source)
            for name, title in _DRAWINGS.items()
            if (source := drawing(reader, f"plots/explanations/{name}.svg"))
        ],
    }


def _weightiest(rows: list[dict[Any, Any]], lesions: int) -> str:
    first = max(rows, key=lambda row: row["mean_absolute_share"])
    return (
        f"Over {count(lesions, 'lesion')} {first['name']} moves the logit most, by "
        f"{number(first['mean_absolute_share'])} on average, one way or the other."
    )


def _sphericity(rows: list[dict[Any, Any]]) -> str:
    for row in rows:
        if row["feature"] == SPHERICITY:
            said = _VERDICTS[row["pushes"]].format(correlation=number(row["correlation"], 2))
            if row["mean_absolute_share"] > 0 and isclose(abs(row["mean_share"]), row["mean_absolute_share"]):
                side = "benign" if row["mean_share"] < 0 else "malignant"
                said += f" Whatever its value, its share is on the {side} side in every lesion."
            return said
    return (
        "Sphericity is not among the features of these prompts, so the paper's remark that it pushes to benign when "
        "high cannot be looked at."
    )
