import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from radprompt.core.errors import ImageError
from radprompt.mammograms.imaging.codecs import announced_shape
from radprompt.mammograms.imaging.dicom import read_pixels


@pytest.fixture
def encapsulated(tmp_path):
    """Write a DICOM file around a compressed stream; returns its path."""

    def write(stream: bytes, syntax: UID, shape: tuple[int, int], bits: int, signed: bool = False):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = syntax
        meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
        meta.MediaStorageSOPInstanceUID = "1.2.3"
        dataset = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
        dataset.Rows, dataset.Columns = shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = 8 if bits <= 8 else 16
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, int(signed)
        dataset.PixelData = encapsulate([stream])
        dataset.save_as(tmp_path / "image.dcm", enforce_file_format=True)
        return tmp_path / "image.dcm"

    return write


def noise(bits: int, signed: bool = False) -> np.ndarray:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    kind = f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}"
    return np.random.default_rng(bits).integers(low, high, (60, 41)).astype(kind)


def stored(pixels: np.ndarray, bits: int) -> np.ndarray:
    """The bits of signed pixels, as an encoder without a sign takes them."""
    unsigned = pixels.view(f"u{pixels.itemsize}")
    return unsigned & unsigned.dtype.type(2**bits - 1)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, HTJ2KLossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless])
def test_lossless_streams_give_back_the_integers(encapsulated, syntax, bits, signed):
    pixels = noise(bits, signed)
    stream = {
        JPEG2000Lossless: lambda: imagecodecs.jpeg2k_encode(
            pixels, codecformat="j2k", reversible=True, level=0, bitspersample=bits
        ),
        HTJ2KLossless: lambda: imagecodecs.htj2k_encode(pixels),
        JPEGLosslessSV1: lambda: imagecodecs.jpeg8_encode(
            stored(pixels, bits), lossless=True, bitspersample=bits, predictor=1
        ),
        JPEGLSLossless: lambda: imagecodecs.jpegls_encode(stored(pixels, bits)),
        RLELossless: lambda: run_lengths(pixels),
    }[syntax]()
    read = read_pixels(encapsulated(bytes(stream), syntax, pixels.shape, bits, signed))
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, HTJ2KLossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless])
def test_an_overlay_above_the_stored_bits_is_cut(encapsulated, syntax, signed):
    pixels = noise(12, signed)
    drawn = stored(pixels, 12) | np.where(np.indices(pixels.shape).sum(axis=0) % 5 == 0, 0x8000, 0).astype(np.uint16)
    stream = {
        JPEG2000Lossless: lambda: imagecodecs.jpeg2k_encode(drawn, codecformat="j2k", reversible=True, level=0),
        HTJ2KLossless: lambda: imagecodecs.htj2k_encode(drawn),
        JPEGLosslessSV1: lambda: imagecodecs.jpeg8_encode(drawn, lossless=True, bitspersample=16, predictor=1),
        JPEGLSLossless: lambda: imagecodecs.jpegls_encode(drawn),
        RLELossless: lambda: run_lengths(drawn),
    }[syntax]()
    np.testing.assert_array_equal(read_pixels(encapsulated(bytes(stream), syntax, pixels.shape, 12, signed)), pixels)


def run_lengths(pixels: np.ndarray, pad: bytes = b"") -> bytes:
    planes = [
        imagecodecs.packbits_encode(pixels.view(np.uint8).reshape(-1, pixels.itemsize)[:, byte].tobytes()) + pad
        for byte in reversed(range(pixels.itemsize))
    ]
    starts = [64 + sum(map(len, planes[:number])) for number in range(len(planes))]
    return struct.pack("<16I", len(planes), *starts, *[0] * (15 - len(planes))) + b"".join(planes)


def test_padded_run_lengths(encapsulated):
    pixels = noise(12)
    path = encapsulated(run_lengths(pixels, pad=b"\0\0"), RLELossless, pixels.shape, 12)
    np.testing.assert_array_equal(read_pixels(path), pixels)


@pytest.mark.parametrize(("syntax", "bits"), [(JPEGBaseline8Bit, 8), (JPEGExtended12Bit, 12)])
def test_lossy_streams_come_close(encapsulated, syntax, bits):
    y, x = np.mgrid[:60, :41]
    pixels = ((2**bits - 1) * (x + y) / 100).astype(np.uint8 if bits == 8 else np.uint16)
    stream = imagecodecs.jpeg8_encode(pixels, level=95, bitspersample=bits)
    read = read_pixels(encapsulated(bytes(stream), syntax, pixels.shape, bits))
    assert np.abs(read.astype(int) - pixels.astype(int)).max() < 2**bits / 50


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s[1:], "neither JPEG, JPEG-LS nor JPEG 2000"),
        (lambda s: s[:20], "no header|no end"),
        (lambda s: s[:2] + s[3:], "header is damaged"),
        (lambda s: s[:-2], "no end: truncated"),
        (lambda s: b"\xff\xd8" + b"\xff" * 10_000 + s[3:], ""),
    ],
)
def test_a_damaged_jpeg_says_how(encapsulated, change, reason):
    pixels = noise(12)
    stream = bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=12, predictor=1))
    path = encapsulated(change(stream), JPEGLosslessSV1, pixels.shape, 12)
    if reason:
        with pytest.raises(ImageError, match=rf"pixels cannot be decoded \(.*({reason})"):
            read_pixels(path)
    else:  # fill bytes before a marker are legal
        np.testing.assert_array_equal(read_pixels(path), pixels)


def test_the_shape_is_read_without_decoding():
    pixels = noise(12)
    j2k = bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, level=0))
    jp2 = bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="jp2", reversible=True, level=0))
    jls = bytes(imagecodecs.jpegls_encode(pixels))
    colour = bytes(imagecodecs.jpeg8_encode(np.zeros((60, 41, 3), np.uint8)))
    assert [announced_shape(stream) for stream in (j2k, jp2, jls, colour)] == [(60, 41, 1)] * 3 + [(60, 41, 3)]


def test_a_colour_stream_under_a_grey_header_is_refused(encapsulated):
    stream = bytes(imagecodecs.jpeg8_encode(np.zeros((60, 41, 3), np.uint8)))
    with pytest.raises(ImageError, match=r"\(60, 41, 3\), the header \(60, 41, 1\)"):
        read_pixels(encapsulated(stream, JPEGBaseline8Bit, (60, 41), 8))
