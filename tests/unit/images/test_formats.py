"""One made-up sphere as NIfTI, NRRD, MetaImage, DICOM series, enhanced DICOM, DICOM-SEG and RTSTRUCT."""

from pathlib import Path

import made_up
import numpy as np
import pytest
import SimpleITK

from radprompt.core.errors import ImageError
from radprompt.images.masks import read_region
from radprompt.images.measuring import measure
from radprompt.images.reading import read_image
from radprompt.images.settings import Settings

SHAPE = Settings({}, {"Original": {}}, {"shape": None, "firstorder": ["Mean", "Maximum"]})
IMAGES = ("image.nii.gz", "image.nrrd", "image.mha", "series", "enhanced.dcm")
MASKS = ("mask.nii.gz", "mask.nrrd", "mask.mha", "seg.dcm", "structure.dcm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sphere")
    image, mask = made_up.tissue(), made_up.sphere()
    for name in IMAGES[:3]:
        made_up.save(image, folder / name)
        made_up.save(mask, folder / name.replace("image", "mask"))
    slices = made_up.series(image)
    made_up.save_series(slices, folder / "series")
    made_up.enhanced(image).save_as(folder / "enhanced.dcm")
    made_up.segmentation(made_up.sphere_values(image), slices).save_as(folder / "seg.dcm")
    made_up.structure({"Mass": made_up.circles()}).save_as(folder / "structure.dcm")
    return folder


@pytest.fixture(scope="module")
def features(folder: Path) -> dict[tuple[str, str], dict[str, float]]:
    found = {}
    for image in IMAGES:
        volume = read_image(folder / image)
        for mask in MASKS:
            found[image, mask] = measure(volume.image, read_region(folder / mask, "", volume).mask, SHAPE)
    return found


@pytest.mark.parametrize("name", IMAGES)
def test_every_form_gives_the_same_grid_and_values(folder: Path, name: str) -> None:
    read, made = read_image(folder / name).image, made_up.tissue()
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(read), SimpleITK.GetArrayFromImage(made))
    np.testing.assert_allclose(read.GetSpacing(), made_up.SPACING, rtol=1e-7)
    np.testing.assert_allclose(read.GetOrigin(), made_up.ORIGIN, rtol=1e-7)
    assert read.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)


@pytest.mark.parametrize("mask", MASKS)
def test_volume_is_the_spheres_within_a_layer_of_voxels(features, mask: str) -> None:
    volume = features["series", mask]["original_shape_VoxelVolume"]
    layer = 4 * np.pi * made_up.RADIUS**2 * max(made_up.SPACING)
    assert abs(volume - made_up.VOLUME) < layer / 4
    assert volume == pytest.approx(made_up.VOLUME, rel=0.01)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("mask", MASKS)
def test_every_form_gives_the_same_features(features, image: str, mask: str) -> None:
    assert features[image, mask] == pytest.approx(features["image.nrrd", "mask.nrrd"], rel=1e-6)


def test_slices_of_a_series_are_sorted_by_position_not_by_name_or_number(folder: Path) -> None:
    from pydicom import dcmread

    stored = [float(dcmread(path).ImagePositionPatient[2]) for path in sorted((folder / "series").iterdir())]
    assert stored != sorted(stored)
    assert read_image(folder / "series").image.GetOrigin()[2] == min(stored)


@pytest.mark.parametrize("axes", [[1, 0, 0, 0, 0.8, 0.6], [0.6, 0.8, 0, 0, 0, -1]])
def test_an_oblique_series_carries_contours_and_segmentation(tmp_path: Path, axes: list[float]) -> None:
    image = made_up.tissue()
    row, column = np.array(axes[:3]), np.array(axes[3:])
    image.SetDirection(np.column_stack([row, column, np.cross(row, column)]).ravel().tolist())
    centre = np.array(image.TransformContinuousIndexToPhysicalPoint((20.2, 17.6, 9.4)))
    inside = (np.linalg.norm(made_up.voxels(image) - centre, axis=-1) <= made_up.RADIUS).astype(np.uint8)
    slices = made_up.series(image)
    made_up.save_series(slices, tmp_path / "series")
    made_up.segmentation(inside, slices).save_as(tmp_path / "seg.dcm")
    made_up.save(made_up.like(inside, image), tmp_path / "mask.nrrd")
    made_up.structure({"Mass": _rings(image, centre)}).save_as(tmp_path / "structure.dcm")
    volume = read_image(tmp_path / "series")
    for name in ("mask.nrrd", "seg.dcm", "structure.dcm"):
        found = SimpleITK.GetArrayFromImage(read_region(tmp_path / name, "", volume).mask)
        np.testing.assert_array_equal(found, inside, err_msg=name)


