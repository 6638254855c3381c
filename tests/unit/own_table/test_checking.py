"""What each column and each row is; what cannot be used is refused or listed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.checking import check


def text(rows: int = 30, **columns) -> str:
    """A table of that many rows as CSV; columns not given are a label and a number."""
    rng = np.random.default_rng(3)
    table = {"label": ["no", "yes"] * (rows // 2), "area": rng.normal(size=rows).round(3)} | columns
    return pd.DataFrame(table).to_csv(index=False)


@pytest.fixture
def checked(write, roles):
    def checked(content, **changes):
        return check(write(content), roles(**changes))

    return checked


def test_sites_and_kinds(sites_file, roles):
    found = check(sites_file, roles(id="case", site="site"))
    assert found.sites == ["North", "South"]
    assert found.classes == ("benign", "malignant")
    kinds = {column.name: (column.kind, column.sites) for column in found.columns}
    assert kinds == {
        "area": ("number", ["North"]),
        "tone": ("number", ["North"]),
        "edge": ("number", ["North", "South"]),
        "shape": ("category", ["North", "South"]),
        "worst area": ("number", ["South"]),
        "worst tone": ("number", ["South"]),
    }
    assert next(column.missing for column in found.columns if column.name == "tone") == 32
    assert found.about["case"].tolist()[:2] == ["N00", "N01"]
    assert found.flow["cases"] == 60
    assert found.flow["sites"]["South"] == {"patients": 30, "benign": 15, "malignant": 15}
    assert list(found.features) == [
        *("area", "tone", "edge", "shape: lobulated", "shape: oval", "shape: round", "worst area", "worst tone")
    ]


def test_rows_and_columns_without_information_are_left_out_and_listed(checked):
    rows = 30
    labels = ["no", "yes"] * 15
    labels[4] = None
    content = text(
        rows,
        label=labels,
        area=[None if n == 7 else (n * 7 % 30) / 8 + 0.1 * (n % 4) for n in range(rows)],
        scanner=[None if n == 7 else "Vision" for n in range(rows)],
        nothing=None,
        remark=[f"free text {n}" for n in range(rows)],
    )
    found = checked(content, ignore=["remark"])
    assert [column.name for column in found.columns] == ["area"]
    assert found.left_out == {
        "remark": "ignored, as asked",
        "scanner": "constant: always Vision",
        "nothing": "empty",
    }
    assert [tuple(exclusion) for exclusion in found.exclusions] == [(5, "no label"), (8, "no feature has a value")]
    assert found.flow["rows"] == 30
    assert found.flow["cases"] == 28
    assert found.flow["excluded"] == {"no label": 1, "no feature has a value": 1}
    assert "row 9" in found.about["case"].tolist()


def test_non_ascii_names_values_and_labels_are_kept(checked):
    content = text(
        label=["gutartig", "bösartig"] * 15,
        Größe=np.random.default_rng(1).normal(size=30).round(2),
        形=["円", "楕円", "円"] * 10,
    )
    found = checked(content, positive="bösartig")
    assert found.classes == ("gutartig", "bösartig")
    assert {column.name: column.kind for column in found.columns} == {
        "area": "number",
        "Größe": "number",
        "形": "category",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "lable"}, "table.label: no column is called 'lable'\nFix: did you mean 'label'?"),
        ({"ignore": ["remarks"]}, "table.ignore: no column is called 'remarks'"),
        ({"group": "label"}, "column 'label' is table.label and table.group"),
        ({"ignore": ["area"], "categories": ["area"]}, "column 'area' is table.ignore and table.categories"),
        ({"ignore": ["area", "patient"], "id": "case"}, "no row has a label and a value"),
    ],
)
def test_roles_must_fit(checked, changes, message):
    content = text(case=[f"c{n}" for n in range(30)], patient=[f"p{n // 2}" for n in range(30)])
    with pytest.raises(InputError) as error:
        checked(content, **changes)
    assert message in str(error.value)


def test_ids_that_occur_twice_are_refused(checked):
    content = text(case=[f"c{n % 29}" for n in range(30)])
    with pytest.raises(InputError) as error:
        checked(content, id="case")
    assert "row 30, column 'case': case 'c0' occurs again; first in row 1" in str(error.value)
    assert "--group" in error.value.fix


@pytest.mark.parametrize("role", ["id", "group", "site"])
def test_a_row_without_id_patient_or_site_is_refused(checked, role):
    own = (
        [None if n == 11 else f"x{n}" for n in range(30)]
        if role != "site"
        else [None if n == 11 else "A" for n in range(30)]
    )
    with pytest.raises(InputError, match="row 12, column 'who': no value"):
        checked(text(who=own), **{role: "who"})


def test_only_constant_columns_leave_nothing(checked):
    with pytest.raises(InputError, match="no column is left to learn from"):
        checked(text(area=[1] * 30))


def test_files_do_not_hang_on_the_place(sites_file, roles, tmp_path):
    first = check(sites_file, roles(id="case", site="site"))
    moved = tmp_path / "elsewhere.csv"
    moved.write_bytes(Path(sites_file).read_bytes())
    pd.testing.assert_frame_equal(check(moved, roles(id="case", site="site")).about, first.about)


def test_a_site_whose_only_column_is_constant_is_refused(checked):
    content = text(
        40,
        area=[(n * 7 % 20) / 3 if n < 20 else None for n in range(40)],
        scanner=[None] * 20 + ["Vision"] * 20,
        site=["A"] * 20 + ["B"] * 20,
    )
    with pytest.raises(InputError, match="no feature has a value at site 'B'"):
        checked(content, site="site")
