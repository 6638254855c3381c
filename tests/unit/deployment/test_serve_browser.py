"""The page of one case in headless Chromium: an image dropped, a box, the answer, a value moved.

``RADPROMPT_SCREENSHOTS=docs/assets python -m pytest tests/unit/deployment/test_serve_browser.py`` remakes the pictures
of docs/predict.md; those of every size and scheme are in the tests' temporary folders.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from page_checks import CHROMIUM, CUT_OFF, faint, nameless, not_hidden, running_browser
from serve_cases import box_of, serving, write_final_model

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements/dev.txt)")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

PATIENCE = 120_000  # milliseconds: the model is being loaded
PARTS = ["header *", "#asking *", "#answers *", "#notes *", "#features *", "#downloads *", "#steps *", "#facts"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser(sync_api) as running:
        yield running


@pytest.fixture(scope="module")
def lesion(repository):
    table = pd.read_csv(repository / "data/lesions/vindr_mammo.csv")
    return table[table["split"] == "test"].iloc[1]


@pytest.fixture
def opened(browser, request) -> Iterator[Any]:
    """Open pages that may not fail; ``asked`` holds the addresses that they asked for."""
    contexts, faults = [], []

    def open_page(address: str, size: tuple[int, int] = (1280, 720), scheme: str = "light") -> Any:
        width, height = size
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.asked = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.on("request", lambda asked: page.asked.append(asked.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


def drop(page: Any, image: Path) -> None:
    """Drop a file on the page, as from a file manager."""
    page.wait_for_function("() => document.getElementById('before').textContent.startsWith('Drop')")
    content = base64.b64encode(image.read_bytes()).decode()
    data = page.evaluate_handle(
        """([content, name]) => {
          const data = new DataTransfer(), bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
          data.items.add(new File([bytes], name));
          return data;
        }""",
        [content, image.name],
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": data})
    page.wait_for_selector("#view:not([hidden])")


def draw(page: Any, corners: list[int]) -> None:
    """Drag a box, pixels of the image."""
    at = """([x, y]) => {
      const { x: left, y: top } = new DOMPoint(x, y).matrixTransform(document.getElementById("view").getScreenCTM());
      return [left, top];
    }"""
    start, end = page.evaluate(at, corners[:2]), page.evaluate(at, corners[2:])
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def answered(page: Any) -> None:
    """Wait for the answer and the language model's shares."""
    page.wait_for_selector("#result:not([hidden])")
    page.wait_for_selector("#features thead button", state="hidden")


def test_an_image_a_box_the_answer_and_a_value_moved(opened, served, repository, lesion):
    page, image = opened(served.address), repository / lesion["image_path"]
    drop(page, image)
    assert "0.3" in page.input_value("#spacing")
    corners = [int(edge) for edge in box_of(lesion).split(",")]
    draw(page, corners)
    answered(page)
    assert [int(edge) for edge in page.input_value("#box").split(",")] == pytest.approx(corners, abs=1)
    expected = served.client.post(
        "predict", data={"box": page.input_value("#box")}, files={"image": image.open("rb")}
    ).json()
    assert page.locator(".answer b").all_inner_texts() == [
        f"{expected['probability']:.3f}",
        f"{expected['named_model']['probability']:.3f}",
    ]
    low, high = expected["named_model"]["interval_90"]
    assert f"90 % interval {low:.3f} to {high:.3f}" in page.inner_text("#answers")
    assert page.inner_text("#prompt") == expected["prompt"]
    assert page.get_attribute("#view .contour", "d").startswith("M")
    with page.expect_download() as download:
        page.click("#json")
    assert json.loads(Path(download.value.path()).read_text()) == expected
    with page.expect_download() as download:
        page.click("#page")
    assert f"<h1>Case {image.stem}</h1>" in Path(download.value.path()).read_text()
    # By keyboard alone: a value beyond its range, and back.
    page.focus("#features tbody tr:first-child input[type=range]")
    page.keyboard.press("End")
    page.wait_for_selector("#features tr.changed .mark")
    first = expected["features"][0]
    assert "above the training range" in page.inner_text("#features tr.changed")
    assert "What if" in page.inner_text("#notes")
    assert "measured:" in page.inner_text("#answers")
    named = page.locator(".answer b").nth(1).inner_text()
    moved = {first["feature"]: float(page.input_value("#features tr.changed input[type=text]"))}
    alone = {each["feature"]: each["value"] for each in expected["features"]} | moved
    probability = served.client.post("predict", json={"values": alone, "shares": "none"}).json()["named_model"][
        "probability"
    ]
    assert named in (f"{probability:.3f}", "under 0.001", "over 0.999")
    page.click("#reset")
    answered(page)
    assert page.locator(".answer b").nth(1).inner_text() == f"{expected['named_model']['probability']:.3f}"
    assert [url for url in page.asked if not url.startswith((served.address, "blob:"))] == []
    assert page.context.cookies() == []


