"""What an exported model says of itself, and where a value lies in its training range."""

import json

import pytest

from radprompt.core.errors import InputError
from radprompt.export.record import Range, Record

pytestmark = pytest.mark.slow

RANGE = Range(1.0, 2.0, 8.0, 9.0)


@pytest.mark.parametrize(
    ("value", "place"),
    [(0.99, "below"), (1.0, "low"), (1.99, "low"), (2.0, "within"), (8.0, "within"), (8.01, "high"), (9.0, "high"),
     (9.01, "above")],
)  # fmt: skip
def test_a_value_is_placed_and_the_ends_belong_to_the_range(value, place):
    assert RANGE.place(value) == place


def test_ranges_are_least_greatest_and_outer_percentiles_of_the_training_rows(repository, exported):
    import pandas as pd

    features = pd.read_csv(repository / "data/features/vindr_mammo.csv").set_index("lesion_id")
    lesions = pd.read_csv(repository / "data/lesions/vindr_mammo.csv").set_index("lesion_id")
    train = features[lesions.loc[features.index, "split"] == "train"]
    record = Record.load(exported / "model.json")
    selection = json.loads((exported / "selection.json").read_text())
    assert list(record.ranges) == selection["features"]
    for key, known in record.ranges.items():
        assert (known.least, known.greatest) == (train[key].min(), train[key].max())
        assert known.p1 == pytest.approx(train[key].quantile(0.01))
        assert known.p99 == pytest.approx(train[key].quantile(0.99))
    assert record.training.lesions == len(train) == 12
    assert (record.unit, record.threshold, record.tested.auc) == ("mm", 0.5, 0.625)
    assert record.synthetic


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, r"format 1; this radprompt reads format 3\nFix: install radprompt"),
        ({"unit": "cm"}, r"model\.json: unit"),
        ({"later": 1}, r"model\.json: later"),
        ({"ranges": {}}, r"model\.json: ranges"),
    ],
)
def test_another_versions_record_is_refused(own_export, change, message):
    path = own_export / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message):
        Record.load(path)
