import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.study.scaling import FeatureScaler


@pytest.fixture
def raw() -> pd.DataFrame:
    values = np.random.default_rng(3).normal([5, -200, 1e-6], [2, 30, 1e-7], size=(40, 3))
    return pd.DataFrame(values, columns=["a", "b", "c"], index=[f"lesion{i:02d}" for i in range(40)])


def test_training_rows_get_mean_zero_and_sd_one(raw: pd.DataFrame) -> None:
    z = FeatureScaler.fit(raw).transform(raw)
    np.testing.assert_allclose(z.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(z.std(ddof=0), 1, rtol=1e-12)


def test_other_rows_are_scaled_by_the_training_rows(raw: pd.DataFrame) -> None:
    train, test = raw[:30], raw[30:]
    z = FeatureScaler.fit(train).transform(test)
    expected = (test - train.mean()) / train.std(ddof=0)
    pd.testing.assert_frame_equal(z, expected)


def test_row_and_column_order_do_not_matter(raw: pd.DataFrame) -> None:
    scaler = FeatureScaler.fit(raw)
    shuffled = raw.sample(frac=1, random_state=0)[["c", "a", "b"]].assign(extra=1.0)
    pd.testing.assert_frame_equal(scaler.transform(shuffled).sort_index(), scaler.transform(raw))


def test_it_remembers_whom_it_saw(raw: pd.DataFrame, tmp_path: Path) -> None:
    scaler = FeatureScaler.fit(raw[:5])
    scaler.save(tmp_path / "scaler.json")
    assert json.loads((tmp_path / "scaler.json").read_text())["fitted_on"] == [f"lesion{i:02d}" for i in range(5)]


def test_saving_and_loading_changes_no_bit(raw: pd.DataFrame, tmp_path: Path) -> None:
    scaler = FeatureScaler.fit(raw)
    scaler.save(tmp_path / "scaler.json")
    assert FeatureScaler.load(tmp_path / "scaler.json") == scaler


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3, -7.0])
def test_a_constant_column_is_zero_everywhere(raw: pd.DataFrame, value: float) -> None:
    scaler = FeatureScaler.fit(raw.assign(b=value))
    assert scaler.constant == ("b",)
    assert scaler.transform(raw)["b"].abs().max() == 0  # although these rows do vary


def test_a_column_that_happens_to_have_sd_one_is_not_constant() -> None:
    scaler = FeatureScaler.fit(pd.DataFrame({"a": [-1.0, 1.0, -1.0, 1.0]}))
    assert scaler.sd == (1.0,)
    assert scaler.constant == ()


@pytest.mark.parametrize("value", [np.inf, "?"])
def test_a_value_that_is_no_number_names_its_place(raw: pd.DataFrame, value: object) -> None:
    broken = raw.astype(object)
    broken.loc["lesion07", "b"] = value
    with pytest.raises(InputError, match=r"lesion lesion07, feature b"):
        FeatureScaler.fit(broken)
    with pytest.raises(InputError, match=r"lesion lesion07, feature b"):
        FeatureScaler.fit(raw).transform(broken)


def test_missing_values_stay_missing_and_count_for_nothing(raw: pd.DataFrame) -> None:
    gaps = raw.assign(b=raw["b"].mask(raw.index == "lesion07"), d=np.nan)
    scaler = FeatureScaler.fit(gaps)
    assert scaler.features == ("a", "b", "c")
    z = scaler.transform(gaps)
    assert np.isnan(z.loc["lesion07", "b"])
    rest = raw["b"].drop("lesion07")
    np.testing.assert_allclose(z["b"].drop("lesion07"), (rest - rest.mean()) / rest.std(ddof=0))


def test_a_missing_column_is_named(raw: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"\['b'\] missing"):
        FeatureScaler.fit(raw).transform(raw.drop(columns="b"))


def test_no_rows_no_scaler(raw: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no training lesion"):
        FeatureScaler.fit(raw[:0])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": ["a"], "mean": [1], "sd": [], "fitted_on": []}'])
def test_a_file_that_is_no_scaler_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scaler.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"scaler\.json"):
        FeatureScaler.load(path)
    with pytest.raises(InputError, match="no such scaler"):
        FeatureScaler.load(tmp_path / "other.json")
