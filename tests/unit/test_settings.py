import pandas as pd
import pytest

from radprompt.errors import InputError
from radprompt.settings import SETTINGS, find, gather

LESIONS = pd.DataFrame(
    {
        "lesion_id": ["d", "b", "a", "c", "e", "f"],
        "split": ["test", "train", "train", "val", "train", "test"],
        "label": [1, 0, 1, 0, 1, 0],
    }
)
FEATURES = pd.DataFrame({"lesion_id": list("abcdf"), "x": [1.0, 2.0, 3.0, 4.0, 6.0]})  # e was excluded


def gathered(lesions: pd.DataFrame = LESIONS, features: pd.DataFrame = FEATURES) -> pd.DataFrame:
    return gather(SETTINGS["vindr"], {"vindr_mammo": lesions}, {"vindr_mammo": features})


def test_rows_come_by_role_and_id_with_their_own_label_and_features() -> None:
    expected = pd.DataFrame(
        {
            "lesion_id": ["a", "b", "c", "d", "f"],
            "split": ["train", "train", "val", "test", "test"],
            "label": [1, 0, 0, 1, 0],
            "x": [1.0, 2.0, 3.0, 4.0, 6.0],
        }
    )
    pd.testing.assert_frame_equal(gathered(), expected)


def test_order_of_the_tables_does_not_matter() -> None:
    shuffled = gathered(LESIONS.sample(frac=1, random_state=1), FEATURES.sample(frac=1, random_state=2))
    pd.testing.assert_frame_equal(shuffled, gathered())


def test_features_of_an_unknown_lesion_are_refused() -> None:
    with pytest.raises(InputError, match="'d'"):
        gathered(lesions=LESIONS[LESIONS["lesion_id"] != "d"])


def test_a_role_without_lesions_is_refused() -> None:
    with pytest.raises(InputError, match="no lesion with features to val on"):
        gathered(features=FEATURES[FEATURES["lesion_id"] != "c"])


def test_training_lesions_of_one_class_are_refused() -> None:
    with pytest.raises(InputError, match="one class only"):
        gathered(features=FEATURES[FEATURES["lesion_id"] != "b"])


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(InputError, match="vindr"):
        find("vinder")
