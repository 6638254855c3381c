import plistlib

import pytest

from radprompt.mammograms.datasets import osirix
from radprompt.mammograms.datasets.findings import UnusableError
from radprompt.mammograms.datasets.osirix import Roi, read_rois


def with_regions(*regions) -> bytes:
    return plistlib.dumps({"Images": [{"ROIs": list(regions)}]})


def test_regions_keep_their_order_and_types(tmp_path):
    path = tmp_path / "1.xml"
    path.write_bytes(with_regions({"Name": "Mass", "Point_px": ["(1.5, -2)", "( 3e1 ,4)"]}, {"Point_px": []}))
    assert read_rois(path) == [Roi("Mass", ((1.5, -2.0), (30.0, 4.0))), Roi("", ())]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        # Found by the fuzzer: plistlib's own IndexError, KeyError and LookupError on text where none may be.
        (b"<plist><dict></dict></plist>", "no key 'Images'"),
        (b"<plist>x</plist>", "no OsiriX property list"),
        (b"<integer>x</integer>", "no OsiriX property list"),
        (b"</plist>", "not well-formed"),
        (b"<plist><array><key>a</key></array></plist>", "unexpected key"),
        (b"<?xml version='1.0' encoding='klingon'?><plist/>", "unknown encoding"),
        (b"<plist><date>1</date></plist>", "no OsiriX property list"),
        (with_regions({"Name": ["a"] * 3, "Point_px": []}), "text expected, not list"),
        (with_regions({"Name": "Mass", "Point_px": "(1, 2)"}), r"not a point: '\('"),
        (with_regions({"Name": "Mass", "Point_px": ["(1.2.3, 4)"]}), "could not convert string to float"),
        (with_regions({"Name": "Mass"}), "no key 'Point_px'"),
        (with_regions("Mass"), "no attribute|no OsiriX"),
    ],
)
def test_what_is_no_list_of_regions_says_why(tmp_path, content, reason):
    path = tmp_path / "1.xml"
    path.write_bytes(content)
    with pytest.raises(UnusableError, match=f"annotation missing: 1.xml is no OsiriX property list.*{reason}|{reason}"):
        read_rois(path)


def test_a_list_that_plistlib_takes_minutes_to_free_is_not_made(tmp_path):
    path = tmp_path / "1.xml"
    path.write_bytes(b"<plist>" + b"<array>" * 1_000_000 + b"</array>" * 1_000_000 + b"</plist>")
    with pytest.raises(UnusableError, match="nested more than 32 deep"):
        read_rois(path)


def test_bounds_of_size_and_number(tmp_path, monkeypatch):
    path = tmp_path / "1.xml"
    path.write_bytes(with_regions(*[{"Name": "Mass", "Point_px": ["(0, 0)", "(9, 0)", "(9, 9)"]}] * 3))
    assert len(read_rois(path)) == 3
    for name, value, reason in [
        ("MOST_REGIONS", 2, "3 regions, more than 2"),
        ("MOST_WORK", 899, r"outlines too long to draw \(9e\+02 points x pixels\)"),
        ("LARGEST_FILE", 100, "property list too large"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(osirix, name, value)
            with pytest.raises(UnusableError, match=reason):
                read_rois(path)
    monkeypatch.setattr(osirix, "MOST_WORK", 900)
    assert len(read_rois(path)) == 3
