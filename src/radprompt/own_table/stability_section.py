"""The report's section on repeated measurements: which features were left out, and what the checklists ask of it."""

from typing import Any

import pandas as pd

from radprompt.own_table.applying import AGREEMENT, FOLDER
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import interval, number, percent
from radprompt.study.settings import Settings

SHOWN = 200
"""Features listed, the least stable first."""


def stability_section(reader: Reader, settings: Settings, min_icc: float | None) -> dict[str, Any]:
    """Lay the section out.

    Parameters
    ----------
    reader
        Of a table's folder.
    settings
        Its protocols.
    min_icc
        ``features.min_icc``.

    Returns
    -------
    dict
        ``min_icc`` as text, '' where none is set; ``judged`` counts features, ``left_out`` those of the final model;
        ``by_setting`` has title, repeats and the least and most left out; ``features`` a row each; ``checklist`` the
        items of METRICS and CLEAR with their answers.
    """
    agreement = None if min_icc is None else reader.table(f"{FOLDER.as_posix()}/{AGREEMENT}")
    if min_icc is None or agreement is None:
        return {"min_icc": "", "checklist": _checklist("", 0, 0)}
    by_setting: list[dict[str, Any]] = []
    shares: dict[str, float] = {}
    for name, setting in settings.items():
        paths = [path for path in reader.matching(f"models/scaler/{name}/*_icc.csv") if "start" not in path]
        tables = [table for path in paths if (table := reader.table(path)) is not None]
        left_out = [int((~table["stable"]).sum()) for table in tables]
        by_setting.append(
            {"title": setting.title, "repeats": len(tables), "least": min(left_out), "most": max(left_out)}
        )
        if not shares:
            left = ~pd.concat(tables).set_index("feature")["stable"]
            shares = {str(name): float(share) for name, share in left.groupby(level=0).mean().items()}
    ordered = agreement.sort_values(["low", "feature"], na_position="first", kind="stable")
    features = [
        {
            "name": row["feature"],
            "icc": number(row["icc"]),
            "interval": interval(row["low"], row["high"]),
            "stable": bool(row["stable"]),
            "share": percent(shares.get(row["feature"], 0.0)),
        }
        for row in ordered.head(SHOWN).to_dict("records")
    ]
    unstable = int((~agreement["stable"]).sum())
    text = f"{min_icc:g}"
    return {
        "min_icc": text,
        "judged": len(agreement),
        "left_out": unstable,
        "by_setting": by_setting,
        "features": features,
        "checklist": _checklist(text, len(agreement), unstable),
    }


def _checklist(min_icc: str, judged: int, left_out: int) -> list[dict[str, str]]:
    """Answer the items that ask for it; numbers and topics as in the repository's checklists."""
    if min_icc:
        status = "answered"
        removed = (
            f"Features whose ICC(1,1) between repeated measurements has a lower limit below {min_icc} over the "
            f"training cases of a repeat are left out before selection; over all cases {left_out} of {judged} are."
        )
        measured = "Cases were measured again, on perturbed contours or another reader's; agreement by ICC(1,1)."
        shown = "ICC with its 95 % interval for each feature, below and in models/final/agreement.csv."
    else:
        status = "not done"
        removed = "No feature is removed for changing when a case is measured again (features.min_icc: null)."
        measured = shown = "No repeated measurements were used."
    items = [("METRICS 14", "Unstable features removed", removed)]
    items += [("CLEAR 31", "Reliability of segmentation", measured), ("CLEAR 46", "Feature statistics", shown)]
    return [{"item": item, "topic": topic, "status": status, "answer": answer} for item, topic, answer in items]
