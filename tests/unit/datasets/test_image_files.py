"""Files are found under the names that downloads and copies give them, or the message says what lies there instead."""

import pytest

from radprompt.mammograms.datasets import cbis_ddsm, inbreast, vindr_mammo
from radprompt.mammograms.datasets.birads import category
from radprompt.mammograms.datasets.image_files import dicom_file, files_in, what_is_there

STUDY, IMAGE = "a" * 32, "1" * 32
TRIANGLE = [(10, 8), (30, 8), (10, 38)]


@pytest.mark.parametrize("name", ["image.dicom", "image.dcm", "image.DICOM", "image.DCM", "IMAGE.dcm", "image"])
def test_a_dicom_file_is_found_whatever_its_suffix(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    (tmp_path / "._image.dcm").write_bytes(b"left by a copy on macOS")
    assert dicom_file(tmp_path, "image", ".dicom") == tmp_path / name


def test_the_released_name_comes_first_and_stands_where_nothing_is_there(tmp_path):
    assert dicom_file(tmp_path / "absent", "image", ".dicom") == tmp_path / "absent" / "image.dicom"
    for name in ("image.dcm", "image.dicom", "image.png", ".hidden.dcm"):
        (tmp_path / name).write_bytes(b"x")
    assert dicom_file(tmp_path, "image", ".dicom") == tmp_path / "image.dicom"
    assert [path.name for path in files_in(tmp_path)] == ["image.dcm", "image.dicom"]


def test_what_lies_there_is_counted_by_suffix(tmp_path):
    assert what_is_there(tmp_path / "images" / "study") == f"{tmp_path.as_posix()} has no folder images"
    assert what_is_there(tmp_path) == "there is no file there"
    (tmp_path / "a.png").write_bytes(b"x")
    assert what_is_there(tmp_path) == "there is 1 file *.png there"
    for name in ("b.png", "c.txt", ".d.png"):
        (tmp_path / name).write_bytes(b"x")
    assert what_is_there(tmp_path) == "there are 2 files *.png, 1 file *.txt there"


def _as_png(folder):
    for path in folder.rglob("*.dicom"):
        path.rename(path.with_suffix(".png"))


def test_vindr_as_png_is_excluded_with_what_lies_there(vindr, compute, check, tmp_path):
    vindr.add(STUDY, IMAGE)
    root = vindr.write()
    _as_png(root)
    found = vindr_mammo.load(root, tmp_path / "masks", compute)
    reasons = check(found, rows=1)
    place = f"{root.as_posix()}/images/{STUDY}/{IMAGE}.dicom"
    assert reasons == {f"{IMAGE}_1": f"image missing: {place} (there is 1 file *.png there)"}
    assert found.counts_with_reasons().splitlines() == [
        "       1  rows",
        "       1  mass",
        f"       1  excluded: image missing; the first: finding_annotations.csv, row 1: {place} "
        "(there is 1 file *.png there)",
        "       0  lesions",
    ]


@pytest.mark.parametrize("suffix", [".dcm", ".DICOM", ""])
def test_vindr_with_other_suffixes_is_read(vindr, compute, check, tmp_path, suffix):
    vindr.add(STUDY, IMAGE)
    root = vindr.write()
    (path,) = root.rglob("*.dicom")
    path.rename(path.with_name(f"{IMAGE}{suffix}"))
    found = vindr_mammo.load(root, tmp_path / "masks", compute)
    check(found, rows=1)
    assert found.lesions[0].image_path.endswith(f"/{IMAGE}{suffix}")


def test_inbreast_with_suffixes_in_capitals_and_ids_as_floats_is_read(inbreast, compute, check, tmp_path):
    inbreast.add("20586908", "p1", "4.0", [("Mass", TRIANGLE)], ImagerPixelSpacing=[0.07, 0.07])
    inbreast.rows[0] |= {"File Name": "20586908.0", "Acquisition date": "200801.0"}
    root = inbreast.write()
    for path in [*root.rglob("*.dcm"), *root.rglob("*.xml")]:
        path.rename(path.with_suffix(path.suffix.upper()))
    found = inbreast_loaded(root, tmp_path, compute)
    check(found, rows=1)
    (lesion,) = found.lesions
    assert (lesion.lesion_id, lesion.study_id, lesion.birads) == ("20586908_1", "p1_200801", "4")


def inbreast_loaded(root, tmp_path, compute):
    (tmp_path / "masks").mkdir()
    return inbreast.load(root, tmp_path / "masks", compute)


def test_cbis_ddsm_with_suffixes_in_capitals_and_ids_as_floats_is_read(cbis, compute, check, tmp_path):
    lesion = cbis.add("P_00001", number="1.0")
    root = cbis.write()
    for path in root.rglob("*.dcm"):
        path.rename(path.with_suffix(".DCM"))
    (tmp_path / "masks").mkdir()
    found = cbis_ddsm.load(root, tmp_path / "masks", compute)
    check(found, rows=1)
    assert [each.lesion_id for each in found.lesions] == [lesion.removesuffix(".0")]


def test_cbis_ddsm_as_png_says_so(cbis, compute, check, tmp_path):
    cbis.add("P_00001")
    root = cbis.write()
    for path in root.rglob("*.dcm"):
        path.rename(path.with_suffix(".png"))
    reasons = check(cbis_ddsm.load(root, tmp_path, compute), rows=1)
    assert reasons["P_00001_LEFT_CC_1"] == (
        "image missing: Mass-Training_P_00001_LEFT_CC (there is 1 file *.png there)"
    )


@pytest.mark.parametrize("rounded", ["2.06E+07", "2,06e+7", "1E+31"])
def test_an_id_that_a_spreadsheet_rounded_is_told_from_a_missing_image(vindr, compute, check, tmp_path, rounded):
    vindr.add(STUDY, IMAGE)
    vindr.rows[0]["image_id"] = rounded
    reasons = check(vindr_mammo.load(vindr.write(), tmp_path, compute), rows=1)
    assert reasons[f"{rounded}_1"] == (f"id rounded by a spreadsheet: image {rounded!r}; use the table as released")


def test_raw_images_are_marked_in_the_lesion_table(inbreast, compute, check, tmp_path):
    for number, intent in enumerate(("FOR PROCESSING", "FOR PRESENTATION")):
        inbreast.add(str(number), f"p{number}", "5", [("Mass", TRIANGLE)], PresentationIntentType=intent)
    found = inbreast_loaded(inbreast.write(), tmp_path, compute)
    check(found, rows=2)
    assert [lesion.presentation for lesion in found.lesions] == ["FOR PROCESSING", "FOR PRESENTATION"]


@pytest.mark.parametrize(("text", "value"), [("4.0", "4"), ("BI-RADS 3.0", "3"), ("4.5", ""), ("4a", "4a")])
def test_a_category_that_a_spreadsheet_made_a_float(text, value):
    assert category(text) == value
