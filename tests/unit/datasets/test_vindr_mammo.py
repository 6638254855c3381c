import numpy as np
import pytest

from radprompt.core.errors import InputError
from radprompt.mammograms.datasets import vindr_mammo
from radprompt.mammograms.datasets.vindr_mammo import clamped
from radprompt.tables.lesions import Box

STUDY, OTHER = "a" * 32, "b" * 32


def test_a_lesion_is_read_in_full(vindr, compute, check, tmp_path):
    vindr.add(STUDY, "1" * 32)
    found = vindr_mammo.load(vindr.write(), tmp_path / "masks", compute)
    check(found, rows=1)
    (lesion,) = found.lesions
    assert lesion.lesion_id == "1" * 32 + "_1"
    assert (lesion.patient_id, lesion.study_id) == (STUDY, STUDY)
    assert (lesion.view, lesion.laterality, lesion.birads, lesion.label, lesion.split) == ("MLO", "R", "4", 1, "train")
    assert lesion.box == Box(10, 5, 21, 31)
    assert (lesion.spacing_mm, lesion.spacing_source) == (0.1, "ImagerPixelSpacing")
    assert lesion.mask_path == ""
    assert found.masks == []
    assert not (tmp_path / "masks").exists()


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ((-6.25, 3.0, 12.0, 20.0), Box(0, 3, 12, 20)),
        ((30.5, 45.5, 47.0, 99.0), Box(30, 45, 40, 50)),
        ((0.0, 0.0, 40.0, 50.0), Box(0, 0, 40, 50)),
    ],
)
def test_boxes_are_widened_to_pixels_and_cut_at_the_border(corners, box):
    assert clamped(corners, (50, 40)) == box


def test_several_findings_in_an_image_are_numbered_in_order(vindr, compute, check, tmp_path):
    vindr.add(STUDY, "1" * 32, finding_categories="['Suspicious Calcification']")
    vindr.add(STUDY, "1" * 32, finding_categories="['Suspicious Calcification', 'Mass']", finding_birads="BI-RADS 3")
    vindr.add(STUDY, "2" * 32, finding_categories="['No Finding']", xmin="", ymin="", xmax="", ymax="")
    vindr.add(STUDY, "1" * 32, finding_birads="BI-RADS 5")
    found = vindr_mammo.load(vindr.write(), tmp_path, compute)
    reasons = check(found, rows=4)
    assert [(x.lesion_id[-2:], x.label, x.birads) for x in found.lesions] == [("_2", 0, "3"), ("_3", 1, "5")]
    assert reasons == {"1" * 32 + "_1": "no mass: Suspicious Calcification", "2" * 32 + "_1": "no mass: No Finding"}
    assert found.flow == {"rows": 4, "excluded: no mass": 2, "mass": 2, "lesions": 2}


def test_every_reason(vindr, compute, check, tmp_path):
    cases = {
        "0": ({"finding_birads": ""}, "BI-RADS neither benign (3) nor malignant (4-6): empty"),
        "1": ({"finding_birads": "BI-RADS 2"}, "BI-RADS neither benign (3) nor malignant (4-6): 'BI-RADS 2'"),
        "2": ({"finding_categories": "__import__('os').getcwd()"}, "categories unreadable: "),
        "3": ({"finding_categories": "Mass"}, "categories unreadable: 'Mass'"),
        "4": ({"xmin": ""}, "box unreadable: xmin ''"),
        "5": ({"xmin": "45", "xmax": "60"}, "outline outside the image: box (45, 5, 40, 31) in an image of 40 x 50 px"),
        "6": ({"xmin": "20", "xmax": "10"}, "box reversed or empty: xmin 20, ymin 5, xmax 10, ymax 30.5"),
        "7": ({"split": "validation"}, "unknown split: 'validation'"),
        "8": ({"height": "60"}, "image of another size than annotated: table (60, 40), file (50, 40)"),
        "9": ({"width": "?"}, "image size unreadable: height '50', width '?'"),
        "a": ({"pixels": False}, "image missing: "),
        "b": ({"pixels": np.full((50, 40), 7, np.uint16)}, "image unusable: "),
        "c": ({"xmin": "10", "xmax": "10.5"}, "outline too small: "),
    }
    for digit, (cells, _) in cases.items():
        vindr.add(digit * 32, digit * 32, **cells)
    vindr.add("d" * 32, "d" * 32)
    vindr.add("d" * 32, "e" * 32, split="test")
    found = vindr_mammo.load(vindr.write(), tmp_path, compute)
    reasons = check(found, rows=len(cases) + 2)
    assert found.lesions == []
    for digit, (_, reason) in cases.items():
        assert reasons[digit * 32 + "_1"].startswith(reason), reasons[digit * 32 + "_1"]
    assert {reasons["d" * 32 + "_1"], reasons["e" * 32 + "_1"]} == {"study in both official splits"}


def test_two_processes_give_the_same_set(vindr, compute, tmp_path):
    for digit in "0123":
        vindr.add(STUDY, digit * 32, pixels=None if digit != "2" else False)
    root = vindr.write()
    parallel = type(compute)("loky", 2)
    assert vindr_mammo.load(root, tmp_path, parallel) == vindr_mammo.load(root, tmp_path, compute)


def test_a_missing_column_is_named_with_those_found(vindr, compute, tmp_path):
    vindr.add(STUDY, "1" * 32)
    root = vindr.write()
    table = root / "finding_annotations.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("finding_birads", "birads"), encoding="utf-8")
    with pytest.raises(InputError, match=r"finding_annotations\.csv.*'finding_birads'\] missing; found \['study_id'"):
        vindr_mammo.load(root, tmp_path, compute)


def test_a_missing_table_says_where_to_get_it(compute, tmp_path):
    (tmp_path / "vindr_mammo").mkdir()
    with pytest.raises(InputError, match=r"finding_annotations\.csv(.|\n)*PhysioNet.*br2v-7517.*data\.root"):
        vindr_mammo.load(tmp_path / "vindr_mammo", tmp_path, compute)
