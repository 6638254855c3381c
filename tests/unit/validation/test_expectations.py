import json

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.gates import expectations as expect
from radprompt.gates.expectations import Suite, read_cells
from radprompt.gates.results import counts, refusal, words
from radprompt.gates.running import run_suites

TABLE = pd.DataFrame(
    {
        "row": [1, 2, 3, 4],
        "lesion_id": ["a", "b", "c", None],
        "x": [1.0, 2.0, np.inf, np.nan],
        "y": [1.0, 1.0, 5.0, 2.0],
        "kind": ["round", "oval", "round", None],
    }
)


def run(*expectations, table=TABLE):
    (result,) = run_suites([Suite("shapes", "data/shapes.csv", table, ("row", "lesion_id"), expectations)])
    return result


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (expect.filled("lesion_id"), "lesion_id is given: not in 1 row: row 4, lesion_id empty"),
        (expect.filled("x"), "x is given: not in 1 row: row 4, lesion_id empty (x = empty)"),
        (expect.empty("kind", "no kind"), "not in 3 rows: row 1, lesion_id a (kind = round); row 2"),
        (expect.within("x", 0, 1.5), "at most 1.5: not in 2 rows: row 2, lesion_id b (x = 2); row 3"),
        (expect.within("x", 1, None, above=True), "above 1: not in 1 row: row 1, lesion_id a (x = 1)"),
        (
            expect.at_least("y", "x", strictly=True),
            "y is more than x: not in 3 rows: row 1, lesion_id a (y = 1, x = 1)",
        ),
        (expect.equal("x", "y", "alike"), "alike: not in 2 rows: row 2, lesion_id b (x = 2, y = 1)"),
        (expect.one_of("kind", ["oval"]), "kind is one of oval: not in 2 rows: row 1"),
        (expect.matching("kind", "^r", "an r"), "an r: not in 1 row: row 2, lesion_id b (kind = oval)"),
        (expect.unique("kind"), "no kind occurs twice: not in 2 rows: row 1, lesion_id a (kind = round); row 3"),
        (expect.unique("kind", "y"), None),
        (expect.pairs_of("kind", "y", [("round", 1), ("oval", 1)], "fits", ""), "fits: not in 1 row: row 3"),
        (expect.holds("kind", ["flat", "oval"], "both", ""), "both: flat occurs in no row"),
        (expect.rows_are(5, "five"), "five: found 4"),
        (expect.columns_include(["row", "z"]), "every column is there: z missing"),
        (expect.columns_are(["row", "lesion_id", "x", "y", "z"], "these"), "these: z missing; kind not expected"),
        (expect.within("z", 0, 1), "z is at least 0 and at most 1: cannot be checked (Error"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_what_is_wrong_is_said_with_the_first_rows(expectation, said):
    (checked,) = run(expectation)["results"]
    assert checked["success"] is (said is None)
    assert said is None or said in words(checked)


def test_results_keep_the_order_and_count_by_severity():
    suite = [
        expect.within("x", 0, 1.5, severity="warning"),
        expect.filled("row"),
        expect.within("z", 0, 1, severity="warning"),
        expect.filled("x"),
        expect.filled("y"),
    ]
    result = run(*suite)
    assert [each["expectation_config"]["description"] for each in result["results"]] == [each.says for each in suite]
    # What cannot be checked is an error whatever its severity.
    assert counts(result) == {"rows": 4, "expectations": 5, "met": 2, "errors": 2, "warnings": 1}
    severities = [each["expectation_config"]["severity"] for each in result["results"]]
    assert severities == ["warning", "critical", "warning", "critical", "critical"]
    json.dumps(result, allow_nan=False)
    assert "inf" in str(result["results"][0]["result"]["unexpected_list"])


def test_an_error_names_each_suite_and_two_fixes_at_most():
    broken = [expect.filled(name, fix=f"mend {name}") for name in ("x", "kind", "lesion_id")]
    results = [run(*broken), run(expect.filled("y"))]
    error = refusal(results, __import__("pathlib").Path(".radprompt/validation/shapes.json"))
    assert error.where == "data/shapes.csv"
    assert error.what.splitlines()[0] == "3 expectations not met of suite shapes"
    assert error.fix == "mend x; or mend kind\nAll results: .radprompt/validation/shapes.json"


def test_cells_are_text_and_rows_are_numbered(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("lesion_id,x\n007,1\nNA,\n")
    table = read_cells(path)
    assert table.to_dict("list") == {"row": [1, 2], "lesion_id": ["007", "NA"], "x": ["1", None]}
    assert expect.with_numbers(table.assign(x=["1.5", "n/a"]), ["x", "z"])["x"].isna().tolist() == [False, True]


@pytest.mark.parametrize("content", [None, "", 'a,b\n"1,2\n'])
def test_a_file_that_is_no_table_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_cells(path)
    assert caught.value.where == str(path)
    assert caught.value.fix
