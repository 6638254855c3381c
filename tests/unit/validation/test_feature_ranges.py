import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radprompt.core.params import load_params
from radprompt.gates.feature_ranges import ORDERED, ROUNDING, UNBOUNDED, ranges
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.tables.feature_names import FEATURES

SETTINGS = load_params(Path(__file__).parents[3] / "params.yaml").radiomics


def images():
    """Return masses of every sort: noise, two grey values, a slope, one bright pixel, stripes, nearly flat."""
    draw = np.random.default_rng(5)
    rows, columns = np.mgrid[:40, :36]
    noise = draw.random((40, 36))
    return {
        "noise": noise,
        "two values": (noise > 0.3).astype(float),
        "slope": rows / 39,
        "one bright pixel": ((rows == 20) & (columns == 18)).astype(float),
        "one dark pixel": ((rows != 20) | (columns != 18)).astype(float),
        "stripes": (columns % 2).astype(float),
        "chessboard": ((rows + columns) % 2).astype(float),
        "nearly flat": 0.5 + 1e-6 * noise,
        "bright": 1 - noise**8,
    }


def masks():
    rows, columns = np.mgrid[:40, :36]
    disc = (rows - 20) ** 2 + (columns - 18) ** 2
    two = (disc < 30) | ((rows > 34) & (columns > 28))
    return {
        "disc": disc < 150,
        "square of 16": (abs(rows - 19.5) < 2) & (abs(columns - 17.5) < 2),
        "two rows": (abs(rows - 19.5) < 1),
        "two parts": two,
        "everything": np.ones((40, 36), bool),
    }


def test_every_feature_has_a_range_but_the_unbounded_one():
    assert {*ranges(32, resampled=False), *UNBOUNDED} == set(FEATURES)
    assert {name for pair in ORDERED for name in pair} <= set(FEATURES)
    assert all(each.low < each.high and each.why for each in ranges(32, resampled=False).values())


@pytest.mark.parametrize("levels", [2, 8, 32, 128])
@pytest.mark.parametrize("image", images())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_image_leaves_the_ranges(image, levels):
    bounds = ranges(levels, resampled=False)
    for mask in masks().values():
        values = extract(images()[image], mask, 0.1, replace(SETTINGS, bin_count=levels))
        for name, (low, high, _, above) in bounds.items():
            value = values[name]
            slack = 0 if above else ROUNDING * max(abs(low), 1)
            assert value > low if above else value >= low - slack, (name, value)
            assert math.isinf(high) or value <= high + ROUNDING * max(abs(high), 1), (name, value)
        for larger, smaller in ORDERED:
            assert float(f"{values[larger]:.9g}") >= float(f"{values[smaller]:.9g}"), (larger, smaller)


def test_bounds_follow_the_number_of_levels():
    assert ranges(16, resampled=False)["glcm_JointAverage"].high == 16
    assert ranges(64, resampled=False)["firstorder_Entropy"].high == 6
    assert ranges(32, resampled=False)["firstorder_Maximum"].high == 1


def test_a_spline_may_leave_the_grey_values_but_no_other_bound():
    loose, strict = ranges(32, resampled=True), ranges(32, resampled=False)
    freed = {name for name in strict if loose[name][:2] != strict[name][:2]}
    assert all(name.startswith("firstorder_") for name in freed)
    assert {"firstorder_Maximum", "firstorder_Variance", "firstorder_Mean"} <= freed
    assert not freed & {"firstorder_Entropy", "firstorder_Uniformity", "firstorder_Kurtosis"}
