"""nnU-Net trained for a few steps on toy masses: what must hold whatever the network learns."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from radprompt.core.errors import InputError
from radprompt.core.params import Segmentation, load_params
from radprompt.mammograms.imaging.contours import inscribed_ellipse
from radprompt.mammograms.segmentation.nnunet import split_by_patient, train
from radprompt.mammograms.segmentation.regions import Case, cut, training_boxes
from radprompt.mammograms.segmentation.segmenter import Segmenter, stack
from radprompt.review.redrawing import Redrawing
from radprompt.tables.lesions import Box

SIZE = 32
OPTIONS = Segmentation(
    context=0.5,
    roi_size=SIZE,
    box_slack=0.1,
    plan="small",
    epochs=2,
    iterations=3,
    validation_iterations=1,
    threshold=0.5,
)
BOX = Box(20, 30, 60, 54)


def toy_cases(count: int = 10) -> list[Case]:
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE]
    cases = []
    for number in range(count):
        height, width = generator.uniform(5, 8, size=2)
        mask = ((y - 15.5) / height) ** 2 + ((x - 15.5) / width) ** 2 <= 1
        box = (np.abs(y - 15.5) <= height) & (np.abs(x - 15.5) <= width)
        image = 0.3 + 0.4 * mask + generator.normal(0, 0.05, size=mask.shape)
        cases.append(Case(f"lesion {number}", f"patient {number // 2}", image.astype(np.float32), box, mask))
    return cases


@pytest.fixture(scope="module")
def trained():
    return train(toy_cases(), OPTIONS, seed=7, device="cpu")


@pytest.fixture
def segmenter(trained):
    return trained[0]


def same(first: Segmenter, second: Segmenter) -> bool:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


def test_the_same_seed_gives_the_same_weights_in_any_order_of_cases(trained):
    before = dict(os.environ)
    again, curve = train(toy_cases()[::-1], OPTIONS, seed=7, device="cpu")
    assert same(trained[0], again)
    assert curve.equals(trained[1])
    assert dict(os.environ) == before
    assert not same(again, train(toy_cases(), replace(OPTIONS, epochs=1), seed=8, device="cpu")[0])


def test_the_readers_page_draws_the_same_from_the_region_alone(segmenter, tmp_path):
    """In its own process, with the pixels around the box and no others; at the image's borders, too."""
    segmenter.save(tmp_path / "models/segmenter")
    shutil.copy(Path(__file__).parents[3] / "params.yaml", tmp_path)
    threshold = load_params(tmp_path / "params.yaml").segmentation.threshold
    pixels = np.random.default_rng(3).uniform(size=(96, 120)).astype(np.float32)
    page = Redrawing(tmp_path)
    for box in (BOX, Box(0, 0, 30, 24), Box(90, 70, 120, 96), Box(2, 2, 118, 94)):
        expected, found = segmenter.draw(pixels, box, threshold), page.draw(pixels, box)
        assert (found.source, found.flag) == (expected.source, expected.flag)
        np.testing.assert_array_equal(found.mask, expected.mask)


def test_the_curve_has_a_row_an_epoch(trained):
    curve = trained[1]
    assert curve.columns.tolist() == ["epoch", "train_loss", "val_loss", "val_dice"]
    assert curve["epoch"].tolist() == [1, 2]
    assert np.isfinite(curve).all(axis=None)


def test_nnunets_own_plan_is_larger_than_the_small_one(segmenter):
    options = replace(OPTIONS, plan="default", epochs=1, iterations=1)
    own, _ = train(toy_cases(4), options, seed=7, device="cpu")
    features = own.plans["configurations"]["2d"]["architecture"]["arch_kwargs"]["features_per_stage"]
    assert features[0] == 32
    assert sum(p.numel() for _, p in own.parameters()) > 2 * sum(p.numel() for _, p in segmenter.parameters())
    assert own.predict(*toy_cases(1)[0][2:4]).shape == (SIZE, SIZE)


def test_patients_are_not_split():
    cases = toy_cases(40)
    fitted, held_out = split_by_patient(cases, seed=1)
    patient = {case.lesion_id: case.patient_id for case in cases}
    assert sorted(fitted + held_out) == sorted(patient)
    assert not {patient[name] for name in fitted} & {patient[name] for name in held_out}
    assert len(held_out) == 8  # a fifth of twenty patients with two lesions each


def test_one_patient_cannot_be_split():
    with pytest.raises(InputError, match="at least two patients"):
        split_by_patient(toy_cases(2), seed=1)


