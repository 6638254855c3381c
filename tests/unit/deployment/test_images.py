"""A user's image: read as training images were, or refused in words."""

import math

import numpy as np
import pytest
from PIL import Image

from radprompt.core.errors import ImageError
from radprompt.export.images import box_in, read_contour, read_image
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.tables.lesions import Box

PIXELS = np.arange(60 * 40, dtype=np.uint16).reshape(60, 40) * 7


@pytest.fixture
def png(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "image.png")
    return tmp_path / "image.png"


def test_a_16_bit_png_holds_the_same_pixels_as_the_dicom(png, tmp_path, write_dicom):
    write_dicom(tmp_path / "image.dcm", PIXELS)
    np.testing.assert_array_equal(read_image(png).pixels, read_mammogram(tmp_path / "image.dcm").pixels)
    assert read_image(png).pixels.dtype == np.float32


def test_an_8_bit_png_is_stretched_from_0_to_1(tmp_path):
    Image.fromarray(np.array([[10, 20], [30, 50]], np.uint8)).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_image(tmp_path / "a.png").pixels, [[0, 0.25], [0.5, 1]], atol=1e-7)


def test_what_a_file_is_shows_in_its_content_and_not_its_name(png):
    renamed = png.with_suffix(".dcm")
    png.rename(renamed)
    assert read_image(renamed).pixels.shape == (60, 40)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_a_png_that_is_not_grey_of_8_or_16_bits_is_refused(tmp_path, mode):
    Image.fromarray(PIXELS.astype(np.uint8)).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=rf"a\.png: a PNG of mode '{mode}'.*\n.*8 or 16 bits of grey"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("rows", "columns", "sign"),
    [
        (slice(0, 60), slice(0, 21), "covers 52.5% of the image"),
        (slice(0, 60), slice(0, 20), ""),
        (slice(0, 60), 20, ""),
    ],
)
def test_a_mask_over_half_of_the_image_is_refused_as_inverted(tmp_path, rows, columns, sign):
    mask = np.zeros((60, 40), np.uint8)
    mask[rows, columns] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    if not sign:
        assert read_contour(tmp_path / "m.png", (60, 40))[0].sum() == np.count_nonzero(mask)
        return
    with pytest.raises(ImageError, match=rf"m\.png: the mask looks inverted: it {sign}\n.*interchange"):
        read_contour(tmp_path / "m.png", (60, 40))


def test_a_spacing_that_is_given_leaves_the_rest_of_the_header(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", PIXELS, None, PresentationIntentType="FOR PROCESSING")
    image = read_image(tmp_path / "a.dcm", 0.07)
    assert (image.spacing_mm, image.spacing_source, image.presentation) == (0.07, "given", "FOR PROCESSING")


def test_several_frames_are_refused(tmp_path):
    frames = [Image.fromarray(PIXELS.astype(np.uint8) + number) for number in (0, 1)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match=r"2 frames"):
        read_image(tmp_path / "a.png")


def test_truncated_empty_and_foreign_files_are_refused(png, tmp_path):
    whole = png.read_bytes()
    png.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match=r"cannot be decoded"):
        read_image(png)
    png.write_bytes(whole[:8])
    with pytest.raises(ImageError, match=r"cannot be decoded"):
        read_image(png)
    png.write_text("id,image\n")
    with pytest.raises(ImageError, match=r"not a DICOM file"):
        read_image(png)
    with pytest.raises(ImageError, match=r"none\.png: no such image"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match=r"cannot be read"):
        read_image(tmp_path)


def test_an_image_without_contrast_is_refused(tmp_path):
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"no contrast"):
        read_image(tmp_path / "a.png")


def test_a_given_spacing_fills_in_and_must_not_contradict(png, tmp_path, write_dicom):
    assert math.isnan(read_image(png).spacing_mm)
    assert (read_image(png, 0.07).spacing_mm, read_image(png, 0.07).spacing_source) == (0.07, "given")
    write_dicom(tmp_path / "a.dcm", PIXELS, spacing=0.1)
    assert read_image(tmp_path / "a.dcm", 0.1005).spacing_mm == 0.1
    with pytest.raises(ImageError, match=r"0\.1 mm a pixel \(PixelSpacing\), not 0\.07"):
        read_image(tmp_path / "a.dcm", 0.07)


def test_a_box_is_widened_to_whole_pixels_and_cut_at_the_border():
    assert box_in((-6.25, 3.2, 10.1, 20), (30, 40)) == Box(0, 3, 11, 20)
    assert box_in((5, 5, 99, 99), (30, 40)) == Box(5, 5, 40, 30)


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ((10, 5, 2, 9), "reversed or empty"),
        ((2, 5, 2, 9), "reversed or empty"),
        ((2, math.nan, 5, 9), "not four finite numbers"),
        ((2, 1, math.inf, 9), "not four finite numbers"),
        ((50, 5, 60, 9), r"outside the image or too small in it \(40 x 30 px"),
        ((-9, -9, 1, 1), "outside the image or too small"),
    ],
)
def test_an_impossible_box_is_refused(corners, reason):
    with pytest.raises(ImageError, match=reason):
        box_in(corners, (30, 40))


def test_a_mask_gives_its_box_and_must_fit(tmp_path):
    mask = np.zeros((60, 40), np.uint8)
    mask[10:20, 5:9] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    read, box = read_contour(tmp_path / "mask.png", (60, 40))
    assert (read.sum(), box) == (40, Box(5, 10, 9, 20))
    with pytest.raises(ImageError, match=r"mask has 40 x 60 px, its image 60 x 40"):
        read_contour(tmp_path / "mask.png", (40, 60))
    Image.fromarray(mask * 0).save(tmp_path / "mask.png")
    with pytest.raises(ImageError, match=r"mask\.png: the mask is empty"):
        read_contour(tmp_path / "mask.png", (60, 40))
