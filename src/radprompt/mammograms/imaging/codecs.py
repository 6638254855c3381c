"""Compressed pixels to integers by imagecodecs, as a plugin of pydicom; only what the header announces is decoded.

pydicom would ask GDCM first, and GDCM 3.2.6 ends the whole process (``std::terminate``) over a single damaged byte of a
JPEG, JPEG-LS or JPEG 2000 stream. libjpeg-turbo, CharLS and OpenJPEG behind imagecodecs return errors.
"""

import logging
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

PLUGIN = "imagecodecs"
_UID = "1.2.840.10008.1.2."
_BY_UID = {
    **dict.fromkeys([f"{_UID}4.{n}" for n in (50, 51, 57, 70)], "jpeg8_decode"),
    **dict.fromkeys([f"{_UID}4.{n}" for n in (80, 81)], "jpegls_decode"),
    **dict.fromkeys([f"{_UID}4.{n}" for n in (90, 91, 201, 202, 203)], "jpeg2k_decode"),
    f"{_UID}5": "packbits_decode",
}
"""imagecodecs' function by transfer syntax: JPEG, JPEG-LS, JPEG 2000 (high throughput too) and RLE."""

DECODER_DEPENDENCIES = dict.fromkeys(_BY_UID, ("imagecodecs",))
"""As pydicom's plugins declare them."""

_END = b"\xff\xd9"
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_LONGEST_JP2_HEADER = 4096
_BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}


def is_available(uid: str) -> bool:
    """Tell pydicom whether a transfer syntax can be decoded."""
    try:
        import imagecodecs
    except ImportError:
        return False
    return uid in _BY_UID and callable(getattr(imagecodecs, _BY_UID[uid], None))


@cache
def can_decode(uid: str) -> bool:
    """Tell whether a compressed transfer syntax can be decoded, and make its decoder known to pydicom."""
    from pydicom.pixels import get_decoder

    if not is_available(uid):
        return False
    decoder = get_decoder(uid)
    if PLUGIN not in decoder.available_plugins:
        decoder.add_plugin(PLUGIN, (__name__, "decode_frame"))
    # It prints a traceback for every stream that cannot be decoded, beside raising the error that is handled here.
    logging.getLogger("pydicom.pixels.decoders.base").setLevel(logging.CRITICAL)
    return True


def decode_frame(stream: bytes, runner: "DecodeRunner") -> bytes:
    """Return the pixels of one frame as pydicom's decoders do, little endian.

    Raises
    ------
    ValueError
        The stream announces another image than the header, or ends early.
    """
    import imagecodecs

    decode = getattr(imagecodecs, _BY_UID[runner.transfer_syntax])
    shape = runner.rows, runner.columns
    if decode is imagecodecs.packbits_decode:
        return _run_lengths(stream, shape[0] * shape[1], runner.bits_allocated, decode)  # pydicom cuts these itself
    if (announced := announced_shape(stream)) != (*shape, 1):
        raise ValueError(f"the compressed stream has (rows, columns, components) {announced}, the header {(*shape, 1)}")
    if decode is imagecodecs.jpeg8_decode and _END not in stream[-16:]:
        raise ValueError("the compressed stream has no end: truncated")  # libjpeg would fill the rest with grey
    pixels = decode(stream)
    if pixels.shape != shape or pixels.dtype.kind not in "ui":
        raise ValueError(f"decoded to {pixels.dtype} {pixels.shape}, the header has {shape}")
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    pixels = stored_bits(pixels, runner.bits_stored, signed=bool(runner.pixel_representation))
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def stored_bits(pixels: np.ndarray, bits: int, *, signed: bool) -> np.ndarray:
    """Return the lowest ``bits`` of each integer, with or without a sign.

    Bits above may hold an overlay (DICOM PS3.5, 8.1.1), which is no part of the pixel; pydicom leaves them in what
    JPEG and JPEG 2000 decode to.
    """
    unused = 8 * pixels.dtype.itemsize - bits
    if not 0 < unused < 8 * pixels.dtype.itemsize:
        return pixels
    kind = np.dtype(f"{'i' if signed else 'u'}{pixels.dtype.itemsize}")
    return np.right_shift(np.left_shift(pixels.view(kind), unused), unused)


def announced_shape(stream: bytes) -> tuple[int, int, int]:
    """Return rows, columns and components of a JPEG, JPEG-LS or JPEG 2000 stream from its header, without decoding.

    Raises
    ------
    ValueError
        There is no such header.
    """
    try:
        start = stream[:_LONGEST_JP2_HEADER].find(b"\xff\x4f\xff\x51")
        return _of_jpeg(stream) if start < 0 else _of_jpeg_2000(stream, start)
    except (struct.error, IndexError):
        raise ValueError("the compressed stream has no header") from None


def _of_jpeg_2000(stream: bytes, start: int) -> tuple[int, int, int]:
    """ISO 15444-1, A.5.1: the image is what lies between its offset and the reference grid's end."""
    across, down, left, top = struct.unpack_from(">4I", stream, start + 8)
    (components,) = struct.unpack_from(">H", stream, start + 40)
    return down - top, across - left, components


def _of_jpeg(stream: bytes) -> tuple[int, int, int]:
    """ISO 10918-1, B.2.2: the first frame header; segments before it are passed over by their length."""
    at = 2
    if stream[:2] != b"\xff\xd8":
        raise ValueError("the compressed stream is neither JPEG, JPEG-LS nor JPEG 2000")
    while True:
        if stream[at] != 0xFF:
            raise ValueError("the compressed stream's header is damaged")
        marker = stream[at + 1]
        at += 1 if marker == 0xFF else 2  # fill bytes may precede a marker
        if marker in _FRAME_MARKERS:
            rows, columns, components = struct.unpack_from(">HHB", stream, at + 3)
            return rows, columns, components
        if marker != 0xFF and marker not in _BARE_MARKERS:
            at += max(int.from_bytes(stream[at : at + 2], "big"), 2)


def _run_lengths(stream: bytes, pixels: int, bits: int, decode: Any) -> bytes:
    """DICOM PS3.5, annex G: a segment for each byte of a pixel, the most significant first, PackBits in each."""
    planes, *offsets = struct.unpack_from("<16I", stream)
    if planes != bits // 8:
        raise ValueError(f"{planes} run-length segments, {bits // 8} expected")
    ends = [*offsets[1:planes], len(stream)]
    # Some writers pad; a segment that expands to more than that is refused by the decoder's own bound.
    segments = [decode(stream[start:end], out=pixels + 256) for start, end in zip(offsets, ends, strict=False)]
    if min(len(segment) for segment in segments) < pixels:
        raise ValueError("the run-length segments end early")
    stacked = np.stack([np.frombuffer(segment, np.uint8, pixels) for segment in reversed(segments)], axis=-1)
    return stacked.tobytes()
