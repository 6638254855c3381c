import math
import sys

import numpy as np
import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from radprompt.core.errors import ImageError
from radprompt.mammograms.imaging import codecs, dicom
from radprompt.mammograms.imaging.dicom import read_mammogram, read_pixels


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless])
def test_every_encoding_gives_back_the_stored_integers(write_dicom, breast, syntax):
    path = write_dicom(breast, syntax)
    np.testing.assert_array_equal(read_pixels(path), breast)


@pytest.mark.parametrize("process", ["JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_encodings_of_older_detectors(write_dicom, breast, tmp_path, process):
    gdcm = pytest.importorskip("gdcm")
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    uids = {"PatientID": "x", "StudyInstanceUID": "1.2.4", "SeriesInstanceUID": "1.2.5"}
    reader.SetFileName(str(write_dicom(breast, **uids)))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, process)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(tmp_path / "compressed.dcm"))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    np.testing.assert_array_equal(read_pixels(tmp_path / "compressed.dcm"), breast)


def test_min_max_and_type(write_dicom, breast):
    pixels = read_mammogram(write_dicom(breast)).pixels
    assert pixels.dtype == np.float32
    assert pixels.min() == 0
    assert pixels.max() == 1
    expected = (breast - breast.min()) / (breast.max() - float(breast.min()))
    np.testing.assert_allclose(pixels, expected, atol=1e-6)


def test_monochrome1_is_the_same_breast(write_dicom, breast):
    plain = read_mammogram(write_dicom(breast)).pixels
    inverted = write_dicom(4095 - breast, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_allclose(read_mammogram(inverted).pixels, plain, atol=1e-6)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("padding", "attributes"),
    [
        ([65535], {"PixelPaddingValue": 65535}),
        ([0], {"PixelPaddingValue": 0}),
        ([60000, 65535, 62000], {"PixelPaddingValue": 65535, "PixelPaddingRangeLimit": 60000}),
    ],
)
def test_padding_is_black_and_leaves_the_scale_alone(write_dicom, breast, photometric, padding, attributes):
    padded = breast.copy()
    padded[:, :10] = np.resize(padding, (60, 10))
    alone = read_mammogram(write_dicom(breast[:, 10:].copy(), PhotometricInterpretation=photometric)).pixels
    pixels = read_mammogram(write_dicom(padded, PhotometricInterpretation=photometric, **attributes)).pixels
    assert (pixels[:, :10] == 0).all()
    np.testing.assert_array_equal(pixels[:, 10:], alone)


def test_rescale_counts_by_its_sign_alone(write_dicom, breast):
    plain = read_mammogram(write_dicom(breast)).pixels
    up = read_mammogram(write_dicom(breast, RescaleSlope=2, RescaleIntercept=-1000)).pixels
    down = read_mammogram(write_dicom(breast, RescaleSlope=-1, RescaleIntercept=4095)).pixels
    np.testing.assert_allclose(up, plain, atol=1e-6)
    np.testing.assert_allclose(down, 1 - plain, atol=1e-6)


def test_window_is_not_applied(write_dicom, breast):
    windowed = write_dicom(breast, WindowCenter=1500, WindowWidth=200)
    np.testing.assert_array_equal(read_mammogram(windowed).pixels, read_mammogram(write_dicom(breast)).pixels)


def test_signed_pixels(write_dicom, breast):
    signed = breast.astype(np.int16) - 2000
    plain = read_mammogram(write_dicom(breast)).pixels
    np.testing.assert_allclose(read_mammogram(write_dicom(signed)).pixels, plain, atol=1e-6)


@pytest.mark.parametrize(
    ("attributes", "spacing", "source"),
    [
        ({"PixelSpacing": [0.07, 0.07]}, 0.07, "PixelSpacing"),
        ({"ImagerPixelSpacing": [0.1, 0.1]}, 0.1, "ImagerPixelSpacing"),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.1, 0.1]}, 0.2, "PixelSpacing"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.094, 0.0942]}, 0.0941, "ImagerPixelSpacing"),
        ({"PixelSpacing": [0, 0]}, math.nan, "unknown"),
        ({}, math.nan, "unknown"),
    ],
)
def test_spacing(write_dicom, breast, attributes, spacing, source):
    mammogram = read_mammogram(write_dicom(breast, **attributes))
    assert mammogram.spacing_mm == pytest.approx(spacing, rel=1e-12, nan_ok=True)
    assert mammogram.spacing_source == source