def test_faults_are_said_and_another_image_helps(opened, served, repository, lesion, tmp_path):
    page = opened(served.address)
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"\0" * 128 + b"DICM and then nothing")
    page.set_input_files("#file", broken)
    page.wait_for_selector("#alert:not([hidden])")
    assert page.inner_text("#alert").startswith("broken.dcm: ")
    page.set_input_files("#file", repository / lesion["image_path"])
    page.wait_for_selector("#view:not([hidden])")
    assert page.locator("#alert").is_hidden()
    page.fill("#box", "9, 9")
    page.keyboard.press("Enter")
    page.wait_for_selector("#alert:not([hidden])")
    page.fill("#box", box_of(lesion))
    page.focus("#view")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    answered(page)
    assert page.locator("#alert").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=["1280", "1920"])
def test_screenshots_have_contrast_names_and_nothing_cut_off(
    opened, served, repository, lesion, tmp_path, size, scheme
):
    page = opened(served.address, size, scheme)

    def checked(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert faint(page) == [], name
        assert not_hidden(page) == [], name
        assert page.evaluate(CUT_OFF, [PARTS, True]) == [], name
        assert nameless(page) == [], name
        assert "not for clinical use" in page.inner_text("#purpose")
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), name

    page.wait_for_function("() => document.getElementById('before').textContent.startsWith('Drop')")
    checked("empty")
    drop(page, repository / lesion["image_path"])
    page.fill("#box", box_of(lesion))
    page.click("#predict")
    answered(page)
    checked("answer")
    if os.environ.get("RADPROMPT_SCREENSHOTS") and (size[0], scheme) == (1280, "light"):
        page.screenshot(path=Path(os.environ["RADPROMPT_SCREENSHOTS"]) / "serve.jpg", quality=80, full_page=True)
    page.focus("#features tbody tr:first-child input[type=range]")
    page.keyboard.press("End")
    page.wait_for_selector("#features tr.changed .mark")
    checked("what_if")


def test_a_tables_model_has_values_alone(opened, tmp_path):
    write_final_model(tmp_path / "models/final")
    with serving(tmp_path, tmp_path / "images") as running:
        page = opened(running.address)
        page.wait_for_selector("#result:not([hidden])")
        assert page.locator("#stage").is_hidden()
        assert "2 of 2 features without a value" in page.inner_text("#notes")
        page.select_option("#features select", "odd")
        page.fill("#features input[type=text]", "24.5")
        page.wait_for_selector("#notes", state="hidden")
        values = {"area": 24.5, "shape": "odd"}
        expected = running.client.post("predict", json={"values": values, "site": "North"}).json()
        assert page.locator(".answer b").all_inner_texts() == [f"{expected['probability']:.3f}"]
        assert page.locator("#page").is_hidden()
        page.screenshot(path=tmp_path / "values.png", full_page=True)
        assert faint(page) == []
        assert not_hidden(page) == []
        assert nameless(page) == []
        page.context.close()
