"""Codes for missing values are asked about; measurements far out are not."""

import numpy as np
import pandas as pd
import pytest
from noise import ROWS, noise, pasted, run_check

from radprompt.core.errors import InputError
from radprompt.own_table.missing_codes import failed_rows, find_codes

RNG = np.random.default_rng(5)
FRACTION = RNG.random(ROWS).round(4)
GREY = RNG.normal(120, 10, ROWS).round(3)
VOLUME = np.exp(RNG.normal(5, 1, ROWS)).round(3)
HOUNSFIELD = RNG.normal(-50, 80, ROWS).round(2)
AGE = RNG.integers(30, 85, ROWS).astype(float)


def with_code(values, code, rows=6):
    values = values.copy()
    values[np.random.default_rng(1).choice(len(values), rows, replace=False)] = code
    return pd.Series(values)


@pytest.mark.parametrize(
    ("values", "code", "rows"),
    [
        *((FRACTION, code, 6) for code in (-9999, -999, -99, -1, 999, 9999, 99999, -32768, 1e20)),
        (FRACTION, -1, 60),
        (FRACTION, -9999, 1),
        (GREY, 0, 6),
        (GREY, -1, 2),
        (VOLUME, -1, 6),
        (VOLUME, -9, 6),
        (VOLUME, 999, 6),  # inside the range of the others
        (HOUNSFIELD, -999, 6),
        (AGE, 999, 6),
        (AGE, -1, 6),
        (RNG.choice([0.0, 1.0], ROWS), 999, 4),
        (RNG.choice([0.0, 1.0], ROWS), 9, 4),
        (RNG.choice([1.0, 2.0, 3.0], ROWS), 99, 1),
    ],
)
def test_codes(values, code, rows):
    assert find_codes(with_code(values, code, rows)) == [code]


def test_two_codes_in_a_column():
    assert sorted(find_codes(with_code(with_code(GREY, -9999, 5), -999, 8))) == [-9999, -999]


@pytest.mark.parametrize("last", [-9999, -999, 999])
@pytest.mark.parametrize("rows", [2, 4])
def test_codes_for_several_reasons_are_found_together(last, rows):
    values, codes = GREY, [last - np.sign(last) * place for place in range(3)]
    for place, code in enumerate(codes):
        values = np.where(np.isin(np.arange(ROWS), np.arange(rows) + 10 * place), code, values)
    assert sorted(find_codes(pd.Series(values))) == sorted(codes)


def test_a_code_of_several_columns_is_found_where_it_stands_once(stopped):
    table = noise(**{f"volume {n}": with_code(VOLUME, -1, 5 if n else 1) for n in range(3)})
    table["difference"] = with_code(HOUNSFIELD, -1, 1)  # among others, -1 is measured
    again = stopped(table, "column 'volume 0': -1 in 1 rows")
    assert again["missing"] == [f"volume {n}=-1" for n in (1, 2, 0)]


@pytest.mark.parametrize(
    "values",
    [
        *(np.exp(np.random.default_rng(seed).normal(10, 3, ROWS)) for seed in range(20)),
        *(np.random.default_rng(seed).standard_t(2, ROWS) for seed in range(20)),
        np.where(RNG.random(ROWS) < 0.9, 0, RNG.integers(1, 30, ROWS)),
        RNG.poisson(2, ROWS),
        RNG.integers(0, 256, ROWS),
        with_code(AGE, 99, 1),
        RNG.choice([1, 2, 3, 9], ROWS),
        RNG.choice([-1, 0, 1], ROWS),
        np.clip(RNG.normal(0.9, 0.2, ROWS), 0, 1),
    ],
)
def test_measurements_and_grades_have_none(values):
    assert find_codes(pd.Series(values, dtype=float)) == []


@pytest.mark.parametrize("cell", ["-9999", "-9999.0", "1.7976931348623157e+308", "inf", "-", "n.d.", "not measured"])
@pytest.mark.parametrize("rows", [8, 80])
def test_the_command_that_is_suggested_reads_the_table(tmp_path, cell, rows):
    table = noise()
    table["Mean"] = table["Mean"].astype(object)
    table.loc[np.random.default_rng(1).choice(ROWS, rows, replace=False), "Mean"] = cell
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="Mean") as error:
        run_check(tmp_path / "t.csv")
    again = pasted(str(error.value))
    found = run_check(tmp_path / "t.csv", missing=again["missing"])
    mean = next(column for column in found.columns if column.name == "Mean")
    assert (mean.kind, mean.missing) == ("number", rows)


