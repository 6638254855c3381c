"""The final model of a table's study on one case, answering in the form of an exported model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import as_written
from radprompt.export.prediction import PLACES
from radprompt.export.record import NOT_CLINICAL
from radprompt.own_table.applying import LEVEL, Answers, FinalModel
from radprompt.own_table.columns import LARGEST, Column
from radprompt.own_table.encoding import features_of


class TableModel:
    """The final model of a table's study, loaded.

    Parameters
    ----------
    study
        The study's folder, or its ``models/final``.
    """

    def __init__(self, study: Path) -> None:
        self._model = FinalModel.load(study)
        self._study = study

    def describe(self) -> dict[str, Any]:
        """Say which values the model takes, and how they lay in training."""
        facts, ranges = self._model.facts, self._model.ranges
        return {
            "warning": NOT_CLINICAL,
            "kind": "values",
            "title": f"{self._study.name}: the final model of a table",
            "outcome": facts["classes"][1],
            "classes": list(facts["classes"]),
            "threshold": LEVEL,
            "rule": "0.5",
            "tested": "",
            "synthetic_training_images": False,
            "needs_spacing": False,
            "sites": list(facts["sites"]) if facts["site"] else [],
            "inputs": [
                {
                    "name": column.source,
                    "label": column.name,
                    "kind": column.kind,
                    "unit": "",
                    "levels": column.levels,
                    "sites": column.sites,
                    "range": _range(ranges, column),
                }
                for column in self._model.needed
            ],
            "trained_on": "",
            "manifest_sha256": "",
        }

    def predict(
        self, values: Mapping[str, Any], site: str | None, case_id: str, image: str | None, box: Any, **_: Any
    ) -> dict[str, Any]:
        """Answer in the form of an exported model, without image, sentence and language model."""
        if image is not None or box is not None:
            raise InputError("this model takes values, not images", fix="give values")
        cells = self._cells(values, site)
        found = self._model.predict(cells)
        notes, features = self._features(found, site)
        shares, base = self._shares(found, cells)
        probability, low, high, logit, deviation = (
            float(part[0])
            for part in map(_written, (found.probability, found.low, found.high, found.logit, found.deviation))
        )
        return {
            "id": case_id or "case",
            "warning": NOT_CLINICAL,
            "probability": probability,
            "threshold": LEVEL,
            "call": self._model.facts["classes"][int(found.call[0])],
            "notes": notes,
            "features": features,
            "logit": logit,
            "named_model": {
                "probability": probability,
                "interval_90": [low, high],
                "logit": logit,
                "logit_sd": deviation,
                "base": base,
                "shares": shares,
            },
            "background_logit": None,
            "shares_from": "none",
            "prompt": None,
            "changed": {},
            "image": None,
            "contour": None,
            "model": {"study": self._study.name, "classes": self._model.facts["classes"], "site": site},
        }

    def page(self, **_: Any) -> str:
        """Refuse: a case page shows an image's features."""
        raise InputError("the model of a table has no case page", fix="take the JSON")

    def _cells(self, values: Mapping[str, Any], site: str | None) -> pd.DataFrame:
        """Return one row of text as a table would have it; all that is wrong with the values in one message."""
        facts, needed = self._model.facts, {column.source: column for column in self._model.needed}
        faults = [f"{name!r} is not a column of this model" for name in values if name not in needed]
        row: dict[str, str | None] = {}
        for name, column in needed.items():
            if name not in values and not _elsewhere(column, site):
                faults.append(f"{name}: no value (null for a missing one)")
            fault, row[name] = _cell(column, values.get(name))
            faults += [fault] * bool(fault)
        if faults:
            raise InputError("; ".join(faults), where="values", fix=f"give values for: {', '.join(needed)}")
        if facts["site"]:
            if site is None:
                raise InputError("no site", where="site", fix=f"give one of: {', '.join(facts['sites'])}")
            row[facts["site"]] = site
        return pd.DataFrame([row], index=pd.RangeIndex(1, 2), dtype=object)

    def _features(self, found: Answers, site: str | None) -> tuple[list[str], list[dict[str, Any]]]:
        names = dict(zip(self._model.selection.features, self._model.selection.names, strict=True))
        raw, z = as_written(found.raw).iloc[0], as_written(found.z).iloc[0]
        outside: list[str] = []
        features = []
        for column in self._model.needed:
            if _elsewhere(column, site):
                continue
            for key, level in features_of(column).items():
                if key not in names:
                    continue
                least, largest = (float(self._model.ranges[end][key]) for end in ("least", "largest"))
                place, remark = _place(float(raw[key]), least, largest)
                outside += [f"{names[key]} {remark}"] * (place in ("below", "above"))
                features.append(
                    {
                        "feature": key,
                        "input": column.source,
                        "level": level,
                        "name": names[key],
                        "shown_as": names[key],
                        "value": None if pd.isna(raw[key]) else float(raw[key]),
                        "unit": "",
                        "z_score": None if pd.isna(z[key]) else float(z[key]),
                        "share": None,
                        "training_range": {"min": least, "p1": None, "p99": None, "max": largest},
                        "place": place,
                        "remark": remark,
                    }
                )
        notes = []
        if outside:
            notes.append(
                f"{len(outside)} of {len(features)} features outside what the model was trained on: "
                f"{'; '.join(outside)}. It has seen no such case, and its probability is an extrapolation."
            )
        if missing := sum(feature["value"] is None for feature in features):
            notes.append(f"{missing} of {len(features)} features without a value: the interval is wider for it.")
        return notes, features

    def _shares(self, found: Answers, cells: pd.DataFrame) -> tuple[dict[str, Any], float]:
        explained = self._model.explain(found, cells)
        shares = as_written(explained.shares).iloc[0].to_dict()
        deviations = as_written(explained.deviations).iloc[0].to_dict()
        found_shares = {
            str(key): {"share": float(share), "sd": float(deviations[key])} for key, share in shares.items()
        }
        return found_shares, float(explained.base)


def _written(values: Any) -> Any:
    """Return numbers as a table would keep them."""
    return as_written(pd.DataFrame({"value": values}))["value"].to_numpy()


def _elsewhere(column: Column, site: str | None) -> bool:
    """Return whether a column is known at other sites only."""
    return site is not None and bool(column.sites) and site not in column.sites


def _cell(column: Column, value: Any) -> tuple[str, str | None]:
    """Return what is wrong with a value, or nothing, and its text."""
    if value is None:
        return "", None
    if column.kind == "category":
        text = str(value)
        known = ", ".join(column.levels)
        return ("" if text in column.levels else f"{column.source}: {text[:80]!r} is not one of {known}"), text
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return f"{column.source}: {str(value)[:80]!r} is not a number that can be measured", None
    return "", repr(float(value))


def _place(value: float, least: float, largest: float) -> tuple[str, str]:
    if pd.isna(value):
        return "missing", "no value"
    if value < least:
        return "below", PLACES["below"]
    return ("above", PLACES["above"]) if value > largest else ("within", PLACES["within"])


def _range(ranges: pd.DataFrame, column: Column) -> dict[str, float | None] | None:
    keys = [key for key in features_of(column) if key in ranges.index]
    if column.kind == "category" or not keys:
        return None
    return {
        "min": float(ranges["least"][keys[0]]),
        "p1": None,
        "p99": None,
        "max": float(ranges["largest"][keys[0]]),
    }
