"""INbreast as no loader wants it, and its own quirks."""

import plistlib
from collections.abc import Callable

from hostile_case import EXCLUDED, READ, Case
from tiny_sets import Inbreast, mammogram, write_dicom

TRIANGLE = [(12, 9), (32, 9), (12, 39)]


def _inbreast(rois: list | None = None, birads: str = "5", **given: object) -> Callable[[Inbreast], object]:
    return lambda made: made.add("6", "q", birads, [("Mass", TRIANGLE)] if rois is None else rois, **given)


def _mass(*points: tuple[float, float]) -> Callable[[Inbreast], object]:
    return _inbreast([("Mass", list(points))])


def _xml(content: bytes | Callable[[bytes], bytes]) -> Callable[[Inbreast], None]:
    """Change or replace the property list of an image."""

    def add(made: Inbreast) -> None:
        made.add("6", "q", "5", [("Mass", TRIANGLE)])
        path = made.root / "AllXML" / "6.xml"
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return add


def _without_xml(birads: str) -> Callable[[Inbreast], object]:
    return lambda made: made.add("6", "q", birads, None)


def _sheet(made: Inbreast) -> None:
    """The .xls variant saved as CSV: 17 columns, one with a blank behind its name, and two lines below the table."""
    extra = [
        "Mass ",
        "Micros",
        "Distortion",
        "Asymmetry",
        "Lesion Annotation Status",
        "Pectoral Muscle Annotation",
        "Other Annotations",
        "Other Notes",
        "Findings Notes (in Portuguese)",
    ]
    made.add("6", "q", "4b", [("Mass", TRIANGLE)])
    made.rows = [row | dict.fromkeys(extra, "X") for row in made.rows]
    for footer in ("X = present", "1 = malignant"):
        made.rows.append(dict.fromkeys(made.rows[0], "") | {"Patient ID": footer})


def _two_patients(made: Inbreast) -> None:
    made.add("6", "q", "5", [("Mass", TRIANGLE)])
    write_dicom(made.root / "AllDICOMs" / "6_r_MG_R_ML_ANON.dcm", mammogram())


