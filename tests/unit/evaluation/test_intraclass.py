"""Intraclass correlation against the published example and against its own definition."""

import numpy as np
import pytest

from radprompt.evaluation.intraclass import intraclass, intraclass_between

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


def test_published_example_of_readers_who_may_be_biased() -> None:
    """The paper prints 0.29; the limits are those of McGraw and Wong's case 2A, as R's psych prints them."""
    found = intraclass_between(JUDGES[:, :, None])
    assert found.icc[0] == pytest.approx(0.289764, abs=5e-7)
    assert (round(found.low[0], 2), round(found.high[0], 2)) == (0.02, 0.76)


def test_a_readers_offset_counts_as_disagreement() -> None:
    values = np.array([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]])
    # The variance of cases is 16, that of readers 8, and nothing is left as error.
    both = intraclass_between(np.stack([values, values + np.array([0.0, 4.0]), np.ones((3, 2))], axis=2))
    assert both.icc[:2] == pytest.approx([1, 16 / (16 + 8)])
    assert (both.low[0], both.high[0]) == (1, 1)
    assert np.isnan(both.icc[2])


@pytest.mark.parametrize("readers", [2, 4])
def test_interval_of_readers_covers_the_truth_as_often_as_it_says(readers: int) -> None:
    """With offsets of readers below the error; where they are as large, it covers 0.83 instead of 0.9."""
    generator = np.random.default_rng(2)
    offsets = generator.normal(size=(1, readers, 4000)) * 0.2
    values = generator.normal(size=(30, 1, 4000)) + offsets + generator.normal(size=(30, readers, 4000)) * 0.5
    found = intraclass_between(values, confidence=0.9)
    truth = 1 / (1 + 0.04 + 0.25)
    assert ((found.low <= truth) & (found.high >= truth)).mean() == pytest.approx(0.9, abs=0.02)
