"""mRMR on mixed columns, and the filter before it."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score

from radprompt.own_table.encoding import Encoder
from radprompt.own_table.params import MRMR, Features
from radprompt.own_table.selecting import choose, mutual_information, strongest, to_levels
from radprompt.selection.mrmr import MRMRSelector


def options(**changes) -> Features:
    return Features(**({"selection": "mrmr", "count": 4, "candidates": 200, "mrmr": MRMR("MIQ", 5)} | changes))


def table(rows: int = 200, columns: int = 12, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, rows)
    values = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{n}" for n in range(columns)])
    values["x3"] += 1.5 * labels
    values["x7"] += labels
    return values.set_axis([f"c{n}" for n in range(rows)]), labels


def test_plain_numbers_are_chosen_as_the_big_pipeline_chooses():
    values, labels = table()
    selection = choose(values, labels, Encoder.fit(values), options())
    expected = MRMRSelector(4).fit(values, labels).get_feature_names_ranked().tolist()
    assert list(selection.features) == list(selection.names) == expected
    assert selection.fitted_on == tuple(values.index)


def test_rare_values_and_missing_ones_keep_their_information():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 100)
    rare = np.where((labels == 1) & (rng.random(200) < 0.15), 1.0, 0.0)  # equal-frequency bins would make it constant
    values = pd.DataFrame(
        {
            "noise": rng.normal(size=200),
            "rare": rare,
            "kind": np.where(rare == 1, "spiky", rng.choice(["oval", "round"], 200)),
            "gaps": np.where(labels == 1, np.nan, rng.normal(size=200)),
        }
    )
    encoder = Encoder.fit(values)
    levels = to_levels(values, encoder, 5)
    assert sorted(set(levels[:, 1])) == [0, 1]
    assert sorted(set(levels[:, 2])) == [0, 1, 2]
    assert sorted(set(levels[labels == 1, 3])) == [5]
    assert choose(values, labels, encoder, options(count=1)).features == ("gaps",)


def test_information_is_the_definition():
    values, labels = table(rows=80)
    levels = to_levels(values, Encoder.fit(values), 4)
    expected = [mutual_info_score(column, labels) / np.log(2) for column in levels.T]
    np.testing.assert_allclose(mutual_information(levels, labels), expected, atol=1e-12)


def test_the_filter_keeps_what_tells_most_in_the_tables_order():
    values, labels = table()
    levels = to_levels(values, Encoder.fit(values), 5)
    kept = strongest(levels, labels, 3)
    assert kept.tolist() == sorted(kept)
    assert {3, 7} <= set(kept)
    assert set(choose(values, labels, Encoder.fit(values), options(candidates=3)).features) == {f"x{n}" for n in kept}


def test_all_takes_every_column_and_few_columns_are_no_error():
    values, labels = table(columns=8)
    encoder = Encoder.fit(values)
    assert choose(values, labels, encoder, options(selection="all")).features == encoder.features
    assert sorted(choose(values, labels, encoder, options(count=50)).features) == sorted(encoder.features)


@pytest.mark.parametrize("columns", [3000])
def test_thousands_of_columns_are_filtered_first(columns, monkeypatch):
    values, labels = table(rows=60, columns=columns)
    seen = []
    monkeypatch.setattr(
        "radprompt.own_table.selecting.rank_levels",
        lambda levels, classes, scheme, count: seen.append(levels.shape) or np.arange(count),
    )
    choose(values, labels, Encoder.fit(values), options())
    assert seen == [(60, 200)]
