"""Damaged files of every form, seeded: each is read or refused by an ImageError, whatever a library raises."""

from pathlib import Path

import made_up
import numpy as np
import pytest
import SimpleITK

from radprompt.core.errors import ImageError
from radprompt.images.masks import read_region
from radprompt.images.reading import read_image
from radprompt.images.volumes import Volume

MASKS = ("mask.nii", "mask.nii.gz", "mask.nrrd", "mask.mha", "seg.dcm", "structure.dcm")
IMAGES = ("enhanced.dcm", "picture.png", "picture.tif")
TRIALS = 40
HEADER = 800
"""Bytes at the start of a file in which most of the damage is done."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("intact")
    image, slices = made_up.tissue(), made_up.series(made_up.tissue())
    for name in MASKS[:4]:
        made_up.save(made_up.sphere(), folder / name)
    made_up.save_series(slices, folder / "series")
    made_up.segmentation(made_up.sphere_values(image), slices).save_as(folder / "seg.dcm")
    made_up.structure({"Mass": made_up.circles()}).save_as(folder / "structure.dcm")
    made_up.enhanced(image).save_as(folder / "enhanced.dcm")
    pixels = np.random.default_rng(0).integers(0, 4000, (30, 50)).astype(np.uint16)
    for name in IMAGES[1:]:
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels), str(folder / name))
    return folder


@pytest.fixture(scope="module")
def volume(folder: Path) -> Volume:
    return read_image(folder / "series")


def damaged(content: bytes, generator: np.random.Generator) -> bytes:
    """Return the content cut off somewhere, or with one to five bytes changed."""
    kind = generator.integers(4)
    if kind == 3:
        return content[: generator.integers(1, len(content))]
    changed = bytearray(content)
    end = len(content) if kind == 0 else min(len(content), HEADER)
    for place in generator.integers(0, end, generator.integers(1, 6)):
        changed[place] = generator.integers(256)
    return bytes(changed)


@pytest.mark.parametrize("name", MASKS + IMAGES)
def test_a_damaged_file_is_read_or_refused(folder: Path, volume: Volume, tmp_path: Path, name: str) -> None:
    generator = np.random.default_rng(list(name.encode()))
    refused: list[ImageError] = []
    for _ in range(TRIALS):
        (tmp_path / name).write_bytes(damaged((folder / name).read_bytes(), generator))
        try:
            if name in MASKS:
                assert read_region(tmp_path / name, "", volume).mask.GetSize() == volume.image.GetSize()
            else:
                read_image(tmp_path / name, "1")
        except ImageError as error:
            refused.append(error)
    assert len(refused) > TRIALS / 8
    assert all(error.what and error.fix for error in refused)
