from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.features import feature_columns, read_features, read_standardised

TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(3, 67)), columns=list(FEATURES))
TABLE.insert(0, "lesion_id", ["007", "NA", "1e5"])  # ids that a careless reader turns into numbers or nothing


def test_ids_stay_text_and_values_keep_nine_digits(tmp_path: Path) -> None:
    write_csv(tmp_path / "f.csv", TABLE)
    back = read_features(tmp_path / "f.csv")
    assert back["lesion_id"].tolist() == ["007", "NA", "1e5"]
    np.testing.assert_allclose(back[list(FEATURES)], TABLE[list(FEATURES)], rtol=5e-9)


def test_standardised_tables_need_the_columns_of_a_cohorts_rows(tmp_path: Path) -> None:
    write_csv(tmp_path / "f.csv", TABLE)
    with pytest.raises(InputError, match="repeat, patient_id, split, label missing"):
        read_standardised(tmp_path / "f.csv")
    write_csv(tmp_path / "f.csv", TABLE.assign(label=1, split="train", patient_id="007", repeat=0))
    back = read_standardised(tmp_path / "f.csv")
    assert list(back)[:5] == ["repeat", "lesion_id", "patient_id", "split", "label"]
    assert feature_columns(back) == list(FEATURES)
    assert set(back["patient_id"]) == {"007"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.drop(columns="lesion_id"), r"column\(s\) lesion_id missing"),
        (lambda table: table[["lesion_id"]], "no feature column"),
        (lambda table: table.assign(lesion_id=["a", "b", "a"]), "row 3: lesion_id 'a' occurs twice"),
    ],
    ids=["column", "features", "id"],
)
def test_a_broken_table_is_named(tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    write_csv(tmp_path / "f.csv", change(TABLE))
    with pytest.raises(InputError, match=words):
        read_features(tmp_path / "f.csv")


def test_an_absent_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv: no such feature table"):
        read_features(tmp_path / "absent.csv")
