"""Suites run by Great Expectations, their results made plain: the same table gives the same bytes."""

import math
import os
from collections.abc import Sequence
from typing import Any

from radprompt.gates.expectations import Suite

_RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False}


def run_suites(suites: Sequence[Suite]) -> list[dict[str, Any]]:
    """Check every suite's table.

    Parameters
    ----------
    suites
        Their names differ.

    Returns
    -------
    list of dict
        Great Expectations' validation result of each, as JSON, in COMPLETE format with the rows' keys: ``suite_name``,
        ``success``, ``statistics``, ``meta`` (version, ``file``, ``rows``) and ``results`` in the suite's order. Times,
        ids, fingerprints and tracebacks are left out.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    severities = {"error": FailureSeverity.CRITICAL, "warning": FailureSeverity.WARNING}
    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    source = context.data_sources.add_pandas("tables")
    found = []
    for suite in suites:
        configurations = [
            ExpectationConfiguration(
                type=expectation.kind,
                kwargs=dict(expectation.arguments),
                description=expectation.says,
                severity=severities[expectation.severity],
                meta={"place": place, "severity": expectation.severity, "fix": expectation.fix},
            )
            for place, expectation in enumerate(suite.expectations)
        ]
        whole = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("whole")
        result = whole.get_batch({"dataframe": suite.table}).validate(
            gx.ExpectationSuite(name=suite.name, expectations=configurations),
            result_format=_RESULT_FORMAT | {"unexpected_index_column_names": list(suite.keys)},
        )
        found.append(_plain(result.to_json_dict(), suite))
    return found


def _plain(result: dict[str, Any], suite: Suite) -> dict[str, Any]:
    version = result["meta"]["great_expectations_version"]
    checked = sorted(
        (_one(each, suite.keys) for each in result["results"]), key=lambda x: x["expectation_config"]["meta"]["place"]
    )
    for each in checked:
        del each["expectation_config"]["meta"]["place"]
    return {
        "suite_name": suite.name,
        "success": result["success"],
        "statistics": _finite(result["statistics"]),
        "meta": {"great_expectations_version": version, "file": suite.file, "rows": len(suite.table)},
        "results": checked,
    }


def _one(checked: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    problem = checked["exception_info"]
    if "raised_exception" not in problem:  # one for each metric that could not be computed
        problem = next(iter(problem.values()))
    configuration = checked["expectation_config"]
    configuration["kwargs"] = {name: configuration["kwargs"][name] for name in sorted(configuration["kwargs"])}
    configuration["kwargs"].pop("batch_id", None)
    if "unexpected_index_list" in checked["result"]:
        checked["result"]["unexpected_index_column_names"] = list(keys)  # Great Expectations forgets them where null
    return {
        "success": checked["success"],
        "expectation_config": _finite(configuration),
        "result": _finite(checked["result"]),
        "exception_info": {
            "raised_exception": problem["raised_exception"],
            "exception_message": problem["exception_message"],
            "exception_traceback": "" if problem["raised_exception"] else None,
        },
    }


def _finite(value: Any) -> Any:
    """Return JSON content with inf and nan as text: a JSON file cannot hold them."""
    if isinstance(value, dict):
        return {str(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
