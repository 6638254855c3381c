"""The page in headless Chromium: what a reader does, and what is then on disk.

``RADPROMPT_SCREENSHOTS=docs/assets python -m pytest tests/unit/review/test_browser.py -k screenshots`` remakes the
pictures of docs/review.md; those of every size and scheme are in the tests' temporary folders.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest
import SimpleITK
from page_checks import CHROMIUM, CUT_OFF, faint, nameless, not_hidden, running_browser
from review_study import DATASET, FOLDER, GRID

from radprompt.mammograms.imaging.contours import polygon_mask, read_mask
from radprompt.mammograms.segmentation.quality import dice
from radprompt.review.worklist import Worklist
from radprompt.tables.reviews import read_reviews

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (requirements/dev.txt)")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running_browser(sync_api) as running:
        yield running


@pytest.fixture
def page(browser) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.faults = faults
    yield page
    context.close()
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


def see(page, lesion: str) -> None:
    """Wait until a lesion and its pictures are shown."""
    page.wait_for_selector(f'body[data-lesion="{lesion}"]')
    page.wait_for_selector("#other canvas")
    page.wait_for_selector("#whole canvas")


def choose(page, lesion: str) -> None:
    page.click(f'#lesions button[title="{lesion}"]')
    see(page, lesion)


def place(page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the whole image, in pixels, is on the screen."""
    return tuple(
        page.evaluate(
            """async ([x, y]) => {
              const { present, shownAt } = await import("./assets/app.js");
              return shownAt(x, y);
            }""",
            [x, y],
        )
    )


def drag(page, points: list[tuple[float, float]], **down: Any) -> None:
    first, *rest = [place(page, *point) for point in points]
    page.mouse.move(*first)
    page.mouse.down(**down)
    for point in rest:
        page.mouse.move(*point, steps=4)
    page.mouse.up(**down)


def saved(page, words: str) -> None:
    page.wait_for_function("words => document.getElementById('standing').textContent.includes(words)", arg=words)


def circle(centre: tuple[float, float], radius: float, count: int = 24) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [(float(centre[0] + radius * np.cos(a)), float(centre[1] + radius * np.sin(a))) for a in angles]


def middle(study: Path, lesion: str) -> tuple[float, float]:
    rows, columns = np.nonzero(read_mask(study / f"data/masks/{DATASET}/{lesion}.png"))
    return float(columns.mean()), float(rows.mean())


def disc(centre: tuple[float, float], radius: float) -> np.ndarray:
    """Pixels whose centre is within the radius of a point in continuous coordinates."""
    y, x = np.mgrid[: GRID.rows, : GRID.columns] + 0.5
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2


def test_accept_goes_to_the_next_doubtful_lesion(page, served, study):
    page.goto(served().address)
    see(page, "p2_CC")
    assert page.inner_text("#doubts") == "Ellipse: too little"
    page.keyboard.press("Enter")
    see(page, "p3_MLO")
    assert page.inner_text("#progress-words") == "1 of 6 decided"
    review = read_reviews(study / FOLDER)[0]
    assert (review.lesion_id, review.decision, review.dice) == ("p2_CC", "accepted", "1.0000")
    assert 0 < int(review.milliseconds) < 60_000


def test_an_outline_by_clicks_is_the_mask(page, served, study):
    page.goto(served().address)
    see(page, "p2_CC")
    page.keyboard.press("d")
    ring = circle(middle(study, "p2_CC"), 25)
    for point in ring:
        page.mouse.click(*place(page, *point))
    page.keyboard.press("Enter")
    saved(page, "Unfinished")
    page.keyboard.press("Enter")
    see(page, "p3_MLO")
    taken = read_mask(study / FOLDER / "p2_CC.png")
    # Coordinates of the page are those of pixels' corners, of the library those of their centres.
    assert dice(taken, polygon_mask(np.array(ring) - 0.5, GRID.shape)) > 0.98


