"""Great Expectations' Data Docs of stored results, as pages that open from disk and load nothing.

Sections are Great Expectations' own, from its renderers and templates. Its page around them loads styles and scripts
from content networks and shows an advertisement; ours (``templates/``) brings one style sheet, unfolds without scripts
and forbids the browser any request. Ids are counted instead of drawn, so that the same results give the same bytes.
"""

import html
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.gates.expectations import RUN_AGAIN
from radprompt.gates.results import PASSED, columns_of, counts, severity, words

_OF_TABLE = "Table-Level Expectations"
"""Great Expectations' title of the section with what is expected of no single column."""

STAGES = ("raw", "lesions", "masks", "features", "prompts", "predictions")
"""What is checked, in the pipeline's order."""


def read_results(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the stored results of every suite by what was checked (``lesions``, ``predictions/vindr``).

    They come in the pipeline's order, and within a stage by name.

    Raises
    ------
    InputError
        There is none, or one is no JSON.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(folder.rglob("*.json")):
        what = path.parent.relative_to(folder).as_posix()
        if path.name == PASSED or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"not valid JSON: {error}", where=str(path), fix=RUN_AGAIN) from None
        if "suite_name" in content:
            found.setdefault(what, []).append(content)
    if not found:
        raise InputError("nothing was checked yet", where=str(folder), fix="run `dvc repro validation`")
    return dict(sorted(found.items(), key=lambda item: _rank(item[0])))


def _rank(what: str) -> tuple[int, str]:
    stage = what.split("/")[0]
    return STAGES.index(stage) if stage in STAGES else len(STAGES), what


def merged(found: Mapping[str, Iterable[dict[str, Any]]]) -> dict[str, dict[str, int]]:
    """Return the counts of every suite, and their ``total``."""
    by_suite = {result["suite_name"]: counts(result) for results in found.values() for result in results}
    total = {key: sum(each[key] for each in by_suite.values()) for key in ("expectations", "met", "errors", "warnings")}
    return {**by_suite, "total": {"suites": len(by_suite), **total}}


def unmet_expectations(found: Mapping[str, Iterable[dict[str, Any]]]) -> pd.DataFrame:
    """Return the expectations that are not met, errors first: suite, severity, expectation and number of rows.

    Ids and values of rows are left out, so that the table may be passed on with the counts; ``rows`` is empty where an
    expectation is not about rows.
    """
    unmet = [
        {
            "suite": result["suite_name"],
            "severity": severity(each),
            "expectation": each["expectation_config"]["description"],
            "rows": each["result"].get("unexpected_count"),
        }
        for results in found.values()
        for result in results
        for each in result["results"]
        if not each["success"]
    ]
    table = pd.DataFrame(unmet, columns=["suite", "severity", "expectation", "rows"]).astype({"rows": "Int64"})
    return table.sort_values("severity", kind="stable", ignore_index=True)


def write_pages(found: Mapping[str, Iterable[dict[str, Any]]], folder: Path) -> list[Path]:
    """Write ``index.html`` and one page a suite into an existing folder; return the suites' pages."""
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    view, renderer = _view(), ValidationResultsPageRenderer(run_info_at_end=True)
    pages, rows = [], []
    for what, results in found.items():
        for result in results:
            name = result["suite_name"]
            unmet_first = sorted(result["results"], key=lambda each: each["success"])
            shown = result | {"results": [_in_one_cell(each) for each in unmet_first]}
            document = renderer.render(expectationSuiteValidationResultSchema.load(_escaped(shown)))
            page = folder / f"{name}.html"
            document.sections = document.sections[1:-1]  # what ours says above: counts, and how it was run
            failed = sorted((each for each in unmet_first if not each["success"]), key=severity)
            unmet = [(severity(each), words(each)) for each in failed]
            places = {each["expectation_config"]["kwargs"].get("column", _OF_TABLE) for each in failed}
            document.sections.sort(key=lambda section: section.section_name not in places)
            own = {"suite": name, "file": result["meta"]["file"], "counts": counts(result), "unmet": unmet}
            own["places"] = places
            content = view.render(document, **own)
            page.write_text(_tidy(content), encoding="utf-8", newline="\n")
            pages.append(page)
            rows.append({"what": what, "suite": name, "file": result["meta"]["file"], "unmet": unmet, **counts(result)})
    rows.sort(key=lambda row: (-row["errors"], -row["warnings"]))
    index = view.env.get_template("index.html").render(rows=rows, total=merged(found)["total"])
    (folder / "index.html").write_text(_tidy(index), encoding="utf-8", newline="\n")
    return pages


def _in_one_cell(checked: dict[str, Any]) -> dict[str, Any]:
    """Return a result whose rows hold the values of several columns, each with its name, in one cell.

    Great Expectations shows them in the order of a set of the columns' names, another in each process.
    """
    found = checked["result"]
    if not found.get("unexpected_index_list") or len(columns := columns_of(checked)) < 2:
        return checked
    rows = [
        {"values": ", ".join(f"{name} {row[name]}" for name in columns)}
        | {key: row[key] for key in found["unexpected_index_column_names"]}
        for row in found["unexpected_index_list"]
    ]
    return checked | {"result": found | {"unexpected_index_list": rows}}


def _escaped(value: Any) -> Any:
    """Return a copy whose texts are safe in HTML: Great Expectations' tables print values of the data as they are."""
    if isinstance(value, dict):
        return {name: _escaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_escaped(inner) for inner in value]
    return html.escape(value, quote=False) if isinstance(value, str) else value


def _view() -> Any:
    """Return Great Expectations' page view with our templates before its own."""
    from great_expectations.render.view import DefaultJinjaPageView
    from jinja2 import ChoiceLoader, FileSystemLoader

    class OfflineView(DefaultJinjaPageView):
        """Pages from our templates; ids by counting."""

        _template = "suite.html"

    view = OfflineView()
    ours = FileSystemLoader(str(files("radprompt.gates").joinpath("templates")))
    view.env.loader = ChoiceLoader([ours, *filter(None, [view.env.loader])])
    numbers = count(1)
    view.env.filters["generate_html_element_uuid"] = lambda prefix="": f"{prefix}{next(numbers)}"
    return view


def _tidy(page: str) -> str:
    """Drop trailing blanks and empty lines: templates leave many."""
    return "\n".join(line.rstrip() for line in page.splitlines() if line.strip()) + "\n"