def test_a_code_that_is_a_value_elsewhere_is_meant_for_one_column(tmp_path):
    table = noise(fraction=with_code(FRACTION, -1), shift=RNG.integers(-3, 4, ROWS))
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as error:
        run_check(tmp_path / "t.csv")
    assert pasted(str(error.value))["missing"] == ["fraction=-1"]
    found = run_check(tmp_path / "t.csv", missing=["fraction=-1"])
    assert {column.name: column.missing for column in found.columns if column.missing} == {"fraction": 6}


@pytest.mark.parametrize("code", ["-9", "unknown"])
def test_a_code_among_the_labels_is_asked_about(tmp_path, code):
    table = noise()
    table.loc[[3, 60], "label"] = code
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as error:
        run_check(tmp_path / "t.csv")
    found = run_check(tmp_path / "t.csv", missing=pasted(str(error.value))["missing"])
    assert found.flow["excluded"] == {"no label": 2}


def test_dashes_that_are_labels_stay(tmp_path):
    table = noise().replace({"label": {"benign": "-", "malignant": "+"}})
    table["Mean"] = table["Mean"].astype(object)
    table.loc[[3, 60], "Mean"] = "-"
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError) as error:
        run_check(tmp_path / "t.csv")
    found = run_check(tmp_path / "t.csv", missing=pasted(str(error.value))["missing"])
    assert len(found.about) == ROWS


@pytest.mark.parametrize("seed", range(20))
def test_who_follows_the_advice_need_not_come_back(seed: int) -> None:
    """Isolated values inside isolated values (as a Coarseness of a real table has them) are all named at once."""
    random = np.random.default_rng(seed)
    values = pd.Series(np.repeat([-0.102412, -0.10241, -0.102411, -0.1024105, -0.102409, -0.1024095], 30))
    values[random.choice(len(values), 5, replace=False)] = [9.83, 9.83, 9.83, 1.8e-17, 1.8e-17]
    found = find_codes(values)
    assert sorted(found) == [1.8e-17, 9.83]
    assert find_codes(values[~values.isin(found)]) == []


def test_rows_of_zeros_are_left_out_and_said(tmp_path):
    table = noise(**{f"x{number}": RNG.lognormal(size=ROWS) for number in range(6)})
    failed = [4, 40, 77]
    table.loc[failed, table.columns.difference(["label", "Margin", "age"])] = 0
    table.to_csv(tmp_path / "t.csv", index=False)
    found = run_check(tmp_path / "t.csv")
    assert [exclusion.row for exclusion in found.exclusions] == [5, 41, 78]
    assert found.flow["excluded"] == {"its features are 0, as where no lesion was found to measure": 3}


def test_a_region_without_texture_stays():
    table = pd.DataFrame({f"x{n}": np.random.default_rng(4).lognormal(size=ROWS) for n in range(20)})
    for zeros, failed in ((12, []), (19, [3])):
        table.loc[3, [f"x{n}" for n in range(zeros)]] = 0
        assert failed_rows(table) == failed


def test_columns_that_are_often_zero_leave_no_row_out():
    rng = np.random.default_rng(4)
    sparse = pd.DataFrame({f"x{n}": rng.lognormal(size=ROWS) * (rng.random(ROWS) < 0.75) for n in range(12)})
    assert failed_rows(sparse) == []
    assert failed_rows(sparse[[]]) == []


@pytest.mark.parametrize("columns", [3, 60])
def test_a_word_for_missing_in_many_columns_is_named_once(tmp_path, columns):
    table = noise(
        **{
            f"x{n}": pd.Series(RNG.normal(size=ROWS)).astype(str).mask(RNG.random(ROWS) < 0.2, ".")
            for n in range(columns)
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=f"{columns} things") as error:
        run_check(tmp_path / "t.csv")
    assert pasted(str(error.value)) == {"label": "label", "missing": ["."]}
    assert run_check(tmp_path / "t.csv", missing=["."])
    assert len(str(error.value).splitlines()) < 90
