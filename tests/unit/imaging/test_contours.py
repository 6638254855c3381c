import numpy as np
import pytest
from PIL import Image

from radprompt.core.errors import ImageError
from radprompt.mammograms.imaging.contours import (
    box_of,
    inscribed_ellipse,
    largest_component,
    polygon_mask,
    read_mask,
    resize_mask,
    write_mask,
)
from radprompt.tables.lesions import Box


@pytest.mark.parametrize("box", [Box(10, 20, 41, 35), Box(0, 0, 12, 30), Box(5, 6, 7, 8), Box(3, 3, 4, 4)])
def test_ellipse_touches_its_box_and_is_symmetric(box):
    mask = inscribed_ellipse(box, (60, 50))
    assert box_of(mask) == box
    inner = mask[box.ymin : box.ymax, box.xmin : box.xmax]
    np.testing.assert_array_equal(inner, inner[::-1])
    np.testing.assert_array_equal(inner, inner[:, ::-1])


def test_ellipse_area():
    assert inscribed_ellipse(Box(10, 20, 210, 120), (200, 300)).sum() == pytest.approx(np.pi / 4 * 200 * 100, rel=0.002)


def test_polygon_holds_its_corners_and_reads_x_first():
    mask = polygon_mask([(2, 5), (6, 5), (6, 8), (2, 8)], (20, 10))
    assert box_of(mask) == Box(2, 5, 7, 9)
    assert mask.sum() == 5 * 4


def test_polygon_beyond_the_border_is_the_clamped_one():
    outside = polygon_mask([(-4.2, 3), (12.5, 3), (12.5, 25), (-4.2, 25)], (20, 10))
    assert box_of(outside) == Box(0, 3, 10, 20)
    assert outside.sum() == 10 * 17


def test_polygon_area_of_a_circle():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    mask = polygon_mask(np.c_[50 + 30 * np.cos(angles), 45 + 30 * np.sin(angles)], (100, 100))
    assert mask.sum() == pytest.approx(np.pi * 30**2, rel=0.01)


def test_largest_component_is_four_connected():
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [1, 0, 1, 0]], dtype=bool)
    assert largest_component(mask).sum() == 3
    np.testing.assert_array_equal(largest_component(mask), mask & (np.arange(4) == 2))
    assert not largest_component(np.zeros((3, 3), bool)).any()


def test_equal_components_keep_the_first():
    mask = np.array([[1, 0, 1], [1, 0, 1]], dtype=bool)
    np.testing.assert_array_equal(largest_component(mask), mask & (np.arange(3) == 0))


def test_box_of_nothing():
    with pytest.raises(ValueError, match="empty"):
        box_of(np.zeros((4, 4), bool))


def test_resize_keeps_place_and_proportion():
    mask = inscribed_ellipse(Box(20, 40, 60, 100), (200, 100))
    larger = resize_mask(mask, (300, 150))
    assert larger.dtype == bool
    assert larger.sum() / mask.sum() == pytest.approx(1.5**2, rel=0.01)
    np.testing.assert_allclose(box_of(larger), np.array(box_of(mask)) * 1.5, atol=1)
    np.testing.assert_array_equal(resize_mask(mask, mask.shape), mask)


def test_round_trip_through_png(tmp_path):
    mask = inscribed_ellipse(Box(3, 4, 20, 30), (40, 25))
    write_mask(tmp_path / "sub" / "a.png", mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "sub" / "a.png"), mask)
    with Image.open(tmp_path / "sub" / "a.png") as image:
        assert image.mode == "L"
        assert set(np.unique(np.asarray(image))) == {0, 255}
    write_mask(tmp_path / "b.png", mask)
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "sub" / "a.png").read_bytes()
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["a.png"]


def test_a_mask_of_ones_is_a_mask_too(tmp_path):
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / "ones.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "ones.png"), np.eye(4, dtype=bool))


def test_what_is_no_mask_says_why(tmp_path):
    Image.fromarray(np.array([[0, 128], [255, 0]], np.uint8)).save(tmp_path / "smooth.png")
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(tmp_path / "colour.png")
    (tmp_path / "text.png").write_text("no image")
    for name, reason in [
        ("smooth", "this one 3 from 0 to 255"),
        ("colour", "not greyscale"),
        ("text", "not a readable"),
        ("absent", "no such mask"),
    ]:
        with pytest.raises(ImageError, match=reason) as caught:
            read_mask(tmp_path / f"{name}.png")
        assert f"{name}.png" in str(caught.value)
