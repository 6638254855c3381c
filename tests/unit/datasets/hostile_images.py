"""Image files as no loader wants them: what each does to a good one, and what must come of it."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
from pydicom import DataElement, Dataset, config, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HEVCMP51,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

BIG = 60_000


class ImageTrap(NamedTuple):
    """A name for people, what is done to the file, the reason that must be given, and how it is tried."""

    input: str
    spoil: Callable[[Path], None]
    reason: str
    as_nobody: bool = False
    slow: bool = False


def _header(**attributes: object) -> Callable[[Path], None]:
    """Write the file again with other attributes; None takes one away."""

    def spoil(path: Path) -> None:
        config.settings.writing_validation_mode = config.IGNORE
        dataset = dcmread(path)
        for name, value in attributes.items():
            if value is None:
                delattr(dataset, name)
            else:
                setattr(dataset, name, value)
        dataset.save_as(path)

    return spoil


def _stream(syntax: str, change: Callable[[bytes], bytes] = bytes, **attributes: object) -> Callable[[Path], None]:
    """Compress the pixels, and change the compressed stream."""
    encode = {
        JPEG2000Lossless: lambda x: imagecodecs.jpeg2k_encode(x, codecformat="j2k", reversible=True, level=0),
        JPEGLSLossless: imagecodecs.jpegls_encode,
        JPEGLosslessSV1: lambda x: imagecodecs.jpeg8_encode(x, lossless=True, bitspersample=16, predictor=1),
        RLELossless: _run_lengths,
    }

    def spoil(path: Path) -> None:
        dataset = dcmread(path)
        stream = change(bytes(encode.get(syntax, np.ndarray.tobytes)(dataset.pixel_array)))
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path)
        if attributes:
            _header(**attributes)(path)

    return spoil


def _run_lengths(pixels: np.ndarray) -> bytes:
    planes = [imagecodecs.packbits_encode((pixels >> shift).astype(np.uint8).tobytes()) for shift in (8, 0)]
    return struct.pack("<16I", 2, 64, 64 + len(planes[0]), *[0] * 13) + b"".join(planes)


def _announcing(marker: bytes, place: int, layout: str, *numbers: int) -> Callable[[bytes], bytes]:
    """Write other numbers behind a marker of the stream."""

    def change(stream: bytes) -> bytes:
        at = stream.index(marker) + place
        return stream[:at] + struct.pack(layout, *numbers) + stream[at + struct.calcsize(layout) :]

    return change


def _one_byte(place: int, value: int) -> Callable[[bytes], bytes]:
    return lambda stream: stream[:place] + bytes([value]) + stream[place + 1 :]


def _expanding(stream: bytes) -> bytes:
    return struct.pack("<16I", 2, 64, 64 + 2**20, *[0] * 13) + b"\x81\0" * 2**20


def _deflated(path: Path) -> None:
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    content = path.read_bytes()
    start = content.rindex(b"1.2.840.10008.1.2.1.99") + 22
    path.write_bytes(content[:start] + zlib.compress(bytes(2**26), 9, wbits=-15))


def _many_items(path: Path) -> None:
    """A sequence of 600,000 empty items, 5 MB; in memory each is a data set of its own."""
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x02\x00US")
    item, end = b"\xfe\xff\x00\xe0" + bytes(4), b"\xfe\xff\xdd\xe0" + bytes(4)
    start = b"\x08\x00\x40\x11SQ\0\0" + b"\xff" * 4
    path.write_bytes(content[:at] + start + item * 600_000 + end + content[at:])


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.unlink()
        make(path)

    return spoil


def _colour(path: Path) -> None:
    grey = dcmread(path).pixel_array.astype(np.uint8)
    colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    _header(**colours, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=np.stack([grey] * 3, -1).tobytes())(path)


def _without_meta(path: Path) -> None:
    dataset = Dataset()
    dataset.PatientID = "x"
    dataset.save_as(path, implicit_vr=True, little_endian=True)


def _text_for_a_number(path: Path) -> None:
    dataset = dcmread(path)
    dataset["SamplesPerPixel"] = DataElement("SamplesPerPixel", "LO", "one")
    dataset.save_as(path)


def _frames(path: Path) -> None:
    _header(NumberOfFrames=2, PixelData=dcmread(path).PixelData * 2)(path)


def _linked_elsewhere(path: Path) -> None:
    elsewhere = path.parents[3] / "cache" / path.name
    elsewhere.parent.mkdir(exist_ok=True)
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


SIZE = r"the compressed stream has \(rows, columns, components\) \(60000, 60000, 1\), the header \(50, 40, 1\)"
J2K_SIZE = (BIG, BIG, 0, 0, BIG, BIG)

IMAGE_TRAPS = [
    ImageTrap("empty file", _replaced(Path.touch), "not a DICOM file"),
    ImageTrap("text instead of DICOM", lambda path: path.write_text("no image") and None, "not a DICOM file"),
    ImageTrap("DICOM data set without file header", _without_meta, "not a DICOM file"),
    ImageTrap("truncated in the pixels", lambda path: os.truncate(path, 2_000), "pixel data is less than expected"),
    ImageTrap("truncated in the header", lambda path: os.truncate(path, 220), "cannot be read|no complete"),
    ImageTrap("DICOM without pixels", _header(PixelData=None), "no complete pixel data: truncated, or not an image"),
    ImageTrap("fewer pixels than rows x columns", _header(PixelData=bytes(100)), "pixels cannot be decoded"),
    ImageTrap("RGB", _colour, "a colour image, not a greyscale one"),
    ImageTrap("two frames", _frames, "2 frames, one expected"),
    ImageTrap("no Rows", _header(Rows=None), r"0 x 40 pixels \(rows x columns\)"),
    ImageTrap("60,000 x 60,000 pixels by the header", _header(Rows=BIG, Columns=BIG), "60000 x 60000 pixels"),
    ImageTrap("text where the header needs a number", _text_for_a_number, "DICOM header cannot be read"),
    ImageTrap(
        "RescaleSlope that overflows",
        _header(RescaleSlope="1e300", RescaleIntercept="0"),
        "rescaled values that are not finite",
    ),
    ImageTrap("all pixels equal", _header(PixelData=bytes(4_000)), "no contrast"),
    ImageTrap("pixels that are not square", _header(PixelSpacing=[0.1, 0.2]), "pixels are not square"),
    ImageTrap("600,000 empty header items", _many_items, "more than 500,000 elements", slow=True),
    ImageTrap("deflated data set (64 MiB from 65 kB)", _deflated, "deflated, of unknown size in memory"),
    ImageTrap("no decoder for the transfer syntax (HEVC)", _stream(HEVCMP51), "no decoder for transfer syntax HEVC"),
    ImageTrap("unknown transfer syntax", _stream("1.2.3.4"), r"no decoder for transfer syntax 1\.2\.3\.4"),
    ImageTrap(
        "JPEG 2000 stream that announces 60,000 x 60,000",
        _stream(JPEG2000Lossless, _announcing(b"\xff\x51", 6, ">6I", *J2K_SIZE)),
        SIZE,
    ),
    ImageTrap(
        "JPEG-LS stream that announces 60,000 x 60,000 (GDCM: abort)",
        _stream(JPEGLSLossless, _announcing(b"\xff\xf7", 5, ">2H", BIG, BIG)),
        SIZE,
    ),
    ImageTrap(
        "JPEG stream that announces 60,000 x 60,000",
        _stream(JPEGLosslessSV1, _announcing(b"\xff\xc3", 5, ">2H", BIG, BIG)),
        SIZE,
    ),
    ImageTrap(
        "one wrong byte in a JPEG 2000 stream (GDCM: abort)",
        _stream(JPEG2000Lossless, _one_byte(42, 127)),
        "cannot be decoded",
    ),
    ImageTrap(
        "one wrong byte in a JPEG-LS stream (GDCM: segmentation fault)",
        _stream(JPEGLSLossless, _one_byte(54, 0)),
        "cannot be decoded",
    ),
    ImageTrap(
        "one wrong byte in a JPEG stream (GDCM: abort)",
        _stream(JPEGLosslessSV1, _one_byte(2, 0)),
        "cannot be decoded",
    ),
    ImageTrap(
        "half a JPEG stream in a whole file",
        _stream(JPEGLosslessSV1, lambda s: s[: len(s) // 2]),
        "the compressed stream has no end: truncated",
    ),
    ImageTrap("run lengths that expand 64-fold", _stream(RLELossless, _expanding), "cannot be decoded"),
    ImageTrap("run lengths that end early", _stream(RLELossless, lambda s: s[:90]), "cannot be decoded"),
    ImageTrap("no permission to read", lambda path: path.chmod(0), "no permission to read it", as_nobody=True),
    ImageTrap("folder under the file's name", _replaced(Path.mkdir), "a folder, pipe or device"),
    ImageTrap("named pipe (reading it would wait for ever)", _replaced(os.mkfifo), "a folder, pipe or device"),
    ImageTrap(
        "link to /dev/zero (reading it would never end)",
        _replaced(lambda path: path.symlink_to("/dev/zero")),
        "a folder, pipe or device",
    ),
    ImageTrap("link to itself", _replaced(lambda path: path.symlink_to(path)), "image missing"),
    ImageTrap("link into another folder, as DVC's cache makes them", _linked_elsewhere, ""),
    ImageTrap(
        "sparse file of 1 TiB",
        lambda path: os.truncate(path, 2**40),
        r"image too large: 1,048,576\.0 MiB, where 512 are allowed",
    ),
]
"""An empty reason: the image is read."""
