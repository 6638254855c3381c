import shutil

import numpy as np
import pytest

from radprompt.core.errors import InputError
from radprompt.mammograms.datasets import inbreast as loader
from radprompt.mammograms.datasets.osirix import read_rois
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.tables.lesions import Box

TRIANGLE = [(10, 8), (30, 8), (10, 38)]


def test_a_lesion_is_read_in_full(inbreast, compute, check, tmp_path):
    inbreast.add("20586908", "6c613a14b80a8591", "4b", [("Mass", TRIANGLE)], ImagerPixelSpacing=[0.085, 0.085])
    found = loader.load(inbreast.write(), tmp_path / "masks", compute)
    check(found, rows=1)
    (lesion,) = found.lesions
    assert lesion.lesion_id == "20586908_1"
    assert lesion.patient_id == "6c613a14b80a8591"
    assert lesion.study_id == "6c613a14b80a8591_200801"
    assert lesion.image_path.endswith("AllDICOMs/20586908_6c613a14b80a8591_MG_R_ML_ANON.dcm")
    assert (lesion.view, lesion.laterality, lesion.birads, lesion.label) == ("MLO", "R", "4b", 1)
    assert lesion.box == Box(10, 8, 31, 39)
    assert (lesion.spacing_mm, lesion.spacing_source) == (0.085, "ImagerPixelSpacing")
    mask = read_mask(tmp_path / "masks" / "20586908_1.png")
    assert mask.shape == (50, 40)
    assert mask[10, 12]
    assert not mask[35, 28], "x is the column"
    assert lesion.mask_path == "data/lesions/inbreast_masks/20586908_1.png"
    assert found.masks == ["20586908_1"]


def test_published_spacing_only_where_the_file_has_none(inbreast, compute, tmp_path):
    inbreast.add("1", "p", "3", [("Mass", TRIANGLE)])
    found = loader.load(inbreast.write(), tmp_path, compute)
    assert (found.lesions[0].spacing_mm, found.lesions[0].spacing_source) == (0.07, "table")


def test_only_regions_named_mass_count(inbreast, compute, check, tmp_path):
    names = ["Calcification", "Mass", "Cluster", "Spiculated Region", "Espiculated Region", "mass ", "Asymmetry", "NaN"]
    inbreast.add("1", "p", "5", [(name, [(10 + place, 8), (30, 8), (10, 38)]) for place, name in enumerate(names)])
    found = loader.load(inbreast.write(), tmp_path, compute)
    reasons = check(found, rows=8)
    assert [lesion.lesion_id for lesion in found.lesions] == ["1_2", "1_6"]
    assert reasons["1_4"] == "no mass: region 'Spiculated Region'"
    assert found.flow == {"rows": 8, "excluded: no mass": 6, "mass": 2, "lesions": 2}


@pytest.mark.parametrize(("birads", "label"), [("3", 0), ("4a", 1), ("4B", 1), (" 4c", 1), ("5", 1), ("6", 1)])
def test_birads_gives_the_label(inbreast, compute, tmp_path, birads, label):
    inbreast.add("1", "p", birads, [("Mass", TRIANGLE)])
    (lesion,) = loader.load(inbreast.write(), tmp_path, compute).lesions
    assert lesion.label == label
    assert lesion.birads == birads.strip().lower()


def test_points_past_the_border_are_clamped(inbreast, compute, tmp_path):
    inbreast.add("1", "p", "5", [("Mass", [(-3.5, 20), (40.0, 20), (40.0, 50.5), (-3.5, 50.5)])])
    (lesion,) = loader.load(inbreast.write(), tmp_path, compute).lesions
    assert lesion.box == Box(0, 20, 40, 50)


