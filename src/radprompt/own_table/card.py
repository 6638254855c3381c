"""What the final model of a study is: a card in Markdown beside it."""

from typing import Any

import pandas as pd

from radprompt.core.table_params import TableParams
from radprompt.selection.record import Selection


def final_card(params: TableParams, cases: pd.DataFrame, selection: Selection, *, images: bool = False) -> str:
    """Return the card.

    Parameters
    ----------
    params
        The study's parameters.
    cases
        ``lesion_id``, ``patient_id``, ``site``, ``label`` of every case.
    selection
        The features that the model reads.
    images
        Whether the table was measured by `radprompt images`, so that a new image can be.
    """
    positive = int(cases["label"].sum())
    lines = [
        "# The named model of this study",
        "",
        f"Trained on all {len(cases)} cases of {cases['patient_id'].nunique()} patients ({positive} of class 1, "
        f"{params.table.positive!r} in column {params.table.label!r}), {cases['site'].nunique()} site(s).",
        "How well such a model does is in `metrics/comparison.csv`: cross-validated, this one itself is not tested.",
        "",
        "Features: " + ", ".join(selection.names) + ".",
        "",
        "```bash",
        "radprompt table new_cases.csv --apply FOLDER_OF_THE_STUDY",
        *(["radprompt predict IMAGE --mask MASK --model FOLDER_OF_THE_STUDY"] if images else []),
        "```",
        "",
        "`named/` and `named_all/` (all features) load with `radprompt.NamedClassifier.load`. Values are z-scores by",
        "`scaler.json`; `ranges.csv` has the training cases' least, median and largest values.",
        "",
        "Research only: not a medical device, not for clinical use.",
    ]
    return "\n".join(lines) + "\n"


def facts(params: TableParams, content: dict[str, Any]) -> dict[str, Any]:
    """Return what a new table is read by.

    Parameters
    ----------
    params
        The study's parameters.
    content
        ``data/columns.json``.
    """
    table = params.table
    return {
        "missing": table.missing,
        "decimal": table.decimal,
        "id": table.id,
        "site": table.site,
        "sites": content["sites"],
        "classes": content["classes"],
    }
