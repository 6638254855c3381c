"""An exported model says of a lesion what the pipeline said of it, and says how far to trust it."""

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radprompt.core.errors import InputError
from radprompt.export.cases import Case
from radprompt.export.commands import open_predictor, predict_case, predict_table
from radprompt.export.manifest import write_manifest
from radprompt.export.prediction import as_json
from radprompt.export.predictor import Predictor
from radprompt.mammograms.imaging.contours import read_mask
from radprompt.mammograms.imaging.dicom import read_mammogram
from radprompt.tables.prompts import read_prompts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def brief(exported):
    """The same model without shares: they take most of the time."""
    return open_predictor(exported, "none", None, "cpu")


def _case(repository, lesions, lesion: str, **changed) -> Case:
    row = lesions.loc[lesion]
    given = {"image": repository / row["image_path"], "mask": None, "spacing_mm": math.nan}
    corners = tuple(float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
    return Case(**({"case_id": lesion, "corners": corners} | given | changed))


def _change(folder: Path, **values) -> Predictor:
    """Return the exported model with another record."""
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    (folder / "manifest.json").unlink()
    write_manifest(folder)
    return Predictor(folder, device="cpu", orders="none")


def test_every_test_lesion_gets_what_the_pipeline_gave_it(brief, repository, lesions):
    features = pd.read_csv(repository / "data/features/vindr_mammo.csv").set_index("lesion_id")
    z = pd.read_csv(repository / "data/standardised/vindr.csv").set_index("lesion_id")
    prompts = read_prompts(repository / "data/prompts/vindr.jsonl").set_index("lesion_id")["prompt"]
    probabilities = pd.read_csv(repository / "data/predictions/vindr/llm.csv").set_index("lesion_id")["probability"]
    assert len(lesions) == 4
    for lesion in lesions.index:
        said, _, mask = brief.predict(_case(repository, lesions, lesion))
        np.testing.assert_array_equal(mask, read_mask(repository / f"data/masks/vindr_mammo/{lesion}.png"))
        for feature in said.features:
            assert float(f"{feature.value:.9g}") == features.loc[lesion, feature.key]
            assert feature.z == z.loc[lesion, feature.key]
        assert said.prompt == prompts[lesion]
        assert said.probability == pytest.approx(probabilities[lesion], abs=1e-6)


def test_shares_and_the_training_rows_mean_logit_add_up_to_the_logit(exported, predictor, repository, lesions):
    brief = Predictor(exported, device="cpu", orders="none")
    for model in (predictor, Predictor(exported, device="cpu", orders="all")):
        case = _case(repository, lesions, lesions.index[0])
        said, _, _ = model.predict(case)
        assert said.base + sum(feature.share for feature in said.features) == pytest.approx(said.logit, abs=1e-9)
        # Among other sentences a sentence's float32 sums come in another order on some processors.
        assert said.logit == pytest.approx(brief.predict(case)[0].logit, abs=1e-6)
        assert any(abs(feature.share) > 1e-6 for feature in said.features)


def test_the_named_models_answer_is_the_pipelines_with_exact_shares(brief, repository, lesions):
    table = pd.read_csv(repository / "data/predictions/vindr/named.csv")
    expected = table[table["model"] == "named"].set_index("lesion_id")["probability"]
    for lesion in lesions.index:
        said, _, _ = brief.predict(_case(repository, lesions, lesion))
        assert said.named.probability == pytest.approx(expected[lesion], abs=1e-8)
        assert said.named.base + sum(said.named.shares.values()) == pytest.approx(said.named.logit, abs=1e-9)
        low, high = said.named.interval
        assert 0 < low < said.named.probability < high < 1
        assert as_json(said, brief.package)["named_model"]["interval_90"] == pytest.approx([low, high])


def test_the_background_is_training_lesions_as_their_prompts_say(exported, predictor, repository):
    prompts = read_prompts(repository / "data/prompts/vindr.jsonl")
    of_training = set(prompts.loc[prompts["split"] == "train", "prompt"])
    background = predictor.package.background()
    assert len(background) == 12  # all of them: fewer than explain.background
    assert set(predictor.package.recipe.sentences(background)) <= of_training
    assert "lesion_id" not in (exported / "background.csv").read_text()


def test_the_mask_of_a_png_gives_the_same_as_the_dicoms_box(brief, repository, lesions, tmp_path):
    lesion = lesions.index[1]
    boxed, image, mask = brief.predict(_case(repository, lesions, lesion))
    stored = np.round(image.pixels.astype(float) * 65535).astype(np.uint16)
    Image.fromarray(stored).save(tmp_path / "a.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "mask.png")
    given = {"image": tmp_path / "a.png", "corners": None, "mask": tmp_path / "mask.png", "spacing_mm": 0.3}
    masked, _, _ = brief.predict(_case(repository, lesions, lesion, **given))
    assert (masked.origin.contour, masked.origin.area_px) == ("given", boxed.origin.area_px)
    for one, other in zip(masked.features, boxed.features, strict=True):
        assert one.value == pytest.approx(other.value, rel=0.05)


def test_millimetres_need_a_spacing_and_pixels_none(brief, own_export, repository, lesions, write_dicom, tmp_path):
    lesion = lesions.index[0]
    stored = np.round(read_mammogram(repository / lesions.loc[lesion, "image_path"]).pixels * 60000)
    write_dicom(tmp_path / "a.dcm", stored.astype(np.uint16), spacing=None)
    case = _case(repository, lesions, lesion, image=tmp_path / "a.dcm")
    with pytest.raises(InputError, match=r"a\.dcm: pixel spacing unknown.*lengths in mm\n.*--spacing"):
        brief.predict(case)
    known = _case(repository, lesions, lesion)
    in_px = _change(own_export, unit="px")  # no training image had a spacing
    without, with_spacing = in_px.predict(case)[0], in_px.predict(known)[0]
    for one, other in zip(without.features, with_spacing.features, strict=True):
        assert one.value == pytest.approx(other.value, rel=1e-3)
    assert any("pixel size is unknown" in note for note in without.notes(in_px.package))


def test_a_raw_image_is_noted_in_page_and_json(brief, repository, lesions, write_dicom, tmp_path):
    lesion = lesions.index[0]
    stored = np.round(read_mammogram(repository / lesions.loc[lesion, "image_path"]).pixels * 60000).astype(np.uint16)
    for name, intent in (("raw", "FOR PROCESSING"), ("ready", "FOR PRESENTATION")):
        write_dicom(tmp_path / f"{name}.dcm", stored, PresentationIntentType=intent)
        case = _case(repository, lesions, lesion, case_id=name, image=tmp_path / f"{name}.dcm")
        predict_case(brief, case, tmp_path)
        said = json.loads((tmp_path / f"{name}.json").read_text())
        page = (tmp_path / f"{name}.html").read_text()
        assert said["image"]["presentation"] == intent
        assert f"image {name}.dcm, {intent}" in page
        assert any("The image is FOR PROCESSING" in note for note in said["notes"]) == (name == "raw")
        assert ("The image is FOR PROCESSING" in page) == (name == "raw")


def test_values_outside_the_training_range_are_flagged_in_words(own_export, repository, lesions):
    ranges = json.loads((own_export / "model.json").read_text())["ranges"]
    first, second, third = ranges
    ranges[first] = {"least": -9e9, "p1": -8e9, "p99": -7e9, "greatest": -6e9}
    ranges[second] = {"least": 6e9, "p1": 7e9, "p99": 8e9, "greatest": 9e9}
    ranges[third] = {"least": -9e9, "p1": 8e9, "p99": 8e9, "greatest": 9e9}
    changed = _change(own_export, ranges=ranges)
    said, _, _ = changed.predict(_case(repository, lesions, lesions.index[0]))
    assert [feature.remark for feature in said.features] == [
        "above the training range",
        "below the training range",
        "within the training range, below its 1st percentile",
    ]
    assert said.notes(changed.package)[0].startswith("2 of 3 features lie outside")


def test_a_contour_that_nnunet_did_not_find_is_said(brief, repository, lesions, monkeypatch):
    brief.predict(_case(repository, lesions, lesions.index[0]))
    nothing = np.zeros((32, 32), np.float32)
    monkeypatch.setattr(brief._segmenter, "predict", lambda image, box: nothing)
    said, _, _ = brief.predict(_case(repository, lesions, lesions.index[0]))
    assert said.origin.contour == "ellipse"
    assert any("Draw a mask" in note for note in said.notes(brief.package))


def test_exact_shares_of_many_features_are_refused(own_export):
    path = own_export / "selection.json"
    names = [f"n{number}" for number in range(15)]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"features": names, "names": names}))
    pd.DataFrame(0.0, range(4), names).to_csv(own_export / "background.csv", index=False)
    (own_export / "manifest.json").unlink()
    write_manifest(own_export)
    with pytest.raises(InputError, match=r"exact shares of 15 features against 4 rows"):
        Predictor(own_export, orders="all")
    with pytest.raises(InputError, match=r"'some' says nothing about shares"):
        open_predictor(own_export, "some", None, "cpu")


