import importlib.util
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, JPEG2000Lossless

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.core.params import Compute
from radprompt.gates import hashes
from radprompt.gates.hashes import BITS, hash_image, near, pack, read_hashes
from radprompt.mammograms.phantom.breast import Grid, draw_breast
from radprompt.tables.lesions import Lesion, to_table

ROOT = Path(__file__).parents[3]
GRID = Grid(416, 320, 0.56)
COPY, OTHER = 28, 40
"""Bits within which every copy below stays, and which all different breasts exceed."""


def breast(number):
    """Draw one of many left breasts, from 0 to 1."""
    generator = np.random.default_rng(number)
    signal = draw_breast(GRID, ("CC", "MLO")[number % 2], 1 + number % 4, generator).signal
    return signal / signal.max()


@pytest.fixture(scope="module")
def breasts():
    return [breast(number) for number in range(24)]


def table_of(pixels):
    made = [hash_image(each) for each in pixels]
    return pd.DataFrame(made).assign(dataset="d", image_path=[f"{n}.dcm" for n in range(len(made))])


def distance(first, second):
    """Bits that the nearer of two images' hashes differs in, counted in Python's integers."""
    return min((int(a, 16) ^ int(b, 16)).bit_count() for a, b in zip(first, second, strict=True))


def resized(pixels, factor):
    size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)


def jpeg(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray((255 * pixels).round().astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer), dtype=np.float32) / 255


def window(pixels, low, high):
    return (pixels.clip(low, high) - low) / (high - low)


COPIES = {
    "8 bits": lambda p: (255 * p).round() / 255,
    "JPEG of poor quality": lambda p: jpeg(p, 40),
    "half the size": lambda p: resized(p, 0.5),
    "0.73 of the size": lambda p: resized(p, 0.73),
    "twice the size": lambda p: resized(p, 2),
    "another window": lambda p: window(p, 0.05, 0.9),
    "another curve": lambda p: p**0.8,
    "mirrored": lambda p: p[:, ::-1],
    "mirrored, small and compressed": lambda p: jpeg(resized(p[:, ::-1], 0.5), 60),
    "noise": lambda p: (p + np.random.default_rng(0).normal(0, 0.01, p.shape)).clip(0, 1),
    "a black frame": lambda p: np.pad(p, ((20, 35), (0, 60))),
    "rows cut off": lambda p: p[6:-6],
}


@pytest.fixture(scope="module")
def hashed(breasts):
    return [hash_image(each) for each in breasts]


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_near_its_original_and_far_from_others(breasts, hashed, how):
    for number in (0, 1, 5, 6):
        copy = hash_image(COPIES[how](breasts[number]).astype(np.float32))
        assert distance(hashed[number], copy) <= COPY
        assert min(distance(copy, other) for other in hashed[:number] + hashed[number + 1 :]) > OTHER


def test_different_breasts_are_far_apart(hashed):
    assert min(distance(hashed[i], hashed[j]) for i in range(24) for j in range(i)) > OTHER


