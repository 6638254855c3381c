"""Corrected masks that come back, and the sheets they are corrected from."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageColor

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.mammograms.imaging.contours import inscribed_ellipse, write_mask
from radprompt.mammograms.segmentation import review
from radprompt.mammograms.segmentation.review import (
    Tile,
    contact_sheet,
    find_reviewed,
    read_reviewed,
    write_contact_sheets,
)
from radprompt.tables.lesions import Box, Lesion, to_table

SHAPE, BOX = (60, 80), Box(20, 15, 50, 40)


def test_corrected_masks_are_found_by_name_and_hidden_files_ignored(tmp_path):
    (tmp_path / ".gitkeep").touch()
    (tmp_path / "b.png").touch()
    assert find_reviewed(tmp_path, ["a", "b"]) == {"b": tmp_path / "b.png"}
    assert find_reviewed(tmp_path / "absent", ["a"]) == {}


@pytest.mark.parametrize("name", ["c.png", "a.jpg", "a.PNG", "a"])
def test_a_file_that_would_be_ignored_is_an_error(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"(?s)no lesion.*Fix: name it <lesion_id>\.png") as caught:
        find_reviewed(tmp_path, ["a", "b"])
    assert caught.value.where == str(tmp_path / name)


def test_a_good_correction_is_read(tmp_path):
    ellipse = inscribed_ellipse(BOX, SHAPE)
    write_mask(tmp_path / "a.png", ellipse)
    np.testing.assert_array_equal(read_reviewed(tmp_path / "a.png", SHAPE), ellipse)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (np.zeros((60, 81), np.uint8), r"\(60, 81\), its image \(60, 80\)"),
        (np.zeros(SHAPE, np.uint8), "empty"),
        (np.full(SHAPE, 255, np.uint8), "full"),
        (np.tile(np.arange(80, dtype=np.uint8), (60, 1)), "two values"),
        (np.zeros((*SHAPE, 3), np.uint8), "not greyscale"),
    ],
)
def test_a_bad_correction_is_refused_by_name(tmp_path, values, problem):
    Image.fromarray(values).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=problem) as caught:
        read_reviewed(tmp_path / "a.png", SHAPE)
    assert caught.value.where == str(tmp_path / "a.png")
    assert caught.value.fix


def test_an_inverted_correction_is_refused(tmp_path):
    write_mask(tmp_path / "a.png", ~inscribed_ellipse(BOX, SHAPE))
    with pytest.raises(InputError, match=r"a\.png: the corrected mask looks inverted: it covers 87\.\d% of the image"):
        read_reviewed(tmp_path / "a.png", SHAPE)


def test_a_corrections_palette_is_read_by_its_colours(tmp_path):
    ellipse = inscribed_ellipse(BOX, SHAPE)
    image = Image.fromarray((~ellipse).astype(np.uint8)).convert("P")  # index 1 is outside
    image.putpalette([255, 255, 255, 0, 0, 0])
    image.save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "P"
    np.testing.assert_array_equal(read_reviewed(tmp_path / "a.png", SHAPE), ellipse)


def colours(path) -> set[tuple[int, int, int]]:
    return set(map(tuple, np.asarray(Image.open(path)).reshape(-1, 3).tolist()))


def test_a_sheet_shows_box_contour_and_reference(tmp_path):
    pixels = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    mask = inscribed_ellipse(BOX, SHAPE)
    tiles = [Tile("one", pixels, BOX, mask, "ellipse", None)] * 7
    contact_sheet(tiles, tmp_path / "plain.png", 0.5)
    assert Image.open(tmp_path / "plain.png").size == (5 * 256, 2 * 286)
    seen = colours(tmp_path / "plain.png")
    assert ImageColor.getrgb(review.BOX_COLOUR) in seen
    assert ImageColor.getrgb(review.SOURCE_COLOURS["ellipse"]) in seen
    assert ImageColor.getrgb(review.REFERENCE_COLOUR) not in seen
    contact_sheet([Tile("one", pixels, BOX, mask, "nnunet", np.roll(mask, 5))], tmp_path / "reference.png", 0.5)
    assert ImageColor.getrgb(review.REFERENCE_COLOUR) in colours(tmp_path / "reference.png")


def test_every_lesion_with_a_mask_is_on_a_page(tmp_path, monkeypatch):
    pixels = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    monkeypatch.setattr(review, "read_mammogram", lambda path: SimpleNamespace(pixels=pixels))
    names = [f"lesion{number:02d}" for number in range(23)]
    lesions = [
        Lesion(name, "p", "s", "inbreast", "i.dcm", "CC", "L", "3", 0, "test", *BOX, "", 0.07, "table")
        for name in names
    ]
    write_csv(tmp_path / "data/lesions/inbreast.csv", to_table(lesions))
    drawn = pd.DataFrame({"lesion_id": names[:21], "source": "nnunet", "flag": "", "area_px": 1})
    write_csv(tmp_path / "data/masks/inbreast.csv", drawn)
    for name in names[:21]:
        write_mask(tmp_path / f"data/masks/inbreast/{name}.png", inscribed_ellipse(BOX, SHAPE))
    pages = write_contact_sheets("inbreast", tmp_path / "out", root=tmp_path)
    assert [page.relative_to(tmp_path).as_posix() for page in pages] == [
        "out/inbreast/page_01.png",
        "out/inbreast/page_02.png",
    ]
    assert Image.open(pages[1]).size == (5 * 256, 286)  # twenty on the first page, one on the second
    first = pages[0].read_bytes()
    assert write_contact_sheets("inbreast", tmp_path / "out", root=tmp_path)[0].read_bytes() == first


def test_sheets_without_masks_say_what_to_run(tmp_path):
    with pytest.raises(InputError, match="dvc repro masks"):
        write_contact_sheets("inbreast", tmp_path / "out", root=tmp_path)