LAUGHS = (
    b"<!DOCTYPE plist [<!ENTITY a 'ha'>"
    + b"".join(b"<!ENTITY %c '%b'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><plist><string>&j;</string></plist>"
)
OUTSIDE_FILE = b"<!DOCTYPE plist [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><plist><string>&a;</string></plist>"
DEEP = b"<plist>" + b"<array>" * 200_000 + b"</array>" * 200_000 + b"</plist>"
MANY = plistlib.dumps({"Images": [{"ROIs": [{"Name": "Cluster", "Point_px": []}] * 2_001}]})
LONG = plistlib.dumps({"Images": [{"ROIs": [{"Name": "Mass", "Point_px": ["(0, 0)", "(4000, 4000)"] * 2_000}]}]})
NO_LIST = "annotation missing: 6.xml is no OsiriX property list"
CASES = [
    Case("entities that expand to 10^9 (plist bomb)", _xml(LAUGHS), EXCLUDED, f"{NO_LIST} .entities are declared"),
    Case("entity that reads a file", _xml(OUTSIDE_FILE), EXCLUDED, f"{NO_LIST} .entities are declared"),
    Case("lists nested 200,000 deep", _xml(DEEP), EXCLUDED, f"{NO_LIST} .elements nested more than 32 deep"),
    Case("2,001 regions", _xml(MANY), EXCLUDED, f"{NO_LIST} .2,001 regions, more than 2,000"),
    Case("4,000 points around 4,000 x 4,000 px", _xml(LONG), EXCLUDED, "annotation missing: .* too long to draw"),
    Case("binary property list", _xml(plistlib.dumps({"Images": []}, fmt=plistlib.FMT_BINARY)), EXCLUDED, NO_LIST),
    Case("XML truncated", _xml(lambda xml: xml[:200]), EXCLUDED, NO_LIST),
    Case("empty XML file", _xml(b""), EXCLUDED, NO_LIST),
    Case("property list without Images", _xml(plistlib.dumps({"ROIs": []})), EXCLUDED, f"{NO_LIST} .no key 'Images'"),
    Case(
        "region whose points are numbers",
        _xml(plistlib.dumps({"Images": [{"ROIs": [{"Name": "Mass", "Point_px": [1, 2, 3]}]}]})),
        EXCLUDED,
        f"{NO_LIST} .text expected",
    ),
    Case(
        "point (nan, 1)", _xml(lambda xml: xml.replace(b"(12.000000", b"(nan", 1)), EXCLUDED, f"{NO_LIST} .not a point"
    ),
    Case(
        "point (1e999, 1)",
        _xml(lambda xml: xml.replace(b"(12.000000", b"(1e999", 1)),
        EXCLUDED,
        f"{NO_LIST} .not a finite",
    ),
    Case(
        "points past the border", _mass((-3.5, 20), (40, 20), (40, 50.5), (-3.5, 50.5)), READ, r"box \(0, 20, 40, 50\)"
    ),
    Case("outline that touches the border", _mass((0, 0), (10, 0), (0, 10)), READ, r"box \(0, 0, 11, 11\)"),
    Case("outline outside the image", _mass((90, 90), (99, 90), (95, 99)), EXCLUDED, "outline too small: box"),
    Case("outline around 1 pixel", _mass((9.9, 9.9), (10.1, 9.9), (10, 10.2)), EXCLUDED, "outline too small: box"),
    Case("outline around 3 pixels", _mass((10, 10), (11, 10), (10, 11)), EXCLUDED, "outline too small: 3 px"),
    Case("outline around 0 pixels", _mass((9.2, 9.2), (9.6, 9.2), (9.4, 9.6)), EXCLUDED, "outline too small: 3 points"),
    Case("region of two points", _mass((9, 9), (20, 20)), EXCLUDED, r"mark, not an area: 2 point\(s\)"),
    Case("the same outline twice", _inbreast([("Mass", TRIANGLE)] * 2), EXCLUDED, "repeated region: the first one"),
    Case("the same row twice", lambda made: made.rows.append(dict(made.rows[0])), EXCLUDED, "repeated row"),
    Case("region by another name", _inbreast([("Espiculated Region", TRIANGLE)]), EXCLUDED, "no mass: region 'Espic"),
    Case("unknown BI-RADS", _inbreast(birads="4d"), EXCLUDED, r"BI-RADS neither benign .* '4d'"),
    Case("BI-RADS 4b", _inbreast(birads="4b"), READ, "BI-RADS '4b', label 1"),
    Case("no XML, BI-RADS 1", _without_xml("1"), EXCLUDED, "no mass: no 6.xml, BI-RADS 1"),
    Case("no XML, BI-RADS 5", _without_xml("5"), EXCLUDED, "annotation missing: no 6.xml, BI-RADS 5"),
    Case(
        "XML of an image that the table does not have",
        lambda made: made.outline("6", [("Mass", TRIANGLE)]),
        EXCLUDED,
        "annotation missing: image not in INbreast.csv",
    ),
    Case("no image", _inbreast(image=False), EXCLUDED, r"image missing: AllDICOMs/6_\*\.dcm"),
    Case("one image under two patients", _two_patients, EXCLUDED, "patient unknown: from the name"),
    Case(
        "file name that climbs out",
        lambda made: made.add("../../x", "q", "5", None, image=False),
        EXCLUDED,
        "unsafe or empty name: file '../../x'",
    ),
    Case(
        "file name with separators of Windows",
        lambda made: made.add("AllDICOMs\\6", "q", "5", None, image=False),
        EXCLUDED,
        "unsafe or empty name: file",
    ),
    Case("no file name", lambda made: made.add("", "q", "5", None, image=False), EXCLUDED, "no file name"),
    Case("the .xls variant as CSV (17 columns, two lines below)", _sheet, EXCLUDED, "no file name"),
]
