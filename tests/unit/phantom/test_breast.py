import numpy as np
import pytest

from radprompt.mammograms.phantom.breast import GLANDULAR_AREA, Grid, draw_breast
from radprompt.mammograms.phantom.texture import filaments, power_law

GRID = Grid(208, 160, 1.12)


@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_power_spectrum_falls_with_the_exponent(exponent):
    field = power_law((256, 256), exponent, np.random.default_rng(0))
    power = np.abs(np.fft.rfft2(field)) ** 2
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None, :])
    band = (frequency > 0.02) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[band]), np.log(power[band]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-4)


def test_filaments_are_thin_lines():
    lines = filaments((256, 256), 0.025, np.random.default_rng(0))
    assert lines.min() >= 0
    assert lines.max() == pytest.approx(1, abs=0.05)
    assert 0.001 < (lines > 0.5).mean() < 0.1


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_breast_lies_on_the_chest_wall_and_air_is_zero(view):
    for seed in range(8):
        tissue = draw_breast(GRID, view, 2, np.random.default_rng(seed))
        assert not tissue.signal[tissue.depth_mm < -0.5].any()
        assert tissue.signal[:, -1].max() == 0, "the breast fits the detector"
        assert (tissue.signal[:, 0] > 0).mean() > 0.4
        assert (tissue.signal[tissue.depth_mm > 1] > 0).all()


def test_only_the_mlo_shows_the_pectoral_muscle_in_its_upper_corner():
    assert not draw_breast(GRID, "CC", 2, np.random.default_rng(3)).muscle.any()
    muscle = draw_breast(GRID, "MLO", 2, np.random.default_rng(3)).muscle
    assert muscle[0, 0] == pytest.approx(1, abs=0.05)
    assert not muscle[-1].any()
    assert not muscle[:, -1].any()


def test_dense_area_follows_the_acr_category():
    def dense(category):
        shares = []
        for seed in range(6):
            tissue = draw_breast(GRID, "CC", category, np.random.default_rng(seed))
            shares.append((tissue.gland[tissue.depth_mm > 0] > 0.5).mean())
        return np.mean(shares)

    found = [dense(category) for category in GLANDULAR_AREA]
    assert found == sorted(found)
    assert found[0] < 0.15
    assert found[-1] > 0.4
