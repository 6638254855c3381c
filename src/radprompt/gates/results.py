"""What the results of suites come to: counts, the words of an error, the files of a stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_json
from radprompt.gates.expectations import Suite
from radprompt.gates.running import run_suites

METRICS, DETAILS, FAILED = Path("metrics/validation"), Path("data/validation"), Path(".radprompt/validation")
PASSED = "passed.json"
"""File in a stage's folder that later stages depend on. It changes when a suite is added, not when data are."""

_ROWS, _EXPECTATIONS = 3, 5
"""How many of each an error spells out."""


def conclude(what: str, suites: Sequence[Suite]) -> str:
    """Run suites and write what they found, or stop.

    Parameters
    ----------
    what
        Part of the pipeline that is checked, such as ``features`` or ``predictions/vindr``: names the files.
    suites
        All of its suites.

    Returns
    -------
    str
        What was found, a line for each suite and warning.

    Raises
    ------
    InputError
        An expectation of severity error is not met. Outputs are left as they were; all results are in
        ``.radprompt/validation/<what>.json``.
    """
    results = run_suites(suites)
    failed = FAILED / f"{what}.json"
    if any(counts(result)["errors"] for result in results):
        write_json(failed, {"suites": results})
        raise refusal(results, failed)
    failed.unlink(missing_ok=True)
    with atomic_folder(DETAILS / what) as folder:
        for result in results:
            write_json(folder / f"{result['suite_name']}.json", result)
        write_json(folder / PASSED, {"passed": sorted(result["suite_name"] for result in results)})
    write_json(METRICS / f"{what}.json", {result["suite_name"]: counts(result) for result in results})
    lines = []
    for result in results:
        found = counts(result)
        lines.append(f"{result['suite_name']}: {found['met']} of {found['expectations']} met, {found['rows']} rows")
        lines += [f"  warning: {words(each)}" for each in result["results"] if not each["success"]]
    return "\n".join(lines)


def counts(result: dict[str, Any]) -> dict[str, int]:
    """Return rows, expectations, those met, and by severity those that were not (unchecked ones are errors)."""
    unmet = [severity(each) for each in result["results"] if not each["success"]]
    expectations = len(result["results"])
    return {
        "rows": result["meta"]["rows"],
        "expectations": expectations,
        "met": expectations - len(unmet),
        "errors": unmet.count("error"),
        "warnings": unmet.count("warning"),
    }


def severity(checked: dict[str, Any]) -> str:
    """Return the severity of one result; an expectation that could not be checked is an error."""
    if checked["exception_info"]["raised_exception"]:
        return "error"
    return checked["expectation_config"]["meta"]["severity"]


def refusal(results: Sequence[dict[str, Any]], saved: Path) -> InputError:
    """Return the error that names suites, columns, the first rows and what to do."""
    lines, fixes, where = [], [], ""
    for result in results:
        unmet = [each for each in result["results"] if not each["success"] and severity(each) == "error"]
        if not unmet:
            continue
        where = where or result["meta"]["file"]
        count = f"{len(unmet)} expectation{'s' if len(unmet) > 1 else ''} not met"
        place = "" if result["meta"]["file"] == where else f" ({result['meta']['file']})"
        lines.append(f"{count} of suite {result['suite_name']}{place}")
        lines += [f"  {words(each)}" for each in unmet[:_EXPECTATIONS]]
        lines += [f"  ... and {len(unmet) - _EXPECTATIONS} more"] * (len(unmet) > _EXPECTATIONS)
        fixes += [each["expectation_config"]["meta"]["fix"] for each in unmet]
    first = list(dict.fromkeys(fixes))[:2]
    return InputError("\n".join(lines), where=where, fix=f"{'; or '.join(first)}\nAll results: {saved.as_posix()}")


def words(checked: dict[str, Any]) -> str:
    """Return what is wrong in one line: what should hold, in how many rows it doesn't, and the first of them."""
    configuration, result = checked["expectation_config"], checked["result"]
    says = configuration["description"]
    if checked["exception_info"]["raised_exception"]:
        return f"{says}: cannot be checked ({_first_line(checked['exception_info']['exception_message'])})"
    if "unexpected_count" in result:
        rows, keys = result["unexpected_index_list"], result["unexpected_index_column_names"]
        shown = [_row(row, keys, columns_of(checked)[:4]) for row in rows[:_ROWS]]
        more = f"; ... {len(rows) - _ROWS} more" if len(rows) > _ROWS else ""
        count = result["unexpected_count"]
        return f"{says}: not in {count} row{'s' if count > 1 else ''}: {'; '.join(shown)}{more}"
    return f"{says}: {_observed(result, exactly=configuration['kwargs'].get('exact_match', True))}"


def columns_of(checked: dict[str, Any]) -> list[str]:
    """Return the columns that one result is about, in its expectation's order, without those that only name the row."""
    arguments, keys = checked["expectation_config"]["kwargs"], checked["result"]["unexpected_index_column_names"]
    single = [arguments[name] for name in ("column", "column_A", "column_B") if name in arguments]
    return [name for name in single or arguments.get("column_list", []) if name not in keys]


def _row(row: dict[str, Any], keys: list[str], own: list[str]) -> str:
    place = ", ".join(f"{name} {_value(row[name])}" for name in keys if name in row)
    values = ", ".join(f"{name} = {_value(row[name])}" for name in own if name in row)
    return f"{place} ({values})" if values else place


def _value(value: Any) -> str:
    if value is None or value == "nan":
        return "empty"
    if isinstance(value, float):
        return f"{value:.9g}"
    return value if isinstance(value, str) and value and not value.isspace() else repr(value)


def _observed(result: dict[str, Any], *, exactly: bool) -> str:
    wrong = (result.get("details") or {}).get("mismatched")
    if isinstance(wrong, dict):
        missing, more = wrong.get("missing") or [], wrong.get("unexpected") or []
        parts = [f"{', '.join(missing)} missing"] * bool(missing)
        return "; ".join(parts + [f"{', '.join(more)} not expected"] * bool(more and exactly))
    if result.get("partial_missing_list"):
        return f"{', '.join(_value(value) for value in result['partial_missing_list'])} occurs in no row"
    return f"found {_value(result.get('observed_value'))}"


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