def test_points_are_dragged_inserted_and_removed(page, served, study):
    page.goto(served().address)
    choose(page, "p1_CC")
    before = read_mask(study / f"data/masks/{DATASET}/p1_CC.png")
    page.keyboard.press("c")
    assert page.inner_text("#dice") == "1.000"  # looking at the points changes nothing
    x, y = page.evaluate(
        """async () => {
          const { handles } = await import("./assets/app.js");
          return handles()[0].reduce((most, point) => (point[0] > most[0] ? point : most));
        }"""
    )
    drag(page, [(x, y), (x + 20, y)])
    saved(page, "Unfinished")
    page.keyboard.press("Enter")
    page.wait_for_selector("#lesions button[title=p1_CC] .corrected")
    taken = read_mask(study / FOLDER / "p1_CC.png")
    assert taken[int(y), int(x) + 12]
    assert not before[int(y), int(x) + 12]
    assert dice(taken, before) > 0.9
    assert taken.sum() > before.sum()


def test_brush_and_eraser_paint_what_the_circle_covers(page, served, study):
    page.goto(served().address)
    choose(page, "p1_CC")
    before, centre = read_mask(study / f"data/masks/{DATASET}/p1_CC.png"), middle(study, "p1_CC")
    page.keyboard.press("b")
    page.evaluate(
        "document.getElementById('size').value = 15; document.getElementById('size').dispatchEvent(new Event('input'))"
    )
    outside = (centre[0] + 45, centre[1])
    drag(page, [outside])
    page.keyboard.press("e")
    drag(page, [centre])
    saved(page, "Unfinished")
    page.keyboard.press("Enter")
    page.wait_for_selector("#lesions button[title=p1_CC] .corrected")
    taken = read_mask(study / FOLDER / "p1_CC.png")
    assert dice(taken, (before | disc(outside, 15)) & ~disc(centre, 15)) > 0.98


def test_undo_redo_and_restore(page, served, study):
    page.goto(served().address)
    choose(page, "p1_CC")
    drawn, centre = page.inner_text("#area"), middle(study, "p1_CC")
    page.keyboard.press("e")
    drag(page, [centre])
    erased = page.inner_text("#area")
    assert erased != drawn
    saved(page, "Unfinished")
    page.keyboard.press("z")
    assert page.inner_text("#area") == drawn
    saved(page, "Not decided")  # equal to the drawn contour: no draft is left
    assert not (study / FOLDER / ".drafts/ann/p1_CC.png").exists()
    page.keyboard.press("Control+Shift+z")
    assert page.inner_text("#area") == erased
    page.keyboard.press("r")
    assert page.inner_text("#area") == drawn
    assert page.inner_text("#dice") == "1.000"
    page.keyboard.press("Control+z")
    assert page.inner_text("#area") == erased


def test_a_dragged_box_and_a_click_ask_nnunet_again(page, segmenter, served):
    page.goto(served().address)
    choose(page, "p1_CC")
    (x, y), shape = middle(segmenter, "p1_CC"), page.inner_text("#area")
    page.keyboard.press("x")
    corners = [(round(x) - 30, round(y) - 20), (round(x) + 30, round(y) + 20)]
    drag(page, corners)
    page.wait_for_function("() => document.getElementById('area').textContent.startsWith('2,400 px')")
    saved(page, "Unfinished")
    page.keyboard.press("z")
    assert page.inner_text("#area") == shape
    drag(page, [(x + 5, y)])  # a click: the lesion's own box, moved there
    xmin, ymin, xmax, ymax = next(
        lesion.box for lesion in Worklist(segmenter, DATASET).everything if lesion.lesion_id == "p1_CC"
    )
    size = f"{(xmax - xmin) * (ymax - ymin):,} px"
    page.wait_for_function("words => document.getElementById('area').textContent.startsWith(words)", arg=size)


def disc_in_slice(centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: made_up.SIZE[1], : made_up.SIZE[0]] + 0.5
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2


def in_slice(page, number: int) -> None:
    words = f"{number} ("
    page.wait_for_function("w => document.getElementById('slice-words').textContent.startsWith(w)", arg=words)


