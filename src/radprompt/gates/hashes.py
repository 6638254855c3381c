"""Perceptual hashes of mammograms, and the search for images that are one and the same.

Two hashes an image, of :data:`BITS` bits each: of the whole image, and of the breast alone, in case a copy was framed
or cut. Before hashing, the breast is put on one side (mirrored copies), the image is made small (other sizes,
encodings) and its grey levels are taken relative to their surroundings (shifted windows, other detectors' curves). Not
seen through: rotations, and windows that saturate much of the breast.

On the demo, images of different patients differ in 50 bits or more; copies that were compressed, resized, mirrored or
framed in up to 10, under another grey curve or a mild window in up to 20. Hashes of 64 bits don't separate them:
breasts are alike in outline (4 bits and up, against 8).
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.core.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

BITS = 256
"""Of one hash."""

TABLE = Path("data/validation/hashes.csv")
COLUMNS = ["dataset", "image_path", "whole", "breast"]

_SIDE, _GRID = 64, 16
"""Pixels of the small image, and the lowest frequencies of it that become bits, along each axis."""

_NEIGHBOURHOOD, _FLAT = 3.0, 4.0
"""Of the small image's local mean and spread: Gaussian sigma, px, and the spread, of 255, below which it is flat."""

_ROUGH = 256
"""Pixels of the shorter side that an image is first averaged down to, roughly."""

_WORDS = BITS // 64
_MANY = 1_000_000


class Hashes(NamedTuple):
    """The two hashes of an image, 64 hexadecimal digits each."""

    whole: str
    breast: str


def hash_image(pixels: NDArray) -> Hashes:
    """Hash a mammogram, (rows, columns) from 0 to 1, bright where dense, 0 around the breast."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32) * 255)
    rough = image.reduce(max(1, min(image.size) // _ROUGH))
    return Hashes(_hash(rough), _hash(_breast(rough)))


def pack(table: pd.DataFrame) -> NDArray[np.uint64]:
    """Return the hashes of a table with :data:`COLUMNS` as numbers: (images, 2, words of 64 bits)."""
    digits = "".join(whole + breast for whole, breast in zip(table["whole"], table["breast"], strict=True))
    return np.frombuffer(bytes.fromhex(digits), dtype=">u8").astype(np.uint64).reshape(len(table), 2, _WORDS)


def near(hashes: NDArray[np.uint64], bits: int, block: int = 64) -> NDArray[np.int64]:
    """Find the pairs that differ in few bits, in one hash or the other.

    Parameters
    ----------
    hashes
        As :func:`pack` returns them.
    bits
        That either hash may differ in.
    block
        Images that are set against all others at a time: memory is ``block * images`` times a few bytes.

    Returns
    -------
    array
        (pairs, 3): two positions, the smaller first, and the bits that the nearer of the two hashes differs in; sorted.

    Raises
    ------
    InputError
        More than a million pairs: so wide a limit tells no images apart.
    """
    found, count = [], 0
    for start in range(0, len(hashes), block):
        own, others = hashes[start : start + block], hashes[start:]
        distance = np.minimum(_distances(own[:, 0], others[:, 0]), _distances(own[:, 1], others[:, 1]))
        first, second = np.nonzero(distance <= bits)
        later = second > first
        first, second = first[later], second[later]
        found.append(np.column_stack([first + start, second + start, distance[first, second]]).astype(np.int64))
        count += len(first)
        if count > _MANY:
            raise InputError(
                f"{bits} bits are so many that over a million pairs of images count as the same",
                where="params.yaml, validation.leakage.hash_bits",
                fix="lower it",
            )
    return np.concatenate(found) if found else np.empty((0, 3), dtype=np.int64)


def read_hashes(path: str | Path = TABLE) -> pd.DataFrame:
    """Read what ``stages/image_hashes.py`` wrote.

    Raises
    ------
    InputError
        The file is absent or lacks a column, or a hash is none; it names the row.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such table of hashes", where=str(path), fix="run `dvc repro image_hashes`")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if missing := [name for name in COLUMNS if name not in table]:
        raise InputError(f"column(s) {missing} missing", where=str(path), fix="run `dvc repro image_hashes` again")
    for name in Hashes._fields:
        wrong = ~table[name].str.fullmatch(f"[0-9a-f]{{{BITS // 4}}}")
        if wrong.any():
            row = int(np.argmax(wrong))
            what = f"{name} is {table[name][row]!r}, not {BITS // 4} hexadecimal digits"
            raise InputError(what, where=f"{path}, row {row + 1}", fix="run `dvc repro image_hashes` again")
    return table[COLUMNS]


def _breast(image: "Image") -> "Image":
    """Cut the image to the rows and columns that reach over half of its mean in more than a few pixels."""
    pixels = np.asarray(image)
    bright = pixels > pixels.mean() / 2
    rows, columns = (np.flatnonzero(bright.mean(axis=axis) > 0.02) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))


def _hash(image: "Image") -> str:
    import imagehash
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    pixels = np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS))
    left, right = np.split(pixels, 2, axis=1)
    if right.sum() > left.sum():
        pixels = pixels[:, ::-1]
    mean = gaussian_filter(pixels, _NEIGHBOURHOOD)
    spread = np.sqrt(gaussian_filter((pixels - mean) ** 2, _NEIGHBOURHOOD))
    relative = np.clip(128 + 40 * (pixels - mean) / (spread + _FLAT), 0, 255)
    return str(imagehash.phash(Image.fromarray(relative.round().astype(np.uint8)), hash_size=_GRID))


def _distances(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Count the bits that differ between each of the first and each of the second, a word at a time."""
    total = np.zeros((len(first), len(second)), dtype=np.uint16)
    for word in range(_WORDS):
        total += np.bitwise_count(first[:, word, None] ^ second[None, :, word])
    return total
