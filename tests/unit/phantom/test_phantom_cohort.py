from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from radprompt.mammograms.phantom.breast import Grid, draw_breast
from radprompt.mammograms.phantom.cohort import draw_cohort, exposures, held_out
from radprompt.mammograms.phantom.mammogram import Extent, draw_mammogram, read_box


@pytest.fixture(scope="module")
def cohort():
    return draw_cohort(281, {"broken": 1, "torn": 2}, 0.66, np.random.default_rng(5))


def test_exactly_as_many_masses_as_asked_for(cohort):
    shown = Counter(bool(e.breast.fault) for e in exposures(cohort) for _ in e.breast.shows(e.view))
    assert shown == {False: 281, True: 3}


def test_suspicion_is_a_rank_so_that_a_cut_gives_the_class_sizes(cohort):
    ranks = [m.suspicion for b in cohort if not b.fault for m in b.masses for _ in m.views]
    assert np.mean(np.array(ranks) < 0.5) == pytest.approx(0.5, abs=0.01)
    assert 0 < min(ranks) < max(ranks) < 1


def test_patients_have_several_views_lesions_and_sides(cohort):
    lesions = [m for b in cohort if not b.fault for m in b.masses]
    assert 0.75 < np.mean([len(m.views) == 2 for m in lesions]) < 0.98
    assert any(len(b.masses) == 2 for b in cohort)
    assert max(Counter(b.patient for b in cohort).values()) == 2
    assert {b.finding for b in cohort} >= {"Suspicious Calcification", "Focal Asymmetry", "Architectural Distortion"}


def test_a_quarter_of_the_sound_patients_is_held_out(cohort):
    test = held_out(cohort)
    sound = {b.patient for b in cohort if not b.fault}
    assert test < sound
    assert len(test) / len(sound) == pytest.approx(0.25, abs=0.01)
    worst = [b.suspicion for b in cohort if b.patient in test and b.masses]
    assert np.median(worst) == pytest.approx(np.median([b.suspicion for b in cohort if b.masses]), abs=0.05)


def test_left_and_right_are_mirror_images_with_their_contours():
    grid = Grid(208, 160, 1.12)
    breast = next(b for b in draw_cohort(30, {}, 0.5, np.random.default_rng(2)) if "MLO" in b.masses[0].views)
    left, right = (
        draw_mammogram(replace(breast, laterality=side), "MLO", grid, np.random.default_rng(9)) for side in "LR"
    )
    assert np.array_equal(left.signal, right.signal[:, ::-1])
    assert left.signal[:, 0].any()
    assert not left.signal[:, -1].any()
    for a, b in zip(left.truths, right.truths, strict=True):
        assert np.array_equal(a.mask, b.mask[:, ::-1])
        assert a.extent.xmin == pytest.approx(grid.columns - b.extent.xmax)
        rows, columns = np.nonzero(b.mask)
        assert abs(rows.min() - max(b.extent.ymin, 0)) <= 1
        assert abs(columns.max() + 1 - min(b.extent.xmax, grid.columns)) <= 1


def test_masses_lie_in_the_breast_and_brighten_it():
    grid = Grid(256, 196, 0.9)
    breasts = [b for b in draw_cohort(60, {}, 0.66, np.random.default_rng(6)) if b.masses]
    brighter = []
    for exposure in exposures(breasts)[:30]:
        drawn = draw_mammogram(exposure.breast, exposure.view, grid, np.random.default_rng(exposure.number))
        for truth in drawn.truths:
            assert (drawn.signal[truth.mask] > 0).mean() > 0.95
            left, top, right, bottom = (int(side) for side in truth.extent)
            around = drawn.signal[max(0, top - 8) : bottom + 8, max(0, left - 8) : right + 8]
            ring = around[~truth.mask[max(0, top - 8) : bottom + 8, max(0, left - 8) : right + 8]]
            brighter.append(drawn.signal[truth.mask].mean() - ring[ring > 0].mean())
    assert np.mean(np.array(brighter) > 0) > 0.85


def test_masses_keep_off_the_pectoral_muscle():
    grid = Grid(208, 160, 1.12)
    shares = []
    for exposure in exposures([b for b in draw_cohort(80, {}, 0.66, np.random.default_rng(8)) if b.masses]):
        if exposure.view == "MLO" and exposure.breast.laterality == "L":
            muscle = draw_breast(grid, "MLO", exposure.breast.density, np.random.default_rng(exposure.number)).muscle
            drawn = draw_mammogram(exposure.breast, "MLO", grid, np.random.default_rng(exposure.number))
            shares += [muscle[truth.mask].mean() for truth in drawn.truths]
    assert len(shares) > 10
    assert max(shares) < 0.5, "no centre lies on the muscle"


def test_a_readers_box_is_close_to_the_contour():
    rng = np.random.default_rng(0)
    sides = np.array([read_box(Extent(100, 200, 140, 260), rng) for _ in range(400)]) - [100, 200, 140, 260]
    assert sides.mean(axis=0) / [40, 60, 40, 60] == pytest.approx([-0.05, -0.05, 0.05, 0.05], abs=0.01)
    assert np.abs(sides).max() < 12
