"""What is said of a mask beside its area: its parts, how far it leaves its box, and a digest to know it again by."""

import hashlib

import numpy as np

from radprompt.mammograms.imaging.contours import box_of
from radprompt.tables.lesions import Box


def count_parts(mask: np.ndarray) -> int:
    """Return how many 4-connected parts a bool mask has."""
    from scipy.ndimage import label

    if not mask.any():
        return 0
    box = box_of(mask)
    return int(label(mask[box.ymin : box.ymax, box.xmin : box.xmax])[1])


def leaves_box(mask: np.ndarray, box: Box) -> float:
    """Return how far a bool mask reaches beyond its lesion's box, as a fraction of the box's longer side."""
    if not mask.any():
        return 0.0
    own = box_of(mask)
    gaps = (box.xmin - own.xmin, box.ymin - own.ymin, own.xmax - box.xmax, own.ymax - box.ymax)
    return max(0, *gaps) / max(box.xmax - box.xmin, box.ymax - box.ymin, 1)


def mask_digest(mask: np.ndarray) -> str:
    """Return 16 hexadecimal digits that tell a mask, planar or not, from others: of SHA-256 over size and pixels."""
    content = f"{' '.join(map(str, mask.shape))} ".encode() + np.packbits(mask.astype(bool)).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]