def _rings(image: SimpleITK.Image, centre: np.ndarray) -> list[np.ndarray]:
    """Outlines of a sphere in the planes of an image's slices."""
    axes = np.array(image.GetDirection()).reshape(3, 3)
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    made = []
    for place in range(image.GetSize()[2]):
        at = np.array(image.TransformIndexToPhysicalPoint((0, 0, place)))
        off = float((at - centre) @ axes[:, 2])
        if (square := made_up.RADIUS**2 - off**2) > 0:
            ring = np.stack([np.cos(angles), np.sin(angles)]) * np.sqrt(square)
            made.append(centre + off * axes[:, 2] + ring.T @ axes[:, :2].T)
    return made


def test_an_inner_contour_is_a_hole(tmp_path: Path, folder: Path) -> None:
    rings = made_up.circles() + made_up.circles(radius=6.0)
    made_up.structure({"Shell": rings}).save_as(tmp_path / "shell.dcm")
    region = read_region(tmp_path / "shell.dcm", "", read_image(folder / "series"))
    voxels = int(SimpleITK.GetArrayViewFromImage(region.mask).sum())
    shell = made_up.VOLUME - 4 / 3 * np.pi * 6.0**3
    assert voxels * np.prod(made_up.SPACING) == pytest.approx(shell, rel=0.02)


def test_segments_and_structures_are_chosen_by_name_or_number(tmp_path: Path, folder: Path) -> None:
    volume = read_image(folder / "series")
    labels = made_up.sphere_values(made_up.grid())
    labels[2:4, 2:6, 2:6] = 2
    made_up.segmentation(labels, made_up.series(made_up.tissue()), ("Mass", "Node")).save_as(tmp_path / "seg.dcm")
    box = np.array([[-19.3, 11.6], [-16.1, 11.6], [-16.1, 15.2], [-19.3, 15.2]])
    node = [np.column_stack([box, np.full(4, -296.0)]), np.column_stack([box, np.full(4, -294.0)])]
    made_up.structure({"Mass": made_up.circles(), "Node": node}).save_as(tmp_path / "structure.dcm")
    made_up.save(made_up.like(labels, made_up.grid()), tmp_path / "labels.nrrd")
    for name, wanted in (("seg.dcm", "node"), ("seg.dcm", "2"), ("structure.dcm", "Node"), ("labels.nrrd", "2")):
        found = SimpleITK.GetArrayFromImage(read_region(tmp_path / name, wanted, volume).mask)
        np.testing.assert_array_equal(found, labels == 2, err_msg=f"{name} {wanted}")


def test_a_mask_on_half_the_resolution_is_resampled_and_said(tmp_path: Path, folder: Path) -> None:
    coarse = SimpleITK.Shrink(made_up.sphere(), (1, 1, 2))
    volume = read_image(folder / "series")
    region = read_region(made_up.save(coarse, tmp_path / "coarse.nrrd"), "", volume)
    assert region.mask.GetSize() == made_up.SIZE
    assert region.notes[0].startswith("mask resampled from 40 x 36 x 10 of 0.8 x 0.9 x 4 mm at (-20.5, 10.25, -299)")
    volume_mm3 = int(SimpleITK.GetArrayViewFromImage(region.mask).sum()) * np.prod(made_up.SPACING)
    assert volume_mm3 == pytest.approx(made_up.VOLUME, rel=0.05)


def test_a_cut_or_turned_mask_whose_voxels_are_the_images_is_put_in_place(tmp_path: Path, folder: Path) -> None:
    volume, whole = read_image(folder / "series"), made_up.sphere_values(made_up.grid())
    cut = SimpleITK.RegionOfInterest(made_up.sphere(), (36, 32, 14), (2, 2, 3))
    turned = SimpleITK.DICOMOrient(made_up.sphere(), "RAS")
    assert turned.GetDirection() != made_up.grid().GetDirection()
    for name, mask in (("cut.nrrd", cut), ("turned.nrrd", turned)):
        region = read_region(made_up.save(mask, tmp_path / name), "", volume)
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(region.mask), whole, err_msg=name)
        assert region.notes == ()


def test_values_of_a_series_with_fractions_are_kept(tmp_path: Path) -> None:
    slices = made_up.series(made_up.tissue())
    for dataset in slices:
        dataset.RescaleSlope, dataset.RescaleIntercept = "0.5", "-512"
    read = read_image(made_up.save_series(slices, tmp_path / "series"))
    expected = SimpleITK.GetArrayFromImage(made_up.tissue()) / 2
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(read.image), expected)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80"])
def test_compressed_slices_are_decoded_bit_by_bit(tmp_path: Path, syntax: str) -> None:
    slices = made_up.series(made_up.tissue())
    for dataset in slices:
        dataset.compress(syntax, generate_instance_uid=False)
    read = read_image(made_up.save_series(slices, tmp_path / "series"))
    np.testing.assert_array_equal(
        SimpleITK.GetArrayFromImage(read.image), SimpleITK.GetArrayFromImage(made_up.tissue())
    )


