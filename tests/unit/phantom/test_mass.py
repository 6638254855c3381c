import numpy as np
import pytest
from skimage.draw import polygon2mask
from skimage.measure import label

from radprompt.mammograms.phantom.mass import Traits, draw_mass, draw_traits

CALM = Traits(-2, -2, -2, 0, 0, 0, 1.0)
NAMES = ["irregularity", "spiculation", "indistinctness", "density", "heterogeneity"]


def _mask(patch, spacing):
    half = patch.signal.shape[0] // 2
    return polygon2mask(patch.signal.shape, patch.outline_mm[:, ::-1] / spacing + half)


@pytest.mark.parametrize("irregularity", [-2.0, 0.0, 2.0])
def test_area_is_that_of_the_disc_whatever_the_shape(irregularity):
    traits = Traits(irregularity, 0, 0, 0, 0, 0.5, 0.8)
    mask = _mask(draw_mass(traits, 0.2, np.random.default_rng(1)), 0.2)
    assert mask.sum() * 0.2**2 == pytest.approx(np.pi / 4 * traits.diameter_mm**2, rel=0.02)
    assert label(mask).max() == 1


def test_irregular_masses_have_a_longer_contour():
    def compactness(irregularity):
        values = []
        for seed in range(10):
            points = draw_mass(Traits(irregularity, 0, 0, 0, 0, 0, 1.0), 0.3, np.random.default_rng(seed)).outline_mm
            steps = np.linalg.norm(np.diff(np.vstack([points, points[:1]]), axis=0), axis=1).sum()
            values.append(steps / (np.pi * CALM.diameter_mm))
        return np.mean(values)

    assert compactness(-2) < 1.05
    assert compactness(2) > 1.3


def test_spicules_leave_the_contour_and_only_them():
    spiculated = Traits(-2, 2, -2, 0, 0, 0, 1.0)
    inside = []
    for traits in (CALM, spiculated):
        patch = draw_mass(traits, 0.25, np.random.default_rng(4))
        distance = np.hypot(*np.meshgrid(*[(np.arange(n) - n // 2) * 0.25 for n in patch.signal.shape]))
        ring = (distance > 0.62 * CALM.diameter_mm) & (distance < 0.7 * CALM.diameter_mm)
        inside.append(patch.signal[ring].max())
    assert inside[0] < 0.01 < inside[1]


def test_indistinct_margins_are_wider():
    def width(indistinctness):
        patch = draw_mass(Traits(-2, -2, indistinctness, 0, -3, 0, 1.0), 0.25, np.random.default_rng(0))
        return np.abs(np.gradient(patch.signal)[0]).max() / patch.signal.max()

    assert width(-2) > 1.5 * width(2)


def test_traits_follow_malignancy_with_the_stated_correlation():
    rng = np.random.default_rng(0)
    latent = rng.standard_normal(3000)
    drawn = [draw_traits(z, 0.66, rng) for z in latent]
    for name in NAMES:
        values = np.array([getattr(traits, name) for traits in drawn])
        assert 0.5 < np.corrcoef(latent, values)[0, 1] < 0.7, name
        assert values.std() == pytest.approx(1, abs=0.05)
    roundness = np.corrcoef(latent, [traits.roundness for traits in drawn])[0, 1]
    assert abs(roundness) < 0.05
    sizes = np.array([traits.diameter_mm for traits in drawn])
    assert sizes.min() >= 7
    assert sizes.max() <= 30


def test_words_of_the_lexicon():
    assert (CALM.shape_word, CALM.margin_word) == ("ROUND", "CIRCUMSCRIBED")
    grave = Traits(2, 2, 2, 1, 1, 1, 0.7)
    assert (grave.shape_word, grave.margin_word) == ("IRREGULAR", "ILL_DEFINED-SPICULATED")
