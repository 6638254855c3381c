import numpy as np
import pytest

from radprompt.mammograms.phantom.detector import FILM, INBREAST, VINDR, add_marker, expose


@pytest.mark.parametrize("detector", [FILM, *VINDR, INBREAST], ids=lambda d: d.name)
def test_dense_tissue_never_reaches_full_scale(detector):
    # Full scale, inverted, is 0: VinDr's padding value. A saturated mass would be blanked as padding.
    signal = np.full((64, 64), 3.0, np.float32)
    pixels = expose(signal, detector, 0.28, np.random.default_rng(0))
    assert pixels.dtype == np.uint16
    assert 0.85 * 2**detector.bits < pixels.max() < 0.93 * 2**detector.bits


@pytest.mark.parametrize("detector", [*VINDR, INBREAST], ids=lambda d: d.name)
def test_air_is_zero_in_digital_images_and_fog_on_film(detector):
    signal = np.zeros((64, 64), np.float32)
    assert not expose(signal, detector, 0.28, np.random.default_rng(0)).any()
    assert expose(signal, FILM, 0.28, np.random.default_rng(0)).min() > 0


def test_brighter_tissue_is_brighter_and_noisier():
    signal = np.repeat(np.array([[0.2], [0.4], [0.6], [0.8]], np.float32), 4000, axis=1).repeat(9, axis=0)
    pixels = expose(signal, INBREAST, 0.28, np.random.default_rng(0)).astype(float)
    means, spreads = pixels[4::9].mean(axis=1), pixels[4::9].std(axis=1)
    assert (np.diff(means) > 0).all()
    assert spreads[2] > spreads[0]


def test_film_grain_is_correlated_between_neighbours_and_detector_noise_is_not():
    def neighbours(detector):
        flat = expose(np.full((200, 200), 0.5, np.float32), detector, 0.28, np.random.default_rng(1)).astype(float)
        return np.corrcoef(flat[:, :-1].ravel(), flat[:, 1:].ravel())[0, 1]

    assert neighbours(FILM) > 0.3
    assert abs(neighbours(INBREAST)) < 0.02


def test_the_marker_stands_in_the_corner_that_the_breast_leaves_free():
    for at_left in (True, False):
        pixels = np.zeros((400, 300), np.uint16)
        add_marker(pixels, "R-MLO", 4000, at_left=at_left)
        rows, columns = np.nonzero(pixels)
        assert rows.max() < 100
        assert (columns.max() < 150) == at_left
        assert set(np.unique(pixels)) == {0, 4000}
