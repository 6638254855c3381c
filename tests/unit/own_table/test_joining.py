"""Labels from a second table."""

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.own_table.joining import join
from radprompt.own_table.reading import Sheet

WHERE = ("radiomics.csv", "clinical.csv")


def sheet(**columns):
    length = len(next(iter(columns.values())))
    return Sheet(pd.DataFrame(columns, index=range(1, length + 1), dtype=object), [])


FEATURES = sheet(ID=["7", "8", "8", "9"], area=["1", "2", "3", "4"])


def test_rows_find_their_patients_label():
    found = join(FEATURES, sheet(ID=["8", "7"], label=["M", "B"], stage=["1", "2"]), "ID", ["label"], WHERE)
    assert found.cells["label"].tolist() == ["B", "M", "M", None]
    assert list(found.cells) == ["ID", "area", "label"]
    assert found.notes == [
        "3 of 4 rows were found in clinical.csv by 'ID'.",
        "Columns of clinical.csv that have no role are not used: stage.",
    ]


def test_ids_that_a_spreadsheet_turned_to_numbers_are_found():
    found = join(FEATURES, sheet(ID=["007", "8.0", "9.0"], label=["B", "M", "B"]), "ID", ["label"], WHERE)
    assert found.cells["label"].tolist() == ["B", "M", "M", "B"]


@pytest.mark.parametrize(
    ("clinical", "on", "wanted", "message"),
    [
        (sheet(ID=["7"], label=["B"]), "case", ["label"], "radiomics.csv, --on: no column is called 'case'"),
        (sheet(ID=["7"], label=["B"]), "ID", ["diagnosis"], "clinical.csv: no column is called 'diagnosis'"),
        (sheet(ID=["7", "7"], label=["B", "M"]), "ID", ["label"], "row 2: '7' has different values in label"),
        (
            sheet(ID=["p7"], label=["B"]),
            "ID",
            ["label"],
            "no id of clinical.csv is in radiomics.csv: 'p7' here, '7' there",
        ),
        (sheet(ID=["7"], area=["B"]), "ID", ["area"], "both tables have a column 'area'"),
    ],
)
def test_what_cannot_be_joined_is_refused(clinical, on, wanted, message):
    with pytest.raises(InputError) as error:
        join(FEATURES, clinical, on, wanted, WHERE)
    assert message in str(error.value)
