"""A mammogram from its DICOM file: decoded, bright where dense, from 0 to 1, with its pixel size.

What is done, in this order: decode (JPEG, JPEG-LS, JPEG 2000, RLE or plain), modality rescale, padding taken out,
min-max to [0, 1], MONOCHROME1 inverted, padding blanked to 0. No VOI window or LUT is applied: the paper describes
min-max alone (Data), and a window saturates the brightest pixels, where features such as the first-order maximum live.

A file may say anything: what it announces is held against the bounds below before memory is spent on it.
"""

import io
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from radprompt.core.errors import ImageError
from radprompt.core.inputs import checked, shown
from radprompt.mammograms.imaging.codecs import PLUGIN, can_decode

if TYPE_CHECKING:
    from pydicom import Dataset

ANISOTROPY = 0.01
"""Largest relative difference between the row and the column spacing of a usable image."""

SPACING_ATTRIBUTES = ("PixelSpacing", "ImagerPixelSpacing")
"""Where the pixel size is looked for, in this order."""

LARGEST_IMAGE = 2**26
"""Pixels, 8192 x 8192: twice the largest mammograms (CBIS-DDSM's scans of film at 42 to 50 um)."""

LARGEST_VOLUME = 2**29
"""Voxels of a multi-frame image or a volume: 1024 x 1024 x 512."""

LARGEST_FILE = 2**29
"""Bytes of a DICOM file: :data:`LARGEST_IMAGE` at 32 bits uncompressed, and as much again."""

MOST_PIECES = 500_000
"""Reads after which a header is given up: some ten elements each of a few bytes make up a gigabyte in memory."""

LONGEST_LUT = 2**20
"""Bytes of a modality lookup table; the longest legal one has 65,536 entries of 2."""

_PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Uncompressed transfer syntaxes: implicit and explicit little endian, explicit big endian."""

FOR_PROCESSING, FOR_PRESENTATION = "FOR PROCESSING", "FOR PRESENTATION"
"""Values of PresentationIntentType: as the detector measured, or as the maker prepared it for a reader."""

_CLASSES_FOR_PROCESSING = ("1.2.840.10008.5.1.4.1.1.1.2.1", "1.2.840.10008.5.1.4.1.1.1.1.1")
"""SOP classes of raw images: digital mammography, digital X-ray."""

_ITEM = b"\xfe\xff\x00\xe0"
"""Tag that encapsulated pixel data begins with, little endian as they always are."""

_FETCH_AGAIN = "fetch the file again; while it cannot be read, its lesions are left out"


@dataclass(frozen=True, eq=False)
class Mammogram:
    """A mammogram ready for measurement.

    Attributes
    ----------
    pixels
        float32 (rows, columns) from 0 to 1; bright is dense, padding is 0.
    spacing_mm
        Distance between pixel centres, mm; NaN where the file has none. ``ImagerPixelSpacing`` is taken at the
        detector, without the magnification of the breast above it (a few percent in contact views).
    spacing_source
        ``PixelSpacing``, ``ImagerPixelSpacing`` or ``unknown``.
    presentation
        :data:`FOR_PROCESSING`, :data:`FOR_PRESENTATION`, or '' where the file does not say.
    """

    pixels: np.ndarray
    spacing_mm: float
    spacing_source: str
    presentation: str = ""


def read_mammogram(path: str | Path) -> Mammogram:
    """Read a single-frame greyscale mammogram.

    Raises
    ------
    ImageError
        The file is absent, no DICOM, truncated, in colour, of several frames, without pixels or contrast, or its pixels
        are not square (more than 1 % between rows and columns).
    """
    dataset = open_dicom(path)
    stored = decode(dataset, path)
    with blamed_on(path, "DICOM header cannot be read"):
        spacing_mm, source = _spacing(dataset, path)
        padding = _padding(dataset, stored)
        pixels = _rescaled(dataset, stored, path)
        inverted = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
        presentation = _presentation(dataset)
    del stored
    breast = True if padding is None else ~padding
    low = float(pixels.min(where=breast, initial=np.inf))
    high = float(pixels.max(where=breast, initial=-np.inf))
    span = high - low  # minus infinity where all is padding
    if np.isnan(span) or span > float(np.finfo(np.float32).max):
        raise ImageError("rescaled values that are not finite", where=str(path), fix=_FETCH_AGAIN)
    if span <= 0:
        raise ImageError("no contrast: all pixels have one value, or are padding", where=str(path), fix=_FETCH_AGAIN)
    pixels = (pixels - np.float32(low)) / np.float32(span)
    if inverted:
        np.subtract(1.0, pixels, out=pixels)
    if padding is not None:
        pixels[padding] = 0.0
    return Mammogram(pixels, spacing_mm, source, presentation)


def read_pixels(path: str | Path) -> np.ndarray:
    """Return the integers of a single-frame greyscale image as stored, (rows, columns).

    For masks: no rescale, inversion or scaling. Errors as in :func:`read_mammogram`, spacing and contrast aside.
    """
    return decode(open_dicom(path), path)


class _Rationed(io.BufferedReader):
    """A file that may be read in so many pieces and no more, none larger than the file."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(io.FileIO(str(path)))
        self._pieces, self._size = 0, os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise ImageError(f"more than {MOST_PIECES:,} elements, which no mammogram has")
        return super().read(self._size if size is None or size < 0 else min(size, self._size))


