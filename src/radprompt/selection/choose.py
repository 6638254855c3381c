"""Which features a prompt names: by mRMR, the paper's fixed eight, or all."""

from dataclasses import replace

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Features
from radprompt.selection.mrmr import MRMRSelector
from radprompt.selection.record import Selection
from radprompt.tables.feature_names import readable
from radprompt.tables.features import feature_columns, with_values

COMMON_EIGHT = (
    "shape_PixelSurface",
    "shape_Sphericity",
    "shape_Perimeter",
    "firstorder_Mean",
    "firstorder_Variance",
    "firstorder_Entropy",
    "glszm_SmallAreaHighGrayLevelEmphasis",
    "glszm_ZoneEntropy",
)
"""The features that the paper calls common, in its order (Table 4)."""


def choose_features(train: pd.DataFrame, options: Features) -> Selection:
    """Choose on training lesions, among the features that have a value there.

    Parameters
    ----------
    train
        ``lesion_id``, ``label`` and the features of the training lesions.
    options
        The method and its settings. Where fewer features are there than are wanted, all are chosen.

    Raises
    ------
    InputError
        If no feature has a value, or ``common_eight`` wants one that was not measured.
    """
    features = with_values(train, feature_columns(train))
    if not features:
        raise InputError("no feature has a value in the training lesions", fix="see which features were measured")
    absent = [name for name in COMMON_EIGHT if name not in features] if options.selection == "common_eight" else []
    if absent:
        what = f"common_eight wants {', '.join(absent)}, which were not measured"
        raise InputError(what, where="params.yaml, features.selection", fix="use mrmr or all")
    if options.selection == "mrmr":
        selector = MRMRSelector(min(options.count, len(features)), options.mrmr.scheme, options.mrmr.bins)
        keys = tuple(selector.fit(train[features], train["label"]).get_feature_names_ranked())
    else:
        keys = COMMON_EIGHT if options.selection == "common_eight" else tuple(features)
    names = tuple(readable(key) for key in keys)
    return Selection(keys, names, options.selection, options.mrmr.scheme, options.mrmr.bins, tuple(train["lesion_id"]))


def measured_here(first: Selection, rows: pd.DataFrame) -> Selection:
    """Return what to ask a first site's model about at a site without labels.

    Parameters
    ----------
    first
        The first site's selection.
    rows
        Standardised features of the site's lesions.

    Returns
    -------
    Selection
        The features of ``first`` that the site measured, or where it measured none of them, all of its own.
    """
    there = with_values(rows, feature_columns(rows))
    keys = tuple(name for name in first.features if name in there) or tuple(there)
    return replace(first, features=keys, names=tuple(readable(key) for key in keys))
