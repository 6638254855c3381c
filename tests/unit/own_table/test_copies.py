"""Copies of a row, as after two exports were appended, stay on one side of the split."""

import numpy as np
import pandas as pd
import pytest
from noise import NUMBERS, ROWS, noise, run_check

from radprompt.core.errors import InputError
from radprompt.own_table.copies import find_copies, united


def doubled(change=lambda copies: copies) -> pd.DataFrame:
    table = noise()
    table = pd.concat([table, change(table.iloc[:30].copy())], ignore_index=True)
    return table.assign(case=[f"c{row}" for row in range(len(table))])


def rounded(decimals):
    return lambda copies: copies.assign(**copies[NUMBERS].round(decimals))


@pytest.mark.parametrize(
    "change",
    [
        lambda copies: copies,
        rounded(3),
        rounded(2),
        lambda copies: copies.assign(Mean=copies["Mean"].map("{:.4e}".format)),
        lambda copies: copies.assign(Margin=copies["Margin"].str.upper()),
    ],
)
def test_copies_share_a_side_and_it_is_said(tmp_path, change):
    doubled(change).to_csv(tmp_path / "t.csv", index=False)
    found = run_check(tmp_path / "t.csv", id="case")
    about = found.about
    assert (about["split"].iloc[:30].to_numpy() == about["split"].iloc[100:].to_numpy()).all()
    assert about["patient"].nunique() == 100
    assert "60 rows are copies of others, such as rows 1 and 101" in found.notes[-1]


def test_copies_that_differ_in_few_cells_share_a_side(tmp_path):
    rng = np.random.default_rng(2)
    more = {f"x{number}": rng.normal(size=100).round(5) for number in range(8)}
    table = noise(**more)
    again = table.iloc[:40].assign(age=table["age"] + 1, Margin="oval")
    again.loc[::2, "Mean"] = None
    again.loc[::3, "x1"] = 0.5
    pd.concat([table, again]).assign(case=range(2, 282, 2)).to_csv(tmp_path / "t.csv", index=False)
    found = run_check(tmp_path / "t.csv", id="case")
    assert found.about["patient"].nunique() == 100
    assert "80 rows are copies of others, such as rows 1 and 101" in found.notes[-1]


@pytest.mark.parametrize("columns", [6, 40, 400])
def test_coarse_columns_that_agree_by_chance_make_no_copies(columns):
    rng = np.random.default_rng(3)
    size = rng.lognormal(5, 1, 200).round()  # a lesion's voxels, on which half of the columns depend
    values = {f"x{n}": (size * (n + 1) / 2 if n % 2 else rng.normal(0, 1, 200).round(2)) for n in range(columns)}
    assert find_copies(pd.DataFrame(index=range(200)), pd.DataFrame(values).map("{:g}".format)) == []


def test_copies_with_another_label_are_counted(tmp_path):
    other = {"benign": "malignant", "malignant": "benign"}
    doubled(lambda copies: copies.assign(label=copies["label"].map(other))).to_csv(tmp_path / "t.csv", index=False)
    assert "30 pairs differ in their label." in run_check(tmp_path / "t.csv", id="case").notes[-1]


def test_copies_on_two_sides_of_a_given_split_are_refused(tmp_path):
    doubled().assign(part=["train"] * 100 + ["test"] * 30).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="row 1 and row 101 are equal, but on two sides of the split"):
        run_check(tmp_path / "t.csv", id="case", split="part")


def test_copies_at_two_sites_are_refused(tmp_path):
    table = noise(site=["north", "south"] * (ROWS // 2))
    table = pd.concat([table, table.iloc[:3].assign(site="south")], ignore_index=True)
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=r"row 1 and row 101 are equal, but at two sites") as refused:
        run_check(tmp_path / "t.csv", site="site")
    assert refused.value.fix == "remove one of each (2 pairs), or correct column 'site'"


def test_rows_that_agree_by_chance_are_not_copies():
    rng = np.random.default_rng(0)
    coarse = pd.DataFrame(rng.integers(0, 5, (200, 3)).astype(str), columns=list("abc"))
    assert find_copies(pd.DataFrame(index=coarse.index), coarse) == []


def test_groups_of_copies_become_one():
    groups = pd.Series(["a", "b", "c", "d"], index=[1, 2, 3, 4])
    assert united(groups, [(2, 3), (3, 4)]).tolist() == ["a", "b", "b", "b"]
