"""The section on features: which were selected where, how they are scaled, and how often they are selected."""

from typing import Any

import pandas as pd

from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import SELECTIONS, extent, listing, number
from radprompt.study.settings import Setting, Settings
from radprompt.tables.feature_names import CATALOGUE

CLASSES = {"shape": "shape", "firstorder": "first order", "glcm": "GLCM", "glszm": "GLSZM"}
RUNNERS_UP = 5
OFTEN = 0.25
"""Share of halves from which on a feature that they select is listed."""

_BY_KEY = {feature.key: feature for feature in CATALOGUE}


def selected_features(reader: Reader, setting: str, settings: Settings) -> dict[str, Any] | None:
    """Describe the selection of a setting that is not repeated; None before the stage ran.

    Returns
    -------
    dict
        ``rows`` in the order of selection (name, class, IBSI code, mean and standard deviation on the training lesions,
        share of resamples that select it), ``fitted_on`` (lesions), ``method`` in words, ``stability`` (whether shares
        are there), ``runners_up`` (the features left out that resampling selects most often, with their share) and
        ``users``: other settings that use the same features.
    """
    selection = reader.json(settings[setting].selection_file(0).as_posix())
    if selection is None:
        return None
    scaler = reader.json(settings[setting].scaler_file(0).as_posix()) or {"features": [], "mean": [], "sd": []}
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
        "method": _method(selection),
        "stability": not share.empty,
        "runners_up": [(_name(str(key)), _share(share, str(key))) for key in rest[rest > 0].index[:RUNNERS_UP]],
        "users": [name for name, other in settings.items() if other.selection == setting and name != setting],
    }


def features_by_half(reader: Reader, setting: str, settings: Settings) -> dict[str, Any] | None:
    """Describe what a repeated setting selects in its halves, beside the first setting's; None before the stage ran.

    Returns
    -------
    dict
        ``halves``, ``method`` in words, ``fitted_on`` (lesions of the first half), ``rows`` (name, class, ``count`` of
        halves that select it, ``rank`` in the first half and ``elsewhere`` in the first setting, empty where not
        selected), ``distinct`` (features that any half selects), ``elsewhere`` (how many the first setting selects),
        ``shared`` (in words: those of them that the first half selects too), ``shared_extent`` (how many of them each
        half selects, smallest to largest), ``twins``: other settings whose halves select the same, and ``users``: other
        settings that use the same features.

        A row is there for every feature that the first half or the first setting selects, or at least :data:`OFTEN` of
        the halves.
    """
    selections = _selections(reader, settings[setting])
    if not selections:
        return None
    elsewhere = (reader.json(settings.first.selection_file(0).as_posix()) or {"features": []})["features"]
    chosen = pd.Series([key for one in selections.values() for key in one["features"]]).value_counts()
    first = selections[0]["features"]
    listed = {*first, *elsewhere, *chosen.index[chosen >= OFTEN * len(selections)]}
    twins = [
        name
        for name, other in settings.items()
        if name != setting and other.selection == name and other.repeated and _selections(reader, other) == selections
    ]
    order = sorted(listed, key=lambda key: (-chosen.get(key, 0), key))
    return {
        "halves": len(selections),
        "method": _method(selections[0]),
        "fitted_on": len(selections[0]["fitted_on"]),
        "rows": [
            {
                "name": _name(key),
                "class": _class(key),
                "count": int(chosen.get(key, 0)),
                "rank": first.index(key) + 1 if key in first else "",
                "elsewhere": elsewhere.index(key) + 1 if key in elsewhere else "",
            }
            for key in order
        ],
        "distinct": len(chosen),
        "elsewhere": len(elsewhere),
        "shared": listing(_name(key) for key in elsewhere if key in first),
        "shared_extent": extent(len(set(elsewhere) & set(one["features"])) for one in selections.values()),
        "twins": twins,
        "users": [name for name, other in settings.items() if other.selection in {setting, *twins} - {name}],
    }


def selection_shares(reader: Reader, setting: str) -> pd.Series:
    """Return the share of resamples that select each feature, by key; empty where it was not measured."""
    table = reader.table(f"metrics/selection_stability_{setting}.csv", ("feature", "share"))
    return pd.Series(dtype=float) if table is None else table.set_index("feature")["share"].astype(float)


def _selections(reader: Reader, setting: Setting) -> dict[int, dict[str, Any]]:
    """Return the records of every repeat that has one, from 0 on."""
    found: dict[int, dict[str, Any]] = {}
    while (record := reader.json(setting.selection_file(len(found)).as_posix())) is not None:
        found[len(found)] = record
    return found


def _method(selection: dict[str, Any]) -> str:
    words = SELECTIONS.get(selection["method"], selection["method"])
    return f"{words} ({selection['scheme']})" if selection["method"] == "mrmr" else words


def _name(key: str) -> str:
    return _BY_KEY[key].name if key in _BY_KEY else key


def _class(key: str) -> str:
    prefix = key.split("_", 1)[0]
    return CLASSES.get(prefix, prefix)


def _share(share: pd.Series, key: str) -> str:
    return f"{100 * share[key]:.0f} %" if key in share.index else number(None)


def _significant(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
