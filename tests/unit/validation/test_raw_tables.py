import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.gates.raw_tables import raw_suites
from radprompt.gates.results import counts, words
from radprompt.gates.running import run_suites
from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo

pytestmark = pytest.mark.slow

DATASETS = ("cbis_ddsm", "vindr_mammo", "inbreast")
HEX = "0123456789abcdef0123456789abcde"


def cbis_row(patient, side="LEFT", view="CC", pathology="MALIGNANT", **changes):
    row = dict.fromkeys(cbis_ddsm.COLUMNS, "x")
    row |= {"patient_id": patient, "left_or_right_breast": side, "image_view": view, "abnormality_id": "1"}
    return row | {"abnormality_type": "mass", "assessment": "4", "pathology": pathology} | changes


def vindr_row(number, **changes):
    row = dict.fromkeys(vindr_mammo.COLUMNS, "1")
    row |= {"study_id": f"{HEX}{number}", "image_id": f"{HEX}{number}", "laterality": "L", "view_position": "CC"}
    row |= {"height": "100", "width": "80", "finding_categories": "['Mass']", "finding_birads": "BI-RADS 4"}
    row |= {"xmin": "10.5", "ymin": "10", "xmax": "20", "ymax": "30", "split": "training"}
    return row | changes


def inbreast_row(number, **changes):
    row = {"laterality": "L", "view": "MLO", "acquisition_date": "200801", "file_name": f"2058600{number}"}
    return row | {"bi-rads": "4a"} | changes


@pytest.fixture
def write(tmp_path):
    """Write the tables of the three data sets; returns the results by suite."""

    def write(train=None, findings=None, images=None, *, synthetic=True):
        tables = {
            f"cbis_ddsm/{cbis_ddsm.TABLES['train']}": (train or [cbis_row("P_00001")], ","),
            f"cbis_ddsm/{cbis_ddsm.TABLES['test']}": ([cbis_row("P_00002"), cbis_row("P_00003")], ","),
            f"vindr_mammo/{vindr_mammo.TABLE}": (findings or [vindr_row(1), vindr_row(2)], ","),
            f"inbreast/{inbreast.TABLE}": (images or [inbreast_row(1), inbreast_row(2)], ";"),
        }
        for name, (rows, separator) in tables.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            pd.DataFrame(rows).to_csv(tmp_path / name, sep=separator, index=False)
        return {
            result["suite_name"]: result for result in run_suites(raw_suites(tmp_path, DATASETS, synthetic=synthetic))
        }

    return write


def unmet(result):
    return [words(each) for each in result["results"] if not each["success"]]


def test_tables_as_released_meet_everything(write):
    found = write()
    assert list(found) == [
        *("raw_cbis_ddsm_train", "raw_cbis_ddsm_test", "raw_vindr_mammo", "raw_vindr_mammo_masses", "raw_inbreast")
    ]
    assert all(not unmet(result) for result in found.values()), found


def test_what_a_loader_leaves_out_is_a_warning_that_names_the_row(write):
    train = [
        cbis_row("P_00001"),
        cbis_row("P_00001", view="MLO", pathology="BENIGN"),
        cbis_row("P_00002"),
        cbis_row("P_00004", pathology="UNPROVEN", assessment="seven"),
    ]
    findings = [
        vindr_row(1, xmin="-3"),
        vindr_row(2, finding_birads="", xmax="n/a"),
        vindr_row(3, ymax="5"),
        vindr_row(3, split="test"),
        vindr_row(4, finding_categories="['No Finding']", xmin="", finding_birads=""),
    ]
    found = write(train, findings, [inbreast_row(1, **{"bi-rads": "7"}), inbreast_row(1)])
    assert all(counts(result)["errors"] == 0 for result in found.values())
    said = "\n".join(line for result in found.values() for line in unmet(result))
    for part in (
        "no abnormality is benign in one view and malignant in another: not in 2 rows: row 1, patient_id P_00001",
        "no patient is in both tables: not in 1 row: row 3, patient_id P_00002",
        "(pathology = UNPROVEN)",
        "(assessment = seven)",
        f"row 1, image_id {HEX}1 (xmin = -3)",
        f"finding_birads is given: not in 1 row: row 2, image_id {HEX}2",
        "xmax is a number: not in 1 row: row 2",
        "ymin < ymax: not in 1 row: row 3",
        "no study is in both splits: not in 2 rows: row 3",
        "(bi-rads = 7)",
        "no file_name occurs twice: not in 2 rows",
    ):
        assert part in said
    assert counts(found["raw_vindr_mammo_masses"])["rows"] == 4  # the row without a mass is not asked for a box


def test_real_tables_are_held_against_the_release(write):
    findings = [vindr_row(1), vindr_row(2, split="test"), vindr_row(3, finding_birads="BI-RADS 2")]
    found = write(findings=findings, synthetic=False)
    said = "\n".join(line for result in found.values() for line in unmet(result))
    for part in ("20,486 rows, as in the release: found 3", "989 rows", "237 rows"):
        assert part in said
    assert [counts(found[f"raw_vindr_mammo_{split}_masses"])["rows"] for split in ("training", "test")] == [1, 1]
    assert all(counts(result)["errors"] == 0 for result in found.values())


def test_data_sets_that_are_not_read_are_not_checked(write, tmp_path):
    write()
    suites = raw_suites(tmp_path, ["cbis_ddsm"], synthetic=False)
    assert [suite.name for suite in suites] == ["raw_cbis_ddsm_train", "raw_cbis_ddsm_test"]


@pytest.mark.parametrize(
    ("tables", "suite", "said"),
    [
        (
            {"train": [cbis_row("P_00001"), cbis_row("")]},
            "raw_cbis_ddsm_train",
            "patient_id is given: not in 1 row: row 2",
        ),
        ({"findings": [vindr_row(1, study_id="")]}, "raw_vindr_mammo", "study_id is given: not in 1 row: row 1"),
        (
            {"findings": [{k: v for k, v in vindr_row(1).items() if k != "finding_birads"}]},
            *("raw_vindr_mammo", "every column is there: finding_birads missing"),
        ),
        ({"findings": [vindr_row(1, finding_categories="[]")]}, "raw_vindr_mammo_masses", "a row at least: found 0"),
    ],
)
def test_what_no_loader_can_mend_is_an_error(write, tables, suite, said):
    result = write(**tables)[suite]
    assert counts(result)["errors"] >= 1
    assert any(said in line for line in unmet(result))


def test_an_absent_table_is_an_error_that_says_where_to_get_it(tmp_path):
    with pytest.raises(InputError) as caught:
        raw_suites(tmp_path, DATASETS, synthetic=True)
    assert "cbis_ddsm" in caught.value.where
    assert "Cancer Imaging Archive" in caught.value.fix
