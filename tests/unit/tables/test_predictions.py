from pathlib import Path

import pandas as pd
import pytest
from prediction_rows import SETTINGS, rows

from radprompt.core.errors import InputError
from radprompt.tables.predictions import COLUMNS, read_predictions, write_predictions


def saved(folder: Path, table: pd.DataFrame, name: str = "user.csv") -> Path:
    path = folder / name
    table.to_csv(path, index=False)
    return path


def refusal(*paths: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_predictions(paths, SETTINGS)
    return caught.value


def test_round_trip_is_sorted_and_typed(tmp_path: Path) -> None:
    shuffled = rows("llm").sample(frac=1, random_state=0)
    write_predictions(tmp_path / "llm.csv", shuffled)
    write_predictions(tmp_path / "baselines.csv", rows("svm", probability=1 / 3))
    table = read_predictions([tmp_path / "llm.csv", tmp_path / "baselines.csv"], SETTINGS)
    assert list(table) == COLUMNS
    assert list(table["lesion_id"]) == [*"abcdv"] * 2
    assert list(table["model"]) == ["llm"] * 5 + ["svm"] * 5
    assert table["probability"].iloc[-1] == pytest.approx(1 / 3, abs=1e-9)
    assert table["label"].tolist() == [0, 1, 0, 1, 1] * 2
    assert set(table["seed"]) == {7}


def test_order_of_rows_and_files_does_not_matter(tmp_path: Path) -> None:
    first, second = saved(tmp_path, rows("llm"), "1.csv"), saved(tmp_path, rows("svm"), "2.csv")
    mixed = saved(tmp_path, pd.concat([rows("svm"), rows("llm")])[::-1], "3.csv")
    pd.testing.assert_frame_equal(read_predictions([second, first], SETTINGS), read_predictions([mixed], SETTINGS))


def halved(model: str, repeats: int = 2, **changes: object) -> pd.DataFrame:
    """As one model writes several halves: even ones test patient p0 and validate on p1, odd ones the reverse."""
    parts = []
    for repeat in range(repeats):
        part = rows(model, setting="inbreast_adapted", repeat=repeat).iloc[:4]
        parts.append(part.assign(split=["test"] * 2 + ["val"] * 2 if repeat % 2 == 0 else ["val"] * 2 + ["test"] * 2))
    return pd.concat(parts, ignore_index=True).assign(**changes)


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "repeat"])
def test_missing_column(tmp_path: Path, column: str) -> None:
    error = refusal(saved(tmp_path, rows("llm").drop(columns=column)))
    assert f"column(s) {column} missing" in error.what
    assert error.where.endswith("user.csv")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("probability", "1.2"),
        ("probability", "-0.01"),
        ("probability", "nan"),
        ("probability", ""),
        ("probability", "inf"),
        ("probability", "high"),
        ("label", "2"),
        ("label", "malignant"),
        ("label", ""),
        ("split", "Test"),
        ("setting", "vinder"),
        ("seed", "x"),
        ("seed", "-1"),
        ("repeat", "first"),
        ("repeat", "-1"),
        ("repeat", "0.0"),
        ("repeat", ""),
        ("repeat", "1"),  # vindr has one test split
        ("lesion_id", ""),
        ("patient_id", ""),
        ("model", ""),
    ],
)
def test_bad_value_names_row_and_value(tmp_path: Path, column: str, value: str) -> None:
    table = rows("llm").astype(str)
    table.loc[2, column] = value
    error = refusal(saved(tmp_path, table))
    assert error.where.endswith("user.csv, row 3")
    assert column in error.what
    assert repr(value) in error.what
    assert error.fix


def test_repeated_lesion_names_both_rows(tmp_path: Path) -> None:
    table = pd.concat([rows("llm"), rows("llm").iloc[[1]]])
    error = refusal(saved(tmp_path, table))
    assert "'b'" in error.what
    assert error.where.endswith("row 6")
    assert "row 2" in error.what


def test_repeat_across_files(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, rows("llm"), "1.csv"), saved(tmp_path, rows("llm"), "2.csv"))
    assert error.where.endswith("2.csv, row 1")
    assert "1.csv, row 1" in error.what


def test_another_seed_is_no_repeat(tmp_path: Path) -> None:
    table = read_predictions([saved(tmp_path, pd.concat([rows("llm"), rows("llm", seed=8)]))], SETTINGS)
    assert len(table) == 10


def test_lesion_that_another_model_has(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path, rows("llm"), "1.csv"), saved(tmp_path, rows("svm", lesions="abd"), "2.csv"))
    assert "'svm'" in error.what
    assert "'c'" in error.what
    assert "1.csv, row 3" in error.what
    assert error.where.endswith("2.csv")


def test_a_model_may_leave_out_validation_but_not_test(tmp_path: Path) -> None:
    other = rows("svm")
    full = saved(tmp_path, rows("llm"), "1.csv")
    assert len(read_predictions([full, saved(tmp_path, other[other["split"] == "test"], "2.csv")], SETTINGS)) == 9
    assert "test split" in refusal(full, saved(tmp_path, other[other["split"] == "val"], "2.csv")).what


@pytest.mark.parametrize(("column", "value"), [("label", 1), ("patient_id", "p1"), ("split", "val")])
def test_models_must_agree_about_a_lesion(tmp_path: Path, column: str, value: object) -> None:
    other = rows("svm")
    other.loc[0, column] = value
    error = refusal(saved(tmp_path, rows("llm"), "1.csv"), saved(tmp_path, other, "2.csv"))
    assert error.what.startswith(f"{column} of lesion 'a'")
    assert error.where.endswith("2.csv, row 1")
    assert "1.csv, row 1" in error.what


