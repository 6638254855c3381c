"""Inputs from which another region, or other values, would be measured without a word."""

from pathlib import Path

import made_up
import numpy as np
import pytest
import SimpleITK

from radprompt.core.errors import ImageError, InputError
from radprompt.images.cases import read_cases, spacing_of
from radprompt.images.corrections import FOLDER, take_corrections
from radprompt.images.masks import read_region
from radprompt.images.reading import read_image
from radprompt.images.records import _stamp
from radprompt.images.series import _values
from radprompt.images.settings import load_settings
from radprompt.images.structures import _union_with_holes
from radprompt.images.study import read_case
from radprompt.images.volumes import Volume

VOLUME = Volume(made_up.tissue(), frame=made_up.FRAME)
BOX = np.array([[-9.7, 20.6], [-3.3, 20.6], [-3.3, 26.9], [-9.7, 26.9]])


def at(height: float, shape: np.ndarray = BOX) -> np.ndarray:
    return np.column_stack([shape, np.full(len(shape), height)])


def filled(contours: list[np.ndarray], path: Path) -> np.ndarray:
    made_up.structure({"Mass": contours}).save_as(path)
    return SimpleITK.GetArrayFromImage(read_region(path, "", VOLUME).mask)


def test_contours_that_are_stored_twice_overlap_or_touch_are_one_region(tmp_path: Path) -> None:
    once = filled([at(-282.0)], tmp_path / "once.dcm")
    assert once.any()
    np.testing.assert_array_equal(filled([at(-282.0), at(-282.0)[::-1]], tmp_path / "twice.dcm"), once)
    left, right = BOX.copy(), BOX.copy()
    left[1:3, 0], right[[0, 3], 0] = -6.5, -6.5  # they share an edge that runs through voxels' centres
    parts = filled([at(-282.0, left), at(-282.0, right)], tmp_path / "parts.dcm")
    np.testing.assert_array_equal(parts, once)


def test_a_contour_in_a_hole_is_an_island() -> None:
    outer, middle, inner = (np.zeros((9, 9), dtype=bool) for _ in range(3))
    outer[1:8, 1:8], middle[2:7, 2:7], inner[4, 4] = True, True, True
    for shapes in ([outer, middle, inner], [inner, outer, middle]):
        np.testing.assert_array_equal(_union_with_holes(shapes), outer & ~middle | inner)


def test_a_hole_may_reach_a_little_beyond_and_a_contour_drawn_again_is_none() -> None:
    outer, hole, again = (np.zeros((20, 20), dtype=bool) for _ in range(3))
    outer[2:18, 2:18], hole[6:17, 6:12], again[3:18, 2:19] = True, True, True
    hole[17:19, 7] = True
    np.testing.assert_array_equal(_union_with_holes([outer, hole]), outer & ~hole)
    np.testing.assert_array_equal(_union_with_holes([outer, again]), outer | again)


def test_contours_of_another_grid_of_slices_are_refused(tmp_path: Path) -> None:
    made_up.structure({"Mass": [at(-282.0 + 2.4 * place) for place in range(4)]}).save_as(tmp_path / "mass.dcm")
    with pytest.raises(ImageError, match=r"contours lie up to 0\.40 slices beside the image's slices"):
        read_region(tmp_path / "mass.dcm", "", VOLUME)


def test_a_setting_for_label_maps_chooses_no_structure(tmp_path: Path) -> None:
    made_up.structure({"Body": [at(-282.0)], "Mass": [at(-280.0)]}).save_as(tmp_path / "both.dcm")
    with pytest.raises(ImageError, match="2 structures have contours"):
        read_region(tmp_path / "both.dcm", "", VOLUME, value="1")
    labels = made_up.sphere_values(made_up.grid())
    labels[2:4, 2:6, 2:6] = 2
    path = made_up.save(made_up.like(labels, made_up.grid()), tmp_path / "labels.nrrd")
    assert SimpleITK.GetArrayFromImage(read_region(path, "", VOLUME, value="2").mask).sum() == (labels == 2).sum()


def test_a_stack_without_a_position_is_refused_for_an_image_with_one(tmp_path: Path) -> None:
    path = made_up.save(made_up.sphere(), tmp_path / "pages.tif")
    with pytest.raises(ImageError, match="several slices without a position"):
        read_region(path, "", VOLUME)