@contextmanager
def blamed_on(path: str | Path, what: str) -> Iterator[None]:
    """Turn what a damaged file raises in pydicom or a decoder, almost any exception, into an ImageError."""
    try:
        # A file that ends early, or breaks a rule, is a warning to pydicom; what matters of it is an error here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImageError as error:
        raise ImageError(error.what, where=str(path), fix=error.fix or _FETCH_AGAIN) from None
    except Exception as error:
        raise ImageError(f"{what} ({_brief(error)})", where=str(path), fix=_FETCH_AGAIN) from None


def open_dicom(path: str | Path, *, header: bool = False) -> "Dataset":
    """Read a DICOM file of any kind, with bounds on its size and pieces; ``header`` leaves the pixels unread.

    Raises
    ------
    ImageError
        The file is absent, no DICOM, too large, damaged, or deflated.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    checked(path, LARGEST_FILE, ImageError, what="image")
    with blamed_on(path, "DICOM header cannot be read"):
        try:
            if read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
                raise ImageError(
                    "deflated, of unknown size in memory", fix="write it uncompressed, with gdcmconv --raw"
                )
            with _Rationed(path) as file:
                return dcmread(file, stop_before_pixels=header)
        except InvalidDicomError:
            raise ImageError("not a DICOM file") from None


def decode(dataset: "Dataset", path: str | Path, *, several: bool = False) -> np.ndarray:
    """Return the integers of a greyscale image as stored: (rows, columns), or (frames, rows, columns) with ``several``.

    Raises
    ------
    ImageError
        No pixels, colour, several frames unless ``several``, too large, or no decoder for the transfer syntax.
    """
    with blamed_on(path, "DICOM header cannot be read"):
        if "PixelData" not in dataset:
            raise ImageError("no complete pixel data: truncated, or not an image")
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise ImageError("a colour image, not a greyscale one", fix="use the original mammogram")
        frames = int(dataset.get("NumberOfFrames", 1) or 1)
        if frames != 1 and not several:
            raise ImageError(f"{frames} frames, one expected", fix="tomosynthesis is not supported")
        rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
        if several and not 0 < frames * rows * columns <= LARGEST_VOLUME:
            raise ImageError(
                f"{frames} x {rows} x {columns} pixels (frames x rows x columns): at most {LARGEST_VOLUME:,}"
            )
        if not 0 < rows * columns <= LARGEST_IMAGE:
            raise ImageError(f"{rows} x {columns} pixels (rows x columns): a mammogram has 1 to {LARGEST_IMAGE:,}")
        _require_low_bits(dataset)
        syntax = _transfer_syntax(dataset)
        if not (plain := syntax in _PLAIN) and not can_decode(syntax):
            raise ImageError(
                f"no decoder for transfer syntax {shown(syntax.name)} ({shown(syntax)})",
                fix="write it uncompressed, with gdcmconv --raw or a tool of the system that made it",
            )
    with blamed_on(path, "pixels cannot be decoded"):
        dataset.pixel_array_options(decoding_plugin="" if plain else PLUGIN)
        pixels = dataset.pixel_array
    expected = (rows, columns) if frames == 1 else (frames, rows, columns)
    if pixels.shape != expected:
        raise ImageError(f"pixels of shape {pixels.shape}, {expected} expected", where=str(path), fix=_FETCH_AGAIN)
    return pixels.reshape(frames, rows, columns) if several else pixels


def _transfer_syntax(dataset: "Dataset") -> Any:
    """Return the transfer syntax; one that is absent is taken from the header's encoding where pixels are plain."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if not dataset.file_meta.get("TransferSyntaxUID"):
        if bytes(dataset.PixelData[:4]) == _ITEM:
            raise ImageError(
                "no transfer syntax (0002,0010): nothing says how its compressed pixels are coded",
                fix="write the file again with the tool of the system that made it",
            )
        implicit, little = dataset.original_encoding
        plain = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else plain
    return dataset.file_meta.TransferSyntaxUID


