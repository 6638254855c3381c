"""What ``radprompt predict`` does: cases in, one JSON file and one page a case out, and two tables of a table."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from tqdm import tqdm

from radprompt.core.errors import InputError
from radprompt.core.outputs import require_writable, write_csv, write_json, write_text
from radprompt.export.cases import EXCLUDED, PREDICTIONS, Case, names_a_file, none_predicted, read_cases
from radprompt.export.page import render
from radprompt.export.prediction import Prediction, as_json
from radprompt.tables.lesions import Exclusion, write_exclusions

if TYPE_CHECKING:
    from radprompt.export.predictor import Predictor, Shares

COLUMNS = ["id", "probability", "call", "outside_training_range", "contour"]


def open_predictor(model: Path, shares: str, backbone: Path | None, device: str) -> "Predictor":
    """Load an exported model; ``shares`` is ``model`` (as exported), ``none``, ``all``, or a number of orders."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    orders = _orders(shares)
    from radprompt.export.predictor import Predictor

    return Predictor(model, device=device, backbone=backbone, orders=orders)


def predict_case(predictor: "Predictor", case: Case, out: Path) -> Prediction:
    """Predict one case and write ``<id>.json`` and ``<id>.html``; those of an earlier run go first."""
    require_writable(out)
    _forget(case.case_id, out)
    prediction, image, mask = predictor.predict(case)
    page = render(prediction, image, mask, predictor.package)
    write_json(out / f"{case.case_id}.json", as_json(prediction, predictor.package))
    write_text(out / f"{case.case_id}.html", page)
    return prediction


def predict_table(
    open_model: Callable[[], "Predictor"], table: Path, images: Path | None, spacing_mm: float, out: Path
) -> tuple[int, int]:
    """Predict every case of a table; see :func:`radprompt.export.cases.read_cases` for its form.

    A case that cannot be predicted is listed in ``excluded.csv`` (source, row, record, reason), the others go on;
    ``predictions.csv`` has one row each. Once the model is open, an earlier run's files of the table's ids go, so that
    none stands for an excluded case. Whatever stops the run, both tables say what it did.

    Returns
    -------
    tuple
        How many were predicted and how many excluded.

    Raises
    ------
    InputError
        The table cannot be read, or not one of its cases can be predicted.
    """
    require_writable(out)
    cases, excluded = read_cases(table, images, spacing_mm)
    rows: list[dict[str, Any]] = []
    predictor = open_model() if cases else None
    for case_id in [exclusion.record for exclusion in excluded] + [case.case_id for case in cases]:
        if names_a_file(case_id):
            _forget(case_id, out)
    try:
        if predictor is not None:
            for case in tqdm(cases, desc="predicting", unit="case", mininterval=1.0, disable=None):
                try:
                    prediction = predict_case(predictor, case, out)
                except InputError as error:
                    reason = f"{error.where}: {error.what}" if error.where else error.what
                    excluded.append(Exclusion(table.name, case.row, case.case_id, reason))
                    continue
                rows.append(_row(case, prediction, predictor.package.record.threshold))
    finally:
        write_exclusions(out / EXCLUDED, excluded)
        write_csv(out / PREDICTIONS, pd.DataFrame(rows, columns=COLUMNS))
    if not rows:
        raise none_predicted(table, len(excluded), excluded[0].reason, out)
    return len(rows), len(excluded)


def _row(case: Case, prediction: Prediction, threshold: float | None) -> dict[str, Any]:
    outside = "; ".join(f"{feature.name} {feature.place}" for feature in prediction.outside)
    call = prediction.call(threshold) or ""
    contour = prediction.origin.contour if prediction.origin else ""
    row = (case.case_id, prediction.probability, call, outside, contour)
    return dict(zip(COLUMNS, row, strict=True))


def _forget(case_id: str, out: Path) -> None:
    for kind in ("json", "html"):
        (out / f"{case_id}.{kind}").unlink(missing_ok=True)


def _orders(shares: str) -> "Shares | None":
    if shares == "model":
        return None
    if shares == "all" or shares == "none":
        return shares  # type: ignore[return-value]
    if shares.isascii() and shares.isdigit() and int(shares) > 0:
        return int(shares)
    raise InputError(f"{shares!r} says nothing about shares", where="--shares", fix="a number of orders, all, or none")