def test_a_name_of_two_segments_is_refused(tmp_path: Path) -> None:
    image = made_up.sphere()
    for place, value in enumerate("12"):
        image.SetMetaData(f"Segment{place}_Name", "Tumour")
        image.SetMetaData(f"Segment{place}_LabelValue", value)
    with pytest.raises(ImageError, match="several segments are called 'Tumour'"):
        read_region(made_up.save(image, tmp_path / "s.seg.nrrd"), "tumour", VOLUME)


def test_values_that_32_bits_do_not_hold_do_not_wrap_around() -> None:
    assert _values(np.array([3_000_000_000], dtype=np.uint32), 1.0, 0.0, True).tolist() == [3e9]
    assert _values(np.array([3_000_000], dtype=np.int32), 1000.0, -5.0, True).tolist() == [2_999_999_995.0]
    kept = _values(np.array([7], dtype=np.int16), 2.0, -1024.0, True)
    assert (kept.dtype, kept.tolist()) == (np.int32, [-1010])


def test_values_in_a_table_of_the_file_are_refused(tmp_path: Path) -> None:
    dataset = made_up.series(made_up.tissue())[0]
    for name in ("ImagePositionPatient", "ImageOrientationPatient"):
        delattr(dataset, name)
    dataset.save_as(tmp_path / "plain.dcm")
    assert read_image(tmp_path / "plain.dcm").image.GetSize()[:2] == made_up.SIZE[:2]
    table = made_up.Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [2, 0, 16], "US"
    table.add_new(0x00283006, "US", [5, 9])
    dataset.ModalityLUTSequence = made_up.Sequence([table])
    dataset.save_as(tmp_path / "lut.dcm")
    with pytest.raises(ImageError, match="ModalityLUTSequence"):
        read_image(tmp_path / "lut.dcm")


def test_lengths_in_centimetres_are_refused(tmp_path: Path) -> None:
    path = made_up.save(made_up.tissue(), tmp_path / "t.nrrd")
    head, _, values = path.read_bytes().partition(b"\n\n")
    for units, fine in (("mm", True), ("cm", False)):
        path.write_bytes(head + b'\nspace units: "%s" "%s" "%s"\n\n' % ((units.encode(),) * 3) + values)
        if fine:
            assert read_image(path).image.GetSpacing() == pytest.approx(made_up.SPACING)
        else:
            with pytest.raises(ImageError, match="its lengths are in 'cm', not mm"):
                read_image(path)


def test_dicoms_form_of_a_spacing_has_the_rows_first() -> None:
    assert spacing_of("0.5\\0.25", 2) == (0.25, 0.5)
    assert spacing_of("0.5 0.25", 2) == (0.5, 0.25)


def test_a_row_with_more_cells_than_the_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("case,image,mask,spacing\na,i.png,m.png,0.5,\nb,i.png,m.png,1,5\n")
    with pytest.raises(InputError, match="5 cells, but the header has 4") as refused:
        read_cases(tmp_path / "cases.csv")
    assert refused.value.where.endswith("cases.csv, row 2")


def test_values_beside_a_header_are_part_of_what_a_case_depends_on(tmp_path: Path) -> None:
    path = made_up.save(made_up.sphere(), tmp_path / "m.mhd")
    values = next(tmp_path.glob("m.*raw"))
    before = _stamp(path)
    values.write_bytes(values.read_bytes() + b"\0")
    assert _stamp(path) != before


def test_a_correction_of_another_mask_is_not_taken(tmp_path: Path) -> None:
    made_up.save(made_up.tissue(), tmp_path / "image.nrrd")
    made_up.save(made_up.sphere(), tmp_path / "mask.nrrd")
    (tmp_path / "cases.csv").write_text("case,image,mask\na,image.nrrd,mask.nrrd\n")
    cases, out = read_cases(tmp_path / "cases.csv").cases, tmp_path / "out"
    made_up.save(made_up.sphere(), out / FOLDER / "a.nrrd")
    row = "a,reader1,corrected,,yes,2026-01-02T03:04:05+00:00,0.9,10,1000,0123456789abcdef"
    header = "lesion_id,reader,decision,reason,counts,time,dice,area_px,milliseconds,contour"
    (out / FOLDER / "reviews.csv").write_text(f"{header}\n{row}\n")
    taken = take_corrections(cases, out, lambda case: "0123456789abcdef")
    assert ([case.mask.name for case in taken.cases], taken.excluded) == (["a.nrrd"], [])
    other = take_corrections(cases, out, lambda case: "fedcba9876543210")
    assert other.cases == []
    assert "another mask" in other.excluded[0].reason
    _, region = read_case(cases[0], load_settings(None, "ct"))
    assert SimpleITK.GetArrayFromImage(region.mask).any()
