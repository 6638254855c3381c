"""Table 1 counts what the lesion tables hold."""

from radprompt.core.outputs import write_csv
from radprompt.pages.report.cohort_table import cohort_table
from radprompt.pages.report.reader import Reader
from radprompt.tables.lesions import read_lesions


def _rows(found):
    """Return cells by name and value; a name stands for the rows below it."""
    rows, name = {}, ""
    for row in found["rows"]:
        name = row["name"] or name
        rows[name, row["value"]] = row["cells"]
    return rows


def test_columns_are_data_sets_and_splits_with_the_test_last(repository, settings):
    found = cohort_table(Reader(repository), settings)
    assert found["groups"] == [
        ("CBIS-DDSM", ["train", "test"]),
        ("VinDr-Mammo", ["train", "val", "test"]),
        ("INbreast", ["adapt", "test"]),
    ]
    assert {len(row["cells"]) for row in found["rows"]} == {7}


def test_cells_are_counts_with_shares_and_medians_with_quartiles(repository, settings):
    rows = _rows(cohort_table(Reader(repository), settings))
    assert rows["Patients", ""] == ["2"] * 7
    assert rows["Lesions", ""] == ["4"] * 7
    assert rows["Class", "benign"] == rows["Class", "malignant"] == ["2 (50.0)"] * 7
    assert rows["Views", "CC"] == ["4 (100.0)"] * 7
    assert rows["BI-RADS", "3"] == ["2 (50.0)"] * 7
    # A box of 20 x 28 px; INbreast alone has a spacing, 0.1 mm.
    assert rows["Longer side of the box, px", ""] == ["28.0 [28.0 to 28.0]"] * 7
    assert rows["Longer side of the box, mm", ""] == ["\N{EN DASH}"] * 5 + ["2.8 [2.8 to 2.8]"] * 2


def test_quartiles_are_those_of_the_lesions_of_a_split(repository, settings):
    path = repository / "data/lesions/inbreast.csv"
    lesions = read_lesions(path)
    lesions.loc[lesions["split"] == "test", "xmax"] = lesions["xmin"] + [0, 0, 0, 0, 30, 40, 50, 60]
    write_csv(path, lesions)
    rows = _rows(cohort_table(Reader(repository), settings))
    assert rows["Longer side of the box, px", ""][-1] == "45.0 [37.5 to 52.5]"


def test_a_column_that_nothing_fills_has_no_rows(repository, settings):
    for name in ("cbis_ddsm", "vindr_mammo", "inbreast"):
        path = repository / f"data/lesions/{name}.csv"
        write_csv(path, read_lesions(path).assign(birads="", spacing_mm=float("nan")))
    names = {name for name, _ in _rows(cohort_table(Reader(repository), settings))}
    assert names == {"Patients", "Lesions", "Class", "Views", "Sides", "Longer side of the box, px"}
    for path in (repository / "data/lesions").glob("*.csv"):
        path.unlink()
    assert cohort_table(Reader(repository), settings) is None
