"""Every relative link of the documentation leads to a file, and its anchor to a heading; the site's pages keep both."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PREPARE = runpy.run_path(str(ROOT / "docs/tools/prepare.py"))
_FILES = re.compile(r"`((?:src/radprompt|stages|tests|docs)/[\w/.-]+)`")
_SCRATCH = ("hospital",)
"""What a recipe makes in a scratch clone."""
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    found: list[str] = []

    def note(line, number):
        if match := re.match(r"#{1,6} (.+)", line):
            kept = re.sub(r"[^\w\- ]", "", match[1].strip().lower()).replace(" ", "-")
            found.append(f"{kept}-{count}" if (count := found.count(kept)) else kept)
        return line

    PREPARE["outside_code"](page.read_text(encoding="utf-8"), note)
    return set(found)


def _broken(page: Path) -> list[str]:
    broken = []
    for number, target in PREPARE["links"](page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        if not (place.is_relative_to(ROOT) and place.exists()):
            broken.append(f"line {number}: {target}: no such file")
        elif anchor and anchor not in _anchors(place):
            broken.append(f"line {number}: {target}: no such heading")
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    assert _broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_modules_that_pages_name_are_there(page):
    named = set(
        re.findall(r"(?:`|^::: |from )(radprompt(?:\.[a-zA-Z_]+)+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert [name for name in sorted(named) if not _exists(name)] == []


def _exists(name: str) -> bool:
    """Tell whether a dotted name is a module, or a name in one, without importing it."""
    place = ROOT / "src" / name.replace(".", "/")
    if name.startswith("radprompt.stages"):  # the wheel's name of stages/
        place = ROOT / name.removeprefix("radprompt.").replace(".", "/")
    if place.is_dir() or place.with_suffix(".py").is_file() or any(word in name for word in _SCRATCH):
        return True
    module = place.parent.with_suffix(".py") if place.parent.name != "radprompt" else place.parent / "__init__.py"
    return module.is_file() and re.search(rf"\b{place.name}\b", module.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_pages_name_are_there(page):
    named = set(_FILES.findall(page.read_text(encoding="utf-8")))
    wanted = [name for name in sorted(named) if not any(word in name for word in _SCRATCH)]
    assert [name for name in wanted if not (ROOT / name).exists()] == []


def test_a_broken_link_is_found(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "there.md").write_text("# A `b`, c\n\n```\n# no heading\n[x](absent.md)\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[x](there.md) [`y`](there.md#a-b-c) `[z](absent.md)` [u](https://example.org/absent.md)\n"
        "![x](absent.png) [x](there.md#no-heading) [`x` y](../out.md)\n"
    )
    assert _broken(page) == [
        "line 2: absent.png: no such file",
        "line 2: there.md#no-heading: no such heading",
        "line 2: ../out.md: no such file",
    ]


@pytest.mark.parametrize(
    ("source", "page", "text", "expected"),
    [
        ("docs/recipes/a.md", "recipes/a.md", "[b](../b.md#c)", "[b](../b.md#c)"),
        (
            "docs/recipes/a.md",
            "recipes/a.md",
            "[`params.yaml`](../../params.yaml)",
            "[`params.yaml`](../parameters.md)",
        ),
        (
            "CONTRIBUTING.md",
            "contributing.md",
            "see [docs/b.md](docs/b.md), ![d](docs/d.svg)",
            "see [docs/b.md](b.md), ![d](d.svg)",
        ),
        ("docs/b.md", "b.md", "[`src/x.py`](../src/x.py)", "`src/x.py`"),
        ("docs/b.md", "b.md", "[the code](../src/x.py)", "the code (`src/x.py`)"),
        ("docs/b.md", "b.md", r"a \<b\>", r"a &lt;b\>"),
        ("docs/b.md", "b.md", "`[x](no.md)` [u](https://example.org)", "`[x](no.md)` [u](https://example.org)"),
    ],
)
def test_links_that_leave_the_docs_lead_to_a_page_or_become_the_files_name(source, page, text, expected, tmp_path):
    for name in ("docs/b.md", "docs/d.svg", "params.yaml", "src/x.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert PREPARE["rewritten"](text, source, page, tmp_path) == expected + "\n"


def test_a_link_to_nothing_stops_the_site(tmp_path):
    with pytest.raises(ValueError, match=r"docs/b\.md, line 3: link to \.\./gone\.py, which is not there"):
        PREPARE["rewritten"]("a\n\n[x](../gone.py)\n", "docs/b.md", "b.md", tmp_path)


def test_an_unknown_table_stops_the_site():
    with pytest.raises(ValueError, match=r"results\.md, line 2: no table 'guesses'"):
        PREPARE["filled"]("a\n<!-- table: guesses -->\n", "results.md")