def test_packed_hashes_keep_every_bit(breasts):
    table = table_of(breasts[:3])
    packed = pack(table)
    assert packed.shape == (3, 2, BITS // 64)
    for row, own in zip(table.itertuples(), packed, strict=True):
        for text, words in zip((row.whole, row.breast), own, strict=True):
            assert "".join(f"{word:016x}" for word in words) == text


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_search_finds_what_comparing_every_pair_finds(block):
    generator = np.random.default_rng(3)
    packed = generator.integers(0, 2**64, (90, 2, BITS // 64), dtype=np.uint64)
    for copy, original, flipped in ((70, 2, 5), (71, 2, 12), (89, 88, 24), (3, 60, 25), (40, 41, 0)):
        which = copy % 2  # the other hash stays a stranger
        packed[copy, which] = packed[original, which]
        for bit in generator.choice(BITS, flipped, replace=False):
            packed[copy, which, bit // 64] ^= np.uint64(1 << int(bit % 64))
    expected = []
    for first in range(len(packed)):
        for second in range(first + 1, len(packed)):
            bits = [
                sum((int(a) ^ int(b)).bit_count() for a, b in zip(packed[first, h], packed[second, h], strict=True))
                for h in (0, 1)
            ]
            if min(bits) <= 24:
                expected.append([first, second, min(bits)])
    assert near(packed, 24, block).tolist() == expected
    assert [2, 70, 5] in expected
    assert [88, 89, 24] in expected
    assert [40, 41, 0] in expected
    assert [3, 60] not in [pair[:2] for pair in expected]


def test_no_images_have_no_pairs():
    assert near(np.empty((0, 2, BITS // 64), dtype=np.uint64), 24).shape == (0, 3)


def test_a_limit_that_tells_nothing_apart_is_an_error(monkeypatch):
    monkeypatch.setattr(hashes, "_MANY", 10)
    packed = np.zeros((6, 2, BITS // 64), dtype=np.uint64)
    with pytest.raises(InputError, match="over a million pairs") as caught:
        near(packed, 0)
    assert caught.value.where.endswith("hash_bits")


def test_a_broken_table_is_an_error_that_names_the_row(tmp_path):
    path = tmp_path / "hashes.csv"
    with pytest.raises(InputError, match="no such table of hashes"):
        read_hashes(path)
    good = pd.DataFrame({"dataset": "d", "image_path": ["a", "b"], "whole": "0" * 64, "breast": "f" * 64})
    write_csv(path, good)
    assert len(read_hashes(path)) == 2
    write_csv(path, good.assign(breast=["f" * 64, "f" * 63]))
    with pytest.raises(InputError, match="not 64 hexadecimal digits") as caught:
        read_hashes(path)
    assert caught.value.where == f"{path}, row 2"
    write_csv(path, good.drop(columns="whole"))
    with pytest.raises(InputError, match="whole"):
        read_hashes(path)


def write_dicom(path, pixels, syntax=ExplicitVRLittleEndian, photometric="MONOCHROME2"):
    stored = (4095 * (1 - pixels if photometric == "MONOCHROME1" else pixels)).round().astype(np.uint16)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = stored.tobytes()
    if syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)


def test_stage_hashes_each_image_once_and_decoded(tmp_path, monkeypatch, breasts):
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "settings.yaml", tmp_path)
    write_dicom(tmp_path / "b.dcm", breasts[0])
    write_dicom(tmp_path / "a.dcm", breasts[0], JPEG2000Lossless, "MONOCHROME1")
    write_dicom(tmp_path / "c.dcm", breasts[1])
    write_csv("data/lesions/cbis_ddsm.csv", to_table([]))
    write_csv("data/lesions/vindr_mammo.csv", to_table([]))
    rows = [
        Lesion(
            f"{image}_{n}",
            image,
            image,
            "inbreast",
            f"{image}.dcm",
            "CC",
            "L",
            "4",
            0,
            "test",
            0,
            0,
            9,
            9,
            "",
            0.1,
            "table",
        )
        for image in "bac"
        for n in (1, 2)
    ]
    write_csv("data/lesions/inbreast.csv", to_table(rows))
    spec = importlib.util.spec_from_file_location("stage_image_hashes", ROOT / "stages/image_hashes.py")
    stage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stage)

    class Serial:
        compute = Compute(backend="threading", workers=1)

    monkeypatch.setattr(stage, "load_params", Serial)
    stage.main()
    path = Path("data/validation/hashes.csv")
    table = read_hashes(path)
    assert table["image_path"].tolist() == ["a.dcm", "b.dcm", "c.dcm"]
    assert near(pack(table), 4)[:, :2].tolist() == [[0, 1]]
    first = path.read_bytes()
    stage.main()
    assert path.read_bytes() == first
