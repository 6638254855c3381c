"""The paper's figures beside ours, row by row, and what cannot be compared.

The figures are in ``paper_results.csv``, their source and what a re-reading shows in ``paper_results.md``, both beside
this module.
"""

from importlib.resources import files
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import pandas as pd

from radprompt.core.params import Params
from radprompt.study.settings import Settings

PRINTED = ("accuracy", "f1", "auc", "sensitivity")
"""Metrics that the paper prints."""

TEST_SETS = {"vindr_mammo": (225, 111), "inbreast": (56, 37)}
"""Test masses and malignant ones that the printed figures are fractions of."""

# The paper's table, test set and setting -> `paper` of our setting (settings.yaml). Tables 3 to 5 are ablations, and
# their runs are not in a comparison.
COUNTERPARTS = {
    (1, "vindr_mammo", "main"): "Table 1, internal test",
    (1, "inbreast", "adapted"): "Table 1, external test",
    (2, "inbreast", "new_features"): "Table 2, from scratch",
    (2, "inbreast", "new_features_transfer"): "Table 2, extended or transferred",
    (2, "inbreast", "new_features_extensible"): "Table 2, extended or transferred",
    (2, "inbreast", "new_features_scratch"): "Table 2, from scratch",
}

_ROUNDING = 0.0005 + 1e-9
_OURS = (*PRINTED, "balanced_accuracy")
_BESIDE = [name for m in PRINTED for name in (f"paper_{m}", m, f"{m}_low", f"{m}_high")]
COLUMNS = [
    *("table", "test_set", "model", "paper_setting", "setting"),
    *_BESIDE,
    *(
        "balanced_accuracy_recomputed",
        "matches",
        "balanced_accuracy",
        "balanced_accuracy_low",
        "balanced_accuracy_high",
    ),
    *("comparable", "note"),
]


class Recomputed(NamedTuple):
    """What follows from a printed accuracy and sensitivity; ``whole`` says whether whole counts of masses give both."""

    balanced_accuracy: float
    f1: float
    whole: bool


def is_synthetic(params: Params) -> bool:
    """Tell whether the data are the phantom's: it alone writes below ``data/phantom``."""
    return PurePosixPath(params.data.root).is_relative_to("data/phantom")


def read_paper_results() -> pd.DataFrame:
    """Return the paper's figures: columns ``table``, ``test_set``, ``model``, ``setting`` and :data:`PRINTED`."""
    with files("radprompt.evaluation").joinpath("paper_results.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def paper_rows(table: int) -> pd.DataFrame:
    """Return the figures of one of the paper's tables, 1 to 5, as :func:`read_paper_results` has them."""
    results = read_paper_results()
    return results[results["table"] == table].reset_index(drop=True)


def recompute(accuracy: float, sensitivity: float, test_set: str) -> Recomputed:
    """Rebuild the counts behind printed figures: the nearest whole numbers of true positives and true negatives."""
    lesions, malignant = TEST_SETS[test_set]
    benign = lesions - malignant
    tp = round(sensitivity * malignant)
    tn = round(accuracy * lesions) - tp
    apart = max(abs(tp / malignant - sensitivity), abs((tp + tn) / lesions - accuracy))
    f1 = 2 * tp / (tp + malignant + benign - tn)
    return Recomputed((tp / malignant + tn / benign) / 2, f1, apart <= _ROUNDING)


def counterpart(table: int, test_set: str, setting: str, settings: Settings) -> str:
    """Return the name of our setting for one of the paper's, the first that says so; empty where none does."""
    paper = COUNTERPARTS.get((table, test_set, setting))
    alike = (own.name for own in settings.values() if paper and own.paper == paper and own.test.dataset == test_set)
    return next(alike, "")


def compare_with_paper(comparison: pd.DataFrame, settings: Settings, *, synthetic: bool) -> pd.DataFrame:
    """Put what we measured beside each row of the paper's tables.

    Parameters
    ----------
    comparison
        What :func:`radprompt.evaluation.model_comparison.compare` returns.
    settings
        Protocols; ``paper`` of each says what it stands for.
    synthetic
        Whether our masses were drawn by the phantom: then nothing compares but the layout.

    Returns
    -------
    pandas.DataFrame
        One row for each row of the paper, in its order, columns :data:`COLUMNS`. ``paper_<metric>`` is the printed
        figure; ``<metric>`` with ``_low`` and ``_high`` ours, empty without a counterpart; ``setting`` our name for the
        paper's setting, empty where none has it. ``balanced_accuracy_recomputed`` follows from the printed accuracy and
        sensitivity, and ``matches`` says whether the printed AUC is that number, rounded. ``comparable`` is ``yes``,
        ``all but auc`` or ``no``, and ``note`` says why; a semicolon parts its clauses.
    """
    ours = {key: rows for key, rows in comparison.groupby(["setting", "model"])}
    records = [_record(row, ours, settings, synthetic) for row in read_paper_results().to_dict("records")]
    return pd.DataFrame(records).reindex(columns=COLUMNS)


def _record(row: dict[Any, Any], ours: dict[Any, pd.DataFrame], settings: Settings, synthetic: bool) -> dict[str, Any]:
    counted = recompute(row["accuracy"], row["sensitivity"], row["test_set"])
    matches = abs(counted.balanced_accuracy - row["auc"]) <= _ROUNDING
    setting = counterpart(row["table"], row["test_set"], row["setting"], settings)
    rows = ours.get((setting, row["model"]))
    record = {
        "table": row["table"],
        "test_set": row["test_set"],
        "model": row["model"],
        "paper_setting": row["setting"],
        "setting": setting,
        **{f"paper_{metric}": row[metric] for metric in PRINTED},
        "balanced_accuracy_recomputed": round(counted.balanced_accuracy, 6),
        "matches": matches,
        "comparable": "no" if rows is None or synthetic else "all but auc" if matches else "yes",
        "note": "; ".join(_notes(row, counted, matches, rows, synthetic)),
    }
    if rows is not None:
        for cell in rows[rows["metric"].isin(_OURS)].to_dict("records"):
            metric = cell["metric"]
            record |= {metric: cell["value"], f"{metric}_low": cell["low"], f"{metric}_high": cell["high"]}
    return record


def _notes(
    row: dict[Any, Any], counted: Recomputed, matches: bool, rows: pd.DataFrame | None, synthetic: bool
) -> list[str]:
    notes = []
    lesions, malignant = TEST_SETS[row["test_set"]]
    if rows is None:
        notes.append("no result of ours for this row")
    elif synthetic:
        notes.append("ours is measured on synthetic masses")
    else:
        first = rows.iloc[0]
        here = f"{first['lesions']} masses here, {first['malignant']} malignant"
        notes.append(f"{here}, against {lesions} and {malignant} in print (which masses is not published)")
    if rows is not None and rows["repeats"].iloc[0] > 1:
        notes.append(f"ours is the mean over {rows['repeats'].iloc[0]} halves of the patients, the paper's one half")
    if matches:
        notes.append("the printed AUC is the balanced accuracy of hard labels: read it beside balanced_accuracy")
    if not counted.whole:
        notes.append(f"no whole number of {lesions} masses, {malignant} malignant, gives the printed figures")
    if abs(counted.f1 - row["f1"]) > _ROUNDING:
        notes.append(f"accuracy and sensitivity as printed give an F1 of {counted.f1:.3f}")
    return notes