class _Page(HTMLParser):
    """Collects the open tags and all that a browser would load."""

    VOID = frozenset({"meta", "rect", "path", "line", "image"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads, self.open, self.labels, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.loads += [values[name] for name in ("src", "href", "data", "action") if values.get(name)]
        self.labels += [values.get("aria-label")] if values.get("role") == "img" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_page_and_json_say_the_same_and_load_nothing(predictor, repository, lesions, tmp_path):
    case = _case(repository, lesions, lesions.index[0], case_id="Fall 1")
    said = predict_case(predictor, case, tmp_path)
    content = json.loads((tmp_path / f"{case.case_id}.json").read_text())
    assert content["warning"].startswith("Not for clinical use")
    assert content["probability"] == pytest.approx(said.probability)
    assert content["call"] == ("malignant" if said.probability >= 0.5 else "benign")
    text = (tmp_path / f"{case.case_id}.html").read_text()
    page = _Page(text)
    assert page.open == []
    assert len(page.loads) == 2
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    assert all(page.labels)
    assert not re.search(r"url\(|@import|<script|<link", text)
    assert "Not for clinical use." in page.text
    assert f"{said.probability:.3f}" in page.text
    assert said.prompt in page.text
    assert all(feature.name in page.text for feature in said.features)
    assert str(repository) not in text
    again = predict_case(predictor, case, tmp_path / "again")
    assert again == said
    assert (tmp_path / "again" / f"{case.case_id}.html").read_text() == text


def test_an_images_name_is_text_and_no_markup(brief, repository, lesions, tmp_path):
    odd = tmp_path / "<b>bold.dcm"
    odd.write_bytes((repository / lesions["image_path"].iloc[0]).read_bytes())
    predict_case(brief, _case(repository, lesions, lesions.index[0], image=odd), tmp_path)
    assert "<b>bold" not in (tmp_path / f"{lesions.index[0]}.html").read_text()


def test_a_table_predicts_what_it_can_and_lists_the_rest(brief, repository, lesions, tmp_path):
    rows = lesions.reset_index()[["lesion_id", "image_path", "xmin", "ymin", "xmax", "ymax"]]
    rows.columns = ["id", "image", "xmin", "ymin", "xmax", "ymax"]
    bad = rows.iloc[[0, 0]].assign(id=["reversed", "absent"], image=[rows["image"][0], "none.dcm"])
    bad.iloc[0, 2] = 90
    pd.concat([bad, rows]).to_csv(tmp_path / "cases.csv", index=False)
    done = predict_table(lambda: brief, tmp_path / "cases.csv", repository, math.nan, tmp_path / "out")
    assert done == (4, 2)
    excluded = pd.read_csv(tmp_path / "out" / "excluded.csv")
    assert excluded[["row", "record"]].to_numpy().tolist() == [[1, "reversed"], [2, "absent"]]
    assert "reversed or empty" in excluded["reason"][0]
    assert excluded["reason"][1].endswith("none.dcm: no such image")
    table = pd.read_csv(tmp_path / "out" / "predictions.csv").set_index("id")["probability"]
    expected = pd.read_csv(repository / "data/predictions/vindr/llm.csv").set_index("lesion_id")["probability"]
    assert sorted(table.index) == sorted(lesions.index)
    np.testing.assert_allclose(table, expected[table.index], atol=1e-6)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    pages = {f"{lesion}.{kind}" for lesion in lesions.index for kind in ("json", "html")}
    assert names == {"excluded.csv", "predictions.csv"} | pages


def test_a_table_without_one_good_case_is_an_error_that_leaves_the_list(brief, repository, tmp_path):
    (tmp_path / "cases.csv").write_text("id,image,mask\na,none.dcm,none.png\n")
    with pytest.raises(InputError, match=r"(?s)not one of 1 cases.*none\.dcm: no such image.*excluded\.csv"):
        predict_table(lambda: brief, tmp_path / "cases.csv", None, math.nan, tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "excluded.csv")) == 1


def _good_rows(lesions) -> pd.DataFrame:
    rows = lesions.reset_index()[["lesion_id", "image_path", "xmin", "ymin", "xmax", "ymax"]]
    return rows.set_axis(["id", "image", "xmin", "ymin", "xmax", "ymax"], axis=1).assign(id=["a", "b", "c", "d"])


def _pages(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".csv"}


def _both(*ids: str) -> set[str]:
    return {f"{case_id}.{kind}" for case_id in ids for kind in ("json", "html")}


def test_no_page_of_an_earlier_run_stands_for_an_excluded_case(brief, repository, lesions, tmp_path):
    table, out = tmp_path / "cases.csv", tmp_path / "out"
    rows = _good_rows(lesions)
    rows.to_csv(table, index=False)
    assert predict_table(lambda: brief, table, repository, math.nan, out) == (4, 0)
    (out / "other.html").write_text("of another table")
    (tmp_path / "up.html").write_text("not below --out")
    assert _pages(out) == _both("a", "b", "c", "d") | {"other.html"}
    rows.loc[0, "xmin"] = 90  # reversed, which only predicting finds
    rows.loc[1, "xmin"] = math.nan  # a box that lacks a number, which reading finds
    again = rows.iloc[[2, 3]].assign(id=["c", "../up"])
    pd.concat([rows, again]).to_csv(table, index=False)
    assert predict_table(lambda: brief, table, repository, math.nan, out) == (1, 5)
    assert pd.read_csv(out / "excluded.csv")["record"].tolist() == ["a", "b", "c", "c", "../up"]
    assert pd.read_csv(out / "predictions.csv")["id"].tolist() == ["d"]
    assert _pages(out) == _both("d") | {"other.html"}
    assert (tmp_path / "up.html").is_file()


def test_a_single_case_that_fails_leaves_no_earlier_page(brief, repository, lesions, tmp_path):
    lesion = lesions.index[0]
    predict_case(brief, _case(repository, lesions, lesion), tmp_path)
    assert _pages(tmp_path) == _both(lesion)
    with pytest.raises(InputError, match=r"reversed or empty"):
        predict_case(brief, _case(repository, lesions, lesion, corners=(50.0, 50.0, 40.0, 60.0)), tmp_path)
    assert _pages(tmp_path) == set()


@pytest.mark.parametrize("stopped", [RuntimeError, KeyboardInterrupt])
def test_a_run_that_stops_tells_what_it_did(brief, repository, lesions, tmp_path, monkeypatch, stopped):
    table, out = tmp_path / "cases.csv", tmp_path / "out"
    rows = _good_rows(lesions)
    rows.to_csv(table, index=False)
    predict_table(lambda: brief, table, repository, math.nan, out)
    rows.loc[0, "image"] = "none.dcm"
    rows.to_csv(table, index=False)
    predict = brief.predict

    def stop_at_the_third(case):
        if case.case_id == "c":
            raise stopped("no space left on device")
        return predict(case)

    monkeypatch.setattr(brief, "predict", stop_at_the_third)
    with pytest.raises(stopped, match="no space left on device"):
        predict_table(lambda: brief, table, repository, math.nan, out)
    assert pd.read_csv(out / "excluded.csv")["record"].tolist() == ["a"]
    assert pd.read_csv(out / "predictions.csv")["id"].tolist() == ["b"]
    assert _pages(out) == _both("b")


def test_a_model_that_does_not_open_leaves_an_earlier_run_as_it_was(brief, repository, lesions, tmp_path):
    table, out = tmp_path / "cases.csv", tmp_path / "out"
    _good_rows(lesions).to_csv(table, index=False)
    predict_table(lambda: brief, table, repository, math.nan, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(InputError, match=r"no exported model here"):
        predict_table(lambda: open_predictor(tmp_path, "none", None, "cpu"), table, repository, math.nan, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_results_that_cannot_be_written_are_refused_before_the_model_is_opened(brief, repository, lesions, tmp_path):
    (tmp_path / "out").touch()
    table = tmp_path / "cases.csv"
    _good_rows(lesions).to_csv(table, index=False)
    with pytest.raises(InputError, match=r"out: cannot be written to: .*out is a file\nFix: name another folder"):
        predict_table(lambda: pytest.fail("opened"), table, repository, math.nan, tmp_path / "out")
    with pytest.raises(InputError, match=r"out: cannot be written to"):
        predict_case(brief, _case(repository, lesions, lesions.index[0]), tmp_path / "out")
