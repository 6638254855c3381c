from pathlib import Path

import pandas as pd
import pytest

from radprompt.errors import InputError
from radprompt.evaluation.predictions import COLUMNS, read_predictions, write_predictions


def rows(model: str, lesions: str = "abcd", **changes: object) -> pd.DataFrame:
    """Four test lesions of two patients and one validation lesion, as one model writes them."""
    table = pd.DataFrame(
        {
            "lesion_id": [*lesions, "v"],
            "patient_id": [f"p{'abcd'.index(lesion) // 2}" for lesion in lesions] + ["p9"],
            "setting": "vindr",
            "model": model,
            "seed": 7,
            "split": ["test"] * len(lesions) + ["val"],
            "label": [int(lesion in "bd") for lesion in lesions] + [1],
            "probability": [0.25] * len(lesions) + [1.0],
        }
    )
    return table.assign(**changes)


def saved(folder: Path, table: pd.DataFrame, name: str = "user.csv") -> Path:
    path = folder / name
    table.to_csv(path, index=False)
    return path


def refusal(*paths: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_predictions(paths)
    return caught.value


def test_round_trip_is_sorted_and_typed(tmp_path: Path) -> None:
    shuffled = rows("llm").sample(frac=1, random_state=0)
    write_predictions(tmp_path / "llm.csv", shuffled)
    write_predictions(tmp_path / "baselines.csv", rows("svm", probability=1 / 3))
    table = read_predictions([tmp_path / "llm.csv", tmp_path / "baselines.csv"])
    assert list(table) == COLUMNS
    assert list(table["lesion_id"]) == [*"abcdv"] * 2
    assert list(table["model"]) == ["llm"] * 5 + ["svm"] * 5
    assert table["probability"].iloc[-1] == pytest.approx(1 / 3, abs=1e-9)
    assert table["label"].tolist() == [0, 1, 0, 1, 1] * 2
    assert set(table["seed"]) == {7}


def test_order_of_rows_and_files_does_not_matter(tmp_path: Path) -> None:
    first, second = saved(tmp_path, rows("llm"), "1.csv"), saved(tmp_path, rows("svm"), "2.csv")
    mixed = saved(tmp_path, pd.concat([rows("svm"), rows("llm")])[::-1], "3.csv")
    pd.testing.assert_frame_equal(read_predictions([second, first]), read_predictions([mixed]))


@pytest.mark.parametrize("column", COLUMNS)
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
    table = read_predictions([saved(tmp_path, pd.concat([rows("llm"), rows("llm", seed=8)]))])
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
    assert len(read_predictions([full, saved(tmp_path, other[other["split"] == "test"], "2.csv")])) == 9
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
    path = saved(tmp_path, rows("llm")[[*COLUMNS[:4], *COLUMNS[5:], "seed"]])
    path.write_text(path.read_text().rstrip().rpartition(",")[0] + "\n")
    assert refusal(path).where.endswith("row 5")


def test_nothing_wrong_is_written(tmp_path: Path) -> None:
    path = tmp_path / "llm.csv"
    write_predictions(path, rows("llm"))
    before = path.read_bytes()
    for wrong in (rows("llm", probability=1.5), rows("llm", setting="nowhere"), rows("llm").drop(columns="seed")):
        with pytest.raises(InputError):
            write_predictions(path, wrong)
    assert path.read_bytes() == before
