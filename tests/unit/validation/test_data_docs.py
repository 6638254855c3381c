import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.gates import expectations as expect
from radprompt.gates.data_docs import merged, read_results
from radprompt.gates.expectations import Suite
from radprompt.gates.results import conclude


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Three stored checks, one with a warning whose value is markup."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"row": [1, 2], "name": ["round", "<script>alert(1)</script>"], "x": [0.5, 2.0]})
    odd = [expect.filled("name"), expect.one_of("name", ["round"], severity="warning"), expect.within("x", 0, 3)]
    conclude("features", [Suite("features_c", "data/c.csv", table, ("row",), [expect.filled("x")])])
    conclude("lesions", [Suite("lesions_a", "data/a.csv", table, ("row",), odd)])
    conclude("prompts", [Suite("prompts_vindr", "data/b.csv", table, ("row",), [expect.within("x", 0, 3)])])
    return tmp_path


class Links(HTMLParser):
    """Everything that a page would load or lead to."""

    def __init__(self):
        super().__init__()
        self.found, self.tags = [], set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.found += [value for name, value in attributes if name in ("src", "href", "data", "action", "srcset")]


def test_pages_open_from_disk_and_load_nothing(checked, check):
    check("validation")
    folder = Path("reports/validation")
    pages = sorted(path.name for path in folder.iterdir())
    assert pages == ["features_c.html", "index.html", "lesions_a.html", "prompts_vindr.html"]
    for path in folder.iterdir():
        text = path.read_text()
        links = Links()
        links.feed(text)
        assert not links.tags & {"script", "link", "img", "iframe"}, path.name
        assert all(link.startswith("#") or (folder / link).is_file() for link in links.found), links.found
        assert not re.search(r"https?:|url\(|@import", text)
        assert "default-src 'none'" in text
    index = (folder / "index.html").read_text()
    assert 'href="lesions_a.html"' in index
    assert "3 suites: 4 of 5 expectations met, 0 errors" in index


def test_a_page_shows_what_was_expected_and_what_was_found(checked, check):
    check("validation")
    page = Path("reports/validation/lesions_a.html").read_text()
    assert "name is one of round" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "data/a.csv" in page


def test_what_is_not_met_comes_before_ticks_and_the_rest_is_folded(checked, check):
    check("validation")
    index = Path("reports/validation/index.html").read_text()
    assert index.index("name is one of round") < index.index("<table")
    assert index.index("lesions_a.html") < index.index("<details>") < index.index("features_c.html")
    assert "2 suites that meet every expectation" in index
    page = Path("reports/validation/lesions_a.html").read_text().partition("<main>")[2]
    folds = re.findall(r'<details class="section"( open)?>\n<summary>([^<]+)</summary>', page)
    assert folds == [(" open", "name"), ("", "x: all met")]
    assert page.index("fa-times") < page.index("fa-check-circle")  # of one column, though it is expected first


def test_without_a_warning_all_suites_are_shown(checked, check):
    Path("data/validation/lesions/lesions_a.json").unlink()
    check("validation")
    index = Path("reports/validation/index.html").read_text()
    assert "<details open>" in index
    assert Path("metrics/validation_unmet.csv").read_text() == "suite,severity,expectation,rows\n"


def test_the_table_of_what_is_not_met_has_no_values_of_rows(checked, check):
    check("validation")
    text = Path("metrics/validation_unmet.csv").read_text()
    assert text == "suite,severity,expectation,rows\nlesions_a,warning,name is one of round,1\n"


def test_counts_are_merged_and_bytes_repeat(checked, check):
    def written():
        files = [*Path("reports/validation").iterdir(), Path("metrics/validation.json")]
        return {path.name: path.read_bytes() for path in files}

    check("validation")
    first = written()
    totals = json.loads(first["validation.json"])
    assert list(totals) == ["lesions_a", "features_c", "prompts_vindr", "total"]  # as the pipeline goes
    assert totals["lesions_a"] == {"rows": 2, "expectations": 3, "met": 2, "errors": 0, "warnings": 1}
    assert totals["total"] == {"suites": 3, "expectations": 5, "met": 4, "errors": 0, "warnings": 1}
    assert totals == merged(read_results(Path("data/validation")))
    check("validation")
    assert written() == first
    assert str(checked).encode() not in b"".join(first.values())


def test_both_values_of_a_pair_are_named_in_the_order_of_the_check(checked, check):
    """Great Expectations takes the columns from a set."""
    names = ["b", "a", "width", "xmax", "height"]  # all orders of a set would have to be right
    table = pd.DataFrame({"row": [1, 2], **{name: [9.0, float(place)] for place, name in enumerate(names)}})
    pairs = [(first, second) for place, second in enumerate(names) for first in names[:place]]
    odd = [expect.at_least(first, second, "ends inside", severity="warning") for first, second in pairs]
    conclude("lesions", [Suite("lesions_a", "data/a.csv", table, ("row",), odd)])
    check("validation")
    cells = re.findall(r"(\w+ \d\.0, \w+ \d\.0)", Path("reports/validation/lesions_a.html").read_text())
    assert cells == [f"{first} {names.index(first)}.0, {second} {names.index(second)}.0" for first, second in pairs]


def test_columns_that_are_unique_together_are_named_in_the_order_of_the_check(checked, check):
    table = pd.DataFrame({"row": [1, 2, 3], "side": ["L", "L", "R"], "view": ["CC", "CC", "CC"], "age": [50, 50, 50]})
    odd = [expect.unique("view", "side", "age", severity="warning"), expect.unique("age", "row")]
    conclude("lesions", [Suite("lesions_a", "data/a.csv", table, ("row",), odd)])
    check("validation")
    assert "view CC, side L, age 50" in Path("reports/validation/lesions_a.html").read_text()


def test_nothing_checked_or_a_broken_result_is_an_error(checked):
    with pytest.raises(InputError, match="nothing was checked"):
        read_results(Path("data/elsewhere"))
    Path("data/validation/lesions/lesions_a.json").write_text("{")
    with pytest.raises(InputError) as caught:
        read_results(Path("data/validation"))
    assert caught.value.where.endswith("lesions_a.json")