def test_a_volume_is_corrected_slice_by_slice(page, served, volumes):
    page.goto(served(target=volumes).address)
    see(page, "c0")
    sphere = made_up.sphere_values(made_up.grid()) > 0
    at = int(sphere.sum(axis=(1, 2)).argmax())
    rows, columns = np.nonzero(sphere[at])
    centre = float(columns.mean()) + 0.5, float(rows.mean()) + 0.5
    in_slice(page, at + 1)
    volume = page.inner_text("#area")
    page.evaluate(
        "document.getElementById('size').value = 4; document.getElementById('size').dispatchEvent(new Event('input'))"
    )
    page.keyboard.press("e")
    drag(page, [centre])
    saved(page, "Unfinished")
    page.keyboard.press("PageDown")
    in_slice(page, at + 2)
    page.keyboard.press("b")
    corner = (centre[0] - 16, centre[1])
    drag(page, [corner])
    changed = page.inner_text("#area")
    # What is undone is shown: the page goes back to the slice of the stroke.
    page.mouse.wheel(0, -100)
    in_slice(page, at + 1)
    page.keyboard.press("z")
    in_slice(page, at + 2)
    page.keyboard.press("z")
    in_slice(page, at + 1)
    page.wait_for_function("words => document.getElementById('area').textContent === words", arg=volume)
    page.keyboard.press("y")
    in_slice(page, at + 1)
    page.keyboard.press("y")
    in_slice(page, at + 2)
    page.wait_for_function("words => document.getElementById('area').textContent === words", arg=changed)
    saved(page, "Unfinished")
    page.reload()
    see(page, "c0")
    assert page.inner_text("#area") == changed
    page.keyboard.press("Enter")
    see(page, "c1")
    taken = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(volumes / "review/c0.nrrd"))) > 0
    expected = sphere.copy()
    expected[at] &= ~disc_in_slice(centre, 4)
    expected[at + 1] |= disc_in_slice(corner, 4)
    assert dice(taken, expected) > 0.98
    for stroke in (at, at + 1):
        assert dice(taken[stroke], expected[stroke]) > 0.98
    untouched = np.setdiff1d(np.arange(len(sphere)), [at, at + 1])
    np.testing.assert_array_equal(taken[untouched], sphere[untouched])


def test_slices_by_slider_copied_and_restored(page, served, volumes):
    page.goto(served(target=volumes).address)
    see(page, "c0")
    zoom, window, whole = page.inner_text("#zoom"), page.inner_text("#window"), page.inner_text("#area")
    slider = page.locator("#slice")
    slider.focus()
    page.keyboard.press("End")  # a slice without contour
    last = int(slider.get_attribute("max"))
    shown = "last => document.getElementById('slice-words').textContent.includes(`(${last + 1} of`)"
    page.wait_for_function(shown, arg=last)
    assert (page.inner_text("#zoom"), page.inner_text("#window")) == (zoom, window)
    page.focus("#view")
    for _ in range(last):
        page.keyboard.press("PageUp")
    page.wait_for_function(shown, arg=0)
    assert page.inner_text("#area") == whole
    middle_ = last // 2
    for _ in range(middle_):
        page.keyboard.press("PageDown")
    page.wait_for_function(shown, arg=middle_)
    page.keyboard.press("Shift+K")
    copied = page.inner_text("#area")
    assert copied != whole
    saved(page, "Unfinished")
    page.keyboard.press("r")
    page.wait_for_function("words => document.getElementById('area').textContent === words", arg=whole)
    saved(page, "Not decided")
    page.select_option("#filter", "flag")
    assert page.locator("#lesions button").count() == 0
    assert slider.get_attribute("aria-label") == "Slice"
    assert nameless(page) == []


def test_unusable_by_keys_alone_and_taken_back(page, served, study):
    page.goto(served().address)
    see(page, "p2_CC")
    page.keyboard.press("u")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    see(page, "p3_MLO")
    assert read_reviews(study / FOLDER)[0].reason == "Not a mass"
    page.keyboard.press("p")
    see(page, "p2_CC")
    assert page.inner_text("#standing") == "Unusable: Not a mass"
    page.keyboard.press("t")
    saved(page, "Not decided")
    assert read_reviews(study / FOLDER) == []


