"""What nnU-Net sees of a lesion: a square region around its box, on a fixed grid."""

from typing import NamedTuple

import numpy as np

from radprompt.mammograms.imaging.roi import Region, crop, region_around, to_grid
from radprompt.tables.lesions import Box

TIGHT, LOOSE = 2, 2
"""How often a training lesion is shown with its own box, and how often with a loosened one."""


class Cut(NamedTuple):
    """A region of interest: image (size, size) float32 and box (size, size) of 0 and 1, and its place."""

    image: np.ndarray
    box: np.ndarray
    region: Region


class Case(NamedTuple):
    """One lesion for training: image, box and mask are (size, size) on the network's grid, box and mask of 0 and 1."""

    lesion_id: str
    patient_id: str
    image: np.ndarray
    box: np.ndarray
    mask: np.ndarray


def cut(pixels: np.ndarray, box: Box, context: float, size: int) -> Cut:
    """Cut the square region around ``box`` and resample it to ``size`` x ``size``.

    Parameters
    ----------
    pixels
        The normalised mammogram, (rows, columns), in [0, 1].
    box
        The lesion's box, px.
    context
        Margin on each side as a fraction of the box's longer side.
    size
        Rows and columns of the network's grid.
    """
    region = region_around(box, pixels.shape, context)
    inside = np.zeros((region.bottom - region.top, region.right - region.left), dtype=np.float32)
    inside[box.ymin - region.top : box.ymax - region.top, box.xmin - region.left : box.xmax - region.left] = 1
    return Cut(to_grid(crop(pixels, region), size), to_grid(inside, size, nearest=True), region)


def training_boxes(box: Box, shape: tuple[int, int], slack: float, rng: np.random.Generator) -> list[Box]:
    """Return the boxes to show a training lesion with: the given one twice, and two loosened ones inside the image.

    CBIS-DDSM's boxes are as tight as its contours; those that readers draw (VinDr-Mammo) are not, and a network that
    has seen only tight boxes lets every mass touch all four sides.

    Parameters
    ----------
    box
        The tight box, px.
    shape
        (rows, columns) of the image.
    slack
        Most that a side moves outwards, as a fraction of the box's width or height; uniform from zero.
    rng
        Source of randomness.
    """
    width, height = box.xmax - box.xmin, box.ymax - box.ymin
    boxes = [box] * TIGHT
    moves = rng.uniform(0, slack, size=(LOOSE, 4)) * [width, height, width, height]
    for left, top, right, bottom in np.rint(moves):
        boxes.append(
            Box(
                max(0, box.xmin - int(left)),
                max(0, box.ymin - int(top)),
                min(shape[1], box.xmax + int(right)),
                min(shape[0], box.ymax + int(bottom)),
            )
        )
    return boxes
