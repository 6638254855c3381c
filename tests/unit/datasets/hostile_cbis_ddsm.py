"""CBIS-DDSM as no loader wants it, and its own quirks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hostile_case import ERROR, EXCLUDED, READ, Case
from pydicom import dcmread
from tiny_sets import SHAPE, Cbis, mammogram, square, write_dicom


def _mask(pixels: list[tuple[int, int]]) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[tuple(zip(*pixels, strict=True)) if pixels else ([], [])] = 255
    return mask


def _cbis(**given: object) -> Callable[[Cbis], object]:
    return lambda made: made.add("P_00666", **given)  # type: ignore[arg-type]


def _spoilt_mask(spoil: Callable[[Path], None]) -> Callable[[Cbis], None]:
    def add(made: Cbis) -> None:
        made.add("P_00666", crop=None)
        spoil(next(made.root.glob("*P_00666_LEFT_CC_1/*/*/1-1.dcm")))

    return add


def _colour(path: Path) -> None:
    dataset = dcmread(path)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.PixelData = dataset.PixelData * 3
    dataset.save_as(path)


def _conflicting(made: Cbis) -> None:
    made.add("P_00666", view="CC", pathology="BENIGN")
    made.add("P_00666", view="MLO", pathology="MALIGNANT")


def _in_both(made: Cbis) -> None:
    made.add("P_00666")
    made.add("P_00666", split="test")


def _repeated(made: Cbis) -> None:
    made.rows["train"].append(dict(made.rows["train"][0]))


def _two_mammograms(made: Cbis) -> None:
    made.add("P_00666")
    folder = next(made.root.glob("*P_00666_LEFT_CC/*/*"))
    write_dicom(folder / "1-2.dcm", mammogram())


def _metadata(separator: str, where: str) -> Callable[[Cbis], None]:
    """An NBIA table of descriptions whose locations have this separator and start here."""

    def add(made: Cbis) -> None:
        made.add("P_00666")
        lines = ["Series UID,Study UID,Series Description,File Location"]
        for number, series in enumerate(sorted(made.root.glob("Mass-*/*/*"))):
            parts = [where, *series.relative_to(made.root).parts]
            lines.append(f"1.2.{number},1.2,{series.name.split('-')[1]},{separator.join(parts)}")
        (made.root / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    return add


NBIA_PATH = "{}/1.3/1.4/000000.dcm"
SMALL, SQUAT, TWICE = np.zeros((25, 20), np.uint8), np.zeros((25, 24), np.uint8), np.zeros((50, 40), np.uint8)
SMALL[5:10, 4:9] = SQUAT[5:10, 4:9] = 255
TWICE[10:20, 10:20], TWICE[12:15, 12:15] = 255, 128

CASES = [
    Case("mask of 0 pixels", _cbis(mask=_mask([]), crop=None), EXCLUDED, "mask of one value: all of it or none"),
    Case("mask of 1 pixel", _cbis(mask=_mask([(9, 9)])), EXCLUDED, "outline too small: box"),
    Case("mask of 3 pixels", _cbis(mask=_mask([(9, 9), (9, 10), (10, 9)])), EXCLUDED, "outline too small: 3 px"),
    Case("mask that touches the border", _cbis(mask=square((0, 30, 12, 50))), READ, r"box \(0, 30, 12, 50\)"),
    Case(
        "mask that fills the image",
        _cbis(mask=np.full(SHAPE, 255, np.uint8), crop=None),
        EXCLUDED,
        "mask of one value: all of it or none",
    ),
    Case("mask of three values", _cbis(mask=TWICE, crop=None), EXCLUDED, "mask unusable: .* none of 1 files has two"),
    Case(
        "mask of another aspect", _cbis(mask=SQUAT), EXCLUDED, "mask of another shape: mask 25 x 24, mammogram 50 x 40"
    ),
    Case("mask of another size, same aspect", _cbis(mask=SMALL), READ, r"box \(8, 10, 18, 20\)"),
    Case("mask and crop swapped", _cbis(swapped=True), READ, r"box \(5, 10, 15, 25\)"),
    Case("mask truncated", _spoilt_mask(lambda f: f.write_bytes(f.read_bytes()[:900])), EXCLUDED, "mask unusable"),
    Case("mask in colour", _spoilt_mask(_colour), EXCLUDED, "mask unusable: .* a colour image"),
    Case("no mask file", _cbis(mask=None, crop=None), EXCLUDED, "mask missing: Mass-Training_P_00666_LEFT_CC_1"),
    Case("two mammograms in one series", _two_mammograms, EXCLUDED, "several mammograms: 2 files"),
    Case("no mammogram", _cbis(image=False), EXCLUDED, "image missing: Mass-Training_P_00666_LEFT_CC"),
    Case("the same row twice", _repeated, EXCLUDED, "repeated row: the first one counts"),
    Case("benign in one view, malignant in another", _conflicting, EXCLUDED, "conflicting labels"),
    Case("patient in both official splits", _in_both, EXCLUDED, "patient in both official splits"),
    Case("unknown pathology", _cbis(pathology="UNPROVEN"), EXCLUDED, "unknown pathology: 'UNPROVEN'"),
    Case("assessment 0; N/A in shape and margins", _cbis(assessment="0"), READ, "BI-RADS '0', label 1"),
    Case("unknown BI-RADS (assessment 7)", _cbis(assessment="7"), READ, "BI-RADS '', label 1"),
    Case("calcification among the masses", _cbis(**{"abnormality type": "calcification"}), EXCLUDED, "no mass"),
    Case("no patient", lambda made: made.add("", image=False), EXCLUDED, "image missing|unsafe or empty name"),
    Case(
        "patient id that climbs out of the masks' folder",
        lambda made: made.add("P_00666") and made.rows["train"][-1].update({"patient_id": "../../P_1"}),
        EXCLUDED,
        r"unsafe or empty name: lesion '../../P_1_LEFT_CC_1'",
    ),
    Case(
        "patient id that no lesion table holds",
        lambda made: made.add("P_00666") and made.rows["train"][-1].update({"patient_id": "~"}),
        EXCLUDED,
        "unsafe or empty name: lesion '~_LEFT_CC_1' is not a file's name",
    ),
    Case(
        "image path that climbs out of the data set",
        _cbis(**{"image file path": NBIA_PATH.format("../../../etc")}),
        EXCLUDED,
        r"image missing: \.\.",
    ),
    Case("absolute mask path", _cbis(**{"ROI mask file path": "/etc/passwd"}), EXCLUDED, "mask missing: /"),
    Case(
        "separators of Windows in the table",
        lambda made: (
            made.add("P_00666")
            and made.rows["train"][-1].update(
                {
                    name: made.rows["train"][-1][name].replace("/", "\\")
                    for name in ("image file path", "ROI mask file path")
                }
            )
        ),
        READ,
        r"box \(5, 10, 15, 25\)",
    ),
    Case("metadata.csv with separators of Windows", _metadata("\\", "."), READ, r"box \(5, 10, 15, 25\)"),
    Case("metadata.csv whose paths climb out of the data set", _metadata("/", "../../.."), READ, "box"),
    Case(
        "metadata.csv without its columns",
        lambda made: (made.root / "metadata.csv").write_text("a,b\n1,2\n", encoding="utf-8"),
        ERROR,
        r"metadata\.csv: column\(s\) \['series_description', 'file_location'\] missing",
    ),
]
