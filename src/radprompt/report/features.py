"""The section on features: which were selected, how they are scaled, and how often resampling selects them."""

from typing import Any

import pandas as pd

from radprompt.radiomics.names import CATALOGUE
from radprompt.report.reader import Reader
from radprompt.report.wording import number

CLASSES = {"shape": "shape", "firstorder": "first order", "glcm": "GLCM", "glszm": "GLSZM"}
RUNNERS_UP = 5
_BY_KEY = {feature.key: feature for feature in CATALOGUE}


def selected_features(reader: Reader, setting: str) -> dict[str, Any] | None:
    """Describe a setting's selection; None before the stage ran.

    Returns
    -------
    dict
        ``rows`` in the order of selection (name, class, IBSI code, mean and standard deviation on the training lesions,
        share of resamples that select it), ``fitted_on`` (lesions), ``scheme``, ``stability`` (whether shares are
        there) and ``runners_up``: the features left out that resampling selects most often, with their share.
    """
    selection = reader.json(f"models/{setting}/selection.json")
    if selection is None:
        return None
    scaler = reader.json(f"models/{setting}/scaler.json") or {"features": [], "mean": [], "sd": []}
    scale = dict(zip(scaler["features"], zip(scaler["mean"], scaler["sd"], strict=True), strict=True))
    share = selection_shares(reader, setting)
    rows = [
        {
            "name": name,
            "class": _class(key),
            "ibsi": _BY_KEY[key].ibsi if key in _BY_KEY else "",
            "mean": _significant(scale[key][0]) if key in scale else "",
            "sd": _significant(scale[key][1]) if key in scale else "",
            "share": _share(share, key),
        }
        for key, name in zip(selection["features"], selection["names"], strict=True)
    ]
    rest = share[~share.index.isin(selection["features"])].sort_values(ascending=False, kind="stable")
    return {
        "rows": rows,
        "fitted_on": len(selection["fitted_on"]),
        "scheme": selection["scheme"],
        "stability": not share.empty,
        "runners_up": [
            (_BY_KEY[str(key)].name if key in _BY_KEY else str(key), _share(share, str(key)))
            for key in rest[rest > 0].index[:RUNNERS_UP]
        ],
    }


def selection_shares(reader: Reader, setting: str) -> pd.Series:
    """Return the share of resamples that select each feature, by key; empty where it was not measured."""
    table = reader.table(f"metrics/selection_stability_{setting}.csv", ("feature", "share"))
    return pd.Series(dtype=float) if table is None else table.set_index("feature")["share"].astype(float)


def _class(key: str) -> str:
    prefix = key.split("_", 1)[0]
    return CLASSES.get(prefix, prefix)


def _share(share: pd.Series, key: str) -> str:
    return f"{100 * share[key]:.0f} %" if key in share.index else number(None)


def _significant(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