def test_saved_and_loaded_it_predicts_the_same_without_a_pickle(segmenter, tmp_path):
    segmenter.save(tmp_path / "model")
    segmenter.save(tmp_path / "again")
    files = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert files == ["dataset.json", "plans.json", "segmenter.json", "weights.safetensors"]
    assert all((tmp_path / "model" / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files)
    image, box = toy_cases(1)[0][2:4]
    loaded = Segmenter.load(tmp_path / "model", device="cpu")
    np.testing.assert_array_equal(loaded.predict(image, box), segmenter.predict(image, box))


def test_a_damaged_model_folder_says_what_to_do(segmenter, tmp_path):
    segmenter.save(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(InputError, match=r"(?s)damaged.*dvc repro"):
        Segmenter.load(tmp_path)
    (tmp_path / "plans.json").unlink()
    with pytest.raises(InputError, match=r"plans\.json: no such file"):
        Segmenter.load(tmp_path)


def test_prediction_is_a_probability_and_follows_mirroring_and_ignores_the_grey_scale(segmenter):
    image, box = toy_cases(1)[0][2:4]
    probability = segmenter.predict(image, box)
    assert probability.shape == (SIZE, SIZE)
    assert (probability >= 0).all()
    assert (probability <= 1).all()
    # Averaged over the four mirrorings, and z-scored over the region; nnU-Net sums logits in half precision.
    np.testing.assert_allclose(segmenter.predict(image[:, ::-1], box[:, ::-1]), probability[:, ::-1], atol=1e-2)
    np.testing.assert_allclose(segmenter.predict(5 * image + 2, box), probability, atol=1e-2)


def test_air_beside_the_breast_is_not_cropped_away(segmenter):
    image, box = toy_cases(1)[0][2:4]
    image[:, :8] = 0
    data, _, _ = segmenter._preprocessor.run_case_npy(
        stack(image, box), None, {"spacing": [999.0, 1.0, 1.0]}, segmenter._manager, segmenter._configuration, {}
    )
    assert data.shape == (2, 1, SIZE, SIZE)
    np.testing.assert_array_equal(np.unique(data[1]), [-1, 1])


def test_cut_puts_the_box_in_the_middle_of_twice_its_side():
    roi = cut(np.random.default_rng(0).random((100, 120)).astype(np.float32), BOX, 0.5, 64)
    assert roi.region.bottom - roi.region.top == roi.region.right - roi.region.left == 80
    rows, columns = np.flatnonzero(roi.box.any(axis=1)), np.flatnonzero(roi.box.any(axis=0))
    assert abs(len(columns) - 32) <= 1  # 40 of 80 px on a grid of 64
    assert abs(len(rows) - 19) <= 1
    assert abs(columns.mean() - 31.5) <= 1


def test_training_boxes_are_the_tight_one_and_looser_ones_inside_the_image():
    boxes = training_boxes(BOX, (60, 62), 0.25, np.random.default_rng(2))
    assert boxes[:2] == [BOX, BOX]
    assert len(set(boxes)) == 3
    for box in boxes:
        assert BOX.xmin - 10 <= box.xmin <= BOX.xmin
        assert BOX.ymin - 6 <= box.ymin <= BOX.ymin
        assert BOX.xmax <= box.xmax <= 62
        assert BOX.ymax <= box.ymax <= 60
    assert training_boxes(BOX, (60, 62), 0.25, np.random.default_rng(2)) == boxes
    assert set(training_boxes(BOX, (60, 62), 0.0, np.random.default_rng(2))) == {BOX}


def probability_map(mask: np.ndarray, segmenter: Segmenter) -> np.ndarray:
    return cut(mask.astype(np.float32), BOX, segmenter.context, SIZE).image


def test_nothing_found_falls_back_to_the_ellipse_and_says_so(segmenter, monkeypatch):
    monkeypatch.setattr(segmenter, "predict", lambda image, box: np.zeros((SIZE, SIZE), np.float32))
    drawing = segmenter.draw(np.zeros((100, 120), np.float32), BOX, 0.5)
    np.testing.assert_array_equal(drawing.mask, inscribed_ellipse(BOX, (100, 120)))
    assert drawing.source == "ellipse"
    assert "0.0% of the box" in drawing.flag


def test_a_mask_stays_inside_its_box(segmenter, monkeypatch):
    monkeypatch.setattr(segmenter, "predict", lambda image, box: np.ones((SIZE, SIZE), np.float32))
    drawing = segmenter.draw(np.zeros((100, 120), np.float32), BOX, 0.5)
    assert drawing.mask.sum() == 40 * 24 == drawing.mask[30:54, 20:60].sum()
    assert (drawing.source, drawing.flag) == ("nnunet", "")


def test_a_mask_is_one_piece_without_holes(segmenter, monkeypatch):
    found = np.zeros((100, 120), bool)
    found[32:52, 22:44] = True
    found[38:46, 28:38] = False  # a hole
    found[34:50, 50:58] = True  # a second, smaller piece
    monkeypatch.setattr(segmenter, "predict", lambda image, box: probability_map(found, segmenter))
    mask = segmenter.segment(np.zeros((100, 120), np.float32), BOX, 0.5)
    assert mask[42, 33]
    assert not mask[:, 47:].any()
    assert mask.sum() == pytest.approx(20 * 22, rel=0.15)