def test_nothing_to_read(tmp_path: Path) -> None:
    assert "no predictions" in refusal().what
    assert "no rows" in refusal(saved(tmp_path, rows("llm").iloc[:0])).what
    assert "no such file" in refusal(tmp_path / "absent.csv").what
    (tmp_path / "empty.csv").write_text("")
    assert "not a CSV" in refusal(tmp_path / "empty.csv").what


def test_a_row_that_ends_early(tmp_path: Path) -> None:
    path = saved(tmp_path, rows("llm")[[*(name for name in COLUMNS if name != "seed"), "seed"]])
    path.write_text(path.read_text().rstrip().rpartition(",")[0] + "\n")
    assert refusal(path).where.endswith("row 5")


def test_nothing_wrong_is_written(tmp_path: Path) -> None:
    path = tmp_path / "llm.csv"
    write_predictions(path, rows("llm"))
    before = path.read_bytes()
    for wrong in (rows("llm", probability=1.5), rows("llm", setting=""), rows("llm").drop(columns="seed")):
        with pytest.raises(InputError):
            write_predictions(path, wrong)
    assert path.read_bytes() == before


def test_a_file_without_repeats_is_repeat_0(tmp_path: Path) -> None:
    ours = saved(tmp_path, halved("llm"), "1.csv")
    theirs = saved(tmp_path, halved("theirs", repeats=1).drop(columns="repeat"), "2.csv")
    table = read_predictions([ours, theirs], SETTINGS)
    assert table.groupby("model")["repeat"].unique().map(list).to_dict() == {"llm": [0, 1], "theirs": [0]}
    assert table["repeat"].tolist() == [0] * 8 + [1] * 4


def test_a_lesion_may_change_sides_between_repeats_but_not_within(tmp_path: Path) -> None:
    full = saved(tmp_path, halved("llm"), "1.csv")
    table = read_predictions([full], SETTINGS)
    assert table.loc[table["lesion_id"] == "a", "split"].tolist() == ["test", "val"]
    other = halved("svm")
    other.loc[4, "split"] = "test"  # lesion a in repeat 1
    error = refusal(full, saved(tmp_path, other, "2.csv"))
    assert error.what.startswith("split of lesion 'a', repeat 1 is 'test', but 'val' in")
    assert error.where.endswith("2.csv, row 5")
    assert "1.csv, row 5" in error.what


def test_label_and_patient_stay_over_repeats(tmp_path: Path) -> None:
    for column, value in (("label", 1), ("patient_id", "p1")):
        table = halved("llm")
        table.loc[4, column] = value
        error = refusal(saved(tmp_path, table))
        assert error.what.startswith(f"{column} of lesion 'a' is '{value}', but")
        assert error.where.endswith("user.csv, row 5")


def test_a_patient_on_both_sides_of_a_repeat(tmp_path: Path) -> None:
    table = halved("llm")
    table.loc[5, "split"] = "test"  # lesion b of patient p0, whose lesion a is validated on
    error = refusal(saved(tmp_path, table))
    assert error.what.startswith("patient 'p0' has val lesion 'a' and test lesion 'b', repeat 1")
    assert error.where.endswith("user.csv, row 5")
    assert "user.csv, row 6" in error.what
    single = rows("llm")
    single.loc[4, "patient_id"] = "p1"
    error = refusal(saved(tmp_path, single))
    assert error.what.startswith("patient 'p1' has val lesion 'v' and test lesion 'c', repeat 0")
    assert error.where.endswith("user.csv, row 5")


def test_models_may_have_different_repeats_but_begin_at_0(tmp_path: Path) -> None:
    many = saved(tmp_path, halved("svm", repeats=4), "1.csv")
    assert len(read_predictions([many, saved(tmp_path, halved("llm"), "2.csv")], SETTINGS)) == 24
    late = halved("llm")
    error = refusal(many, saved(tmp_path, late[late["repeat"] == 1], "2.csv"))
    assert "model 'llm' has no repeat 0 of setting 'inbreast_adapted'" in error.what
    assert error.where.endswith("2.csv, row 1")


def test_a_repeat_is_complete_by_itself(tmp_path: Path) -> None:
    many = saved(tmp_path, halved("svm"), "1.csv")
    error = refusal(many, saved(tmp_path, halved("llm").drop(index=7), "2.csv"))
    assert (
        "model 'llm' (seed 7, setting 'inbreast_adapted', repeat 1) lacks 1 lesion(s) of the test split" in error.what
    )
    assert "'d'" in error.what
    assert "1.csv, row 8" in error.what


def test_a_lesion_twice_in_a_repeat(tmp_path: Path) -> None:
    table = pd.concat([halved("llm"), halved("llm").iloc[[4]]])
    error = refusal(saved(tmp_path, table))
    assert "lesion_id 'a' occurs twice (setting 'inbreast_adapted', repeat '1', model 'llm', seed '7')" in error.what
    assert error.where.endswith("row 9")
    assert "row 5" in error.what


def test_rows_of_another_setting(tmp_path: Path) -> None:
    path = saved(tmp_path, pd.concat([halved("llm"), rows("llm")]))
    assert len(read_predictions([path], SETTINGS)) == 13
    with pytest.raises(InputError, match=r"user\.csv, row 9: setting 'vindr' is not 'inbreast_adapted'"):
        read_predictions([path], SETTINGS, "inbreast_adapted")
    with pytest.raises(InputError, match="data/predictions/vindr: there are no predictions"):
        read_predictions([], SETTINGS, "vindr")
