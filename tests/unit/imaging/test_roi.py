import numpy as np
import pytest

from radprompt.mammograms.imaging.contours import inscribed_ellipse
from radprompt.mammograms.imaging.roi import Region, crop, from_grid, region_around, to_grid
from radprompt.tables.lesions import Box

SHAPE = (200, 160)


def test_region_is_a_centred_square_with_its_margin():
    assert region_around(Box(60, 80, 100, 100), SHAPE, 0.5) == Region(top=50, left=40, bottom=130, right=120)
    assert region_around(Box(60, 80, 100, 100), SHAPE, 0) == Region(top=70, left=60, bottom=110, right=100)


@pytest.mark.parametrize("box", [Box(0, 0, 40, 20), Box(120, 190, 160, 200), Box(150, 90, 160, 140)])
def test_at_the_border_the_region_stays_square_inside_and_around_the_box(box):
    region = region_around(box, SHAPE, 0.5)
    assert region.bottom - region.top == region.right - region.left == 2 * max(box.xmax - box.xmin, box.ymax - box.ymin)
    assert 0 <= region.top <= box.ymin < box.ymax <= region.bottom <= SHAPE[0]
    assert 0 <= region.left <= box.xmin < box.xmax <= region.right <= SHAPE[1]


def test_region_larger_than_the_image_is_the_image():
    assert region_around(Box(10, 10, 150, 190), SHAPE, 0.5) == Region(0, 0, 200, 160)


def test_an_empty_box_has_no_region():
    with pytest.raises(ValueError, match="empty"):
        region_around(Box(5, 5, 5, 5), SHAPE, 0.5)


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("box", [Box(60, 80, 100, 110), Box(0, 0, 40, 20)])
def test_there_and_back_moves_nothing(box, size):
    mask = inscribed_ellipse(box, SHAPE)
    region = region_around(box, SHAPE, 0.5)
    back = from_grid(to_grid(crop(mask, region), size, nearest=True), region, SHAPE)
    assert back.dtype == np.float32
    assert back.shape == SHAPE
    there = back > 0.5
    assert 2 * (there & mask).sum() / (there.sum() + mask.sum()) > 0.93
    np.testing.assert_allclose(np.argwhere(there).mean(0), np.argwhere(mask).mean(0), atol=0.6)
    outside = np.ones(SHAPE, bool)
    crop(outside, region)[...] = False
    assert not back[outside].any()


def test_the_regions_own_size_is_the_identity():
    image = np.random.default_rng(0).random(SHAPE, dtype=np.float32)
    region = Region(10, 20, 74, 84)
    np.testing.assert_allclose(to_grid(crop(image, region), 64), crop(image, region), atol=1e-6)


def test_a_slope_stays_a_slope():
    rows = np.tile(np.arange(64, dtype=np.float32)[:, None], (1, 64))
    half = to_grid(rows, 32)
    np.testing.assert_allclose(half[4:-4, 16], np.arange(32)[4:-4] * 2 + 0.5, atol=1e-4)


def test_nearest_keeps_the_values():
    grid = to_grid(np.eye(50) * 7, 32, nearest=True)
    assert grid.dtype == np.float32
    assert set(np.unique(grid)) == {0, 7}