def test_pictures_take_their_spacing_from_the_table(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 4000, (30, 50)).astype(np.uint16)
    mask = np.zeros((30, 50), np.uint8)
    mask[8:22, 10:30] = 255
    for kind in ("png", "tif"):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels), str(tmp_path / f"image.{kind}"))
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(mask), str(tmp_path / f"mask.{kind}"))
        volume = read_image(tmp_path / f"image.{kind}", "0.2")
        region = read_region(tmp_path / f"mask.{kind}", "", volume)
        found = measure(volume.image, region.mask, SHAPE)
        assert found["original_shape2D_PixelSurface"] == pytest.approx(14 * 20 * 0.04)
        assert found["original_firstorder_Maximum"] == pixels[8:22, 10:30].max()


def test_a_mammogram_is_read_as_the_mammogram_pipeline_reads_it(tmp_path: Path) -> None:
    from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation as Kind

    from radprompt.mammograms.imaging.dicom import read_mammogram

    dataset = made_up.dicom(Kind, "MG", "1.2.3.4.80")
    dataset.ImagerPixelSpacing = [0.07, 0.07]
    made_up.put_pixels(dataset, np.random.default_rng(4).integers(0, 4000, (30, 50)))
    dataset.PhotometricInterpretation = "MONOCHROME1"
    (tmp_path / "view").mkdir()
    dataset.save_as(tmp_path / "view" / "1-1.dcm")
    expected = read_mammogram(tmp_path / "view" / "1-1.dcm").pixels
    for image in (tmp_path / "view", tmp_path / "view" / "1-1.dcm"):
        volume = read_image(image, mammogram=True)
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(volume.image)[0], expected.astype(float))
        assert volume.image.GetSpacing()[:2] == (0.07, 0.07)
    stored = read_image(tmp_path / "view" / "1-1.dcm")
    assert stored.notes == ("MONOCHROME1: high values are dark; values are taken as they are stored",)


@pytest.mark.parametrize("kind", ["FRACTIONAL", "LABELMAP"])
def test_other_kinds_of_segmentation(tmp_path: Path, folder: Path, kind: str) -> None:
    import highdicom

    inside = made_up.sphere_values(made_up.grid())
    made = made_up.segmentation(
        inside.astype(float) * 0.6 if kind == "FRACTIONAL" else inside,
        made_up.series(made_up.tissue()),
        kind=highdicom.seg.SegmentationTypeValues[kind],
    )
    made.save_as(tmp_path / "seg.dcm")
    volume = read_image(folder / "series")
    if kind == "FRACTIONAL":
        with pytest.raises(ImageError, match=r"2 levels \(a probability\), not inside and outside"):
            read_region(tmp_path / "seg.dcm", "", volume)
    else:
        found = SimpleITK.GetArrayFromImage(read_region(tmp_path / "seg.dcm", "", volume).mask)
        np.testing.assert_array_equal(found, inside)


def test_a_folder_as_planning_systems_and_archives_write_it(tmp_path: Path) -> None:
    """Slices and RTSTRUCT in one folder; the segmentation alone in another."""
    slices = made_up.series(made_up.tissue())
    made_up.save_series(slices, tmp_path / "ct")
    structure = made_up.structure({"Mass": made_up.circles()})
    structure.SeriesInstanceUID = "1.2.3.4.21"
    structure.save_as(tmp_path / "ct" / "RS.dcm")
    (tmp_path / "seg").mkdir()
    made_up.segmentation(made_up.sphere_values(made_up.grid()), slices).save_as(tmp_path / "seg" / "1-1.dcm")
    volume = read_image(tmp_path / "ct")
    assert volume.image.GetSize() == made_up.SIZE
    assert volume.notes == ("1 files of the folder are not DICOM images",)
    for mask in (tmp_path / "ct" / "RS.dcm", tmp_path / "seg"):
        found = SimpleITK.GetArrayFromImage(read_region(mask, "", volume).mask)
        np.testing.assert_array_equal(found, made_up.sphere_values(made_up.grid()))
    with pytest.raises(ImageError, match="the mask is a folder of 21 DICOM files"):
        read_region(tmp_path / "ct", "", volume)


def test_segments_of_3d_slicer_are_chosen_by_name(tmp_path: Path, folder: Path) -> None:
    labels = made_up.sphere_values(made_up.grid())
    labels[2:4, 2:6, 2:6] = 3
    image = made_up.like(labels, made_up.grid())
    for place, (name, value) in enumerate((("Tumour", 1), ("Lymph node", 3))):
        image.SetMetaData(f"Segment{place}_Name", name)
        image.SetMetaData(f"Segment{place}_LabelValue", str(value))
    path = made_up.save(image, tmp_path / "Segmentation.seg.nrrd")
    volume = read_image(folder / "series")
    found = SimpleITK.GetArrayFromImage(read_region(path, "lymph node", volume).mask)
    np.testing.assert_array_equal(found, labels == 3)
    with pytest.raises(ImageError, match="'liver' is neither a number nor a segment's name") as refused:
        read_region(path, "liver", volume)
    assert refused.value.fix == "there are tumour (1), lymph node (3)"
