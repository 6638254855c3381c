import pandas as pd

from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.validation import validation

SUITE = {"rows": 12, "expectations": 9, "met": 7, "errors": 0, "warnings": 2}
TOTAL = {"suites": 1, "expectations": 9, "met": 7, "errors": 0, "warnings": 2}


def test_counts_of_every_suite_are_on_the_page(repository):
    write_json(repository / "metrics/validation.json", {"lesions_a<b": SUITE, "total": TOTAL})
    found = {"suites": [{"name": "lesions_a<b", **SUITE}], "total": TOTAL, "unmet": []}
    assert validation(Reader(repository)) == found
    text = build(repository, load_params(repository / "params.yaml")).audit
    assert "1 suite of expectations: 7 of 9\nmet, 0 errors, 2 warnings" in text
    assert "lesions_a&lt;b" in text
    assert "<code>reports/validation/index.html</code>" in text


def test_what_is_not_met_is_said_before_the_counts_and_suites_unfold_for_errors_alone(repository):
    odd, bad = SUITE, SUITE | {"errors": 1, "warnings": 0}
    fine = SUITE | {"met": 9, "warnings": 0}
    write_json(repository / "metrics/validation.json", {"a": fine, "b": odd, "c": bad, "total": TOTAL | {"errors": 1}})
    rows = [
        ("c", "error", "the label is known", 3),
        ("b", "warning", "the box is inside", 1),
        ("b", "warning", "x", None),
    ]
    table = pd.DataFrame(rows, columns=["suite", "severity", "expectation", "rows"]).astype({"rows": "Int64"})
    write_csv(repository / "metrics/validation_unmet.csv", table)
    found = validation(Reader(repository))
    assert [suite["name"] for suite in found["suites"]] == ["c", "b", "a"]
    assert [each["what"] for each in found["unmet"]] == [
        "the label is known: fails in 3 rows",
        "the box is inside: fails in 1 row",
        "x",
    ]
    text = build(repository, load_params(repository / "params.yaml")).audit
    assert text.index("fails in 3 rows") < text.index("Suite by suite")
    assert "<details open>\n<summary>Suite by suite" in text
    write_json(repository / "metrics/validation.json", {"b": odd, "total": TOTAL})
    text = build(repository, load_params(repository / "params.yaml")).audit
    assert "<details>\n<summary>Suite by suite" in text


def test_before_the_stage_the_page_names_it(repository):
    assert validation(Reader(repository)) is None
    assert "dvc repro validation" in build(repository, load_params(repository / "params.yaml")).audit
