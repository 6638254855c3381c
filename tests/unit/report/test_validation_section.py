from radprompt.core.outputs import write_json
from radprompt.core.params import load_params
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.validation import validation

SUITE = {"rows": 12, "expectations": 9, "met": 7, "errors": 0, "warnings": 2}
TOTAL = {"suites": 1, "expectations": 9, "met": 7, "errors": 0, "warnings": 2}


def test_counts_of_every_suite_are_on_the_page(repository):
    write_json(repository / "metrics/validation.json", {"lesions_a<b": SUITE, "total": TOTAL})
    assert validation(Reader(repository)) == {"suites": [{"name": "lesions_a<b", **SUITE}], "total": TOTAL}
    text = build(repository, load_params(repository / "params.yaml"))
    assert "1 suite of expectations: 7 of 9\nmet, 0 errors, 2 warnings" in text
    assert "lesions_a&lt;b" in text
    assert 'href="../reports/validation/index.html"' in text


def test_before_the_stage_the_page_names_it(repository):
    assert validation(Reader(repository)) is None
    assert "dvc repro validation" in build(repository, load_params(repository / "params.yaml"))