def test_unequal_spacing_is_refused(write_dicom, breast):
    with pytest.raises(ImageError, match=r"0\.1 x 0\.102 mm: pixels are not square"):
        read_mammogram(write_dicom(breast, PixelSpacing=[0.1, 0.102]))


@pytest.mark.parametrize("part", [0.99, 0.6, 0.3, 0.04, 0])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless])
@pytest.mark.filterwarnings("ignore")
def test_truncated_file(write_dicom, breast, syntax, part):
    path = write_dicom(breast, syntax)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ImageError, match=r"image\.dcm: .*(cannot be|no complete|not a DICOM)"):
        read_mammogram(path)


@pytest.mark.filterwarnings("ignore")
def test_half_a_codestream_in_a_whole_container(write_dicom, breast):
    path = write_dicom(breast, JPEG2000Lossless)
    dataset = dcmread(path)
    codestream = b"".join(generate_fragments(dataset.PixelData))
    dataset.PixelData = encapsulate([codestream[: len(codestream) // 2]])
    dataset.save_as(path)
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_mammogram(path)


def test_unusable_images_say_why(write_dicom, breast, tmp_path):
    colour = np.stack([breast.astype(np.uint8)] * 3, axis=-1)
    cases = {
        "colour": write_dicom(
            colour, name="c.dcm", SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0
        ),
        "2 frames": write_dicom(np.concatenate([breast, breast]), name="f.dcm", NumberOfFrames=2, Rows=60),
        "no contrast": write_dicom(np.full((5, 5), 9, np.uint16), name="k.dcm"),
        "no such image": tmp_path / "absent.dcm",
    }
    for reason, path in cases.items():
        with pytest.raises(ImageError, match=reason) as caught:
            read_mammogram(path)
        assert path.name in str(caught.value)
        assert "Fix: " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SamplesPerPixel", None, "DICOM header cannot be read"),
        ("NumberOfFrames", [1, 2], "DICOM header cannot be read"),
        ("PixelPaddingValue", [1, 2], "DICOM header cannot be read"),
        ("RescaleSlope", [1, 2], "RescaleSlope has 2 values, one expected"),
        ("Rows", None, "0 x 40 pixels"),
        ("RescaleSlope", "1e37", "rescaled values that are not finite"),
        ("BitsAllocated", 12, "pixels cannot be decoded"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_header_that_is_nonsense(write_dicom, breast, name, value, reason):
    """The first four were found by the fuzzer: each was an exception that no loader caught."""
    path = write_dicom(breast, RescaleIntercept=0, PixelPaddingValue=4000)
    dataset = dcmread(path)
    setattr(dataset, name, value)
    dataset.save_as(path)
    with pytest.raises(ImageError, match=reason):
        read_mammogram(path)


def _rewritten(path, keyword, text):
    """Write a text into a header as another system might: pydicom itself would refuse it."""
    dataset = dcmread(path)
    element = dataset[keyword]
    dataset[keyword] = DataElement(element.tag, "LO", "#" * (len(text) + len(text) % 2))
    dataset.save_as(path)
    content = path.read_bytes()
    place = content.index(b"#" * len(text))
    padded = text.encode() + b" " * (len(text) % 2)
    path.write_bytes(
        content[: place - 4] + b"DS" + content[place - 2 : place] + padded + content[place + len(padded) :]
    )
    return path


@pytest.mark.parametrize(
    ("text", "spacing"),
    [("0,085\\0,085", 0.085), ("0.085\\0,085 ", 0.085), ("8,5e-2\\ 0,085", 0.085), ("\\", math.nan)],
)
def test_spacing_with_a_decimal_comma(write_dicom, breast, text, spacing):
    path = _rewritten(write_dicom(breast, PixelSpacing=[0.1, 0.1]), "PixelSpacing", text)
    assert read_mammogram(path).spacing_mm == pytest.approx(spacing, rel=1e-12, nan_ok=True)


def test_spacing_that_is_no_number_is_shown(write_dicom, breast):
    path = _rewritten(write_dicom(breast, PixelSpacing=[0.1, 0.1]), "PixelSpacing", "0,085,0,085")
    with pytest.raises(
        ImageError, match=r"image\.dcm: PixelSpacing is '0,085,0,085', not decimal numbers\nFix: correct"
    ):
        read_mammogram(path)


def test_rescale_with_a_decimal_comma(write_dicom, breast):
    path = _rewritten(write_dicom(breast, RescaleSlope=1, RescaleIntercept=4095), "RescaleSlope", "-0,5")
    np.testing.assert_allclose(read_mammogram(path).pixels, 1 - read_mammogram(write_dicom(breast)).pixels, atol=1e-6)


@pytest.mark.parametrize("empty", [{"RescaleSlope": None}, {"RescaleSlope": 1, "RescaleIntercept": None}])
def test_an_empty_rescale_is_none(write_dicom, breast, empty):
    attributes = {"RescaleIntercept": 0, **empty, "ModalityLUTSequence": []}
    path = write_dicom(breast, name="empty.dcm", **attributes)
    np.testing.assert_array_equal(read_mammogram(path).pixels, read_mammogram(write_dicom(breast)).pixels)


def _without_transfer_syntax(path):
    """Rename the element's tag to a private one, so that the header says nothing of it."""
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI", 1))
    return path


@pytest.mark.filterwarnings("ignore")
def test_plain_pixels_without_a_transfer_syntax_are_read(write_dicom, breast):
    np.testing.assert_array_equal(read_pixels(_without_transfer_syntax(write_dicom(breast))), breast)


@pytest.mark.filterwarnings("ignore")
def test_compressed_pixels_without_a_transfer_syntax_are_refused(write_dicom, breast):
    with pytest.raises(ImageError, match=r"image\.dcm: no transfer syntax .*compressed pixels are coded\nFix: write"):
        read_pixels(_without_transfer_syntax(write_dicom(breast, RLELossless)))


def test_pixels_in_the_upper_bits_are_refused(write_dicom, breast):
    path = write_dicom(breast << 4, BitsStored=12, HighBit=15)
    with pytest.raises(ImageError, match="HighBit 15 with BitsStored 12: 11 expected"):
        read_pixels(path)


@pytest.mark.parametrize(
    ("attributes", "presentation"),
    [
        ({}, ""),
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
        ({"PresentationIntentType": "FOR PRESENTATION"}, "FOR PRESENTATION"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2.1"}, "FOR PROCESSING"),
        ({"PresentationIntentType": "SOMETHING"}, ""),
    ],
)
def test_raw_images_are_told_apart(write_dicom, breast, attributes, presentation):
    assert read_mammogram(write_dicom(breast, **attributes)).presentation == presentation


def test_rescaled_to_both_ends_of_the_range(write_dicom, breast):
    path = write_dicom(breast.astype(np.int16) - 2000, RescaleSlope="1.5e35", RescaleIntercept=0)
    with pytest.raises(ImageError, match="not finite"):
        read_mammogram(path)


def test_a_header_of_endless_pieces_is_given_up(write_dicom, breast, monkeypatch):
    path = write_dicom(breast)
    monkeypatch.setattr(dicom, "MOST_PIECES", 10)
    with pytest.raises(ImageError, match=r"image\.dcm: more than 10 elements"):
        read_mammogram(path)


def test_a_lookup_table_longer_than_any_is_not_looked_at(write_dicom, breast, monkeypatch):
    item = Dataset()
    item.LUTDescriptor, item.LUTData, item.ModalityLUTType = [4096, 0, 16], bytes(8192), "US"
    path = write_dicom(breast, ModalityLUTSequence=[item])
    monkeypatch.setattr(dicom, "LONGEST_LUT", 8_000)
    with pytest.raises(ImageError, match="a modality lookup table longer than any that is legal"):
        read_mammogram(path)


def test_a_system_without_the_decoder_says_so(write_dicom, breast, monkeypatch):
    path = write_dicom(breast, JPEG2000Lossless)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    codecs.can_decode.cache_clear()
    with pytest.raises(ImageError, match=r"no decoder for transfer syntax JPEG 2000 .*\.4\.90\)"):
        read_mammogram(path)
    codecs.can_decode.cache_clear()


def test_all_padding_has_no_contrast(write_dicom):
    with pytest.raises(ImageError, match="no contrast"):
        read_mammogram(write_dicom(np.full((5, 5), 9, np.uint16), PixelPaddingValue=9))
