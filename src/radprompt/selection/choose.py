"""Which features a prompt names: by mRMR, the paper's fixed eight, or all."""

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Features
from radprompt.selection.mrmr import MRMRSelector
from radprompt.selection.record import Selection
from radprompt.tables.feature_names import readable
from radprompt.tables.features import feature_columns

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
    """Choose on training lesions.

    Parameters
    ----------
    train
        ``lesion_id``, ``label`` and the features of the training lesions.
    options
        The method and its settings.

    Raises
    ------
    InputError
        If more features are wanted than there are.
    """
    features = feature_columns(train)
    if options.count > len(features):
        raise InputError(f"count is {options.count}", where="params.yaml, features", fix=f"at most {len(features)}")
    absent = [name for name in COMMON_EIGHT if name not in features] if options.selection == "common_eight" else []
    if absent:
        what = f"common_eight wants {', '.join(absent)}, which were not measured"
        raise InputError(what, where="params.yaml, features.selection", fix="use mrmr or all")
    if options.selection == "mrmr":
        selector = MRMRSelector(options.count, options.mrmr.scheme, options.mrmr.bins)
        keys = tuple(selector.fit(train[features], train["label"]).get_feature_names_ranked())
    else:
        keys = COMMON_EIGHT if options.selection == "common_eight" else tuple(features)
    names = tuple(readable(key) for key in keys)
    return Selection(keys, names, options.selection, options.mrmr.scheme, options.mrmr.bins, tuple(train["lesion_id"]))