def _require_low_bits(dataset: "Dataset") -> None:
    """Refuse pixels that lie in the upper bits of their words (legal until 2010): the lower ones would be read."""
    stored, highest = dataset.get("BitsStored"), dataset.get("HighBit")
    if stored and highest is not None and int(highest) != int(stored) - 1:
        raise ImageError(
            f"HighBit {highest} with BitsStored {stored}: {int(stored) - 1} expected",
            fix="correct HighBit if the pixels lie in the lower bits; else write the file again with a newer tool",
        )


def _rescaled(dataset: "Dataset", stored: np.ndarray, path: str | Path) -> np.ndarray:
    from pydicom.pixels import apply_modality_lut

    table = getattr(dataset.get_item("ModalityLUTSequence"), "value", None)
    if table is not None and len(table) > LONGEST_LUT:
        raise ImageError("a modality lookup table longer than any that is legal")
    if table is not None and len(table):
        return np.asarray(apply_modality_lut(stored, dataset), dtype=np.float32)
    slope, intercept = number(dataset, "RescaleSlope", 1.0), number(dataset, "RescaleIntercept", 0.0)
    if (slope, intercept) == (1.0, 0.0):
        return stored.astype(np.float32)
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)


def _padding(dataset: "Dataset", stored: np.ndarray) -> np.ndarray | None:
    """Mask of padding pixels (PS3.3 C.7.5.1.1.2: a value, or all from the value to the range limit); None without."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    padding = (stored >= low) & (stored <= high)
    return padding if padding.any() else None


def _spacing(dataset: "Dataset", path: str | Path) -> tuple[float, str]:
    for name in SPACING_ATTRIBUTES:
        pair = numbers(dataset, name)
        # Some files carry the attribute empty or as zeros.
        if len(pair) != 2 or not np.isfinite(pair).all() or min(pair) <= 0:
            continue
        row, column = pair
        if abs(row - column) > ANISOTROPY * min(row, column):
            raise ImageError(
                f"{name} {row:g} x {column:g} mm: pixels are not square", where=str(path), fix="resample the image"
            )
        return (row + column) / 2, name
    return float("nan"), "unknown"


def _presentation(dataset: "Dataset") -> str:
    intent = str(dataset.get("PresentationIntentType") or "").strip().upper()
    if intent in (FOR_PROCESSING, FOR_PRESENTATION):
        return intent
    return FOR_PROCESSING if dataset.get("SOPClassUID") in _CLASSES_FOR_PROCESSING else ""


def number(dataset: "Dataset", name: str, absent: float) -> float:
    """Return the value of a decimal string; ``absent`` where it is absent or empty."""
    found = numbers(dataset, name)
    if len(found) > 1:
        raise ImageError(f"{name} has {len(found)} values, one expected")
    return found[0] if found else absent


def numbers(dataset: "Dataset", name: str) -> list[float]:
    """Return the values of a decimal string (VR DS), none where it is absent or empty.

    Some systems write the decimal comma of their language, which pydicom does not read: the raw text is read here.
    """
    value = getattr(dataset.get_item(name), "value", None)
    if value is None:
        return []
    if isinstance(value, bytes):
        texts = value.decode("ascii", "replace").split("\\")
    else:
        texts = [str(value)] if isinstance(value, str) or not isinstance(value, Iterable) else [str(x) for x in value]
    texts = [text.strip(" \0") for text in texts]
    if not any(texts):
        return []
    try:
        return [float(text.replace(",", ".")) for text in texts]
    except ValueError:
        raise ImageError(
            f"{name} is {shown(', '.join(texts), 60)!r}, not decimal numbers",
            fix="correct the header, or fetch it again",
        ) from None


def _brief(error: Exception) -> str:
    """First line that says why: pydicom lists every decoder's reason below a line of its own."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    chosen = lines[1].removeprefix(f"{PLUGIN}: ") if len(lines) > 1 and lines[0].endswith("plugins:") else lines[0]
    return shown(chosen, 100)