def test_every_reason(inbreast, compute, check, tmp_path):
    inbreast.add("10", "p", "1", None)
    inbreast.add("11", "p", "5", None)
    inbreast.add("12", "p", "2", [])
    inbreast.add("13", "p", "2", [("Mass", TRIANGLE)])
    inbreast.add("14", "p", "5", [("Mass", TRIANGLE[:2]), ("Mass", TRIANGLE[:1])])
    inbreast.add("15", "p", "5", [("Mass", TRIANGLE)], image=False)
    inbreast.add("16", "p", "5", [("Mass", TRIANGLE)])
    inbreast.add("17", "p", "5", [("Mass", TRIANGLE)])
    inbreast.add("18", "p", "5", [("Mass", [(5, 5), (5, 9), (5, 20)])])
    inbreast.add("19", "p", "", [("Mass", TRIANGLE)])
    inbreast.add("20", "p", "5", [("Mass", TRIANGLE)])
    inbreast.rows += [dict(inbreast.rows[-1]), dict.fromkeys(inbreast.rows[-1], "")]
    inbreast.outline("21", [("Mass", TRIANGLE)])
    root = inbreast.write()
    (root / "AllXML" / "16.xml").write_text("<plist><dict><key>Images</key>", encoding="utf-8")
    image = next((root / "AllDICOMs").glob("17_*"))
    image.write_bytes(image.read_bytes()[:300])
    found = loader.load(root, tmp_path, compute)
    reasons = check(found, rows=15)
    assert [lesion.lesion_id for lesion in found.lesions] == ["20_1"]
    starts = {
        "10": "no mass: no 10.xml, BI-RADS 1",
        "11": "annotation missing: no 11.xml, BI-RADS 5",
        "12": "no mass: no region in 12.xml",
        "13_1": "BI-RADS neither benign (3) nor malignant (4-6): '2'",
        "14_1": "mark, not an area: 2 point(s)",
        "14_2": "mark, not an area: 1 point(s)",
        "15_1": "image missing: AllDICOMs/15_*.dcm",
        "16": "annotation missing: 16.xml is no OsiriX property list",
        "17_1": "image unusable: ",
        "18_1": "outline too small: ",
        "19_1": "BI-RADS neither benign (3) nor malignant (4-6): ''",
        "20": "repeated row: ",
        "": "no file name",
        "21": "annotation missing: image not in INbreast.csv",
    }
    assert reasons.keys() == starts.keys()
    for record, start in starts.items():
        assert reasons[record].startswith(start), reasons[record]


def test_a_patients_two_images_share_the_patient(inbreast, compute, tmp_path):
    inbreast.add("1", "p", "5", [("Mass", TRIANGLE)])
    inbreast.add("2", "p", "5", [("Mass", TRIANGLE)])
    inbreast.add("3", "q", "3", [("Mass", TRIANGLE)])
    found = loader.load(inbreast.write(), tmp_path, compute)
    assert [lesion.patient_id for lesion in found.lesions] == ["p", "p", "q"]


def test_an_image_twice_under_two_patients_is_excluded(inbreast, compute, tmp_path):
    inbreast.add("1", "p", "5", [("Mass", TRIANGLE)])
    (image,) = (inbreast.root / "AllDICOMs").iterdir()
    shutil.copy(image, image.with_name("1_q_MG_R_ML_ANON.dcm"))
    found = loader.load(inbreast.write(), tmp_path, compute)
    assert found.exclusions[0].reason.startswith("patient unknown: ")


def test_points_are_read_in_any_spelling_of_numbers(inbreast):
    inbreast.outline("1", [("Mass", [(1e-3, 2), (3, 4.5), (0, 0)])])
    (roi,) = read_rois(inbreast.root / "AllXML" / "1.xml")
    np.testing.assert_allclose(roi.points, [(1e-3, 2), (3, 4.5), (0, 0)])


def test_a_table_with_commas_names_the_separator(inbreast, compute, tmp_path):
    inbreast.add("1", "p", "5", [("Mass", TRIANGLE)])
    root = inbreast.write()
    text = (root / "INbreast.csv").read_text(encoding="utf-8")
    (root / "INbreast.csv").write_text(text.replace(";", ","), encoding="utf-8")
    with pytest.raises(InputError, match="separated by ';'"):
        loader.load(root, tmp_path, compute)


@pytest.mark.parametrize("absent", ["AllDICOMs", "AllXML", "INbreast.csv"])
def test_a_missing_part_says_where_to_get_it(inbreast, compute, tmp_path, absent):
    inbreast.add("1", "p", "5", [("Mass", TRIANGLE)])
    root = inbreast.write()
    (root / absent).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=rf"{absent}(.|\n)*on request \(doi 10\.1016/j\.acra\.2011\.09\.014\)"):
        loader.load(root, tmp_path, compute)
