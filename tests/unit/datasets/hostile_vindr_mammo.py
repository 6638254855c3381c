"""VinDr-Mammo as no loader wants it, and its own quirks."""

from collections.abc import Callable

from hostile_case import EXCLUDED, READ, Case
from tiny_sets import Vindr

STUDY = "b" * 32


def _vindr(**given: object) -> Callable[[Vindr], object]:
    return lambda made: made.add(STUDY, "6" * 32, **given)


def _same_image_id(made: Vindr) -> None:
    made.add(STUDY, "1" * 32)


def _both_splits(made: Vindr) -> None:
    made.add(STUDY, "6" * 32)
    made.add(STUDY, "7" * 32, split="test")


NAMES = {
    "study that climbs out": "../../..",
    "study that is absolute": "/etc",
    "study with separators of Windows": "a\\b",
    "study that is empty": "",
    "study of 300 letters": "a" * 300,
}
CASES = [
    *(
        Case(name, lambda made, study=study: made.add(study, "6" * 32, pixels=False), EXCLUDED, "unsafe or empty")
        for name, study in NAMES.items()
    ),
    Case(
        "image id that climbs out",
        lambda made: made.add(STUDY, "../../x", pixels=False),
        EXCLUDED,
        "unsafe or empty name: image '../../x'",
    ),
    Case("box reversed", _vindr(xmin="20", xmax="10"), EXCLUDED, "box reversed or empty: xmin 20, ymin 5, xmax 10"),
    Case("box of no width", _vindr(xmin="20", xmax="20"), EXCLUDED, "box reversed or empty"),
    Case("box without numbers", _vindr(xmin="", ymin="", xmax="", ymax=""), EXCLUDED, "box unreadable: xmin ''"),
    Case("box with NaN", _vindr(xmin="nan"), EXCLUDED, "box unreadable: xmin 'nan'"),
    Case("box with infinity", _vindr(xmax="inf"), EXCLUDED, "box unreadable: .* xmax 'inf'"),
    Case("box outside the image", _vindr(xmin="45", xmax="60"), EXCLUDED, "outline outside the image"),
    Case("box partly outside the image", _vindr(xmin="-6.25"), READ, r"box \(0, 5, 21, 31\)"),
    Case("box of one pixel", _vindr(xmin="10", xmax="10.5"), EXCLUDED, "outline too small: box"),
    Case("box for an image of another size", _vindr(height="60"), EXCLUDED, "image of another size than annotated"),
    Case("image size NaN", _vindr(height="nan"), EXCLUDED, "image size unreadable: height 'nan'"),
    Case("the same row twice", lambda made: made.rows.append(dict(made.rows[0])), EXCLUDED, "repeated row"),
    Case("image id of another study", _same_image_id, READ, r"box \(10, 5, 21, 31\)"),
    Case("study in both official splits", _both_splits, EXCLUDED, "study in both official splits"),
    Case("unknown split", _vindr(split="validation"), EXCLUDED, "unknown split: 'validation'"),
    Case("unknown BI-RADS", _vindr(finding_birads="BI-RADS 7"), EXCLUDED, "BI-RADS neither benign .* 'BI-RADS 7'"),
    Case("no BI-RADS of the finding", _vindr(finding_birads=""), EXCLUDED, "BI-RADS neither benign .* empty"),
    Case("no finding", _vindr(finding_categories="['No Finding']", xmin=""), EXCLUDED, "no mass: No Finding"),
    Case("two categories", _vindr(finding_categories="['Skin Thickening', 'Mass']"), READ, "box"),
    *(
        Case(f"categories: {name}", _vindr(finding_categories=text), EXCLUDED, "categories unreadable: ")
        for name, text in {
            "a call": "__import__('os').getcwd()",
            "no list": "Mass",
            "a set of lists": "{[]}",
            "200 open brackets": "[" * 200,
            "a list nested 400 deep": "[" * 400 + "]" * 400,
            "4,000 minus signs": "-" * 4_000 + "1",
            "an integer of 900 digits": "[" + "9" * 900 + "]",
        }.items()
    ),
]