def test_filters_search_window_and_zoom(page, served):
    page.goto(served().address)
    see(page, "p2_CC")
    page.select_option("#filter", "parts")
    assert page.locator("#lesions button").count() == 1
    page.select_option("#filter", "all")
    page.keyboard.press("Escape")
    page.focus("#view")
    page.keyboard.press("f")
    page.keyboard.type("patient 3 mlo")
    assert page.locator("#lesions button").count() == 1
    page.keyboard.press("Escape")
    zoom, window = page.inner_text("#zoom"), page.inner_text("#window")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_function("old => document.getElementById('zoom').textContent !== old", arg=zoom)
    assert page.inner_text("#window") != window
    page.keyboard.press("0")
    page.keyboard.press("a")
    page.wait_for_function("old => document.getElementById('zoom').textContent === old", arg=zoom)
    assert page.inner_text("#window") == window


def start(study: Path, reader: str = "ann") -> tuple[subprocess.Popen, str]:
    """Serve as a user does, in a process of its own."""
    command = [sys.executable, "-m", "radprompt", "review", DATASET, "--serve", "--reader", reader]
    process = subprocess.Popen(
        command, cwd=study, env=os.environ | {"PYTHONPATH": str(SOURCE)}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    address = next(line.strip() for line in process.stdout if line.startswith("http"))
    return process, address


def test_a_killed_server_loses_at_most_the_stroke_in_hand(page, study):
    process, address = start(study)
    try:
        page.goto(address)
        see(page, "p2_CC")
        centre = middle(study, "p2_CC")
        page.keyboard.press("e")
        drag(page, [centre])
        saved(page, "Unfinished")
        area = page.inner_text("#area")
        process.send_signal(signal.SIGKILL)
        process.wait()
        drag(page, [(centre[0] + 12, centre[1])])
        page.wait_for_selector("#alert:not([hidden])")
        assert "does not answer" in page.inner_text("#alert")
    finally:
        process.kill()
        process.wait()
    again, address = start(study)
    try:
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(address)
        see(page, "p2_CC")
        assert page.inner_text("#area") == area
        assert page.inner_text("#standing") == "Unfinished, saved"
        assert page.locator("#lesions .unfinished").count() == 1
    finally:
        again.terminate()
        again.wait()


def test_nothing_is_called_saved_before_it_is(page, served, study):
    page.goto(served().address)
    see(page, "p2_CC")
    held: list[Any] = []
    page.route("**/draft", lambda route: held.append(route))
    page.keyboard.press("e")
    centre = middle(study, "p2_CC")
    for count, x in ((1, centre[0]), (2, centre[0] + 12)):
        with page.expect_request("**/draft"):
            drag(page, [(x, centre[1])])
            if count == 2:  # drawn while the first is on its way: its answer speaks of the first alone
                held[0].continue_()
        assert page.inner_text("#standing") == "Changes not saved yet"
    held[1].continue_()
    saved(page, "Unfinished, saved")


def test_a_stroke_that_was_not_saved_keeps_its_lesion_open_until_it_is(page, served, study):
    page.goto(served().address)
    see(page, "p2_CC")
    page.route("**/draft", lambda route: route.fulfill(status=507, json={"error": "Not saved: the disk is full."}))
    page.keyboard.press("e")
    drag(page, [middle(study, "p2_CC")])
    page.wait_for_selector("#alert:not([hidden])")
    area = page.inner_text("#area")
    page.keyboard.press("n")
    page.unroute("**/draft")
    assert "the disk is full" in page.inner_text("#alert")
    page.click("#alert button")
    saved(page, "Unfinished")
    assert page.locator("#alert").is_hidden()
    assert page.inner_text("#area") == area
    page.keyboard.press("n")
    see(page, "p3_MLO")
    page.keyboard.press("p")
    see(page, "p2_CC")
    assert page.inner_text("#area") == area


def test_an_image_that_cannot_be_read_is_said_and_can_be_excluded(page, served, study):
    (study / f"data/raw/{DATASET}/2/CC.dcm").write_bytes(b"damaged")
    page.goto(served().address)
    page.wait_for_selector("#alert:not([hidden])")
    assert "not a DICOM file" in page.inner_text("#alert")
    page.wait_for_selector("#accept:disabled")
    for key in ("c", ".", "Enter", "Shift+ArrowUp", "+", "b", "r", "z"):
        page.keyboard.press(key)
    page.keyboard.press("u")
    page.fill("#reason", "Damaged file")
    page.keyboard.press("Enter")
    see(page, "p3_MLO")
    assert [(review.lesion_id, review.reason) for review in read_reviews(study / FOLDER)] == [("p2_CC", "Damaged file")]


def test_a_second_tab_on_the_lesion_is_told(page, served, study):
    address = served().address
    page.goto(address)
    see(page, "p2_CC")
    other = page.context.new_page()
    other.goto(address)
    see(other, "p2_CC")
    centre = middle(study, "p2_CC")
    for tab in (page, other):
        tab.bring_to_front()
        tab.keyboard.press("e")
    drag(page, [centre])
    saved(page, "Unfinished")
    drag(other, [(centre[0] + 8, centre[1])])
    other.wait_for_selector("#alert:not([hidden])")
    assert "changed in another tab" in other.inner_text("#alert")
    other.click("#alert button")
    other.wait_for_function(
        "words => document.getElementById('area').textContent === words", arg=page.inner_text("#area")
    )


def test_the_page_asks_its_own_server_alone(page, served):
    address = served().address
    page.goto(address)
    see(page, "p2_CC")
    assert len(page.asked) > 8
    assert [url for url in page.asked if not url.startswith(address)] == []
    assert page.context.cookies() == []


@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(1280, 720, "dark"), (1280, 720, "light"), (1920, 1080, "light")]
)
def test_a_volumes_page_has_contrast_and_nothing_cut_off(browser, served, volumes, tmp_path, width, height, scheme):
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(served(target=volumes).address)
    see(page, "c0")
    page.keyboard.press("PageDown")
    page.keyboard.press("c")
    page.screenshot(path=tmp_path / "volume.png")
    if os.environ.get("RADPROMPT_SCREENSHOTS") and (width, scheme) == (1280, "light"):
        page.screenshot(path=Path(os.environ["RADPROMPT_SCREENSHOTS"]) / "review_volume.jpg", quality=80)
    assert faint(page) == []
    assert not_hidden(page) == []
    assert page.evaluate(CUT_OFF, [PARTS, False]) == []
    image = page.locator("#view").bounding_box()
    assert image["width"] * image["height"] > 0.4 * width * height
    context.close()


