"""The Laplacian of Gaussian inside a box: ITK's bits, whatever the image, the spacing, the region and the sigma."""

import numpy as np
import pytest
import SimpleITK
from radiomics import imageoperations

from radprompt.images.laplacian import laplacians

KINDS = (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64)
ROUND = (0.4, 0.5, 0.625, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Usual spacings, mm; with whole grey values their squares bring sums that lie exactly between two floats."""


@pytest.mark.parametrize("seed", range(40))
def test_every_bit_is_that_of_the_whole_image(seed: int) -> None:
    """Five images a seed: 200 random ragged regions, a third of which touch the image's end."""
    rng = np.random.default_rng(seed)
    for _ in range(5):
        shape = tuple(rng.integers(4, 44, 3))
        kind = KINDS[rng.integers(len(KINDS))]
        values = rng.normal(size=shape) * 10 ** rng.uniform(0.5, 3.5)
        values = np.clip(np.abs(values), 0, np.iinfo(kind).max) if kind in (np.uint8, np.uint16) else values
        image = SimpleITK.GetImageFromArray(values.astype(kind))
        spacing = rng.choice(ROUND, 3) if rng.random() < 0.6 else rng.uniform(0.2, 4.0, 3)
        image.SetSpacing(spacing.tolist())
        inside = np.zeros(shape, np.uint8)
        low = [rng.integers(0, side) for side in shape]
        box = tuple(slice(start, rng.integers(start + 1, side + 1)) for start, side in zip(low, shape, strict=True))
        inside[box] = rng.random(inside[box].shape) < 0.6
        inside[tuple(low)] = 1
        mask = SimpleITK.GetImageFromArray(inside)
        mask.CopyInformation(image)
        sigmas = [round(float(sigma), rng.integers(0, 4)) or 1.0 for sigma in rng.uniform(0.3, 8.0, 2)]
        whole = list(imageoperations.getLoGImage(image, mask, sigma=sigmas))
        cut = list(laplacians(image, mask, sigma=sigmas))
        assert [name for _, name, _ in cut] == [name for _, name, _ in whole]
        for (expected, *_), (found, *_) in zip(whole, cut, strict=True):
            assert found.GetPixelID() == expected.GetPixelID()
            assert found.GetSpacing() == expected.GetSpacing()
            np.testing.assert_array_equal(
                SimpleITK.GetArrayViewFromImage(found)[inside > 0],
                SimpleITK.GetArrayViewFromImage(expected)[inside > 0],
            )


def test_an_image_that_is_too_small_has_none() -> None:
    image = SimpleITK.Image(20, 20, 3, SimpleITK.sitkInt16)
    assert list(laplacians(image, image == 0, sigma=[1.0])) == []
    image = SimpleITK.Image(20, 20, 4, SimpleITK.sitkInt16)
    assert list(laplacians(image, image == 0, sigma=[4.0, 0.0])) == []
