"""Images and masks that something is wrong with: by case, what makes it and what the exclusion must say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import made_up
import numpy as np
import SimpleITK
from PIL import Image
from pydicom import dcmread

IMAGE, MASK, SERIES = "good.nrrd", "good_mask.nrrd", "series"


class Fault(NamedTuple):
    """A function that writes a faulty image or mask into a folder and returns the row, and words of the reason."""

    make: Callable[[Path], dict[str, Any]]
    said: str


def write_good(folder: Path) -> None:
    made_up.save(made_up.tissue(), folder / IMAGE)
    made_up.save(made_up.sphere(), folder / MASK)
    made_up.save_series(made_up.series(made_up.tissue()), folder / SERIES)


def _series(folder: Path, name: str, change: Callable[[list], list]) -> dict[str, Any]:
    made_up.save_series(change(made_up.series(made_up.tissue())), folder / name)
    return {"image": name, "mask": MASK}


def _missing_slice(folder: Path) -> dict[str, Any]:
    return _series(folder, "missing", lambda slices: slices[:8] + slices[9:])


def _mixed(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        for dataset in slices[:5]:
            dataset.SeriesInstanceUID = "1.2.3.4.99"
        return slices

    return _series(folder, "mixed", change)


def _twice(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        slices[4].ImagePositionPatient = slices[3].ImagePositionPatient
        return slices

    return _series(folder, "twice", change)


def _scout(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        slices[4].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        return slices

    return _series(folder, "scout", change)


def _tilted(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        for place, dataset in enumerate(slices):
            x, y, z = dataset.ImagePositionPatient
            dataset.ImagePositionPatient = [x, y + 0.4 * place, z]
        return slices

    return _series(folder, "tilted", change)


def _two_sizes(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        made_up.put_pixels(slices[3], np.zeros((10, 12)))
        return slices

    return _series(folder, "two_sizes", change)


def _no_position(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        del slices[2].ImagePositionPatient
        return slices

    return _series(folder, "no_position", change)


def _film(folder: Path) -> dict[str, Any]:
    dataset = made_up.enhanced(made_up.tissue())
    del dataset.PerFrameFunctionalGroupsSequence
    dataset.save_as(folder / "film.dcm")
    return {"image": "film.dcm", "mask": MASK}


def _unknown_syntax(folder: Path) -> dict[str, Any]:
    dataset = made_up.series(made_up.tissue())[10]
    dataset.compress("1.2.840.10008.1.2.4.90", generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2
    dataset.save_as(folder / "mpeg.dcm")
    return {"image": "mpeg.dcm", "mask": MASK}


def _damaged_stream(folder: Path) -> dict[str, Any]:
    def change(slices: list) -> list:
        for dataset in slices:
            dataset.compress("1.2.840.10008.1.2.4.90", generate_instance_uid=False)
        return slices

    row = _series(folder, "damaged", change)
    path = sorted((folder / "damaged").iterdir())[6]
    content = bytearray(path.read_bytes())
    start = content.index(b"\xff\x4f\xff\x51")  # of the JPEG 2000 stream
    content[start + 8 : start + 40] = bytes(32)
    path.write_bytes(bytes(content))
    return row


def _truncated(folder: Path) -> dict[str, Any]:
    content = (folder / IMAGE).read_bytes()
    (folder / "truncated.nrrd").write_bytes(content[: len(content) // 2])
    return {"image": "truncated.nrrd", "mask": MASK}


def _text(folder: Path) -> dict[str, Any]:
    (folder / "text.nii").write_text("no image at all " * 40)
    return {"image": "text.nii", "mask": MASK}


def _huge(folder: Path) -> dict[str, Any]:
    head = "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
    head += "sizes: 20000 20000 20000\nencoding: raw\nendian: little\n"
    (folder / "huge.nrrd").write_bytes((head + "space directions: (1,0,0) (0,1,0) (0,0,1)\n\n").encode() + bytes(64))
    return {"image": "huge.nrrd", "mask": MASK}


def _four_dimensions(folder: Path) -> dict[str, Any]:
    volumes = [made_up.tissue(seed) for seed in (1, 2)]
    made_up.save(SimpleITK.JoinSeries(volumes), folder / "four.nii.gz")
    return {"image": "four.nii.gz", "mask": MASK}


def _colour(folder: Path) -> dict[str, Any]:
    Image.fromarray(np.zeros((36, 40, 3), np.uint8)).save(folder / "colour.png")
    return {"image": "colour.png", "mask": MASK, "spacing": "1"}


def _no_spacing(folder: Path) -> dict[str, Any]:
    Image.fromarray(np.arange(36 * 40).reshape(36, 40).astype(np.uint16)).save(folder / "grey.png")
    return {"image": "grey.png", "mask": MASK}


def _empty_folder(folder: Path) -> dict[str, Any]:
    (folder / "empty_folder").mkdir()
    (folder / "empty_folder" / "notes.txt").write_text("no image")
    return {"image": "empty_folder", "mask": MASK}


def _not_finite(folder: Path) -> dict[str, Any]:
    values = SimpleITK.GetArrayFromImage(made_up.tissue()).astype(np.float32)
    values[made_up.sphere_values(made_up.grid()) > 0] = np.nan
    made_up.save(made_up.like(values, made_up.grid()), folder / "nan.nrrd")
    return {"image": "nan.nrrd", "mask": MASK}


def _mask(name: str, values: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], dict[str, Any]]:
    def make(folder: Path) -> dict[str, Any]:
        changed = values(made_up.sphere_values(made_up.grid()))
        made_up.save(made_up.like(changed, made_up.grid()), folder / f"{name}.nrrd")
        return {"image": IMAGE, "mask": f"{name}.nrrd"}

    return make


def _one_voxel(values: np.ndarray) -> np.ndarray:
    values[:] = 0
    values[9, 17, 19] = 1
    return values


def _line(values: np.ndarray) -> np.ndarray:
    values[:] = 0
    values[9, 17, 10:30] = 1
    return values


def _two_labels(values: np.ndarray) -> np.ndarray:
    values[9:] *= 2
    return values


def _placed(name: str, change: Callable[[SimpleITK.Image], None]) -> Callable[[Path], dict[str, Any]]:
    def make(folder: Path) -> dict[str, Any]:
        mask = made_up.sphere()
        change(mask)
        made_up.save(mask, folder / f"{name}.nrrd")
        return {"image": IMAGE, "mask": f"{name}.nrrd"}

    return make


def _small_picture(folder: Path) -> dict[str, Any]:
    Image.fromarray(np.arange(36 * 40).reshape(36, 40).astype(np.uint16)).save(folder / "picture.png")
    Image.fromarray(np.full((18, 20), 255, np.uint8)).save(folder / "small.png")
    return {"image": "picture.png", "mask": "small.png", "spacing": "0.1"}


def _segmentation(folder: Path, name: str, change: Callable[[Any], None]) -> dict[str, Any]:
    labels = made_up.sphere_values(made_up.grid())
    labels[2:4, 2:6, 2:6] = 2
    segmentation = made_up.segmentation(labels, made_up.series(made_up.tissue()), ("Mass", "Node"))
    segmentation.save_as(folder / f"{name}.dcm")
    dataset = dcmread(folder / f"{name}.dcm")
    change(dataset)
    dataset.save_as(folder / f"{name}.dcm")
    return {"image": SERIES, "mask": f"{name}.dcm"}


def _other_frame(folder: Path) -> dict[str, Any]:
    def change(dataset: Any) -> None:
        dataset.FrameOfReferenceUID = "1.2.3.4.11"

    return _segmentation(folder, "other_frame", change)


def _structure(name: str, **how: Any) -> Callable[[Path], dict[str, Any]]:
    def make(folder: Path) -> dict[str, Any]:
        given = {"contours": {"Mass": made_up.circles()}} | how
        made_up.structure(**given).save_as(folder / f"{name}.dcm")
        return {"image": SERIES, "mask": f"{name}.dcm"} | ({"mask_label": "Nodule"} if name == "no_such" else {})

    return make


def _upright(rings: list[np.ndarray]) -> list[np.ndarray]:
    return [points[:, [0, 2, 1]] + (0, 307.5, -307.5) for points in rings]


FAULTS: dict[str, Fault] = {
    "missing slice": Fault(_missing_slice, "slices 8 and 9 lie 4 mm apart, most others 2 mm: 1 missing"),
    "mixed series": Fault(_mixed, "2 series are mixed"),
    "two slices at one place": Fault(_twice, "slices lie where another one does"),
    "scout in the folder": Fault(_scout, "1 of 20 slices lie in another direction"),
    "tilted gantry": Fault(_tilted, "slices drift by 7.60 mm across the stack: a tilted gantry"),
    "slices of two sizes": Fault(_two_sizes, "slices of 2 sizes (rows, columns)"),
    "slice without position": Fault(_no_position, "no position and direction"),
    "film": Fault(_film, "20 frames without a position each"),
    "unknown syntax": Fault(_unknown_syntax, "no decoder for transfer syntax MPEG2"),
    "damaged stream": Fault(_damaged_stream, "pixels cannot be decoded"),
    "truncated": Fault(_truncated, "it cannot be read"),
    "text": Fault(_text, "it cannot be read"),
    "huge": Fault(_huge, "20000 x 20000 x 20000 voxels, at most 536,870,912 in all"),
    "four dimensions": Fault(_four_dimensions, "4 dimensions (40 x 36 x 20 x 2), at most 3"),
    "colour": Fault(_colour, "3 values a voxel (colour or a vector), not one"),
    "no spacing": Fault(_no_spacing, "no pixel size: a .png file does not say it"),
    "not finite": Fault(_not_finite, "voxels of the region are not finite"),
    "no such image": Fault(lambda folder: {"image": "nowhere.nrrd", "mask": MASK}, "no such image"),
    "no such mask": Fault(lambda folder: {"image": IMAGE, "mask": "nowhere.nrrd"}, "no such mask"),
    "folder without DICOM": Fault(_empty_folder, "no DICOM file in the folder"),
    "unknown kind": Fault(lambda folder: {"image": "cases.csv", "mask": MASK}, "no known kind of image"),
    "empty": Fault(_mask("empty", lambda values: 0 * values), "the mask is empty"),
    "float labels": Fault(
        _mask("floats", lambda values: values * np.float32(0.999)), "1 values of the mask are not whole numbers"
    ),
    "two labels": Fault(_mask("two", _two_labels), "the mask has 2 labels: 1, 2"),
    "one voxel": Fault(_mask("voxel", _one_voxel), "mask only contains 1 segmented voxel"),
    "a line": Fault(_mask("line", _line), "mask has too few dimensions (number of dimensions 1, minimum required 2)"),
    "wrong direction": Fault(
        _placed("turned", lambda mask: mask.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))),
        "the mask lies in another direction: (0, 1, 0, 1, 0, 0, 0, 0, -1), the image (1, 0, 0, 0, 1, 0, 0, 0, 1)",
    ),
    "oblique mask": Fault(
        _placed("oblique", lambda mask: mask.SetDirection((0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))),
        "the mask lies in another direction: (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1)",
    ),
    "mask elsewhere": Fault(
        _placed("elsewhere", lambda mask: mask.SetOrigin((100.0, 10.0, -300.0))), "the region leaves the image by"
    ),
    "mask without its header": Fault(
        _placed("bare", lambda mask: (mask.SetOrigin((0, 0, 0)), mask.SetSpacing((1, 1, 1)))[0]),
        "the region leaves the image by",
    ),
    "picture's mask of another size": Fault(_small_picture, "the mask has 20 x 18 x 1 pixels, the image 40 x 36 x 1"),
    "two segments": Fault(lambda folder: _segmentation(folder, "two_segments", lambda _: None), "2 segments: 1 (Mass)"),
    "other frame of reference": Fault(_other_frame, "the mask's frame of reference 1.2.3.4.11 is not the image's"),
    "structure of another frame": Fault(
        _structure("frame", frame="1.2.3.4.11"), "the structure's frame of reference 1.2.3.4.11 is not the image's"
    ),
    "no such structure": Fault(_structure("no_such"), "no one structure is 'Nodule'; there are: Mass (1)"),
    "points instead of contours": Fault(_structure("points", kind="POINT"), "no closed contour"),
    "every second slice": Fault(
        _structure("sparse", contours={"Mass": made_up.circles(step=2)}), "contours on 6 of 11 slices, mostly 2 apart"
    ),
    "contours of another plane": Fault(
        _structure("upright", contours={"Mass": _upright(made_up.circles())}), "it lies in another plane"
    ),
    "image as mask": Fault(lambda folder: {"image": IMAGE, "mask": IMAGE}, "labels: "),
    "mask as image": Fault(
        lambda folder: {"image": _segmentation(folder, "seg_as_image", lambda _: None)["mask"], "mask": MASK},
        "a DICOM file of modality SEG, not an image",
    ),
}
