"""Who belongs to a setting, and what each lesion is used for."""

from collections.abc import Mapping

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.study.cohort import build_cohort
from radprompt.study.settings import Settings
from radprompt.tables.cohort import COLUMNS, ROLES


def _lesions(dataset: str, ids: str, splits: list[str], labels: list[int]) -> pd.DataFrame:
    table = pd.DataFrame({"lesion_id": list(ids), "split": splits, "label": labels, "dataset": dataset})
    return table.assign(
        patient_id="p" + table["lesion_id"], study_id="s" + table["lesion_id"], image_path=table["lesion_id"] + ".dcm"
    )


LESIONS = {
    "vindr_mammo": _lesions(
        "vindr_mammo", "dbacef", ["test", "train", "train", "val", "train", "test"], [1, 0, 1, 0, 1, 0]
    ),
    "inbreast": _lesions("inbreast", "zyxwvu", ["test"] * 6, [0, 1, 0, 1, 0, 1]),
}
MEASURED = {"vindr_mammo": set("abcdf"), "inbreast": set("uvwxyz")}  # e could not be measured
HALVES = {
    "inbreast": pd.DataFrame(
        {
            "repeat": [0] * 6 + [1] * 6,
            "lesion_id": list("uvwxyz") * 2,
            "split": ["train", "train", "val", "test", "test", "test"] + ["test"] * 3 + ["train", "train", "val"],
        }
    )
}


def cohort(
    settings: Settings,
    name: str = "vindr",
    lesions: Mapping[str, pd.DataFrame] = LESIONS,
    measured: Mapping[str, set[str]] = MEASURED,
    halves: Mapping[str, pd.DataFrame] = HALVES,
) -> pd.DataFrame:
    return build_cohort(settings[name], settings, lesions, measured, halves)


def ids(rows: pd.DataFrame, repeat: int, split: str) -> str:
    return "".join(rows.loc[(rows["repeat"] == repeat) & (rows["split"] == split), "lesion_id"])


def test_rows_come_by_split_and_id_and_unmeasured_lesions_are_left_out(settings: Settings) -> None:
    expected = pd.DataFrame(
        {
            "repeat": 0,
            "lesion_id": list("abcdf"),
            "patient_id": ["pa", "pb", "pc", "pd", "pf"],
            "study_id": ["sa", "sb", "sc", "sd", "sf"],
            "image_path": ["a.dcm", "b.dcm", "c.dcm", "d.dcm", "f.dcm"],
            "dataset": "vindr_mammo",
            "split": ["train", "train", "val", "test", "test"],
            "label": [1, 0, 0, 1, 0],
        }
    )
    pd.testing.assert_frame_equal(cohort(settings), expected)
    assert list(expected) == COLUMNS


@pytest.mark.parametrize("name", ["vindr", "inbreast_unadapted", "inbreast_adapted"])
def test_order_of_the_tables_does_not_matter(name: str, settings: Settings) -> None:
    lesions = {dataset: table.sample(frac=1, random_state=1) for dataset, table in LESIONS.items()}
    halves = {"inbreast": HALVES["inbreast"].sample(frac=1, random_state=2)}
    pd.testing.assert_frame_equal(cohort(settings, name, lesions, halves=halves), cohort(settings, name))


@pytest.mark.parametrize("name", ["inbreast_adapted", "inbreast_extended", "inbreast_scratch"])
def test_the_second_site_trains_and_tests_on_its_halves(name: str, settings: Settings) -> None:
    rows = cohort(settings, name)
    assert [ids(rows, 0, role) for role in ROLES] == ["uv", "w", "xyz"]
    assert [ids(rows, 1, role) for role in ROLES] == ["xy", "z", "uvw"]


def test_unadapted_trains_on_vindr_and_tests_on_every_half(settings: Settings) -> None:
    rows = cohort(settings, "inbreast_unadapted")
    assert [ids(rows, 0, role) for role in ROLES] == ["ab", "c", "xyz"]
    assert [ids(rows, 1, role) for role in ROLES] == ["ab", "c", "uvw"]
    assert set(rows.loc[rows["split"] == "train", "dataset"]) == {"vindr_mammo"}


@pytest.mark.parametrize(
    ("name", "start", "start_val"),
    [
        ("vindr", "", ""),
        ("inbreast_unadapted", "", ""),
        ("inbreast_adapted", "ab", "c"),
        ("inbreast_extended", "ab", "c"),
        ("inbreast_scratch", "", ""),
    ],
)
def test_lesions_of_a_model_that_is_continued_stand_once(
    name: str, start: str, start_val: str, settings: Settings
) -> None:
    rows = cohort(settings, name)
    assert (ids(rows, 0, "start"), ids(rows, 0, "start_val")) == (start, start_val)
    assert (ids(rows, 1, "start"), ids(rows, 1, "start_val")) == ("", "")


def test_features_of_an_unknown_lesion_are_refused(settings: Settings) -> None:
    lesions = LESIONS | {"vindr_mammo": LESIONS["vindr_mammo"].query("lesion_id != 'd'")}
    with pytest.raises(InputError, match=r"1 lesion\(s\) that the lesion table does not have, such as 'd'") as caught:
        cohort(settings, lesions=lesions)
    assert caught.value.where == "data/features/vindr_mammo.csv"


@pytest.mark.parametrize(
    ("name", "gone", "role", "where"),
    [
        ("vindr", "c", "val", "data/lesions/vindr_mammo.csv, split 'val'"),
        ("vindr", "df", "test", "data/lesions/vindr_mammo.csv, split 'test'"),
        ("inbreast_scratch", "z", "val", "data/halves/inbreast.csv, repeat 1, split 'val'"),
        ("inbreast_scratch", "uv", "train", "data/halves/inbreast.csv, repeat 0, split 'train'"),
    ],
)
def test_a_split_without_measured_lesions_is_refused(
    name: str, gone: str, role: str, where: str, settings: Settings
) -> None:
    measured = {dataset: known - set(gone) for dataset, known in MEASURED.items()}
    with pytest.raises(InputError, match=f"setting '{name}' has no lesion with features to {role} on") as caught:
        cohort(settings, name, measured=measured)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("name", "gone", "where"),
    [
        ("vindr", "b", "data/lesions/vindr_mammo.csv"),
        ("inbreast_adapted", "x", "data/halves/inbreast.csv, repeat 1"),
    ],
)
def test_training_lesions_of_one_class_are_refused(name: str, gone: str, where: str, settings: Settings) -> None:
    measured = {dataset: known - set(gone) for dataset, known in MEASURED.items()}
    with pytest.raises(InputError, match="training lesions of one class only") as caught:
        cohort(settings, name, measured=measured)
    assert caught.value.where == where
