"""What tests of local pages ask of a page in a browser: contrast, nothing cut off, a name for each control."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CONTROLS = ("button", "textbox", "searchbox", "combobox", "slider", "img", "radio", "application")


@contextmanager
def running_browser(sync_api: Any) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM)
        yield running
        running.close()


def nameless(page: Any) -> list[str]:
    """Controls that a screen reader has no name for."""
    lines = [line.strip().rstrip(":") for line in page.locator("body").aria_snapshot().splitlines()]
    return [line for line in lines if line in {f"- {role}" for role in CONTROLS}]


def faint(page: Any) -> list[str]:
    """Texts whose contrast is below WCAG's AA."""
    return [words for ratio, words in page.evaluate(CONTRAST) if ratio < 4.5]


def not_hidden(page: Any) -> list[str]:
    """Elements that the page calls hidden and a rule of its style shows all the same."""
    return page.evaluate(
        """() => [...document.querySelectorAll("[hidden]")]
          .filter((element) => getComputedStyle(element).display !== "none").map((element) => element.id)"""
    )


CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest(".aside")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, `${element.tagName} ${element.id} ${element.className} ${element.textContent.slice(0, 30)}`]);
  }
  return found;
}"""
"""Contrast of every visible text with what is behind it (WCAG 2.2, relative luminance)."""

CUT_OFF = """([parts, wide_only]) => {
  const leaves = (e) => {
    const r = e.getBoundingClientRect();
    const wide = e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline";
    const below = r.top < 0 || r.bottom > innerHeight + 0.5;
    const beyond = r.left < 0 || r.right > innerWidth + 0.5 || (below && !wide_only);
    return r.width > 0 && (beyond || (wide && !e.matches("input, select")));
  };
  return [...document.querySelectorAll(parts.join())]
    .filter((e) => e.checkVisibility() && !e.closest(".aside, option") && leaves(e))
    .map((e) => `${e.tagName} ${e.id} ${e.textContent.slice(0, 40)}`);
}"""
"""Elements of some selectors that leave the window (with True: to the sides) or are wider than their place."""
