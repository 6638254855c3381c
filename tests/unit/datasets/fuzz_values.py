"""What the fuzzer puts into files: bytes and values to which a format, Python or a file system gives a meaning."""

from collections.abc import Iterable

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy


def edits(tokens: Iterable[bytes]) -> SearchStrategy:
    """Changes of a file: what, where, and bytes to put there."""
    content = st.one_of(st.sampled_from(sorted(tokens)), st.binary(min_size=1, max_size=6))
    change = st.tuples(st.sampled_from(("set", "insert", "delete", "cut", "repeat")), st.integers(0, 2**15), content)
    return st.lists(change, min_size=1, max_size=8)


def edited(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    """Return the file with its changes, in order."""
    for kind, place, new in changes:
        at = place % (len(content) + 1)
        tail = {"set": at + len(new), "delete": at + 4 * len(new), "cut": len(content)}.get(kind, at)
        middle = {"set": new, "insert": new, "repeat": content[at : at + 64] * 3}.get(kind, b"")
        content = content[:at] + middle + content[tail:]
    return content


_CELLS = [
    *("", " ", "nan", "inf", "-1", "0", "1e999", "-6.25", "9" * 400, "0x10", "1_0", "\u0663", "N/A", "\ufeff", "\x00"),
    *("..", "../../x", "/etc/passwd", "C:\\x\\y", "a" * 300, "a/b\\c", "~", "con", ".", "a\nb", "a\rb", "\u2028"),
    *("BI-RADS 7", "bi-rads4C", "4d", "MALIGNANT", "training", "test", "R", "CC"),
    *("['Mass']", "[[['Mass']]]", "{[]}", "(" * 99),
]
CELLS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 20), st.one_of(st.sampled_from(_CELLS), st.text(max_size=30))),
    min_size=1,
    max_size=5,
)
TABLES = st.one_of(
    st.tuples(
        st.just("bytes"),
        edits(b"\" , ; \r\n \n \r \0 \xff \xef\xbb\xbf \xe9 ' [ \\ ../".split(b" ")),
    ),
    st.tuples(st.just("cells"), CELLS),
)
"""Changes of a table: of its bytes, or cells as (row, column, text)."""

_LEAVES = st.one_of(
    st.text(max_size=12),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.booleans(),
    st.binary(max_size=4),
    st.sampled_from(("Mass", "(1, 2)", "(3.5, -4e1)", "(nan, 1)", "(1e999, 0)", "(1.2.3, 4)", "()", "( 7 , 8 )")),
)
_KEYS = st.sampled_from(("Images", "ROIs", "Name", "Point_px", "Point_mm", "NumberOfPoints", "x"))
_PLISTS = st.recursive(_LEAVES, lambda part: st.lists(part, max_size=4) | st.dictionaries(_KEYS, part, max_size=4))
_XML = [
    *(b"<array>", b"</array>", b"<dict>", b"<key>", b"</string>", b"<!ENTITY a 'b'>", b"&a;", b"&#0;", b"<![CDATA["),
    *(b"(1e9, 1)", b"nan", b"(0, 0)", b"encoding='utf-16'", b"\xff\xfe", b"bplist00", b"<date>", b"<integer>x"),
]
OUTLINES = st.one_of(
    st.tuples(st.just("bytes"), edits(_XML)), st.tuples(st.sampled_from(("whole", "rois", "list")), _PLISTS)
)
"""Changes of a property list: of its bytes, or another content at one of three places."""

_SYNTAX = [
    *("[", "]", "(", ")", "{", "}", "'Mass'", '"', ",", ":", "-", "~", "1", "1e999", "j", "f'{1}'", "\\", "#", "not "),
    *("lambda:0", "\n", " ", "b''", "...", "\x00", "*", "'No Finding'", "__import__('os')"),
]
CATEGORIES = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(_SYNTAX), max_size=60).map("".join),
    st.tuples(st.sampled_from(_SYNTAX), st.integers(1, 2_000)).map(lambda drawn: drawn[0] * drawn[1]),
)

_ATTRIBUTES = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *("NumberOfFrames", "PhotometricInterpretation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope"),
    *("RescaleIntercept", "PixelSpacing", "ImagerPixelSpacing", "PlanarConfiguration", "RescaleType"),
)
_ODD = (
    *(None, 0, 1, 2, 7, 8, 12, 16, 32, 64, 255, 65535, "", "x", "nan", "inf", "1e300", "-1e300", "0", "-1", [1, 2]),
    *(["0", "0"], ["1e-300", "1e-300"], ["nan", "1"], [0.1, 0.1, 0.1], "MONOCHROME1", "RGB", "PALETTE COLOR", "1e999"),
    "9" * 300,
)
_DICOM = [
    *(b"\xff\xff\xff\xff", b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00", b"SQ\0\0", b"OW", b"\0"),
    *(b"\xff\xd9", b"\xff\x4f\xff\x51", b"\xff\xc3", b"\xff\xf7", b"\xff\x52", b"\xff\x90", b"99", b"DICM", b"\x7f"),
]
DICOM_CHANGES = st.one_of(
    st.tuples(st.just("bytes"), edits(_DICOM)),
    st.tuples(
        st.just("attributes"),
        st.lists(st.tuples(st.sampled_from(_ATTRIBUTES), st.sampled_from(_ODD)), min_size=1, max_size=4),
    ),
)
"""Changes of a DICOM file: of its bytes, or attributes with values of any type."""

PNG_CHANGES = edits([b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"\0", b"\xff", b"acTL"])
