import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.params import MRMR, Features
from radprompt.selection.choose import COMMON_EIGHT, choose_features
from radprompt.selection.mrmr import MRMRSelector
from radprompt.tables.feature_names import FEATURES


def options(selection: str, count: int = 8) -> Features:
    return Features(selection=selection, count=count, mrmr=MRMR(scheme="MIQ", bins=5, stability_draws=3))


@pytest.fixture
def train() -> pd.DataFrame:
    values = np.random.default_rng(1).normal(size=(60, len(FEATURES)))
    values[:, 8] += 2 * (np.arange(60) % 2)
    table = pd.DataFrame(values, columns=list(FEATURES))
    return table.assign(lesion_id=[f"l{i}" for i in range(60)], label=np.arange(60) % 2)


def test_mrmr_keeps_its_ranking(train: pd.DataFrame) -> None:
    chosen = choose_features(train, options("mrmr", 5))
    expected = MRMRSelector(5).fit(train[list(FEATURES)], train["label"]).get_feature_names_ranked()
    assert list(chosen.features) == list(expected)
    assert chosen.features[0] == "shape_Sphericity"
    assert (chosen.method, chosen.fitted_on) == ("mrmr", tuple(train["lesion_id"]))


def test_the_papers_common_eight_by_their_printed_names(train: pd.DataFrame) -> None:
    chosen = choose_features(train, options("common_eight"))
    assert chosen.features == COMMON_EIGHT
    assert chosen.names == (
        *("Pixel Surface", "Sphericity", "Perimeter", "Mean", "Variance", "Entropy"),
        *("Small Area High Gray Level Emphasis", "Zone Entropy"),
    )


def test_all_features_are_all(train: pd.DataFrame) -> None:
    assert choose_features(train, options("all")).features == FEATURES


def test_of_fewer_features_than_are_wanted_all_are_chosen(train: pd.DataFrame) -> None:
    few = train[["lesion_id", "label", "shape_Sphericity", "firstorder_Mean"]].assign(glcm_Idm=np.nan)
    assert set(choose_features(few, options("mrmr", 8)).features) == {"shape_Sphericity", "firstorder_Mean"}
    with pytest.raises(InputError, match="no feature has a value"):
        choose_features(few[["lesion_id", "label", "glcm_Idm"]], options("mrmr", 8))
