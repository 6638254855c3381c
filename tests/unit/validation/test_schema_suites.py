"""Reader and gate refuse the same rows: both are made from the table's schema."""

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.gates.expectations import Suite, none_for_missing, numbers_of, of_schema
from radprompt.gates.running import run_suites
from radprompt.tables import cohort, lesions, predictions, prompts
from radprompt.tables.schema import Schema

GOOD = {
    "lesions": (
        lesions.SCHEMA,
        "a,p,s,d,i.dcm,CC,L,4,1,train,1,2,30,40,,0.07,PixelSpacing,",
        {"lesion_id": "a/b", "label": "2", "split": "tset", "xmin": "-1", "ymax": "4.5", "spacing_mm": "70"},
    ),
    "cohort": (cohort.SCHEMA, "0,a,p,s,i.dcm,d,train,1", {"repeat": "-1", "split": "adapt", "label": "malignant"}),
    "predictions": (
        predictions.SCHEMA,
        "a,p,vindr,0,llm,7,test,1,0.5",
        {"patient_id": "", "seed": "-2", "split": "Test", "label": "", "probability": "1.5"},
    ),
    "prompts": (prompts.SCHEMA, "0,a,test,text,1", {"prompt": "   ", "split": "adapt", "label": "7"}),
}


def cells_of(schema: Schema, line: str, spoilt: dict[str, str]) -> pd.DataFrame:
    """Return a good row, and one row for each value that is wrong."""
    row = dict(zip(schema.names, line.split(","), strict=True))
    rows = [
        row,
        *(row | {"lesion_id": f"l{number}", name: value} for number, (name, value) in enumerate(spoilt.items())),
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("table", GOOD)
def test_what_the_reader_refuses_the_gate_counts(table: str) -> None:
    schema, line, spoilt = GOOD[table]
    cells = cells_of(schema, line, spoilt)
    refused = set(range(1, len(cells)))
    schema.check(cells.iloc[[0]], ["row 0"])
    for row in refused:
        with pytest.raises(InputError, match=f"^row {row}: "):
            schema.check(cells.iloc[[row]], [f"row {row}"])
    checked = none_for_missing(numbers_of(cells.replace("", None).assign(row=range(len(cells))), schema))
    result = run_suites([Suite("made_up", "made_up.csv", checked, ("row",), of_schema(schema))])[0]
    unmet = [each for each in result["results"] if not each["success"]]
    assert {row["row"] for each in unmet for row in each["result"]["unexpected_index_list"]} == refused
    assert {each["expectation_config"]["kwargs"]["column"] for each in unmet} == set(spoilt)


def test_all_wrong_rows_are_named_at_once_the_first_with_its_place() -> None:
    schema, line, spoilt = GOOD["predictions"]
    cells = cells_of(schema, line, spoilt)
    with pytest.raises(InputError) as caught:
        schema.check(cells, [f"user.csv, row {row}" for row in range(1, len(cells) + 1)])
    assert caught.value.where == "user.csv, row 2"
    assert caught.value.what.splitlines() == [
        "patient_id '' is empty",
        "user.csv, row 3: seed '-2' is not a whole number (0 if the model has no randomness)",
        "user.csv, row 4: split 'Test' is not one of train, val, test",
        "user.csv, row 5: label '' is not 0 (benign) or 1 (malignant)",
        "user.csv, row 6: probability '1.5' is not a number from 0 to 1: the probability of malignancy",
    ]
