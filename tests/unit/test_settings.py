import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.study.settings import SETTINGS, find, gather
from radprompt.tables.cohort import ROLES

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
            "repeat": [0] * 5,
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


HALVES = pd.DataFrame(
    {
        "repeat": [0] * 6 + [1] * 6,
        "lesion_id": list("uvwxyz") * 2,
        "split": ["train", "train", "val", "test", "test", "test", "test", "test", "test", "train", "train", "val"],
    }
)
SITE = pd.DataFrame({"lesion_id": list("zyxwvu"), "split": "test", "label": [0, 1, 0, 1, 0, 1]})


def at_second_site(name: str) -> pd.DataFrame:
    measured = SITE[["lesion_id"]].assign(x=range(6))
    lesions, features = {"vindr_mammo": LESIONS, "inbreast": SITE}, {"vindr_mammo": FEATURES, "inbreast": measured}
    return gather(SETTINGS[name], lesions, features, HALVES)


def ids(rows: pd.DataFrame, repeat: int, split: str) -> str:
    return "".join(rows.loc[(rows["repeat"] == repeat) & (rows["split"] == split), "lesion_id"])


@pytest.mark.parametrize("name", ["inbreast_adapted", "inbreast_extended", "inbreast_scratch"])
def test_the_second_site_trains_and_tests_on_its_halves(name: str) -> None:
    rows = at_second_site(name)
    assert [ids(rows, 0, role) for role in ROLES] == ["uv", "w", "xyz"]
    assert [ids(rows, 1, role) for role in ROLES] == ["xy", "z", "uvw"]
    assert rows.loc[rows["lesion_id"] == "u", "x"].tolist() == [5, 5]


def test_unadapted_trains_on_vindr_and_tests_on_every_half() -> None:
    rows = at_second_site("inbreast_unadapted")
    assert [ids(rows, 0, role) for role in ROLES] == ["ab", "c", "xyz"]
    assert [ids(rows, 1, role) for role in ROLES] == ["ab", "c", "uvw"]


def test_files_of_a_setting_are_those_of_its_repeat_and_selection() -> None:
    assert SETTINGS["inbreast_adapted"].selection_file(3).as_posix() == "models/vindr/selection/0.json"
    assert SETTINGS["inbreast_extended"].selection_file(3).as_posix() == "models/inbreast_extended/selection/3.json"
    assert SETTINGS["inbreast_adapted"].scaler_file(3).as_posix() == "models/inbreast_adapted/scaler/3.json"
    assert list(SETTINGS["vindr"].repeats(20)) == [0]
    assert list(SETTINGS["inbreast_scratch"].repeats(3)) == [0, 1, 2]


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(InputError, match="vindr"):
        find("vinder")