PARTS = ["header *", "#tools *", "#decisions *", "#measures *", "#caption *", "figcaption", "#count"]
PARTS += ["#worklist label *", "dialog[open] *"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=["1280", "1920"])
def test_screenshots_have_contrast_and_nothing_cut_off(browser, served, study, tmp_path, size, scheme):
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(served().address)
    see(page, "p2_CC")
    documented = os.environ.get("RADPROMPT_SCREENSHOTS") and (width, scheme) == (1280, "light")
    for number, keys in enumerate(("d", "", "?", "u")):
        if number == 1:
            for point in circle(middle(study, "p2_CC"), 27, 16):
                page.mouse.click(*place(page, *point))
            page.keyboard.press("Enter")
            page.keyboard.press("c")
            saved(page, "Unfinished")
        else:
            page.keyboard.press(keys)
        name = ("page", "corrected", "keys", "unusable")[number]
        page.screenshot(path=tmp_path / f"{name}.png")
        if documented and name in ("corrected", "keys"):
            page.screenshot(path=Path(os.environ["RADPROMPT_SCREENSHOTS"]) / f"review_{name}.jpg", quality=80)
        assert faint(page) == [], name
        assert not_hidden(page) == [], name
        assert page.evaluate(CUT_OFF, [PARTS, False]) == [], name
        assert "not for clinical use" in page.inner_text("#purpose")
        if number == 0:
            page.keyboard.press("Escape")
        if number == 2:
            page.keyboard.press("Escape")
    image, everything = page.locator("#view").bounding_box(), width * height
    assert image["width"] * image["height"] > 0.4 * everything
    context.close()


def test_every_control_has_a_name_for_screen_readers(page, served):
    page.goto(served().address)
    see(page, "p2_CC")
    tree = page.locator("body").aria_snapshot()
    assert nameless(page) == []
    for name in (
        'button "Accept contour Enter"',
        'slider "Brush radius in pixels"',
        'searchbox "Find"',
        'combobox "Show"',
    ):
        assert name in tree
    assert 'application "Region of the lesion: ' in tree
    assert page.locator("#status").inner_text().startswith("L ") or page.locator("#status").inner_text().startswith(
        "R "
    )
