from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from golden_features import picture, radiomics, star

from radprompt.core.errors import ImageError
from radprompt.core.params import Compute
from radprompt.mammograms.imaging.contours import write_mask
from radprompt.mammograms.radiomics import cohort
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.tables.lesions import Lesion

ALONE = Compute(backend="threading", workers=1)
MASK = star(80, 70, 30, 5, 0.2)


def lesion(key: str, image: str, spacing: float = 0.1) -> Lesion:
    return Lesion(key, "p", "s", "inbreast", image, "CC", "L", "4", 1, "adapt", 1, 1, 9, 9, "", spacing, "PixelSpacing")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for DICOM decoding; the list says what was decoded."""
    seen: list[str] = []

    def read(path: str) -> SimpleNamespace:
        seen.append(path)
        if path == "broken":
            raise ImageError("the pixel data end too early", where=path)
        return SimpleNamespace(pixels=picture())

    monkeypatch.setattr(cohort, "read_mammogram", read)
    return seen


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    write_mask(tmp_path / "good.png", MASK)
    write_mask(tmp_path / "empty.png", np.zeros_like(MASK))
    return tmp_path


def test_each_image_is_decoded_once_and_order_is_kept(decoded: list[str], masks: Path) -> None:
    lesions = [lesion("a", "one"), lesion("b", "two"), lesion("c", "one")]
    outcomes = cohort.measure(lesions, lambda _: masks / "good.png", ALONE, radiomics())
    assert list(outcomes) == ["a", "b", "c"]
    assert sorted(decoded) == ["one", "two"]
    assert outcomes["a"] == outcomes["c"] == extract(picture(), MASK, 0.1, radiomics())


def test_a_lesion_that_cannot_be_measured_has_a_reason(decoded: list[str], masks: Path) -> None:
    files = {"a": "good.png", "b": "empty.png", "c": "absent.png", "d": "good.png"}
    lesions = [lesion("a", "one"), lesion("b", "one"), lesion("c", "one"), lesion("d", "broken")]
    outcomes = cohort.measure(lesions, lambda one: masks / files[one.lesion_id], ALONE, radiomics())
    assert isinstance(outcomes["a"], dict)
    assert outcomes["b"] == "the mask is empty"
    assert "absent.png" in str(outcomes["c"])
    assert outcomes["d"] == "broken: the pixel data end too early"


def test_millimetres_and_pixels_never_share_a_column(decoded: list[str], masks: Path) -> None:
    lesions = [lesion("a", "one"), lesion("b", "two", float("nan"))]
    mm = cohort.measure(lesions, lambda _: masks / "good.png", ALONE, radiomics())
    assert isinstance(mm["a"], dict)
    assert mm["b"] == cohort.MIXED_UNITS
    px = cohort.measure(lesions, lambda _: masks / "good.png", ALONE, radiomics(shape_unit="px"))
    assert px["a"] == px["b"]
    unknown = cohort.measure(lesions[1:], lambda _: masks / "good.png", ALONE, radiomics())
    assert unknown["b"] == px["b"]
