"""Intraclass correlation against the published example and against its own definition."""

import numpy as np
import pytest

from radprompt.evaluation.intraclass import intraclass

# Shrout & Fleiss 1979, table 2: six targets, four judges.
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_published_example() -> None:
    """The paper prints 0.17; intraclass_corr of pingouin 0.7.0 prints ICC(1,1) 0.165742 [-0.13, 0.72]."""
    found = intraclass(JUDGES[:, :, None])
    assert found.icc[0] == pytest.approx(0.165742, abs=5e-7)
    assert (round(found.low[0], 2), round(found.high[0], 2)) == (-0.13, 0.72)


def test_features_are_judged_each_by_itself() -> None:
    generator = np.random.default_rng(1)
    cases = generator.normal(size=(4000, 1, 1))
    noise = generator.normal(size=(4000, 5, 3)) * np.array([0.0, 0.5, 2.0])
    found = intraclass(cases + noise)
    assert found.icc == pytest.approx([1, 1 / (1 + 0.25), 1 / (1 + 4)], abs=0.03)
    assert (found.low <= found.icc).all()
    assert (found.icc <= found.high).all()


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(2)
    values = generator.normal(size=(20, 1, 4000)) + generator.normal(size=(20, 4, 4000)) * 0.5
    found = intraclass(values, confidence=0.9)
    covered = ((found.low <= 0.8) & (found.high >= 0.8)).mean()
    assert covered == pytest.approx(0.9, abs=0.02)


def test_a_constant_or_missing_feature_has_none() -> None:
    values = np.random.default_rng(3).normal(size=(5, 3, 3))
    values[:, :, 0] = 7.0
    values[2, 1, 1] = np.nan
    assert np.isnan(intraclass(values).icc).tolist() == [True, True, False]


@pytest.mark.parametrize("shape", [(1, 3, 2), (3, 1, 2)])
def test_two_cases_and_two_measurements_are_needed(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="two of each are needed"):
        intraclass(np.zeros(shape))
